"""Many at once, and some of them bad: the others are answered, and nothing is left behind."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from proxy.packs import Packs
from proxy.pages import Pages
from tests.conftest import RunningEdge
from tests.passing_peers.edges import edge, get, one_answer, until, upstream
from tests.passing_peers.recording import OK, Dialogue, Seen, recording_origin, says
from tests.proxy.conftest import edge_over, request_bytes

pytestmark = pytest.mark.clocked


ASKED = request_bytes("/vi", headers=["Accept: text/html", "User-Agent: Mozilla"], keep=True)


@asynccontextmanager
async def attackers(running: RunningEdge, number: int) -> AsyncIterator[list[asyncio.StreamReader]]:
    """Who begin a head and never end it, a letter now and then."""
    pairs = [await asyncio.open_connection(*running.addresses.edge) for _ in range(number)]

    async def trickle() -> None:
        while True:
            for _, writer in pairs:
                writer.write(b"x")
            await asyncio.sleep(0.2)

    for _, writer in pairs:
        writer.write(b"GET /vi HTTP/1.1\r\nX-Slow: ")
    trickling = asyncio.ensure_future(trickle())
    try:
        yield [reader for reader, _ in pairs]
    finally:
        trickling.cancel()
        for _, writer in pairs:
            writer.transport.abort()


async def test_half_open_attackers_hold_up_nobody_and_are_let_go(packs: Packs, pages: Pages) -> None:
    environ = {"DVC_EDGE__LIMITS__HEAD_SECONDS": "2", "DVC_EDGE__LIMITS__HEAD_RATE": "0"}
    async with edge_over(packs, pages, environ) as running, attackers(running, 100) as held:
        reader, writer = await asyncio.open_connection(*running.addresses.edge)
        for _ in range(100):
            writer.write(ASKED)
            async with asyncio.timeout(20):
                await one_answer(reader, ASKED)
        writer.close()
        async with asyncio.timeout(30):
            answers = await asyncio.gather(*(one.read() for one in held))
        assert all(answer.startswith(b"HTTP/1.1 408 ") for answer in answers)


async def test_visitors_who_do_not_read_hold_no_more_than_their_share() -> None:
    body = b"x" * 4_000_000
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body
    async with recording_origin(says(answer)) as origin, edge(upstream(origin.port)) as ours:
        held = []
        for _ in range(30):
            sock = socket.create_connection(("127.0.0.1", ours.port))
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
            sock.sendall(get("/large"))
            held.append(sock)
        await until(lambda: len(origin.seen) == 30, seconds=20)
        await asyncio.sleep(0.5)
        for connection in ours.server.connections:
            assert connection.transport is not None
            assert connection.transport.get_write_buffer_size() < 600_000
        for sock in held:
            sock.close()


async def test_a_province_that_stalls_costs_the_others_nothing() -> None:
    async def stall(dialogue: Dialogue, seen: Seen) -> None:
        await dialogue.body(seen)
        await asyncio.sleep(30)

    async with (
        recording_origin(stall) as stalled,
        recording_origin() as sound,
        edge(upstream(stalled.port, pool={"connections": 8, "waiting": 4})) as bad,
        edge(upstream(sound.port)) as good,
    ):
        waiting = [asyncio.ensure_future(bad.ask(get())) for _ in range(40)]
        await until(lambda: len(stalled.seen) == 8, seconds=20)
        assert [await good.ask(get()) for _ in range(50)] == [OK] * 50
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)


async def test_an_origin_that_is_restarted_under_load_fails_only_what_it_had_in_hand(tmp_path: Path) -> None:
    answers: list[bytes] = []
    going = True

    async def visitor(port: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        while going:
            writer.write(get())
            async with asyncio.timeout(20):
                answers.append(await one_answer(reader, get()))
        writer.close()

    async with recording_origin() as first, edge(upstream(first.port, breaker={"failures": 100})) as ours:
        visitors = [asyncio.ensure_future(visitor(ours.port)) for _ in range(4)]
        await until(lambda: len(answers) > 50, seconds=20)
        await first.stop()
        async with recording_origin(port=first.port) as second:
            before = len(answers)
            await until(lambda: len(answers) > before + 100, seconds=20)
            going = False
            await asyncio.gather(*visitors)
        assert second.seen
    failed = [answer for answer in answers if answer != OK]
    assert len(failed) <= 4  # those in flight, one for each visitor
