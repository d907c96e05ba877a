"""A WebSocket after its handshake: frames go through as they are, both ways, each looked at before it passes.

Whoever breaks the rules ends it for both, with a code that says so; and so do silence, and our own going away.
"""

import asyncio
import os
from collections.abc import Coroutine, Sequence
from contextlib import suppress
from typing import Any, Final

from aiohttp.web import BaseRequest, RequestHandler

from proxy.passing.connections import Late, Lost, OriginConnection
from proxy.passing.frames import BadFrame, CloseCode, FrameChecker, close_frame
from proxy.passing.policy import WebsocketRow
from proxy.passing.visitors import Left, Visitor

FAREWELL_SECONDS: Final = 2.0
"""How long the ends may take to answer our close frame."""

_MOST_HELD: Final = 131_072


class Inlet:
    """What the visitor sends, once aiohttp has handed the connection over: the parser that it feeds."""

    def __init__(self, protocol: RequestHandler) -> None:
        self._protocol = protocol
        self._pieces: list[bytes] = []
        self._held = 0
        self._paused = False
        self._ended = False
        self._reader: asyncio.Future[None] | None = None

    def feed_data(self, data: bytes) -> tuple[bool, bytes]:
        """Called by aiohttp: octets, never the end by themselves."""
        self._pieces.append(data)
        self._held += len(data)
        if self._held > _MOST_HELD and not self._paused:
            self._paused = True
            self._protocol.pause_reading()
        self._wake()
        return False, b""

    def feed_eof(self) -> None:
        """Called by aiohttp: the connection is no more."""
        self._ended = True
        self._wake()

    async def receive(self) -> bytes:
        """What came since the last call; b"" at the end."""
        if not self._pieces and not self._ended:
            self._reader = asyncio.get_running_loop().create_future()
            try:
                await self._reader
            finally:
                self._reader = None
        octets = b"".join(self._pieces)
        self._pieces.clear()
        self._held = 0
        if self._paused:
            self._paused = False
            self._protocol.resume_reading()
        return octets

    def _wake(self) -> None:
        if self._reader is not None and not self._reader.done():
            self._reader.set_result(None)


class WebsocketRelay:
    """Two ends and what passes between them."""

    def __init__(
        self, request: BaseRequest, visitor: Visitor, origin: OriginConnection, limits: WebsocketRow, *, deflate: bool
    ) -> None:
        self._protocol = request.protocol
        self._visitor = visitor
        self._origin = origin
        self._limits = limits
        self._upward = FrameChecker(masked=True, most=limits.message, deflate=deflate)
        self._downward = FrameChecker(masked=False, most=limits.message, deflate=deflate)
        self._inlet = Inlet(request.protocol)
        self._farewell: asyncio.Future[CloseCode] = asyncio.get_running_loop().create_future()
        self._moved = 0.0  # when something passed last, of the loop's clock

    async def run(self, rest: bytes) -> None:
        """Relay until one end is gone, or is told to go; `rest`: what came behind the origin's handshake."""
        loop = asyncio.get_running_loop()
        self._moved = loop.time()
        self._origin.rest()
        # aiohttp feeds this parser from now on, with what has come already first.
        self._protocol.set_parser(self._inlet)  # type: ignore[arg-type]  # all it asks is feed_data and feed_eof
        tasks = [loop.create_task(self._guarded(self._down(rest))), loop.create_task(self._guarded(self._up()))]
        silence = loop.create_task(self._silence())
        try:
            ends: set[asyncio.Future[Any]] = {*tasks, silence, self._farewell}
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
            if self._farewell.done():
                await self._part(self._farewell.result(), tasks)
        finally:
            for task in (*tasks, silence):
                task.cancel()
            await asyncio.gather(*tasks, silence, return_exceptions=True)
            self._farewell.cancel()
            self._origin.close()

    def end(self, code: CloseCode) -> None:
        """Tell both ends that it is over."""
        if not self._farewell.done():
            self._farewell.set_result(code)

    async def _guarded(self, direction: Coroutine[None, None, None]) -> None:
        # Left, Lost or Late: one end is gone, and with it the whole.
        with suppress(Left, Lost, Late):
            await direction

    def _passing(self, checker: FrameChecker, octets: bytes) -> bytes:
        """What of the octets may pass; the rest is the end of the relay."""
        self._moved = asyncio.get_running_loop().time()
        try:
            return checker.feed(octets)
        except BadFrame as bad:
            self.end(bad.code)
            return bad.sound

    async def _up(self) -> None:
        while (octets := await self._inlet.receive()) and not self._farewell.done():
            self._origin.write(self._passing(self._upward, octets))
            await self._origin.drained()

    async def _down(self, rest: bytes) -> None:
        octets = rest or await self._origin.receive()
        while octets and not self._farewell.done():
            if sound := self._passing(self._downward, octets):
                self._visitor.write((sound,))
            if self._visitor.behind:
                await self._visitor.caught_up()
            if self._downward.closed and self._upward.closed:
                return  # both have said farewell: the visitor waits for our side to close (RFC 6455 §7.1.1)
            octets = await self._origin.receive()

    async def _silence(self) -> None:
        """End a WebSocket on which nothing moves, in either direction."""
        loop = asyncio.get_running_loop()
        while not self._farewell.done():
            left = self._moved + self._limits.idle - loop.time()
            if left <= 0:
                break
            await asyncio.sleep(left)
        self.end(CloseCode.GOING_AWAY)

    async def _part(self, code: CloseCode, tasks: Sequence[asyncio.Task[None]]) -> None:
        """Say farewell to both, where a frame of ours fits in, and give the visitor time to answer."""
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._upward.at_boundary and not self._upward.closed:
            self._origin.write(close_frame(code, mask=os.urandom(4)))
        with suppress(Left, TimeoutError, BadFrame):
            if self._downward.at_boundary and not self._downward.closed:
                self._visitor.write((close_frame(code),))
            async with asyncio.timeout(FAREWELL_SECONDS):
                while not self._upward.closed and (octets := await self._inlet.receive()):
                    self._upward.feed(octets)
