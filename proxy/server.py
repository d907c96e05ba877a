"""The HTTP server under the edge: aiohttp's parser and connection handling, with our words for what it turns away.

`aiohttp.web.Server` rather than an Application: its router answers `OPTIONS *`, CONNECT and decoded newlines before we
see them.
"""

import asyncio
import re
from functools import partial
from typing import Any, Final, cast

from aiohttp.http import RawRequestMessage
from aiohttp.http_exceptions import BadHttpMessage, HttpProcessingError, LineTooLong
from aiohttp.streams import EMPTY_PAYLOAD
from aiohttp.web import BaseRequest, Response, Server, StreamResponse
from prometheus_client import CollectorRegistry

from proxy.admission import STATUSES, Admission, ConnectionMetrics, Crowded, place_at
from proxy.audiences import Head
from proxy.config import Limits
from proxy.deadlines import TICK_SECONDS, Deadlines
from proxy.edge import Edge
from proxy.fast_lane import Caller, Last
from proxy.passing.failures import Failure
from proxy.passing.proxy_protocol import Preface
from proxy.passing.repeats import Ended, Repeat
from proxy.refusals import Farewell, Refusals, hints
from proxy.responses import HSTS, answer_in_http11, with_hsts
from proxy.threshold import House, Threshold, came_by_tls
from proxy.timed_protocol import TimedProtocol
from proxy.visits import Reason

_TOLD_SECONDS: Final = 2.0  # between two counts of connections for Prometheus
_DRAIN_STEP_SECONDS: Final = 0.02
_AT_ONCE_SECONDS: Final = 0.01  # to aiohttp 0 is without end
MOST_HELD_OCTETS: Final = 65_536
_REQUEST_LINE: Final = re.compile(rb"[A-Z]{3,8} /")


class EdgeProtocol(TimedProtocol):
    """One connection.  What is no HTTP gets a page in words, never a traceback."""

    __slots__ = (
        "_answered",
        "_asked",
        "_begun",
        "_caller",
        "_edge",
        "_handed",
        "_held",
        "_house",
        "_hsts",
        "_place",
        "_plain",
        "_repeat",
        "_who",
        "failed_before",
        "preface",
    )

    def __init__(self, edge: Edge, server: "EdgeServer", **options: Any) -> None:
        super().__init__(server, server, **options)
        self._house = server
        self._edge = edge
        self._caller = Caller()
        self.preface: Preface | None = None  # what a load balancer has said about the connection
        self._repeat: Repeat | None = None  # a request that is passed on without having been read
        self._held: list[bytes] = []  # what came meanwhile
        self._who: tuple[str, bool] | None = None  # the address at the other end, and whether it came over TLS
        self.failed_before: Failure | None = None  # why it could not be: what the slow lane is to say
        self._place = ""  # where the connection comes from, as admission counts it
        self._hsts = ""  # Strict-Transport-Security of our own answers; empty: none
        self._plain = edge.has_fast_lane  # until a chunk comes that is not one plain head
        self._handed = 0  # heads that the parser was given while the connection was plain
        self._answered = 0  # those of them whose answers are sent
        self._begun = False  # whether anything but plain heads has come
        self._asked: Head | None = None  # the head whose answer is to be learnt

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Let a connection in, or turn it away."""
        server = self._house
        place = server.admitted(transport, self.preface)
        if place is None:
            return
        self._place = place
        if server.hsts and came_by_tls(transport, self.preface):
            self._hsts = server.hsts
        super().connection_made(transport)
        self._wire = self.transport
        self._made_at = self._loop.time()
        server.deadlines.wind(self, server.patience_seconds)

    def connection_lost(self, exc: BaseException | None) -> None:
        """Forget a connection."""
        self._house.deadlines.stop(self)
        if self._wire is not None:
            self._wire = None
            self._house.admission.leave(self._place)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take octets from the connection: known requests are answered at once, the rest goes to aiohttp's parser.

        The fast lane speaks only where the parser holds nothing: every chunk before was one head without a body, and
        its answer is complete.  One chunk of any other form, and the connection is the parser's to its end.
        """
        awaited = self._awaits_head()
        if self._plain and data:
            # A client that does not read what it asked for is aiohttp's to wait for.
            free = awaited and not (self._paused or self._close or self._force_close or self._upgraded)
            if free and (answer := self._edge.lanes.answer(data, self._caller)) is not None:
                if self.transport is not None and self._manager is not None:
                    self.transport.write(answer if not self._hsts else with_hsts(answer, self._hsts))
                    self._next_keepalive_close_time = self._loop.time() + self._keepalive_timeout
                    self._request_count += 1
                    if answer.__class__ is Last:
                        self.force_close()
                return
            if self._repeat is not None:
                self._hold(data)
                return
            if free and self._passed_on(data):
                return
            if (head := Head.of(data)) is not None:
                self._hand_to_parser(head, data, awaited=awaited)
                return
            self._plain = False
        self._begun = True
        # Only a head: encoding a body would make it longer than it was announced.
        if awaited and not data.isascii():
            data = _escaped(data)
        self._feed(data)

    def _passed_on(self, data: bytes) -> bool:
        """Pass on what passed before in the same octets."""
        if self._who is None:
            self._who = self._introduced()
        self._handed += 1
        self._request_in_progress = True
        repeat = self._edge.pass_known(data, self, self._who, partial(self._passed, data))
        if repeat is None:
            self._handed -= 1
            self._request_in_progress = False
            return False
        self._repeat = repeat
        return True

    def _passed(self, data: bytes, end: Ended) -> None:
        """What was passed on without being read is over."""
        self._repeat = None
        self._request_in_progress = False
        if self._manager is None:
            return  # the client has gone
        if end.failure is not None:
            self._handed -= 1
            self.failed_before = end.failure  # told in words by whoever reads the head now
            if (head := Head.of(data)) is not None:
                self._hand_to_parser(head, data, awaited=False)
        else:
            self._answered += 1
            self._request_count += 1
            self._manager.requests_count += 1
            self._next_keepalive_close_time = self._loop.time()
            if self._handler_waiter is not None and not self._handler_waiter.done():
                self._handler_waiter.set_result(None)  # of a shutdown, which aiohttp sets only for its own
            if not end.keep or self._close or self._force_close:
                self.force_close()
                return
        if self._held:
            held, self._held = b"".join(self._held), []
            self._resume_reading_for_buffer()
            self.data_received(held)

    def _hold(self, data: bytes) -> None:
        """Keep what comes before its turn; a client that sends too much ahead has to wait."""
        self._held.append(data)
        if not self._buffer_paused and sum(map(len, self._held)) > MOST_HELD_OCTETS:
            self._pause_reading_for_buffer()

    def _introduced(self) -> tuple[str, bool]:
        said, secure = (self.preface.source, self.preface.secure) if self.preface is not None else ("", None)
        peer = self.peername
        return (
            said or (str(peer[0]) if isinstance(peer, tuple) else ""),
            self.ssl_context is not None if secure is None else secure,
        )

    def _awaits_head(self) -> bool:
        """Whether what comes now is the beginning of a request, all earlier ones being answered.

        Not told by aiohttp's waiter alone: a client that is quick sends its next head before aiohttp's task has begun
        to wait, and its first one before that task has begun at all.
        """
        if self._plain:
            return self._handed == self._answered and not self._messages
        waiter = self._waiter
        return not self._begun or (waiter is not None and not waiter.done() and not self._messages)

    def _hand_to_parser(self, head: Head, data: bytes, *, awaited: bool) -> None:
        """Have the parser read what may be one plain head; if it was, its answer will be known."""
        before = len(self._messages)
        self._feed(data)
        # One message and no body: else what comes next need not be a head.
        alone = len(self._messages) == before + 1 and self._messages[-1][1] is EMPTY_PAYLOAD
        self._plain = alone and not self._upgraded and isinstance(self._messages[-1][0], RawRequestMessage)
        self._begun = self._begun or not self._plain
        self._handed += 1
        if self._plain and awaited:
            self._asked = head

    async def finish_response(
        self, request: BaseRequest, resp: StreamResponse, start_time: float | None
    ) -> tuple[StreamResponse, bool]:
        """Send a response, and learn it."""
        head, self._asked = self._asked, None
        if self._hsts:
            resp.headers[HSTS] = self._hsts
        response, disconnected = await super().finish_response(request, resp, start_time)
        if self._hsts:
            response.headers.popall(HSTS, None)  # it is of this connection: what is learnt is for all
        self._answered += 1
        self.failed_before = None
        if self._refused and not disconnected and not response.keep_alive:
            self._linger()
            return response, disconnected
        if disconnected or not response.keep_alive:
            self._plain = False  # aiohttp is about to end the connection
        # An answer after which we end what the client would have kept is for this once.
        if head is not None and not disconnected and response.keep_alive == request.keep_alive:
            self._edge.learn(head, request, response)
        return response, disconnected

    def handle_error(
        self,
        request: BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,  # noqa: ARG002 - aiohttp's words; ours are better
    ) -> Response:
        """Answer what the parser refused; called by aiohttp in place of the handler."""
        if request.writer.output_size > 0:
            raise ConnectionError("an answer has begun already: only the connection can say that it failed")
        answer_in_http11(request)  # aiohttp's stand-in for what could not be read says 1.0
        status, reason = _reason(exc, self.max_line_size)
        asked = request.headers or hints(self._beginning)
        response = self._edge.turn_away(asked, status, reason)
        response.force_close()
        return response


def _reason(exc: BaseException | None, longest_line: int) -> tuple[int, Reason]:
    match exc:
        case LineTooLong(args=(_, limit, *_)):
            return (414, "uri-too-long") if str(limit) == str(longest_line) else (431, "headers-too-large")
        case BadHttpMessage(message="Too many headers received" | "Too many octets of headers"):
            return 431, "headers-too-large"
        case HttpProcessingError(code=code) if 400 <= code < 500:
            return code, "bad-request"
    return 400, "bad-request"


def _escaped(data: bytes) -> bytes:
    """The request line in ASCII: what old browsers send bare (IE 11, some QR readers) percent-encoded."""
    line, end, rest = data.partition(b"\r\n")
    if not end or line.isascii() or not _REQUEST_LINE.match(line):
        return data
    return b"".join(b"%%%02X" % octet if octet > 127 else bytes((octet,)) for octet in line) + end + rest


def _nothing() -> None:
    """What a timer that never runs would do."""


class EdgeServer(Server):
    """Makes an EdgeProtocol for each connection."""

    def __init__(
        self, edge: Edge, limits: Limits, registry: CollectorRegistry | None = None, *, hsts_seconds: int = 0
    ) -> None:
        """Within a running loop.

        registry      where connections are counted; None: nobody is told
        hsts_seconds  how long browsers are told to come by https only (RFC 6797 §6.1.1); 0: they are not told
        """
        super().__init__(edge)
        loop = asyncio.get_running_loop()
        self._edge = edge
        self.limits = limits
        self.hsts = f"max-age={hsts_seconds}" if hsts_seconds else ""
        self.admission = Admission(limits)
        self.deadlines = Deadlines(loop)
        self.metrics = ConnectionMetrics(registry or CollectorRegistry())
        self.refusals = Refusals(edge.turn_away, clock=loop.time)
        self.patience_seconds = max(
            TICK_SECONDS, min(limits.head_seconds, limits.keep_alive_seconds, limits.send_seconds / 4)
        )
        self.no_timer = asyncio.Handle(_nothing, (), loop)
        self.house = House(self, lanes=edge.lanes, admission=self.admission, deadlines=self.deadlines, loop=loop)
        self.thresholds = self.house.thresholds
        self._threshold = edge.has_fast_lane
        self.due = 0
        self.ring(0)

    @property
    def answered(self) -> int:
        """Requests that were answered, known or not."""
        return int(self.requests_count) + self._edge.lanes.answered

    def ring(self, now: float) -> None:  # noqa: ARG002 - as `Deadlines` calls it
        """Tell Prometheus how many connections there are."""
        self.metrics.stand(self.admission.connections)
        self.deadlines.wind(self, _TOLD_SECONDS)

    async def drain(self, seconds: float) -> None:
        """Finish what is in hand within so many seconds, close what is idle, then close everything.

        aiohttp's own shutdown stops reading at once, so that a form whose last bytes are still on their way is lost.
        """
        loop = asyncio.get_running_loop()
        until = loop.time() + seconds
        while busy := self._close_idle():
            if loop.time() >= until:
                break
            await asyncio.sleep(min(_DRAIN_STEP_SECONDS, until - loop.time()))
        await self.shutdown(_AT_ONCE_SECONDS if busy else None)
        self.deadlines.stop(self)
        self._edge.close()

    def _close_idle(self) -> bool:
        """Close connections that wait for a request; say whether others are left."""
        busy = False
        for threshold in tuple(self.thresholds):
            threshold.close()
        for connection in self.connections:
            if connection._request_in_progress:  # noqa: SLF001 - aiohttp offers no other way to know
                busy = True
            else:
                connection.force_close()  # `close` leaves it open, and deaf, until the last busy one is done
        return busy

    def admitted(self, transport: asyncio.BaseTransport, preface: Preface | None) -> str | None:
        """Where a connection comes from, as admission counts it from now on; None: it was turned away, in words."""
        place = place_at(transport, preface.source if preface is not None else "")
        crowded = self.admission.enter(place)
        if crowded is None:
            return place
        self.turn_away(transport, crowded)
        return None

    def turn_away(self, transport: asyncio.BaseTransport, crowded: Crowded) -> None:
        """End a connection that is one too many, in words."""
        self.metrics.turned_away(crowded)
        answer = partial(self.refusals.answer, STATUSES[crowded], crowded)
        Farewell(answer, asyncio.get_running_loop()).over(transport)

    def __call__(self) -> asyncio.Protocol:  # type: ignore[override]  # a connection is read when it must be
        """The protocol of a new connection."""
        if self._threshold:
            # It is one by what it does, not by its ancestors.
            return cast("asyncio.Protocol", Threshold(self.house))
        return self.reader()

    def reader(self) -> EdgeProtocol:
        """The protocol of a connection that is read."""
        return EdgeProtocol(
            self._edge,
            self,
            loop=asyncio.get_running_loop(),
            max_line_size=self.limits.request_line,
            # Unequal, so that aiohttp's complaint tells which of the two was too long.
            max_field_size=self.limits.header + (self.limits.header == self.limits.request_line),
            max_headers=self.limits.headers,
            keepalive_timeout=0,  # no timer for each connection: `Deadlines` looks at them all
            access_log=None,  # None turns aiohttp's own off: ours knows no person
            auto_decompress=False,  # what passes goes on as it came; `forms` unpacks what it reads
        )
