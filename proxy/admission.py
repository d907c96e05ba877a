"""Whether a new connection is let in: how many there are, and how many of them come from the same place.

Addresses live here only as long as their connections, and only as keys of a count: none is logged or stored.
"""

import asyncio
import ipaddress
from collections.abc import Sequence
from typing import Final, Literal

from prometheus_client import CollectorRegistry, Counter, Gauge

from proxy.config import Limits

Crowded = Literal["overloaded", "too-many-connections"]
TurnedAway = Literal["overloaded", "too-many-connections", "request-slow", "body-slow", "not-read"]

STATUSES: Final[dict[Crowded, int]] = {"overloaded": 503, "too-many-connections": 429}
_PREFIX_6: Final = 64
"""Of IPv6: one line has at least a /64 of its own, and could come from another address each time (RFC 6177)."""

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class ConnectionMetrics:
    """What Prometheus is told about connections."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._open = Gauge(
            "dvc_edge_connections",
            "Connections of visitors that are open.",
            registry=registry,
            multiprocess_mode="livesum",
        )
        self._turned_away = Counter(
            "dvc_edge_turned_away",
            "Connections that were ended for a limit, by reason.",
            ("reason",),
            registry=registry,
        )

    def stand(self, connections: int) -> None:
        """So many are open now."""
        self._open.set(connections)

    def turned_away(self, reason: TurnedAway) -> None:
        """One connection was ended."""
        self._turned_away.labels(reason).inc()


class Admission:
    """The connections of one worker."""

    def __init__(self, limits: Limits) -> None:
        """Raises ValueError for a shared network that is none; `config` has seen to it."""
        self._most = limits.connections
        self._most_per_address = limits.connections_per_address
        self._shared: Sequence[Network] = [ipaddress.ip_network(text) for text in limits.shared_addresses]
        self._by_place: dict[str, int] = {}
        self.connections = 0

    def enter(self, place: str) -> Crowded | None:
        """Count a connection from a place (`place_of`), which must leave again; or why it is not let in."""
        if self._most and self.connections >= self._most:
            return "overloaded"
        here = self._by_place.get(place, 0)
        if self._most_per_address and here >= self._most_per_address and not self._is_shared(place):
            return "too-many-connections"
        self.connections += 1
        if place:
            self._by_place[place] = here + 1
        return None

    def leave(self, place: str) -> None:
        """Count it no more."""
        self.connections -= 1
        if place:
            here = self._by_place[place] - 1
            if here:
                self._by_place[place] = here
            else:
                del self._by_place[place]

    def _is_shared(self, place: str) -> bool:
        if not self._shared:
            return False
        network = ipaddress.ip_network(place)
        return any(network.version == known.version and network.subnet_of(known) for known in self._shared)  # type: ignore[arg-type]  # of one version

    def __len__(self) -> int:
        """How many places there are connections from."""
        return len(self._by_place)


def place_at(transport: asyncio.BaseTransport, said: str) -> str:
    """Where a connection comes from, as `place_of` says it; `said`: its address, as a load balancer told it."""
    if said:
        return place_of(said)
    peer = transport.get_extra_info("peername")
    return place_of(str(peer[0])) if isinstance(peer, tuple) else ""


def place_of(address: str) -> str:
    """What connections are counted by: an IPv4 address, the /64 of an IPv6 one; empty where there is no address.

    An IPv4 address that is written as an IPv6 one is the same place.
    """
    if ":" not in address:
        return address
    try:
        found = ipaddress.IPv6Address(address.partition("%")[0])
    except ValueError:
        return ""
    if (mapped := found.ipv4_mapped) is not None:
        return str(mapped)
    return str(ipaddress.IPv6Network((found, _PREFIX_6), strict=False))
