"""The HTTP server under the edge: aiohttp's parser and connection handling, with our words for what it turns away.

`aiohttp.web.Server` rather than an Application: its router answers `OPTIONS *`, CONNECT and decoded newlines before we
see them.
"""

import asyncio
import re
from typing import Any, Final

from aiohttp.http import RawRequestMessage
from aiohttp.http_exceptions import BadHttpMessage, HttpProcessingError, LineTooLong
from aiohttp.streams import EMPTY_PAYLOAD
from aiohttp.web import BaseRequest, RequestHandler, Response, Server, StreamResponse

from proxy.audiences import Head
from proxy.config import Limits
from proxy.edge import Edge
from proxy.responses import answer_in_http11
from proxy.visits import Reason

_DRAIN_STEP_SECONDS: Final = 0.02
_REQUEST_LINE: Final = re.compile(rb"[A-Z]{3,8} /")


class EdgeProtocol(RequestHandler):
    """One connection.  What is no HTTP gets a page in words, never a traceback."""

    __slots__ = ("_answered", "_asked", "_begun", "_edge", "_handed", "_plain")

    def __init__(self, edge: Edge, server: Server, **options: Any) -> None:
        super().__init__(server, **options)
        self._edge = edge
        self._plain = edge.has_fast_lane  # until a chunk comes that is not one plain head
        self._handed = 0  # heads that the parser was given while the connection was plain
        self._answered = 0  # those of them whose answers are sent
        self._begun = False  # whether anything but plain heads has come
        self._asked: Head | None = None  # the head whose answer is to be learnt

    def data_received(self, data: bytes) -> None:
        """Take octets from the connection: known requests are answered at once, the rest goes to aiohttp's parser.

        The fast lane speaks only where the parser holds nothing: every chunk before was one head without a body, and
        its answer is complete.  One chunk of any other form, and the connection is the parser's to its end.
        """
        awaited = self._awaits_head()
        if self._plain and data:
            # A client that does not read what it asked for is aiohttp's to wait for.
            free = awaited and not (self._paused or self._close or self._force_close or self._upgraded)
            if free and (answer := self._edge.answer_known(data)) is not None:
                if self.transport is not None and self._manager is not None:
                    self.transport.write(answer)
                    self._next_keepalive_close_time = self._loop.time() + self._keepalive_timeout
                    self._request_count += 1
                    self._manager.requests_count += 1
                return
            if (head := Head.of(data)) is not None:
                self._hand_to_parser(head, data, awaited=awaited)
                return
            self._plain = False
        self._begun = True
        # Only a head: encoding a body would make it longer than it was announced.
        if awaited and not data.isascii():
            data = _escaped(data)
        super().data_received(data)

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
        super().data_received(data)
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
        response, disconnected = await super().finish_response(request, resp, start_time)
        self._answered += 1
        if disconnected or not response.keep_alive:
            self._plain = False  # aiohttp is about to end the connection
        elif head is not None:
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
        response = self._edge.refuse(request, status, reason)
        response.force_close()
        return response


def _reason(exc: BaseException | None, longest_line: int) -> tuple[int, Reason]:
    match exc:
        case LineTooLong(args=(_, limit, *_)):
            return (414, "uri-too-long") if str(limit) == str(longest_line) else (431, "headers-too-large")
        case BadHttpMessage(message="Too many headers received"):
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


class EdgeServer(Server):
    """Makes an EdgeProtocol for each connection."""

    def __init__(self, edge: Edge, limits: Limits) -> None:
        super().__init__(edge)
        self._edge = edge
        self._limits = limits

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
        await self.shutdown(0 if busy else None)
        self._edge.close()

    def _close_idle(self) -> bool:
        """Close connections that wait for a request; say whether others are left."""
        busy = False
        for connection in self.connections:
            if connection._request_in_progress:  # noqa: SLF001 - aiohttp offers no other way to know
                busy = True
            else:
                connection.force_close()  # `close` leaves it open, and deaf, until the last busy one is done
        return busy

    def __call__(self) -> RequestHandler:
        """The protocol of a new connection."""
        return EdgeProtocol(
            self._edge,
            self,
            loop=asyncio.get_running_loop(),
            max_line_size=self._limits.request_line,
            # Unequal, so that aiohttp's complaint tells which of the two was too long.
            max_field_size=self._limits.header + (self._limits.header == self._limits.request_line),
            keepalive_timeout=self._limits.keep_alive_seconds,
            access_log=None,  # None turns aiohttp's own off: ours knows no person
        )
