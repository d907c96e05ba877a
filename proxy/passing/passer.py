"""The door to passing on: a request goes to its upstream, and an answer or a Failure comes back."""

import asyncio
import logging
import math
from collections.abc import Callable, Coroutine, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Final

from aiohttp import HttpVersion10, HttpVersion11
from aiohttp.web import BaseRequest, RequestHandler
from prometheus_client import CollectorRegistry

from proxy.passing.addresses import Lookup, system_lookup
from proxy.passing.connections import OriginConnection
from proxy.passing.escort import Escort
from proxy.passing.exchange import Switched
from proxy.passing.failures import Failure, Refused
from proxy.passing.forwarded import Hop, Trust
from proxy.passing.frames import CloseCode
from proxy.passing.handshakes import accepted, asks_for_websocket, check, offered, opening
from proxy.passing.heads import BadMessage, RequestHead
from proxy.passing.inbound import Onward, Way, checked_head, onward
from proxy.passing.metrics import PassingMetrics
from proxy.passing.policy import Upstream
from proxy.passing.relay import Passage, Torn
from proxy.passing.repeats import Ended, Repeat
from proxy.passing.upstreams import Carried, LiveUpstream
from proxy.passing.visitors import Left, Passed, Visitor
from proxy.passing.websocket import WebsocketRelay

WATCH_SECONDS: Final = 0.25
"""How soon it is noticed that a visitor has left while the origin still thinks; aiohttp does not tell."""

CLIENT_CLOSED: Final = 499
"""nginx's word for a visitor who left before the answer: for the log, nobody reads it."""

_VERSIONS: Final = frozenset({HttpVersion10, HttpVersion11})
_CLASSES: Final = tuple(f"{first}xx" for first in range(10))


class Passer:
    """Passes requests on to the upstreams of one configuration."""

    def __init__(
        self,
        upstreams: Iterable[Upstream],
        *,
        via: str,
        trust: Trust,
        registry: CollectorRegistry,
        folder: Path = Path(),
        lookup: Lookup = system_lookup,
    ) -> None:
        """`folder`: what the certificates' paths are relative to.  Raises OSError when one cannot be read."""
        self._folder = folder
        self._lookup = lookup
        self._live = {upstream.name: LiveUpstream.of(upstream, folder, lookup) for upstream in upstreams}
        self._via = via.encode()
        self._trust = trust
        self._metrics = PassingMetrics(registry)
        self._draining = False
        self._passing: dict[Visitor, OriginConnection | None] = {}
        self._empty = asyncio.Event()  # nothing is under way; only looked at while draining
        self._relays: set[WebsocketRelay] = set()
        self._repeats: set[Repeat] = set()
        self.repeated = 0  # requests that were passed on without being read
        self._watch: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to ask after the origins and to watch over visitors and connections; within a running loop."""
        for live in self._live.values():
            live.health.start(live.ask)
        if self._watch is None:
            self._watch = asyncio.get_running_loop().create_task(self._watching())

    def adopt(self, upstreams: Iterable[Upstream]) -> None:
        """Take another configuration; what is under way ends on the one it began on.

        An upstream that is the same keeps its connections, its breaker and what is known of its health.  Raises
        OSError when a certificate cannot be read; nothing has changed then.
        """
        before = self._live
        self._live = {
            upstream.name: old
            if (old := before.get(upstream.name)) is not None and old.upstream == upstream
            else LiveUpstream.of(upstream, self._folder, self._lookup)
            for upstream in upstreams
        }
        if self._watch is not None:
            for live in self._live.values():
                live.health.start(live.ask)
        for name, live in before.items():
            if self._live.get(name) is not live:
                live.retire()
            if name not in self._live:
                self._metrics.gone(name)

    async def drain(self, seconds: float) -> None:
        """End WebSockets with 1001, and give what is under way so many seconds to finish.

        A request that comes meanwhile is still passed on, and its connection closed after it: nobody sent it knowing.
        A WebSocket is refused, which would have to end before it began.
        """
        self._draining = True
        for relay in list(self._relays):
            relay.end(CloseCode.GOING_AWAY)
        if self._passing:
            self._empty.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._empty.wait()

    async def close(self) -> None:
        """End everything at once."""
        self._draining = True
        if self._watch is not None:
            self._watch.cancel()
            await asyncio.gather(self._watch, return_exceptions=True)
            self._watch = None
        self._metrics.settle()
        for live in self._live.values():
            live.retire()
        for visitor, connection in list(self._passing.items()):
            visitor.cut()
            if connection is not None:
                connection.abort()
        for repeat in list(self._repeats):
            repeat.look(math.inf)

    async def forward(
        self,
        request: BaseRequest,
        upstream: Upstream,
        *,
        host: str,
        peer: str = "",
        secure: bool | None = None,
        escort: Escort | None = None,
    ) -> Passed | Failure:
        """Pass a request on and its answer back.

        `upstream`: one of those the passer was made with, and the limit of its route; `host`: the portal's canonical
        host, which the origin is asked for where the visitor came by a preview address; `peer` and `secure`: who is at
        the other end, where the connection itself does not tell (PROXY protocol); `escort`: what is said beside the
        request and its answer.

        A Failure means that nothing has been answered yet.  Other troubles (a torn answer, a visitor who left) end in
        the connection's being cut, and in a Passed that says so.  Raises only CancelledError, and what is our own
        mistake while nothing has been answered.
        """
        if (failure := getattr(request.protocol, "failed_before", None)) is not None:
            request.protocol.failed_before = None  # type: ignore[attr-defined]  # it was there
            return failure  # type: ignore[no-any-return]  # what `repeat` has said
        live = self._live.get(upstream.name)
        if live is None:
            return Failure(503, "draining", retry_after=1)  # of a configuration that has been replaced meanwhile
        now = asyncio.get_running_loop().time
        began = now()
        outcome = "error"
        try:
            hop = _hop(request, host, peer, secure)
            passed = await self._passed(live, upstream, request, host, hop, escort)
            outcome = _outcome(passed.status, whole=passed.whole)
        except Refused as refused:
            outcome = refused.failure.reason
            return refused.failure
        finally:
            self._metrics.passed(upstream.name, outcome, now() - began)
        return passed

    async def _passed(
        self,
        live: LiveUpstream,
        upstream: Upstream,
        request: BaseRequest,
        host: str,
        hop: Hop,
        escort: Escort | None,
    ) -> Passed:
        if request.version not in _VERSIONS:
            raise Refused(Failure(400, "bad-request", closes=True))
        head = checked_head(request.method, request.raw_path, request.version.minor, request.raw_headers)
        if escort is not None and escort.received is not None:
            head = head._replace(fields=[*escort.received])
        upgrades = "Upgrade" in request.headers and asks_for_websocket(head)
        if upgrades and self._draining:
            raise Refused(Failure(503, "draining", retry_after=1, closes=True))
        if upgrades:
            head = offered(head)
        sent = onward(head, upstream, hop, self._trust, self._via, host.encode(), escort)
        visitor = Visitor(request, sent.framing, late_seconds=upstream.timers.idle, most=upstream.body_octets)
        await live.enter(websocket=upgrades)
        try:
            passed = await self._told(live, request, visitor, sent, head if upgrades else None)
        finally:
            live.leave(websocket=upgrades)
        if passed.whole and not upgrades and hasattr(request.protocol, "failed_before"):
            passed.way = Way.of(upstream, sent, hop, head.fields, self._trust)
        return passed

    def repeat(self, way: Way, hop: Hop, protocol: RequestHandler, ended: Callable[[Ended], None]) -> Repeat | None:
        """Pass on, without reading it, what was passed on before; None where it must be read again.

        `hop`: the connection it came on; `ended` is called once, unless None is returned.
        """
        live = self._live.get(way.upstream.name)
        if live is None or self._draining or live.upstream.timers.total:
            return None
        sent = way.again(hop, self._trust)
        taken = live.take_kept() if sent is not None else None
        if sent is None or taken is None:
            return None
        visitor = Visitor(
            None, sent.framing, late_seconds=live.upstream.timers.idle, most=way.upstream.body_octets, protocol=protocol
        )
        repeat = Repeat(self, live, taken, sent, visitor, ended)
        self.use(visitor, taken[1])
        self._repeats.add(repeat)
        self.repeated += 1
        repeat.begin()
        return repeat

    # What a Repeat tells of itself.

    def use(self, visitor: Visitor, connection: OriginConnection) -> None:
        """A visitor's request is on this connection now."""
        self._passing[visitor] = connection

    def retried(self, name: str) -> None:
        """A request is sent again to an upstream."""
        self._metrics.retried(name)

    def over(self, repeat: Repeat, visitor: Visitor, end: Ended, seconds: float) -> None:
        """A request has ended."""
        del self._passing[visitor]
        self._repeats.discard(repeat)
        if not self._passing:
            self._empty.set()
        outcome = end.failure.reason if end.failure is not None else _outcome(end.status, whole=end.whole)
        self._metrics.passed_soon(repeat.name, outcome, seconds)

    async def _told(
        self, live: LiveUpstream, request: BaseRequest, visitor: Visitor, sent: Onward, asked: RequestHead | None
    ) -> Passed:
        """Answer, and see to it that what broke off cannot be taken for whole."""
        self._passing[visitor] = None
        try:
            return await self._answered(live, request, visitor, sent, asked)
        except Torn as torn:
            return Passed(torn.status, octets=visitor.sent, keep=False, whole=False)
        except Left:
            return Passed(CLIENT_CLOSED, octets=visitor.sent, keep=False, whole=False)
        except Refused:
            raise
        except Exception:
            if not visitor.sent:
                raise
            logging.getLogger(__name__).exception("an answer broke off by our own mistake")
            return Passed(500, octets=visitor.sent, keep=False, whole=False)
        finally:
            del self._passing[visitor]
            if not self._passing:
                self._empty.set()
            if visitor.sent and not visitor.done:
                visitor.cut()

    async def _answered(
        self, live: LiveUpstream, request: BaseRequest, visitor: Visitor, sent: Onward, asked: RequestHead | None
    ) -> Passed:
        upstream = live.upstream
        keep = request.keep_alive and not self._draining and "Upgrade" not in request.headers
        sent = opening(sent) if asked else sent

        def begin(connection: OriginConnection) -> Passage:
            self._passing[visitor] = connection
            return Passage(connection, sent, visitor, upstream, keep=keep, may_switch=asked is not None)

        carrying: Coroutine[None, None, Carried] = live.carry(
            sent.method, begin, lambda: not visitor.taken, lambda: self._metrics.retried(upstream.name)
        )
        if upstream.timers.total:
            carrying = self._in_time(carrying, upstream.timers.total, visitor)
        relayed, connection = await carrying
        if relayed.switched is not None and asked is not None:
            await self._relayed(request, visitor, connection, upstream, (asked, relayed.switched))
        visitor.done = True
        return Passed(relayed.status, octets=visitor.sent, keep=relayed.keep)

    async def _in_time(self, carrying: Coroutine[None, None, Carried], seconds: float, visitor: Visitor) -> Carried:
        try:
            async with asyncio.timeout(seconds):
                return await carrying
        except TimeoutError:
            if visitor.sent:
                raise Torn("no end in time", 200) from None
            raise Refused(Failure(504, "late", retry_after=1, closes=True)) from None

    async def _relayed(
        self,
        request: BaseRequest,
        visitor: Visitor,
        connection: OriginConnection,
        upstream: Upstream,
        handshake: tuple[RequestHead, Switched],
    ) -> None:
        """Relay a WebSocket to its end.  Raises Refused when the origin's handshake is none, and Left."""
        asked, switched = handshake
        try:
            deflate = check(asked, switched.head)
            visitor.write((accepted(switched.head),))
        except BadMessage:
            connection.abort()
            raise Refused(Failure(502, "bad-answer", closes=True)) from None
        except Left:
            connection.abort()
            raise
        relay = WebsocketRelay(request, visitor, connection, upstream.websocket, deflate=deflate)
        self._relays.add(relay)
        if self._draining:
            relay.end(CloseCode.GOING_AWAY)
        try:
            await relay.run(switched.rest)
        finally:
            self._relays.discard(relay)

    async def _watching(self) -> None:
        while True:
            await asyncio.sleep(WATCH_SECONDS)
            now = asyncio.get_running_loop().time()
            for repeat in list(self._repeats):
                repeat.look(now)
            for visitor, connection in list(self._passing.items()):
                visitor.look()
                if connection is not None and visitor.gone:
                    connection.abort()
            self._metrics.settle()
            for name, live in self._live.items():
                live.pool.sweep()
                self._metrics.stands(
                    name,
                    busy=live.pool.taken,
                    idle=sum(map(len, live.pool.idle.values())),
                    waiting=live.pool.waiting,
                    state=live.breaker.state,
                    well=live.well(),
                    origins=len(live.upstream.origins),
                )


def _outcome(status: int, *, whole: bool) -> str:
    if status == CLIENT_CLOSED:
        return "left"
    return _CLASSES[status // 100] if whole else "torn"


def _hop(request: BaseRequest, host: str, peer: str, secure: bool | None) -> Hop:  # noqa: FBT001 - handed on
    named = [value for name, value in request.raw_headers if name.lower() == b"host"]
    if not peer:
        name = request.protocol.peername
        peer = str(name[0]) if isinstance(name, tuple) else ""
    if secure is None:
        secure = request.protocol.ssl_context is not None
    return Hop(peer, secure, named[0] if named else host.encode())
