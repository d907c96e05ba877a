"""How often somebody may fail, and how often ask at all: per client and address, never per client alone.

A lock on a client alone would let anybody lock a province out; one on an address alone would let one office's many
visitors lock each other out.  Failures are counted in the store, for all workers and nodes together: who does nothing
wrong costs no round trip, and a worker remembers the locks that it has seen.  Requests are counted by each worker for
itself: that keeps floods away, and costs no round trip either.
"""

import hashlib
import hmac
import ipaddress
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from types import MappingProxyType
from typing import Final

from sso.model import Digest

MOST_LOCKS: Final = 50_000
"""Locks that a worker remembers; beyond them the oldest are forgotten, and learnt anew from the store."""


@dataclass(frozen=True, slots=True)
class Limit:
    """So many failures within so many seconds, then a pause."""

    most: int
    window_seconds: int
    lock_seconds: int


LIMITS: Final[Mapping[str, Limit]] = MappingProxyType(
    {
        "client-secret": Limit(10, 300, 900),  # a machine that is set up wrongly notices within ten
        "code": Limit(20, 300, 300),  # of clients that can prove nothing: others hand on what browsers bring them
        "ticket": Limit(20, 300, 300),  # the same, and of browsers at a portal
    }
)
"""By what failed."""

RATES: Final[Mapping[str, Limit]] = MappingProxyType(
    {
        # Of browsers: fifty people of an office behind one address begin their day within a minute, and each page of
        # a system may ask silently whether somebody is signed in.
        "sign-in": Limit(120, 60, 60),
        "authorize": Limit(600, 60, 60),
        # Of systems: all logins of a province come from one address.
        "par": Limit(30_000, 60, 60),
        "token": Limit(30_000, 60, 60),
        "introspection": Limit(60_000, 60, 60),
        "userinfo": Limit(60_000, 60, 60),
    }
)
"""How often something may be asked for one client from one address, in each worker.  `userinfo`: from one address."""


def with_most(limits: Mapping[str, Limit], most: Mapping[str, int]) -> Mapping[str, Limit]:
    """Limits with other numbers; 0 takes one away.  Raises KeyError for what is not limited."""
    changed = {kind: replace(limits[kind], most=number) for kind, number in most.items()}
    return MappingProxyType({kind: limit for kind, limit in {**limits, **changed}.items() if limit.most})


@lru_cache(maxsize=1_024)  # one sign-in asks five times for the same
def network_of(address: str) -> str:
    """Whom an address stands for: itself, or in IPv6 the /64 that one household or server has to itself."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return "unknown"
    if isinstance(found, ipaddress.IPv6Address):
        if found.ipv4_mapped is not None:
            return str(found.ipv4_mapped)
        return str(ipaddress.ip_network((found, 64), strict=False))
    return str(found)


def key_of(kind: str, client: str, address: str, *, pepper: bytes) -> Digest:
    """Under which failures are counted.  Keyed, because whoever reads the store could try all IPv4 addresses."""
    said = "\x00".join((kind, client, network_of(address)))
    return hmac.new(pepper, said.encode(), hashlib.sha256).hexdigest()


def lock_after(limit: Limit, count: int) -> int:
    """For how many seconds who has failed so often is locked out; 0: not at all."""
    return limit.lock_seconds if count > limit.most else 0


class Beginnings:
    """How often something was begun lately, as one worker knows it: in windows that begin with the first."""

    def __init__(self) -> None:
        self._counts: OrderedDict[Digest, tuple[int, int]] = OrderedDict()  # when the window ends, and how many

    def count(self, key: Digest, limit: Limit, *, now: int) -> int:
        """Count one; for how many seconds there are too many, 0: not."""
        ends, count = self._counts.pop(key, (0, 0))
        if ends <= now:
            ends, count = now + limit.window_seconds, 0
        self._counts[key] = (ends, count + 1)
        while len(self._counts) > MOST_LOCKS:
            self._counts.popitem(last=False)
        return ends - now if count + 1 > limit.most else 0


class Lockouts:
    """The locks that one worker knows of."""

    def __init__(self) -> None:
        self._ends: OrderedDict[Digest, int] = OrderedDict()

    def lock(self, key: Digest, *, until: int) -> None:
        """Remember a lock; `until`: seconds since 1970."""
        self._ends.pop(key, None)
        self._ends[key] = until
        while len(self._ends) > MOST_LOCKS:
            self._ends.popitem(last=False)

    def seconds(self, key: Digest, *, now: int) -> int:
        """For how many seconds more somebody is locked out; 0: not at all."""
        until = self._ends.get(key, 0)
        if until > now:
            return until - now
        self._ends.pop(key, None)
        return 0
