"""The visitor's side of a passage: aiohttp has read the head and frames the body; the answer we write ourselves.

aiohttp's own responses encode header values as UTF-8, add Content-Type, Date and Server, and fold duplicates of some
fields: nothing that "unchanged" could mean.  So the octets go to the transport as they are, and aiohttp is handed a
response that has been written already.
"""

import asyncio
import socket
import struct
from collections.abc import Sequence
from typing import Final

from aiohttp.web import BaseRequest, RequestHandler, RequestPayloadError, StreamResponse

from proxy.passing.failures import Failure, Refused
from proxy.passing.framing import Chunked, Framing, NoBody
from proxy.passing.inbound import Way

CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"
_RESET: Final = struct.pack("ii", 1, 0)
_JOINED: Final = 32_768
"""Octets up to which several pieces become one write: copying them is cheaper than a second system call."""


class Left(Exception):
    """The visitor has gone, or does not take what it asked for."""


class Passed(StreamResponse):
    """An answer that has been written: what the edge counts and logs, and whether the connection lives on."""

    def __init__(self, status: int, *, octets: int, keep: bool, whole: bool = True) -> None:
        super().__init__(status=status)
        self.whole = whole  # whether the visitor got all of it
        self._body_length = octets  # of the whole answer, head and all
        self._keep_alive = keep
        self._eof_sent = True  # aiohttp writes nothing more
        self.way: Way | None = None  # how it was passed on, where the same octets may be passed on so again


class Visitor:
    """The connection a request came on."""

    __slots__ = ("_protocol", "_request", "done", "framing", "late_seconds", "most", "sent", "taken", "whole")

    def __init__(
        self,
        request: BaseRequest | None,
        framing: Framing,
        *,
        late_seconds: float,
        most: int,
        protocol: RequestHandler | None = None,
    ) -> None:
        """`request`: None for one without a body that aiohttp has not read; then its `protocol` must be given."""
        self._request = request
        found = request.protocol if request is not None else protocol
        if found is None:
            raise TypeError("a visitor without a connection")
        self._protocol = found
        self.framing = framing
        self.late_seconds = late_seconds  # between two octets of the body, or taken of the answer
        self.most = most  # octets of the body; 0: any number
        self.sent = 0  # octets of the answer, head and all; 0: it has not begun
        self.done = False  # whether the answer has ended where it said it would
        self.taken = False  # whether some of the body has been read, so that it cannot be sent again
        self.whole = self._what_is_here()  # the whole body, where it came along with the head

    def _what_is_here(self) -> bytes | None:
        if isinstance(self.framing, NoBody) or self._request is None:
            return b""
        content = self._request.content
        if content.is_eof() and content.exception() is None:
            octets = content.read_nowait()
            if self.most and len(octets) > self.most:
                raise Refused(Failure(413, "body-too-large", closes=True))
            return octets
        return None

    def look(self) -> None:
        """Notice a body that broke off: aiohttp's parser then queues an error, and tells no reader of the body."""
        if self._request is None:
            return
        content = self._request.content
        # Nothing can be queued behind a body that has not ended, save that error.
        if self.whole is None and self._protocol._messages and not content.is_eof():  # noqa: SLF001
            content.set_exception(RequestPayloadError("the body is framed wrongly"))

    @property
    def gone(self) -> bool:
        """Whether nobody is there any more."""
        transport = self._protocol.transport
        return transport is None or transport.is_closing()

    def write(self, pieces: Sequence[bytes]) -> None:
        """Send octets as they are.  Raises Left."""
        transport = self._protocol.transport
        if transport is None or transport.is_closing():
            raise Left
        size = sum(map(len, pieces))
        self.sent += size
        # So that aiohttp knows that an answer has begun, and never writes a second one behind it.
        if self._request is not None:
            self._request.writer.output_size += size
        if len(pieces) == 1:
            transport.write(pieces[0])
        elif size <= _JOINED:
            transport.write(b"".join(pieces))
        else:
            transport.writelines(pieces)

    @property
    def behind(self) -> bool:
        """Whether the visitor takes octets more slowly than they come."""
        return self._protocol.writing_paused

    async def caught_up(self) -> None:
        """Wait until the visitor has taken enough.  Raises Left, also when nothing moves for too long."""
        try:
            async with asyncio.timeout(self.late_seconds):
                await self._protocol._drain_helper()  # noqa: SLF001 - aiohttp's own responses wait so
        except (TimeoutError, ConnectionError):
            raise Left from None

    def cut(self) -> None:
        """End the connection so that a torn answer cannot be taken for a whole one.

        To HTTP/1.0 the end of the connection is the end of the body: only a reset says that it is not.
        """
        transport = self._protocol.transport
        if transport is not None:
            if (connection := transport.get_extra_info("socket")) is not None:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            transport.abort()

    def hint(self, octets: bytes) -> None:
        """Send an interim answer: the real one has still to begin.  Raises Left."""
        transport = self._protocol.transport
        if transport is None or transport.is_closing():
            raise Left
        transport.write(octets)

    def invite(self) -> None:
        """Tell a visitor that waits for it to send the body (RFC 9110 §10.1.1).  Raises Left."""
        if not self.sent:
            self.hint(CONTINUE)

    async def body(self) -> bytes:
        """The next octets of the body; b"" at its end.  Raises Refused and Left."""
        if self._request is None:
            return b""
        content = self._request.content
        self.taken = True
        try:
            async with asyncio.timeout(self.late_seconds):
                return await content.readany()
        except TimeoutError:
            raise Refused(Failure(408, "body-slow", closes=True)) from None
        except RequestPayloadError:
            raise Refused(Failure(400, "body-unreadable", closes=True)) from None
        except (ConnectionError, asyncio.IncompleteReadError):
            raise Left from None
        except Exception as error:  # aiohttp hands on whatever broke the connection
            if self.gone:
                raise Left from error
            raise

    @property
    def frames_chunks(self) -> bool:
        """Whether the body goes on in chunks."""
        return isinstance(self.framing, Chunked)
