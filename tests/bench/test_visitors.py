"""Visitors come whatever becomes of the others; what they saw is counted honestly."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from bench.rulesets import head
from bench.visitors import Service, Visit, Visitors

OLD, NEW = "https://dichvucong.gov.vn/mot", "https://dichvucong.gov.vn/hai"


def answer(target: str, successor: str | None = None) -> bytes:
    return (
        f'HTTP/1.1 301 Moved\r\nLocation: {target}\r\nLink: <{successor or target}>; rel="successor-version"'.encode()
    )


def visit(at: float, head: bytes, *, connection: int = 1, seconds: float = 0.01) -> Visit:
    return Visit(0, connection, at, at + seconds, head)


@pytest.mark.parametrize(
    ("visits", "mixed"),
    [
        ([visit(1, answer(OLD)), visit(2, answer(NEW))], 0),
        ([visit(1, answer(NEW)), visit(2, answer(OLD))], 1),  # a connection is one worker's
        ([visit(1, answer(NEW)), visit(2, answer(OLD), connection=2)], 0),  # another worker may be later
        ([visit(1, answer(NEW, OLD))], 1),
        ([visit(1, b"HTTP/1.1 301 Moved\r\nLocation: https://dichvucong.gov.vn/ba")], 0),
    ],
)
def test_an_answer_of_two_numbers_is_seen(visits: list[Visit], mixed: int) -> None:
    assert Service(visits).mixed([OLD, NEW]) == mixed


def test_no_answer_and_a_fault_of_ours_are_failures_and_what_we_refuse_is_none() -> None:
    heads = [answer(OLD), b"", b"HTTP/1.1 500 Oh", b"HTTP/1.1 404 Not Found"]
    service = Service([visit(number, head) for number, head in enumerate(heads)])
    assert service.failed == 2
    assert service.served_percent == 50


def test_only_those_who_asked_within_a_time_are_looked_at() -> None:
    service = Service([visit(1, answer(OLD), seconds=0.5), visit(2, answer(OLD), seconds=0.1)])
    assert service.longest_ms == pytest.approx(500)
    assert service.within(1.5, 3).longest_ms == pytest.approx(100)
    assert service.within(5).longest_ms == 0


Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


async def visited(handler: Handler, seconds: float = 0.5) -> Service:
    at_work: set[asyncio.Task[None]] = set()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        at_work.add(task)
        try:
            await handler(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.transport.abort()

    async with await asyncio.start_server(handle, "127.0.0.1", 0) as server:
        visitors = Visitors(server.sockets[0].getsockname()[1], [head("a.vn", "/")], rate=100, connections=4)
        running = asyncio.ensure_future(visitors.run())
        await asyncio.sleep(seconds)
        visitors.stop()
        service = await running
        async with asyncio.timeout(10):
            await asyncio.gather(*at_work)
        return service


async def test_visitors_come_at_their_rate_even_while_an_answer_is_slow() -> None:
    first = asyncio.Event()

    async def slow_at_first(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            await reader.readuntil(b"\r\n\r\n")
            if not first.is_set():
                first.set()
                await asyncio.sleep(0.3)
            writer.write(answer(OLD) + b"\r\nContent-Length: 0\r\n\r\n")

    service = await visited(slow_at_first)
    assert service.failed == 0
    assert service.longest_ms >= 300
    assert len(service.visits) > 25, "one slow answer held up those who came after"
    assert {one.target for one in service.visits} == {OLD}


async def test_a_connection_that_is_closed_without_an_answer_is_a_failure() -> None:
    async def deaf(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await reader.read(1)

    service = await visited(deaf, 0.2)
    assert service.visits
    assert service.served_percent == 0
