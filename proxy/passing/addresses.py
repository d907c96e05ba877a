"""Which addresses an origin's name may lead to.

Upstreams come from configuration only, but names are looked up again and again, and whoever answers for a name could
point it at this machine or at the cloud's metadata service.  So every address is checked, and the connection is made to
the very address that was checked.
"""

import asyncio
import ipaddress
import socket
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from proxy.passing.forwarded import Address, Network

Lookup = Callable[[str, int], Awaitable[Sequence[str]]]

# Private networks are where provincial systems live: allowed.  These are not, unless configuration names them.
_METADATA: Final = tuple(
    ipaddress.ip_network(text)
    for text in ("169.254.0.0/16", "100.100.100.200/32", "192.0.0.192/32", "168.63.129.16/32", "fd00:ec2::254/128")
)
_NAT64: Final = ipaddress.IPv6Network("64:ff9b::/96")
_PATIENCE_SECONDS: Final = 1.0
"""How long a request waits for a look-up while addresses are known."""

_KEPT_SECONDS: Final = 3_600
"""How long the last good addresses of a name are used while its look-up fails."""


def refusal(address: Address, allowed: Sequence[Network]) -> str | None:
    """Why an address must not be connected to, in words; None when it may."""
    if any(address in network for network in allowed):
        return None
    inner = _embedded(address)
    if inner is not None:
        return refusal(inner, allowed)
    if address.is_loopback or address.is_unspecified:
        return "this machine itself"
    if address.is_link_local or any(address in network for network in _METADATA):
        return "link-local or a cloud's metadata service"
    if address.is_multicast or address == ipaddress.IPv4Address("255.255.255.255"):
        return "not one machine"
    if isinstance(address, ipaddress.IPv4Address) and int(address) < 1 << 24:
        return "this machine itself"
    return None


def _embedded(address: Address) -> ipaddress.IPv4Address | None:
    """The IPv4 address that an IPv6 address is a wrapping of, by translation or tunnel."""
    if isinstance(address, ipaddress.IPv4Address):
        return None
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)
    if 1 < int(address) < 1 << 32:  # ::a.b.c.d, long withdrawn, still understood here and there
        return ipaddress.IPv4Address(int(address))
    return address.ipv4_mapped or address.sixtofour or (address.teredo or (None, None))[1]


class AddressRefused(Exception):
    """Every address of a name is one that must not be connected to."""


class NameUnknown(OSError):
    """A name that leads nowhere, now."""


async def system_lookup(host: str, port: int) -> Sequence[str]:
    """The addresses of a name as the system's resolver has them.  Raises OSError."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(sockaddr[0]) for *_, sockaddr in found))


@dataclass(slots=True)
class Resolver:
    """The checked addresses of one name, looked up again when they are `fresh_seconds` old."""

    host: str  # a name, or an address
    port: int
    allowed: tuple[Network, ...]
    fresh_seconds: float
    lookup: Lookup = system_lookup
    _known: tuple[str, ...] = ()
    _looked_at: float = float("-inf")
    _good_at: float = float("-inf")
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def known(self) -> tuple[str, ...]:
        """The addresses of the last look-up; empty before the first."""
        return self._known

    async def addresses(self, now: float) -> tuple[str, ...]:
        """Addresses to connect to, in order of wish; `now` in seconds of a clock that only runs forward.

        Raises AddressRefused and NameUnknown.  Of those who ask at one time, one looks up and all wait for it.
        """
        if now - self._looked_at < self.fresh_seconds and self._known:
            return self._known
        async with self._lock:
            if now - self._looked_at >= self.fresh_seconds or not self._known:
                await self._look(now)
        return self._known

    async def _found(self) -> Sequence[str]:
        """An address is its own answer: no resolver that stalls can keep us from it."""
        try:
            ipaddress.ip_address(self.host)
        except ValueError:
            return await self.lookup(self.host, self.port)
        return (self.host,)

    async def _look(self, now: float) -> None:
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS if self._known else None):
                found = await self._found()
        except OSError as error:  # TimeoutError among it
            if self._known and now - self._good_at < _KEPT_SECONDS:
                self._looked_at = now  # the last good ones serve on, and the name is asked again in a while
                return
            raise NameUnknown(f"{self.host} cannot be looked up: {error.strerror or error}") from None
        checked = [(text, refusal(ipaddress.ip_address(text.partition("%")[0]), self.allowed)) for text in found]
        known = tuple(text for text, why in checked if why is None)
        if not known:
            self._known = ()
            reasons = ", ".join(sorted({why for _, why in checked if why})) or "no address at all"
            raise AddressRefused(f"{self.host} leads to {reasons}; name the network in `allow_networks` if it is meant")
        self._known, self._looked_at, self._good_at = known, now, now
