"""One connection to an origin: octets out, octets in, with back-pressure, and clocks that end what does not move."""

import asyncio
from typing import Final, Literal, Protocol

MOST_RECEIVED: Final = 65_536
"""Octets that are held for a reader before the origin has to wait."""

Clock = Literal["first-byte", "idle"]


class Late(Exception):
    """A clock ran out; `clock` says which."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock)
        self.clock: Clock = clock


class Lost(Exception):
    """The connection broke: reset, or ended where it must not."""


class Taker(Protocol):
    """Who takes what an origin sends without waiting for it."""

    def take(self, octets: bytes) -> None:
        """Something came."""
        ...

    def broke(self) -> None:
        """Nothing more will come."""
        ...


class OriginConnection(asyncio.Protocol):
    """A connection that is used for one request at a time, by one task that reads and one that writes."""

    __slots__ = (
        "_clock",
        "_deadline",
        "_drained",
        "_ended",
        "_error",
        "_held",
        "_loop",
        "_paused",
        "_pieces",
        "_reader",
        "_seconds",
        "_timer",
        "_writing_paused",
        "address",
        "idle_since",
        "taker",
        "transport",
        "uses",
    )

    def __init__(self, address: str) -> None:
        self._loop = asyncio.get_running_loop()
        self.address = address  # the one that was checked, without port
        self.transport: asyncio.Transport | None = None
        self.taker: Taker | None = None  # who takes octets at once, in place of a reader
        self.uses = 0  # requests it has been taken for
        self.idle_since = 0.0  # of the loop's clock
        self._pieces: list[bytes] = []
        self._held = 0  # octets in them
        self._paused = False
        self._ended = False
        self._error: Exception | None = None
        self._reader: asyncio.Future[None] | None = None
        self._writing_paused = False
        self._drained: asyncio.Future[None] | None = None
        self._deadline = 0.0  # of the loop's clock
        self._seconds = 0.0
        self._clock: Clock = "idle"
        self._timer: asyncio.TimerHandle | None = None

    # What the event loop calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self.transport = transport  # type: ignore[assignment]  # what TCP and TLS give

    def data_received(self, data: bytes) -> None:
        """Hold octets until somebody reads them."""
        if self.taker is not None:
            self.taker.take(data)
            return
        self._pieces.append(data)
        self._held += len(data)
        if self._held > MOST_RECEIVED and not self._paused and self.transport is not None:
            self._paused = True
            self.transport.pause_reading()
        self._wake()

    def eof_received(self) -> bool:
        """The origin has said all.  Its half may be closed while ours is still being written (RFC 9112 §9.6)."""
        self._ended = True
        if self.taker is not None:
            self.taker.broke()
        self._wake()
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is no more."""
        self._ended = True
        self._error = self._error or (Lost(str(exc)) if exc is not None else None)
        self.transport = None
        if self.taker is not None:
            self.taker.broke()
        self._wake()
        if self._drained is not None and not self._drained.done():
            self._drained.set_result(None)

    def pause_writing(self) -> None:
        """The origin reads more slowly than we write."""
        self._writing_paused = True

    def resume_writing(self) -> None:
        """It has caught up."""
        self._writing_paused = False
        if self._drained is not None and not self._drained.done():
            self._drained.set_result(None)

    # What a passage does with it.

    @property
    def usable(self) -> bool:
        """Whether another request can be sent: open, and nothing came that nobody asked for."""
        return self.transport is not None and not self._ended and not self._pieces and not self.transport.is_closing()

    def write(self, octets: bytes) -> None:
        """Send.  What is sent into a broken connection is lost; the reader hears of it."""
        if self.transport is not None:
            self.transport.write(octets)

    def put_back(self, octets: bytes) -> None:
        """Hold what a taker could not make anything of, for a reader."""
        self.taker = None
        if octets:
            self._pieces.insert(0, octets)
            self._held += len(octets)

    def writelines(self, pieces: list[bytes]) -> None:
        """Send several pieces as one."""
        if self.transport is not None:
            self.transport.writelines(pieces)

    async def drained(self) -> None:
        """Wait until the origin has taken enough.  Raises Lost."""
        if self._writing_paused and self.transport is not None:
            self._drained = self._loop.create_future()
            try:
                await self._drained
            finally:
                self._drained = None
        if self.transport is None:
            raise Lost("closed while it was written to")

    async def receive(self) -> bytes:
        """What has come since the last call; b"" when the origin has said all.  Raises Late and Lost."""
        if not self._pieces:
            if self._paused and self.transport is not None:
                # Only now, when all that came is with the visitor: one who reads slowly holds one read, not two.
                self._paused = False
                self.transport.resume_reading()
            if not self._ended and self._error is None:
                self._reader = self._loop.create_future()
                try:
                    await self._reader
                finally:
                    self._reader = None
            if not self._pieces:
                if self._error is not None:
                    raise self._error
                return b""
        octets = self._pieces[0] if len(self._pieces) == 1 else b"".join(self._pieces)
        self._pieces.clear()
        self._held = 0
        return octets

    def expect(self, clock: Clock, seconds: float) -> None:
        """Wind a clock: within so many seconds something must come, or `receive` raises Late."""
        self._clock = clock
        self._seconds = seconds
        self._deadline = self._loop.time() + seconds
        # A clock that already ticks looks at the new time when it rings, unless that would be too late.
        if self._timer is None or self._timer.when() > self._deadline:
            self._arm()

    def rest(self) -> None:
        """Stop the clock; what comes now, an end among it, is nobody's answer and must be noticed."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._paused and self.transport is not None and not self.transport.is_closing():
            self._paused = False
            self.transport.resume_reading()

    def abort(self) -> None:
        """End at once; what is unsent is lost."""
        self.rest()
        self._ended = True
        if self.transport is not None:
            self.transport.abort()

    def close(self) -> None:
        """End after what has been written."""
        self.rest()
        if self.transport is not None:
            self.transport.close()

    def _arm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_at(self._deadline, self._ring)

    def _ring(self) -> None:
        self._timer = None
        if self._reader is None:
            # Nobody waits for the origin: what came is still being handed to a visitor who reads slowly.
            self._deadline = self._loop.time() + self._seconds
        if self._loop.time() < self._deadline:
            self._arm()
            return
        self._error = Late(self._clock)
        self._wake()

    def _wake(self) -> None:
        if self._reader is not None and not self._reader.done():
            self._reader.set_result(None)
