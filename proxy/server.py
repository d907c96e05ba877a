"""The HTTP server under the edge: aiohttp's parser and connection handling, with our words for what it turns away.

`aiohttp.web.Server` rather than an Application: its router answers `OPTIONS *`, CONNECT and decoded newlines before we
see them.
"""

import asyncio
import re
from typing import Final

from aiohttp.http_exceptions import BadHttpMessage, HttpProcessingError, LineTooLong
from aiohttp.web import BaseRequest, RequestHandler, Response, Server

from proxy.config import Limits
from proxy.edge import Edge
from proxy.responses import answer_in_http11
from proxy.visits import Reason

_DRAIN_STEP_SECONDS: Final = 0.02
_REQUEST_LINE: Final = re.compile(rb"[A-Z]{3,8} /")


class EdgeProtocol(RequestHandler):
    """One connection.  What is no HTTP gets a page in words, never a traceback."""

    def data_received(self, data: bytes) -> None:
        """Take octets from the connection.  aiohttp's parser refuses a target that is not ASCII before we see it."""
        # Only a head that is awaited: encoding a body would make it longer than it was announced.
        waiter = self._waiter
        if waiter is not None and not waiter.done() and not self._messages and not data.isascii():
            data = _escaped(data)
        super().data_received(data)

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

    @property
    def _edge(self) -> Edge:
        handler = self._manager.request_handler if self._manager else None
        if not isinstance(handler, Edge):
            raise TypeError("this protocol serves an Edge")
        return handler


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

    def _close_idle(self) -> bool:
        """Close connections that wait for a request; say whether others are left."""
        busy = False
        for connection in self.connections:
            if connection._request_in_progress:  # noqa: SLF001 - aiohttp offers no other way to know
                busy = True
            else:
                connection.close()
        return busy

    def __call__(self) -> RequestHandler:
        """The protocol of a new connection."""
        return EdgeProtocol(
            self,
            loop=asyncio.get_running_loop(),
            max_line_size=self._limits.request_line,
            # Unequal, so that aiohttp's complaint tells which of the two was too long.
            max_field_size=self._limits.header + (self._limits.header == self._limits.request_line),
            keepalive_timeout=self._limits.keep_alive_seconds,
            access_log=None,  # type: ignore[arg-type]  # None turns aiohttp's own off: ours knows no person
        )
