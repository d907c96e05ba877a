"""Open loop: so many visitors a second ask whatever becomes of the others, and every answer is kept with its times."""

import asyncio
import time
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Final, NamedTuple, cast

from bench.figures import percentile
from bench.load import answer_length
from bench.servers import field

PATIENCE_SECONDS: Final = 10.0


class Visit(NamedTuple):
    """One request and its answer.  Times are those of the wall clock, in seconds."""

    question: int  # which of those that were asked
    connection: int
    asked_at: float
    answered_at: float
    head: bytes  # b"" where no answer came

    @property
    def seconds(self) -> float:
        """How long it took."""
        return self.answered_at - self.asked_at

    @property
    def target(self) -> str:
        """Where it leads."""
        return field(self.head, "Location")

    @property
    def successor(self) -> str:
        """Where its Link header says that the page has gone (RFC 5829 §3.2)."""
        return field(self.head, "Link").partition(">")[0].removeprefix("<")


@dataclass(frozen=True, slots=True)
class Service:
    """What visitors saw within some time."""

    visits: Sequence[Visit]

    def within(self, begin: float, end: float = float("inf")) -> "Service":
        """Of those who asked then."""
        return Service([one for one in self.visits if begin <= one.asked_at < end])

    @property
    def failed(self) -> int:
        """Without an answer, or with one that says that something went wrong here."""
        return sum(not one.head or one.head[9:10] == b"5" for one in self.visits)

    @property
    def served_percent(self) -> float:
        """Of all."""
        return 100 * (1 - self.failed / max(len(self.visits), 1))

    @property
    def longest_ms(self) -> float:
        """The slowest answer, in milliseconds; 0 where nobody asked."""
        return max((one.seconds for one in self.visits), default=0.0) * 1e3

    def percentile_ms(self, share: float) -> float:
        """See `bench.figures.percentile`."""
        return percentile([one.seconds for one in self.visits], share) * 1e3

    def mixed(self, editions: Sequence[str]) -> int:
        """Answers that belong to no single edition: the target of one and the successor of another, or a connection
        that went back to an earlier one.

        editions  where one address leads, in the order in which they were published
        """
        found = sum(one.successor not in {"", one.target} for one in self.visits)
        seen: dict[int, int] = {}
        for one in sorted(self.visits, key=lambda visit: visit.answered_at):
            if one.target in editions:
                edition = editions.index(one.target)
                found += edition < seen.get(one.connection, 0)
                seen[one.connection] = edition
        return found


class _Line(asyncio.Protocol):
    """One kept connection: one question at a time."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.closed = False
        self._received = b""
        self._waiter: asyncio.Future[bytes] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)  # uvloop's is none by its class

    def ask(self, request: bytes) -> "asyncio.Future[bytes]":
        self._waiter = asyncio.get_running_loop().create_future()
        self.transport.write(request)
        return self._waiter

    def data_received(self, data: bytes) -> None:
        self._received += data
        length = answer_length(self._received)
        if length is None or len(self._received) < length:
            return
        head = self._received.partition(b"\r\n\r\n")[0]
        self._received = self._received[length:]
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(head)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio says it
        self.closed = True
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(b"")


class Visitors:
    """Ask a loopback port from `begin` until `end`."""

    def __init__(self, port: int, requests: Iterable[bytes], *, rate: float, connections: int = 32) -> None:
        self._port = port
        self._requests = tuple(requests)
        self._rate = rate
        self._numbers = count()
        self._wanted = connections
        self._idle: deque[_Line] = deque()
        self._visits: list[Visit] = []
        self._over = asyncio.Event()

    async def run(self) -> Service:
        """Until `stop` was called; all answers there were."""
        loop = asyncio.get_running_loop()
        self._idle.extend([await self._connected() for _ in range(self._wanted)])
        begun = loop.time()
        async with asyncio.TaskGroup() as tasks:
            for number in count():
                if self._over.is_set():
                    break
                await asyncio.sleep(begun + number / self._rate - loop.time())
                tasks.create_task(self._visit(number % len(self._requests)))
        for line in self._idle:
            line.transport.close()
        return Service(self._visits)

    def stop(self) -> None:
        """No more."""
        self._over.set()

    async def _connected(self) -> _Line:
        loop = asyncio.get_running_loop()
        _, line = await loop.create_connection(lambda: _Line(next(self._numbers)), "127.0.0.1", self._port)
        return line

    async def _visit(self, question: int) -> None:
        asked_at = time.time()
        head, number = b"", -1
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                line = await self._free_line()
                number = line.number
                head = await line.ask(self._requests[question])
            if head:
                self._idle.append(line)
            else:
                line.transport.close()
        except (OSError, TimeoutError):
            pass
        self._visits.append(Visit(question, number, asked_at, time.time(), head))

    async def _free_line(self) -> _Line:
        while self._idle:
            line = self._idle.popleft()
            if not line.closed:
                return line
        return await self._connected()
