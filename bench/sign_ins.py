"""Whole sign-ins that begin at a rate, whatever became of those before: `python -m bench.sign_ins PORT RATE SECONDS`.

RATE in sign-ins a second; 0: as many as there is an answer for, by ALWAYS at a time.  Prints what came of them as JSON.
Each has a browser that was never there, on connections that are kept.  It does next to nothing else than wait: what it
takes from the servers beside it on the same processors is told as `cpu_seconds`.
"""

import asyncio
import json
import sys
import time
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any, Final, cast
from urllib.parse import urlsplit

import uvloop

from bench.figures import percentile
from bench.load import END_OF_HEAD, answer_length
from bench.logins import CALLBACK, REDEEMING, REQUEST, NotSignedIn, approved, redemption

ALWAYS: Final = 16
MOST_AT_ONCE: Final = 4_000
"""Sign-ins under way; whoever comes then is turned away and counted as failed."""
LEGS: Final = ("authorize", "callback", "token")


class Connection(asyncio.Protocol):
    """One connection, one request at a time."""

    def __init__(self) -> None:
        self._received = b""
        self._answer: asyncio.Future[bytes] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def ask(self, request: bytes) -> "asyncio.Future[bytes]":
        """The whole answer."""
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return self._answer

    def data_received(self, data: bytes) -> None:
        self._received += data
        wanted = answer_length(self._received)
        if wanted is None or len(self._received) < wanted or self._answer is None:
            return
        answer, self._received = self._received[:wanted], self._received[wanted:]
        if not self._answer.done():
            self._answer.set_result(answer)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(exc or ConnectionError("closed"))

    def close(self) -> None:
        self._transport.close()


@dataclass
class Crowd:
    """Everybody who signs in at one port."""

    port: int
    seconds: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))  # by leg, and "whole"
    failed: int = 0
    under_way: int = 0
    _idle: list[Connection] = field(default_factory=list)

    async def sign_in(self) -> None:
        """One person, from the client's request to its tokens."""
        self.under_way += 1
        begun = time.perf_counter()
        try:
            place, cookies = await self._sent_on("authorize", f"/authorize?{REQUEST}", "")
            back = urlsplit(approved(place))
            place, _ = await self._sent_on("callback", f"{back.path}?{back.query}", cookies)
            await self._redeem(place)
            self.seconds["whole"].append(time.perf_counter() - begun)
        except (NotSignedIn, OSError, KeyError, IndexError):
            self.failed += 1
        finally:
            self.under_way -= 1

    async def _sent_on(self, leg: str, target: str, cookies: str) -> tuple[str, str]:
        head = f"GET {target} HTTP/1.1\r\nHost: localhost:{self.port}\r\nCookie: {cookies}\r\n\r\n"
        answer = await self._asked(leg, head.encode())
        status, fields = _head(answer)
        if status != 303:
            raise NotSignedIn(f"{leg}: {answer[:200]!r}")
        told = [value.partition(";")[0] for name, value in fields if name == "set-cookie"]
        return next(value for name, value in fields if name == "location"), "; ".join(told)

    async def _redeem(self, place: str) -> None:
        if not place.startswith(CALLBACK):
            raise NotSignedIn(place[:200])
        body = redemption(place)
        head = f"POST /token HTTP/1.1\r\nHost: localhost:{self.port}\r\n{REDEEMING}Content-Length: {len(body)}\r\n\r\n"
        answer = await self._asked("token", (head + body).encode())
        if b'"id_token"' not in answer:
            raise NotSignedIn(f"token: {answer[:200]!r}")

    async def _asked(self, leg: str, request: bytes) -> bytes:
        connection = self._idle.pop() if self._idle else await self._connected()
        begun = time.perf_counter()
        answer = await connection.ask(request)
        self.seconds[leg].append(time.perf_counter() - begun)
        self._idle.append(connection)
        return answer

    async def _connected(self) -> Connection:
        loop = asyncio.get_running_loop()
        return (await loop.create_connection(Connection, "127.0.0.1", self.port))[1]

    def close(self) -> None:
        """Let the connections go."""
        for connection in self._idle:
            connection.close()


def _head(answer: bytes) -> tuple[int, list[tuple[str, str]]]:
    first, *lines = answer[: answer.index(END_OF_HEAD)].decode().split("\r\n")
    pairs = (line.partition(": ") for line in lines)
    return int(first.split()[1]), [(name.lower(), value) for name, _, value in pairs]


async def at_rate(crowd: Crowd, rate: float, seconds: float) -> int:
    """Begin so many a second, evenly; how many there were."""
    loop, tasks, begun = asyncio.get_running_loop(), set[asyncio.Task[None]](), 0
    start, all_of_them = loop.time(), round(rate * seconds)
    while begun < all_of_them:
        due = min(all_of_them, int((loop.time() - start) * rate) + 1)
        for _ in range(due - begun):
            begun += 1
            if crowd.under_way >= MOST_AT_ONCE:
                crowd.failed += 1
                continue
            task = loop.create_task(crowd.sign_in())
            tasks.add(task)
            task.add_done_callback(tasks.discard)
        await asyncio.sleep(0.002)
    if tasks:
        await asyncio.wait(tasks, timeout=30)
    return begun


async def always(crowd: Crowd, seconds: float) -> int:
    """As many as there is an answer for."""
    until = time.perf_counter() + seconds

    async def one_after_the_other() -> None:
        while time.perf_counter() < until:
            await crowd.sign_in()

    await asyncio.gather(*(one_after_the_other() for _ in range(ALWAYS)))
    return len(crowd.seconds["whole"]) + crowd.failed


async def measured(port: int, rate: float, seconds: float) -> dict[str, Any]:
    """What came of them; instants in milliseconds."""
    crowd = Crowd(port)
    cpu, wall = time.process_time(), time.perf_counter()
    begun = await (at_rate(crowd, rate, seconds) if rate else always(crowd, seconds))
    taken = time.perf_counter() - wall
    crowd.close()
    legs = {
        leg: {
            name: percentile(crowd.seconds[leg] or [0.0], share) * 1e3 for name, share in (("p50", 0.5), ("p99", 0.99))
        }
        for leg in ("whole", *LEGS)
    }
    done = len(crowd.seconds["whole"])
    return {
        "begun": begun,
        "done": done,
        "failed": crowd.failed + crowd.under_way,
        "rate": done / taken,
        "cpu_seconds": time.process_time() - cpu,
        "legs": legs,
    }


if __name__ == "__main__":
    print(json.dumps(uvloop.run(measured(int(sys.argv[1]), float(sys.argv[2]), float(sys.argv[3])))))
