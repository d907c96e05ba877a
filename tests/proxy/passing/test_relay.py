"""One request over one connection: streams, early ends, slow ends, and ends that never come."""

import asyncio
import time

import pytest

from tests.passing_peers.edges import Edge, edge, get, request, until, upstream
from tests.passing_peers.faults import Fault, faulty
from tests.passing_peers.recording import OK, Dialogue, Seen, recording_origin, says

SSE = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"


async def connected(ours: Edge, octets: bytes) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_connection("127.0.0.1", ours.port)
    writer.write(octets)
    return reader, writer


async def test_events_are_not_held_back() -> None:
    said = asyncio.Event()

    async def script(dialogue: Dialogue, seen: Seen) -> None:
        dialogue.say(SSE)
        for number in range(3):
            event = b"data: %d\n\n" % number
            dialogue.say(b"%x\r\n%b\r\n" % (len(event), event))
            await dialogue.writer.drain()
            await said.wait()
            said.clear()
        dialogue.say(b"0\r\n\r\n")

    async with recording_origin(script) as origin, edge(upstream(origin.port)) as ours:
        reader, writer = await connected(ours, get())
        async with asyncio.timeout(5):
            assert await reader.readexactly(len(SSE)) == SSE
            for number in range(3):
                assert (await reader.readuntil(b"\n\n\r\n")).endswith(b"data: %d\n\n\r\n" % number)
                said.set()  # the next is said only when this one has arrived
            assert await reader.readexactly(5) == b"0\r\n\r\n"
        writer.close()


async def test_a_visitor_who_leaves_ends_the_origins_work() -> None:
    gone = asyncio.Event()

    async def script(dialogue: Dialogue, seen: Seen) -> None:
        assert await dialogue.reader.read() == b""
        gone.set()

    async with recording_origin(script) as origin, edge(upstream(origin.port)) as ours:
        _, writer = await connected(ours, get())
        await until(lambda: origin.seen)
        writer.close()
        async with asyncio.timeout(2):
            await gone.wait()
        await until(lambda: ours.counted("left"))


async def test_a_visitor_who_leaves_during_a_stream_ends_it() -> None:
    async def script(dialogue: Dialogue, seen: Seen) -> None:
        dialogue.say(SSE)
        while not dialogue.writer.is_closing():
            dialogue.say(b"1\r\nx\r\n")
            await dialogue.writer.drain()
            await asyncio.sleep(0.01)

    async with recording_origin(script) as origin, edge(upstream(origin.port)) as ours:
        reader, writer = await connected(ours, get())
        await reader.readuntil(b"x\r\n")
        writer.close()
        await until(lambda: not origin.open)


async def test_an_answer_may_come_before_the_upload_ends() -> None:
    answer = b"HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\n\r\nbig"

    async def script(dialogue: Dialogue, seen: Seen) -> None:
        dialogue.say(answer)
        await dialogue.writer.drain()
        dialogue.writer.close()
        seen.complete = True

    async with recording_origin(script) as origin, edge(upstream(origin.port)) as ours:
        reader, writer = await connected(ours, request(b"x" * 1_000, "Content-Length: 100000000"))
        async with asyncio.timeout(5):
            head = await reader.readuntil(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 413 ")
            assert b"\r\nConnection: close\r\n" in head
            assert await reader.readexactly(3) == b"big"
        writer.close()


async def test_both_directions_move_at_once() -> None:
    async def echo(dialogue: Dialogue, seen: Seen) -> None:
        dialogue.say(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n")
        for _ in range(5):
            dialogue.say(await dialogue.exactly(1))
            await dialogue.writer.drain()
        seen.complete = True

    async with recording_origin(echo) as origin, edge(upstream(origin.port)) as ours:
        reader, writer = await connected(ours, request(b"", "Content-Length: 5"))
        async with asyncio.timeout(5):
            await reader.readuntil(b"\r\n\r\n")
            for letter in b"hello":
                writer.write(bytes((letter,)))
                assert await reader.readexactly(1) == bytes((letter,))
        writer.close()


async def test_who_waits_for_100_is_told_here() -> None:
    async def script(dialogue: Dialogue, seen: Seen) -> None:
        assert not seen.all("expect")
        await dialogue.body(seen)
        dialogue.say(b"HTTP/1.1 100 Continue\r\n\r\n" + OK)

    async with recording_origin(script) as origin, edge(upstream(origin.port)) as ours:
        reader, writer = await connected(ours, request(b"", "Content-Length: 5", "Expect: 100-continue"))
        async with asyncio.timeout(5):
            assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
            writer.write(b"hello")
            assert await reader.readexactly(len(OK)) == OK  # and the origin's own 100 stays where it is
        writer.close()
        assert origin.seen[0].body == b"hello"


async def test_who_waits_for_100_and_is_refused_keeps_the_body() -> None:
    async with edge(upstream(1, body=3)) as ours:
        reader, writer = await connected(ours, request(b"", "Content-Length: 5", "Expect: 100-continue"))
        async with asyncio.timeout(5):
            assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 413 ")
        writer.close()


async def test_a_body_in_chunks_is_counted_too() -> None:
    async with recording_origin() as origin, edge(upstream(origin.port, body=10)) as ours:
        big = b"b\r\n01234567890\r\n0\r\n\r\n"
        assert (await ours.ask(request(big, "Transfer-Encoding: chunked"))).startswith(b"HTTP/1.1 413 ")
        reader, writer = await connected(ours, request(big[:8], "Transfer-Encoding: chunked"))
        await asyncio.sleep(0.05)
        writer.write(big[8:])
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 413 ")
        writer.close()
        await until(lambda: not origin.open)
    assert not any(seen.complete for seen in origin.seen)


@pytest.mark.parametrize("body", [b"5\r\nhel", b"x\r\n", b"5\r\nhelloXX0\r\n\r\n"])
async def test_a_broken_upload_is_never_completed_for_the_origin(body: bytes) -> None:
    async with recording_origin() as origin, edge(upstream(origin.port)) as ours:
        reader, writer = await connected(ours, request(b"", "Transfer-Encoding: chunked"))
        await asyncio.sleep(0.05)
        writer.write(body)
        if body.endswith(b"hel"):
            writer.close()
        else:
            assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 400 ")
        await until(lambda: not origin.open)
        writer.close()
    assert not any(seen.complete for seen in origin.seen)


async def test_a_slow_upload_is_ended() -> None:
    async with recording_origin() as origin, edge(upstream(origin.port, timers={"idle": 0.1})) as ours:
        reader, writer = await connected(ours, request(b"he", "Content-Length: 5"))
        async with asyncio.timeout(5):
            assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 408 ")
        writer.close()


async def test_an_origin_that_stops_reading_is_late() -> None:
    async def script(dialogue: Dialogue, seen: Seen) -> None:
        await asyncio.Event().wait()

    async with recording_origin(script) as origin, edge(upstream(origin.port, timers={"idle": 0.2})) as ours:
        reader, writer = await connected(ours, request(b"", "Content-Length: 100000000"))
        writer.write(b"x" * 30_000_000)
        async with asyncio.timeout(5):
            assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 504 ")
        writer.transport.abort()


SIZE = 64 * 1024 * 1024


async def test_a_long_download_waits_for_a_slow_reader_and_is_held_by_nobody() -> None:
    piece = b"x" * 65_536
    sent = 0

    async def script(dialogue: Dialogue, seen: Seen) -> None:
        nonlocal sent
        dialogue.say(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % SIZE)
        while sent < SIZE:
            dialogue.say(piece)
            sent += len(piece)
            await dialogue.writer.drain()

    async with recording_origin(script) as origin, edge(upstream(origin.port, timers={"idle": 5})) as ours:
        reader, writer = await connected(ours, get())
        await reader.readuntil(b"\r\n\r\n")
        await asyncio.sleep(0.3)
        held = sent
        await asyncio.sleep(0.2)
        # What the kernel's buffers on two connections take, and ours; not the whole.
        assert sent == held < SIZE // 2
        got = 0
        while got < SIZE:
            got += len(await reader.read(1 << 20))
        assert got == SIZE
        writer.close()


async def test_a_long_upload_waits_for_a_slow_origin_and_is_held_by_nobody() -> None:
    go = asyncio.Event()

    async def script(dialogue: Dialogue, seen: Seen) -> None:
        await go.wait()
        got = 0
        while got < SIZE:
            got += len(await dialogue.reader.read(1 << 20))
        seen.complete = True
        dialogue.say(OK)

    async with recording_origin(script) as origin, edge(upstream(origin.port, timers={"idle": 5})) as ours:
        reader, writer = await connected(ours, request(b"", f"Content-Length: {SIZE}"))
        written = 0

        async def upload() -> None:
            nonlocal written
            for _ in range(SIZE // 65_536):
                writer.write(b"x" * 65_536)
                await writer.drain()
                written += 65_536

        uploading = asyncio.ensure_future(upload())
        await asyncio.sleep(0.3)
        held = written
        await asyncio.sleep(0.2)
        assert written == held < SIZE // 2
        go.set()
        async with asyncio.timeout(20):
            assert await reader.readexactly(len(OK)) == OK
        await uploading
        writer.close()


async def test_a_visitor_who_stops_reading_is_left() -> None:
    async def script(dialogue: Dialogue, seen: Seen) -> None:
        dialogue.say(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % SIZE)
        while True:
            dialogue.say(b"x" * 65_536)
            await dialogue.writer.drain()

    async with recording_origin(script) as origin, edge(upstream(origin.port, timers={"idle": 0.2})) as ours:
        _, writer = await connected(ours, get())
        await until(lambda: ours.counted("left"), seconds=5)
        await until(lambda: not origin.open)
        writer.transport.abort()


NO_ANSWERS = {
    "nothing": b"",
    "half a head": b"HTTP/1.1 200 OK\r\nContent-Le",
    "no HTTP": b"220 smtp ready\r\n\r\n",
    "two lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
    "length and chunks": b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "bare LF": b"HTTP/1.1 200 OK\nContent-Length: 2\n\nok",
    "a folded line": b"HTTP/1.1 200 OK\r\nA: b\r\n c\r\nContent-Length: 2\r\n\r\nok",
    "a switch nobody asked for": b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n",
    "NUL": b"HTTP/1.1 200 OK\r\nA: \0\r\nContent-Length: 2\r\n\r\nok",
    "a head without an end": b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 20_000,
}


@pytest.mark.parametrize("octets", NO_ANSWERS.values(), ids=NO_ANSWERS)
async def test_what_is_no_answer_becomes_502(octets: bytes) -> None:
    async def script(dialogue: Dialogue, seen: Seen) -> None:
        dialogue.say(octets)
        await dialogue.writer.drain()
        dialogue.writer.close()

    async with recording_origin(script) as origin, edge(upstream(origin.port)) as ours:
        assert (await ours.ask(request(b"a", "Content-Length: 1"))).startswith(b"HTTP/1.1 502 ")
        assert (ours.failures[0].reason, origin.connections) == ("bad-answer", 1)


TORN = {
    "a counted body": b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf",
    "chunks": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n",
    "bad chunks": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\nxyz\r\n",
}


@pytest.mark.parametrize("octets", TORN.values(), ids=TORN)
@pytest.mark.parametrize("version", ["1.0", "1.1"])
async def test_a_torn_answer_cannot_be_taken_for_a_whole_one(octets: bytes, version: str) -> None:
    async def script(dialogue: Dialogue, seen: Seen) -> None:
        head, end, body = octets.partition(b"\r\n\r\n")
        dialogue.say(head + end)
        await asyncio.sleep(0.02)
        dialogue.say(body)
        await dialogue.writer.drain()
        dialogue.writer.close()

    async with recording_origin(script) as origin, edge(upstream(origin.port)) as ours:
        try:
            got = await ours.ask(get(version=version), until_close=True)
        except ConnectionResetError:
            got = b""
        else:
            assert version == "1.1", "the end of the connection is the end of an HTTP/1.0 body"
        assert not got.endswith(b"0\r\n\r\n")
        await until(lambda: ours.counted("torn"))


async def test_octets_behind_an_answer_reach_nobody() -> None:
    evil = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nEVIL"
    async with recording_origin(says(OK + evil)) as origin, edge(upstream(origin.port)) as ours:
        reader, writer = await connected(ours, get("/1"))
        assert await reader.readexactly(len(OK)) == OK
        writer.write(get("/2"))
        assert await reader.readexactly(len(OK)) == OK
        writer.close()
        assert origin.connections == 2


async def test_requests_one_behind_the_other_are_answered_in_turn() -> None:
    async def script(dialogue: Dialogue, seen: Seen) -> None:
        await asyncio.sleep(0.05 if seen.target == b"/1" else 0)
        dialogue.say(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n" + seen.target)

    async with recording_origin(script) as origin, edge(upstream(origin.port)) as ours:
        reader, writer = await connected(ours, get("/1") + get("/2") + get("/3"))
        async with asyncio.timeout(5):
            for target in (b"/1", b"/2", b"/3"):
                assert (await reader.readuntil(b"\r\n\r\n"))[:12] == b"HTTP/1.1 200"
                assert await reader.readexactly(2) == target
        writer.close()


FAULTS = [
    # what befalls the answer                       what the visitor gets
    (Fault(after=0, kind="stall"),                  b"HTTP/1.1 504 "),
    (Fault(after=0, kind="reset"),                  b"HTTP/1.1 502 "),
    (Fault(after=0, kind="truncate"),               b"HTTP/1.1 502 "),
    (Fault(after=10, kind="stall"),                 b"HTTP/1.1 504 "),
    (Fault(after=10, kind="reset"),                 b"HTTP/1.1 502 "),
    (Fault(after=45, kind="stall"),                 b"HTTP/1.1 200 "),
    (Fault(after=45, kind="reset"),                 b"HTTP/1.1 200 "),
    (Fault(latency_seconds=0.05),                   b"HTTP/1.1 200 "),
    (Fault(piece=1),                                b"HTTP/1.1 200 "),
]  # fmt: skip


@pytest.mark.parametrize(
    ("fault", "begins"), FAULTS, ids=lambda value: f"{value.kind}-{value.after}" if isinstance(value, Fault) else None
)
async def test_what_befalls_an_answer_on_its_way(fault: Fault, begins: bytes) -> None:
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n0123456789"
    timers = {"first_byte": 0.3, "idle": 0.3}
    async with (
        recording_origin(says(answer)) as origin,
        faulty(
            origin.port, Fault(**{name: getattr(fault, name) for name in ("latency_seconds", "after", "kind", "piece")})
        ) as relay,
        edge(upstream(relay.port, timers=timers)) as ours,
    ):
        began = time.monotonic()
        reader, writer = await connected(ours, request(b"a", "Content-Length: 1"))
        got = b""
        try:
            async with asyncio.timeout(5):
                got = await reader.readuntil(b"\r\n\r\n")
                if got.startswith(b"HTTP/1.1 200"):
                    got += await reader.readexactly(10)
        except (asyncio.IncompleteReadError, ConnectionResetError) as error:
            if fault.after != 45:
                raise
            got += getattr(error, "partial", b"")
            await until(lambda: ours.counted("torn"))
        assert not got or got.startswith(begins)
        assert time.monotonic() - began < 3
        writer.close()


async def test_a_total_time_ends_what_moves_for_ever() -> None:
    async def script(dialogue: Dialogue, seen: Seen) -> None:
        dialogue.say(SSE)
        while True:
            dialogue.say(b"1\r\nx\r\n")
            await asyncio.sleep(0.02)

    async with recording_origin(script) as origin, edge(upstream(origin.port, timers={"total": 0.3})) as ours:
        reader, writer = await connected(ours, get())
        async with asyncio.timeout(3):
            try:
                got = await reader.read()
            except ConnectionResetError:
                got = b""
        assert not got.endswith(b"0\r\n\r\n")
        writer.close()
        await until(lambda: not origin.open)
