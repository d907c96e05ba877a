"""The connections of one upstream: kept for the next request, never more than allowed, and nobody waits for ever.

Each upstream has a pool of its own, so that a province that stalls takes no connection from the others.
"""

import asyncio
import ssl
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from proxy.passing.addresses import AddressRefused, NameUnknown, Resolver
from proxy.passing.connections import OriginConnection
from proxy.passing.failures import Failure, Refused
from proxy.passing.policy import OriginServer, Upstream

YOUNG_SECONDS: Final = 1.0
"""A request that cannot be sent twice takes a kept connection only when it was used so lately: an origin that closes
idle connections might be closing an older one at this very moment."""


class Unreachable(Exception):
    """No connection to an origin, and nothing was sent; `why` in words for the log."""

    def __init__(self, why: str, failure: Failure) -> None:
        super().__init__(why)
        self.failure = failure


@dataclass(slots=True)
class Pool:
    """Connections by origin; `taken` counts the places that are in use, waiting for a connection or not."""

    upstream: Upstream
    context: ssl.SSLContext | None
    resolvers: dict[OriginServer, Resolver]
    idle: dict[OriginServer, deque[OriginConnection]] = field(default_factory=dict)
    taken: int = 0
    closed: bool = False  # nothing is kept any more
    _waiting: deque[asyncio.Future[None]] = field(default_factory=deque)

    @classmethod
    def of(cls, upstream: Upstream, context: ssl.SSLContext | None, resolvers: Sequence[Resolver]) -> "Pool":
        """A pool without connections; `resolvers` in the order of the upstream's origins."""
        idle: dict[OriginServer, deque[OriginConnection]] = {origin: deque() for origin in upstream.origins}
        return cls(upstream, context, dict(zip(upstream.origins, resolvers, strict=True)), idle)

    @property
    def waiting(self) -> int:
        """Requests that wait for a place."""
        return len(self._waiting)

    async def enter(self) -> None:
        """Take one of the upstream's places.  Raises Refused ("busy") when there is none in time."""
        if self.taken < self.upstream.pool.connections:
            self.taken += 1
            return
        if len(self._waiting) >= self.upstream.pool.waiting:
            raise Refused(Failure(503, "busy", retry_after=self._patience()))
        place = asyncio.get_running_loop().create_future()
        self._waiting.append(place)
        try:
            async with asyncio.timeout(self.upstream.timers.wait):
                await place
        except BaseException as error:
            if place in self._waiting:
                self._waiting.remove(place)
            elif not place.cancelled() and place.exception() is None:
                self.leave()  # it was given at the very moment of giving up
            if isinstance(error, TimeoutError):
                raise Refused(Failure(503, "busy", retry_after=self._patience())) from None
            raise

    def leave(self) -> None:
        """Give a place back, or on to the one who waits longest."""
        while self._waiting:
            place = self._waiting.popleft()
            if not place.done():
                place.set_result(None)
                return
        self.taken -= 1

    def _patience(self) -> int:
        return max(1, round(self.upstream.timers.wait))

    def kept(self, origin: OriginServer, *, repeatable: bool) -> OriginConnection | None:
        """A connection that is there already, the last used first; None when a new one is needed."""
        now = asyncio.get_running_loop().time()
        idle = self.idle[origin]
        while idle:
            connection = idle[-1]
            age = now - connection.idle_since
            if connection.usable and age < self.upstream.pool.keep_seconds:
                if not repeatable and age > YOUNG_SECONDS:
                    return None
                return idle.pop()
            idle.pop().abort()
        return None

    async def connect(self, origin: OriginServer) -> OriginConnection:
        """A new connection.  Raises Unreachable."""
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(self.upstream.timers.connect):
                addresses = await self.resolvers[origin].addresses(loop.time())
                return await self._first_of(origin, addresses)
        except AddressRefused as error:
            raise Unreachable(str(error), Failure(502, "address-refused")) from None
        except NameUnknown as error:
            raise Unreachable(str(error), Failure(502, "unreachable", retry_after=self._rest())) from None
        except TimeoutError:
            why = f"{origin} took longer than {self.upstream.timers.connect:g} s to connect to"
            raise Unreachable(why, Failure(504, "late", retry_after=self._rest())) from None
        except OSError as error:  # ssl.SSLError among it
            why = f"{origin}: {error.strerror or error}"
            raise Unreachable(why, Failure(502, "unreachable", retry_after=self._rest())) from None

    async def _first_of(self, origin: OriginServer, addresses: Sequence[str]) -> OriginConnection:
        loop = asyncio.get_running_loop()
        name = self.upstream.tls.server_name or origin.host
        secure = origin.scheme == "https"
        failed: OSError | None = None
        for address in addresses:
            try:
                # One address that swallows everything must not take the time of the others.
                async with asyncio.timeout(self.upstream.timers.connect / len(addresses)):
                    # The address that was checked, so that nothing is looked up again; TLS still asks for the name.
                    _, connection = await loop.create_connection(
                        partial(OriginConnection, address),
                        address,
                        origin.port,
                        ssl=self.context if secure else None,
                        server_hostname=name if secure else None,
                    )
            except OSError as error:  # TimeoutError among it
                failed = error
            else:
                return connection
        raise failed or OSError("no address")

    def _rest(self) -> int:
        return max(1, round(self.upstream.breaker.open_seconds))

    def keep(self, origin: OriginServer, connection: OriginConnection) -> None:
        """Put back a connection that is fit for another request."""
        connection.rest()
        idle = self.idle[origin]
        known = self.resolvers[origin].known
        moved = bool(known) and connection.address not in known  # the name leads elsewhere by now
        if (
            self.closed
            or not connection.usable
            or moved
            or sum(map(len, self.idle.values())) >= self.upstream.pool.keep
        ):
            connection.close()
            return
        connection.idle_since = asyncio.get_running_loop().time()
        idle.append(connection)

    def sweep(self) -> None:
        """Close what has been idle too long, or was closed by its origin."""
        now = asyncio.get_running_loop().time()
        for origin, idle in self.idle.items():
            kept = [
                connection
                for connection in idle
                if connection.usable and now - connection.idle_since < self.upstream.pool.keep_seconds
            ]
            for connection in idle:
                if connection not in kept:
                    connection.close()
            self.idle[origin] = deque(kept)

    def close(self) -> None:
        """Close what is idle; nobody waits any more, and nothing is kept."""
        self.closed = True
        for idle in self.idle.values():
            while idle:
                idle.pop().abort()
        while self._waiting:
            place = self._waiting.popleft()
            if not place.done():
                place.set_exception(Refused(Failure(503, "draining", retry_after=1)))
