"""A connection to an origin: what is held, when the origin has to wait, and the clocks."""

import asyncio
import socket
import struct
import time
from collections.abc import AsyncIterator

import pytest

from proxy.passing.connections import MOST_RECEIVED, Late, Lost, OriginConnection
from tests.passing_peers.edges import until


def reset(writer: asyncio.StreamWriter) -> None:
    """Close with a RST."""
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


class Pair:
    """A connection with its other end in the test's hand."""

    def __init__(self, ours: OriginConnection, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.ours = ours
        self.reader = reader
        self.writer = writer


@pytest.fixture
async def pair() -> AsyncIterator[Pair]:
    accepted: asyncio.Future[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = (
        asyncio.get_running_loop().create_future()
    )

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        accepted.set_result((reader, writer))

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    loop = asyncio.get_running_loop()
    _, ours = await loop.create_connection(lambda: OriginConnection("127.0.0.1"), "127.0.0.1", port)
    reader, writer = await accepted
    yield Pair(ours, reader, writer)
    ours.abort()
    writer.close()
    server.close()


async def test_what_comes_is_read_in_order_and_the_end_after_it(pair: Pair) -> None:
    pair.writer.write(b"ab")
    assert await pair.ours.receive() == b"ab"
    pair.writer.write(b"cd")
    await pair.writer.drain()
    pair.writer.close()
    got = b""
    while octets := await pair.ours.receive():
        got += octets
    assert got == b"cd"
    assert not pair.ours.usable


async def test_a_reset_is_told_after_what_came_before_it(pair: Pair) -> None:
    pair.writer.write(b"ab")
    assert await pair.ours.receive() == b"ab"
    reset(pair.writer)
    with pytest.raises(Lost):
        await pair.ours.receive()


async def test_an_origin_that_sends_too_fast_has_to_wait(pair: Pair) -> None:
    sent = 8 * 1024 * 1024
    pair.writer.write(b"x" * sent)
    await asyncio.sleep(0.1)
    held = pair.ours._held
    assert MOST_RECEIVED <= held < MOST_RECEIVED + 512 * 1024
    got = 0
    while got < sent:
        got += len(await pair.ours.receive())
    assert got == sent


async def test_we_wait_for_an_origin_that_reads_slowly(pair: Pair) -> None:
    pair.ours.write(b"x" * 16 * 1024 * 1024)
    waiting = asyncio.ensure_future(pair.ours.drained())
    await asyncio.sleep(0.02)
    assert not waiting.done()
    got = 0
    while not waiting.done():
        got += len(await pair.reader.read(1 << 20))
    await waiting
    assert got > 0


async def test_waiting_for_one_that_breaks_ends(pair: Pair) -> None:
    pair.ours.write(b"x" * 16 * 1024 * 1024)
    waiting = asyncio.ensure_future(pair.ours.drained())
    await asyncio.sleep(0.01)
    pair.writer.transport.abort()
    with pytest.raises(Lost):
        await waiting


@pytest.mark.parametrize("clock", ["first-byte", "idle"])
async def test_a_clock_ends_the_waiting(pair: Pair, clock: str) -> None:
    began = time.monotonic()
    pair.ours.expect(clock, 0.05)  # type: ignore[arg-type]
    with pytest.raises(Late) as late:
        await pair.ours.receive()
    assert late.value.clock == clock
    assert 0.04 < time.monotonic() - began < 2


async def test_a_clock_can_be_wound_again_and_stopped(pair: Pair) -> None:
    pair.ours.expect("idle", 0.05)
    for _ in range(4):
        await asyncio.sleep(0.03)
        pair.ours.expect("idle", 0.05)
    pair.ours.expect("idle", 30)
    pair.ours.expect("first-byte", 0.02)
    with pytest.raises(Late):
        await pair.ours.receive()
    pair.ours.rest()


async def test_a_clock_does_not_ring_for_a_visitor_who_reads_slowly(pair: Pair) -> None:
    pair.ours.expect("idle", 0.02)
    await asyncio.sleep(0.1)  # nobody waits for the origin meanwhile
    pair.writer.write(b"x")
    assert await pair.ours.receive() == b"x"


async def test_octets_that_nobody_asked_for_spoil_a_connection(pair: Pair) -> None:
    assert pair.ours.usable
    pair.writer.write(b"HTTP/1.1 408 Request Timeout\r\n\r\n")
    await asyncio.sleep(0.02)
    assert not pair.ours.usable


async def test_a_connection_that_rests_after_a_long_answer_notices_its_end(pair: Pair) -> None:
    size = MOST_RECEIVED * 2
    pair.writer.write(b"x" * size)
    await pair.writer.drain()
    got = 0
    while got < size:
        got += len(await pair.ours.receive())
    pair.ours.rest()
    assert pair.ours.usable
    pair.writer.close()
    await until(lambda: not pair.ours.usable)
