"""An upstream at work: its pool, its breaker, the health of its origins, and the tries that one request may take."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from proxy.passing.addresses import Lookup, Resolver
from proxy.passing.balancing import Balancer
from proxy.passing.breaker import Breaker, State
from proxy.passing.connections import OriginConnection
from proxy.passing.exchange import Answer, ResponseReader
from proxy.passing.failures import Failure, Refused
from proxy.passing.health import Health
from proxy.passing.inbound import IDEMPOTENT
from proxy.passing.policy import OriginServer, Upstream, tls_context
from proxy.passing.pools import Pool, Unreachable
from proxy.passing.relay import OriginFailed, Passage, Relayed, Torn

Begin = Callable[[OriginConnection], Passage]
"""Makes the passage of a request over a connection."""


Carried = tuple[Relayed, OriginConnection]

_PAUSE_SECONDS: Final = 0.1
_BUSY_SECONDS: Final = 30


class _Stale(Exception):
    """A kept connection had been closed by its origin before our request came: nobody's failure."""

    def __init__(self, error: OriginFailed) -> None:
        super().__init__(str(error))
        self.error = error


@dataclass(slots=True)
class LiveUpstream:
    """One upstream of the running edge."""

    upstream: Upstream
    pool: Pool
    breaker: Breaker
    balancer: Balancer
    health: Health
    websockets: int = 0  # that are open
    _log: logging.Logger = field(default_factory=lambda: logging.getLogger(__name__))

    @classmethod
    def of(cls, upstream: Upstream, folder: Path, lookup: Lookup) -> "LiveUpstream":
        """Make it, not yet asking after its origins.  Raises OSError when a certificate cannot be read."""
        secure = any(origin.scheme == "https" for origin in upstream.origins)
        resolvers = [
            Resolver(origin.host, origin.port, upstream.allowed, upstream.resolve_seconds, lookup)
            for origin in upstream.origins
        ]
        return cls(
            upstream,
            Pool.of(upstream, tls_context(upstream.tls, folder) if secure else None, resolvers),
            Breaker(upstream.breaker.failures, upstream.breaker.open_seconds),
            Balancer(upstream.origins),
            Health.of(upstream.health, upstream.origins),
        )

    async def enter(self, *, websocket: bool) -> None:
        """Let one request in, which must leave again.  Raises Refused ("resting", "busy").

        WebSockets, which last, are counted apart: they must not take the places of requests.
        """
        now = asyncio.get_running_loop().time
        if not self.breaker.allows(now()):
            raise Refused(Failure(503, "resting", retry_after=self.breaker.retry_after(now())))
        try:
            if websocket:
                self._count_websocket()
            else:
                await self.pool.enter()
        except BaseException:
            self.breaker.forgotten(now())
            raise

    def leave(self, *, websocket: bool) -> None:
        """Let the next one in."""
        if websocket:
            self.websockets -= 1
        else:
            self.pool.leave()

    def _count_websocket(self) -> None:
        if self.websockets >= self.upstream.websocket.connections:
            raise Refused(Failure(503, "busy", retry_after=_BUSY_SECONDS))
        self.websockets += 1

    def take_kept(self) -> tuple[OriginServer, OriginConnection] | None:
        """One of the upstream's places with a connection that is there already; None where that takes longer.

        It must be given back by `give_back`.
        """
        pool = self.pool
        if self.breaker.state is not State.CLOSED or pool.taken >= self.upstream.pool.connections:
            return None
        now = asyncio.get_running_loop().time()
        origin = self.balancer.order(lambda origin: self.health.conditions[origin].is_well(now))[0]
        connection = pool.kept(origin, repeatable=True)
        if connection is None:
            return None
        pool.taken += 1
        connection.uses += 1
        return origin, connection

    def give_back(self, origin: OriginServer, connection: OriginConnection, *, reusable: bool) -> None:
        """The request went well."""
        self.heard_well(origin)
        if reusable:
            self.pool.keep(origin, connection)
        else:
            connection.close()
        self.pool.leave()

    def heard_well(self, origin: OriginServer) -> None:
        """An origin has answered."""
        now = asyncio.get_running_loop().time()
        self.breaker.heard(good=True, now=now)
        self.health.conditions[origin].served(good=True, now=now)

    def failed(self, origin: OriginServer, error: Exception) -> None:
        """An origin has not answered as it must."""
        self.breaker.heard(good=False, now=asyncio.get_running_loop().time())
        self._failed(origin, error)

    async def carry(
        self, method: bytes, begin: Begin, sendable: Callable[[], bool], retried: Callable[[], None]
    ) -> Carried:
        """Carry a request out, on another connection or by another origin where that is harmless.

        `sendable`: whether the body, if there is one, could still be sent from its beginning; `retried` is told of
        every further sending.  Raises Refused with what the visitor is to be told, Torn and Left.
        """
        now = asyncio.get_running_loop().time
        try:
            carried = await self._carried(method, begin, sendable, retried)
        except (OriginFailed, Unreachable) as error:
            self.breaker.heard(good=False, now=now())
            raise Refused(error.failure) from None
        except Torn:
            self.breaker.heard(good=False, now=now())
            raise
        except BaseException:
            self.breaker.forgotten(now())
            raise
        self.breaker.heard(good=True, now=now())
        return carried

    async def _carried(
        self, method: bytes, begin: Begin, sendable: Callable[[], bool], retried: Callable[[], None]
    ) -> Carried:
        now = asyncio.get_running_loop().time
        origins = self.balancer.order(lambda origin: self.health.conditions[origin].is_well(now()))
        tries = 0
        fresh = False  # after a kept connection failed, a new one: the other kept ones are as old
        while True:
            origin = origins[tries % len(origins)]
            try:
                return await self._tried(origin, method, begin, fresh=fresh)
            except _Stale as stale:
                if not (method in IDEMPOTENT and sendable()):
                    raise stale.error from None
                fresh = True
            except (Unreachable, OriginFailed) as error:
                self._failed(origin, error)
                tries += 1
                harmless = isinstance(error, Unreachable) or (error.silent and method in IDEMPOTENT and sendable())
                if not harmless or tries >= self.upstream.attempts:
                    raise
                if tries >= len(origins):
                    await asyncio.sleep(_PAUSE_SECONDS * tries)  # the same origin again: it may be starting
            retried()

    async def _tried(self, origin: OriginServer, method: bytes, begin: Begin, *, fresh: bool) -> Carried:
        kept = None if fresh else self.pool.kept(origin, repeatable=method in IDEMPOTENT)
        connection = kept or await self.pool.connect(origin)
        connection.uses += 1
        try:
            relayed = await begin(connection).run()
        except OriginFailed as error:
            connection.abort()
            if kept is not None and error.silent:
                raise _Stale(error) from None
            raise
        except BaseException:
            connection.abort()
            raise
        self.health.conditions[origin].served(good=True, now=asyncio.get_running_loop().time())
        if relayed.reusable:
            self.pool.keep(origin, connection)
        elif relayed.switched is None:
            connection.close()
        return relayed, connection

    def _failed(self, origin: OriginServer, error: Exception) -> None:
        self.health.conditions[origin].served(good=False, now=asyncio.get_running_loop().time())
        # The origin is configured and the reason is ours: nothing of the visitor's request stands in this line.
        self._log.warning("upstream %s: origin %s: %s", self.upstream.name, origin, error)

    async def ask(self, origin: OriginServer) -> int:
        """Ask an origin for its health, on a connection of its own; the status of its answer."""
        row = self.upstream.health
        connection = await self.pool.connect(origin)
        try:
            host = row.host or self.upstream.host.decode("latin-1") or origin.authority
            head = f"GET {row.path} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: dvc-edge\r\nConnection: close\r\n\r\n"
            connection.write(head.encode())
            reader = ResponseReader(b"GET")
            while True:
                octets = await connection.receive()
                for event in reader.feed(octets) if octets else reader.close():
                    if isinstance(event, Answer):
                        return event.head.status
        finally:
            connection.abort()

    def retire(self) -> None:
        """Ask no more, keep nothing; what is under way goes on."""
        self.health.stop()
        self.pool.close()

    def well(self) -> int:
        """How many origins requests are sent to."""
        now = asyncio.get_running_loop().time()
        return sum(condition.is_well(now) for condition in self.health.conditions.values())
