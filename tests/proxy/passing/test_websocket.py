"""WebSockets from one end to the other: a real client and a real server, and ends that break the rules."""

import asyncio
import base64
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import aiohttp
import pytest
from aiohttp import web

from tests.passing_peers.edges import Edge, edge, get, until, upstream
from tests.passing_peers.recording import Dialogue, Seen, recording_origin, says

Handler = Callable[[web.WebSocketResponse], Awaitable[None]]
ASK = (
    "Upgrade: websocket",
    "Connection: Upgrade",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Version: 13",
)
MASK = b"\x01\x02\x03\x04"


async def echo(socket: web.WebSocketResponse) -> None:
    async for message in socket:
        if message.type is aiohttp.WSMsgType.TEXT:
            await socket.send_str(message.data)
        elif message.type is aiohttp.WSMsgType.BINARY:
            await socket.send_bytes(message.data)


@asynccontextmanager
async def websocket_origin(talk: Handler = echo, **options: object) -> AsyncIterator[int]:
    """A WebSocket server of aiohttp's on a free port."""

    async def handler(request: web.BaseRequest) -> web.StreamResponse:
        socket = web.WebSocketResponse(protocols=("chat",), max_msg_size=0, **options)  # type: ignore[arg-type]
        await socket.prepare(request)
        await talk(socket)
        return socket

    runner = web.ServerRunner(web.Server(handler), shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield int(runner.addresses[0][1])
    finally:
        await runner.cleanup()


@asynccontextmanager
async def client(
    ours: Edge, *, protocols: tuple[str, ...] = (), compress: int = 0, autoping: bool = True
) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
    """A WebSocket client of aiohttp's, through the edge."""
    url = f"http://127.0.0.1:{ours.port}/ws"
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(
            url, protocols=protocols, compress=compress, autoping=autoping, max_msg_size=0, decode_text=True
        ) as socket,
    ):
        yield socket


@pytest.mark.parametrize("compress", [0, 15])
async def test_messages_go_both_ways(compress: int) -> None:
    async with (
        websocket_origin() as port,
        edge(upstream(port)) as ours,
        client(ours, protocols=("chat",), compress=compress) as socket,
    ):
        assert socket.protocol == "chat"
        assert bool(socket.compress) is bool(compress)
        await socket.send_str("phường Phúc Xá")
        assert await socket.receive_str() == "phường Phúc Xá"
        for size in (0, 1, 125, 126, 65_535, 65_536, 5_000_000):
            await socket.send_bytes(b"x" * size)
            assert len(await socket.receive_bytes(timeout=10)) == size
        await socket.close(code=4001)
        assert socket.close_code == 1000  # the answer of the origin


async def test_close_codes_arrive_from_either_side() -> None:
    codes: list[int | None] = []

    async def talk(socket: web.WebSocketResponse) -> None:
        await socket.receive()
        codes.append(socket.close_code)

    async def farewell(socket: web.WebSocketResponse) -> None:
        await socket.close(code=4002, message=b"bye")

    async with websocket_origin(talk) as port, edge(upstream(port)) as ours:
        async with client(ours) as socket:
            await socket.close(code=3001)
        await until(lambda: codes == [3001])
    async with websocket_origin(farewell) as port, edge(upstream(port)) as ours, client(ours) as socket:
        message = await socket.receive(timeout=5)
        assert (message.type, message.data, message.extra) == (aiohttp.WSMsgType.CLOSE, 4002, "bye")


async def test_pings_pass() -> None:
    async with (
        websocket_origin(echo, autoping=True) as port,
        edge(upstream(port)) as ours,
        client(ours, autoping=False) as socket,
    ):
        await socket.ping(b"are you there")
        message = await socket.receive(timeout=5)
        assert (message.type, message.data) == (aiohttp.WSMsgType.PONG, b"are you there")


async def test_going_away_is_said_to_both() -> None:
    codes: list[int | None] = []

    async def talk(socket: web.WebSocketResponse) -> None:
        await socket.receive()
        codes.append(socket.close_code)

    async with websocket_origin(talk) as port, edge(upstream(port)) as ours, client(ours) as socket:
        draining = asyncio.ensure_future(ours.passer.drain(5))
        message = await socket.receive(timeout=5)
        assert (message.type, message.data) == (aiohttp.WSMsgType.CLOSE, 1001)
        await until(lambda: codes == [1001])
        async with asyncio.timeout(5):
            await draining


async def test_silence_ends_it() -> None:
    async with (
        websocket_origin() as port,
        edge(upstream(port, websocket={"idle": 0.2})) as ours,
        client(ours) as socket,
    ):
        for _ in range(3):
            await asyncio.sleep(0.1)
            await socket.send_str("still here")
            assert await socket.receive_str() == "still here"
        message = await socket.receive(timeout=5)
        assert (message.type, message.data) == (aiohttp.WSMsgType.CLOSE, 1001)


async def test_a_message_longer_than_agreed_ends_it() -> None:
    async with (
        websocket_origin() as port,
        edge(upstream(port, websocket={"message": 1_000})) as ours,
        client(ours) as socket,
    ):
        await socket.send_bytes(b"x" * 1_001)
        message = await socket.receive(timeout=5)
        assert (message.type, message.data) == (aiohttp.WSMsgType.CLOSE, 1009)


async def test_there_are_only_so_many() -> None:
    async with websocket_origin() as port, edge(upstream(port, websocket={"connections": 1})) as ours:
        async with client(ours):
            with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
                async with client(ours):
                    pass
            assert refused.value.status == 503
        await until(lambda: ours.passer._live["province"].websockets == 0)
        async with client(ours) as socket:
            await socket.send_str("again")
            assert await socket.receive_str() == "again"


async def test_an_origin_that_refuses_is_heard() -> None:
    answer = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno"
    async with recording_origin(says(answer)) as origin, edge(upstream(origin.port)) as ours:
        assert await ours.ask(get("/ws", *ASK)) == answer
        assert origin.seen[0].one("upgrade") == "websocket"


SWITCH = (
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: %b\r\n\r\n"
)


def accepting(seen: Seen) -> bytes:
    digest = hashlib.sha1(seen.one("sec-websocket-key").encode() + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest()
    return SWITCH % base64.b64encode(digest)


async def test_an_origin_that_answers_another_handshake_is_none() -> None:
    async with (
        recording_origin(says(SWITCH % b"c29tZSBvdGhlciBkaWdlc3Q=")) as origin,
        edge(upstream(origin.port)) as ours,
    ):
        assert (await ours.ask(get("/ws", *ASK))).startswith(b"HTTP/1.1 502 ")


async def test_nobody_is_switched_who_asked_for_something_else() -> None:
    async with recording_origin(says(SWITCH % b"x")) as origin, edge(upstream(origin.port)) as ours:
        for lines in ([], ["Upgrade: h2c", "Connection: Upgrade"], [ASK[0], *ASK[2:]]):
            assert (await ours.ask(get("/ws", *lines))).startswith(b"HTTP/1.1 502 ")
        assert not any(seen.all("upgrade") for seen in origin.seen)


def masked(octets: bytes) -> bytes:
    return MASK + bytes(octet ^ MASK[at & 3] for at, octet in enumerate(octets))


BROKEN = {
    "unmasked": b"\x81\x02hi",
    "reserved opcode": b"\x83\x80" + MASK,
    "reserved bit": b"\xc1\x80" + MASK,
    "continuation of nothing": b"\x80\x80" + MASK,
    "close code 1005": b"\x88\x82" + masked(b"\x03\xed"),
}


@pytest.mark.parametrize("octets", BROKEN.values(), ids=BROKEN)
async def test_a_visitor_who_breaks_the_rules_ends_it_for_both(octets: bytes) -> None:
    got: list[bytes] = []

    async def script(dialogue: Dialogue, seen: Seen) -> None:
        dialogue.say(accepting(seen))
        got.append(await dialogue.reader.read())
        dialogue.writer.close()

    sound = b"\x81\x82" + masked(b"hi")
    async with recording_origin(script) as origin, edge(upstream(origin.port)) as ours:
        reader, writer = await asyncio.open_connection("127.0.0.1", ours.port)
        writer.write(get("/ws", *ASK))
        await reader.readuntil(b"\r\n\r\n")
        writer.write(sound + octets)
        async with asyncio.timeout(5):
            assert await reader.readexactly(4) == b"\x88\x02\x03\xea"  # 1002
            writer.close()
            await until(lambda: got)
    # What was sound has arrived; then comes our close, masked; of the broken frame nothing.
    assert got[0].startswith(sound)
    rest = got[0][len(sound) :]
    assert rest[:2] == b"\x88\x82"
    assert bytes(octet ^ rest[2 + (at & 3)] for at, octet in enumerate(rest[6:8])) == b"\x03\xea"
    assert len(rest) == 8


async def test_an_origin_that_breaks_the_rules_is_not_believed() -> None:
    async def script(dialogue: Dialogue, seen: Seen) -> None:
        dialogue.say(accepting(seen) + b"\x81\x02hi" + b"\x81\x82" + masked(b"hi"))
        await dialogue.reader.read()

    async with recording_origin(script) as origin, edge(upstream(origin.port)) as ours:
        reader, writer = await asyncio.open_connection("127.0.0.1", ours.port)
        writer.write(get("/ws", *ASK))
        await reader.readuntil(b"\r\n\r\n")
        async with asyncio.timeout(5):
            assert await reader.readexactly(8) == b"\x81\x02hi\x88\x02\x03\xea"
        writer.close()


async def test_frames_sent_with_the_request_are_not_lost() -> None:
    frame = b"\x81\x82" + masked(b"hi")
    got = bytearray()

    async def script(dialogue: Dialogue, seen: Seen) -> None:
        dialogue.say(accepting(seen))
        got.extend(await dialogue.reader.readexactly(len(frame)))

    async with recording_origin(script) as origin, edge(upstream(origin.port)) as ours:
        reader, writer = await asyncio.open_connection("127.0.0.1", ours.port)
        writer.write(get("/ws", *ASK) + frame)
        await reader.readuntil(b"\r\n\r\n")
        await until(lambda: got == frame)
        writer.close()


@pytest.mark.parametrize("who", ["visitor", "origin"])
async def test_whoever_vanishes_takes_the_other_along(who: str) -> None:
    async def script(dialogue: Dialogue, seen: Seen) -> None:
        dialogue.say(accepting(seen))
        await dialogue.writer.drain()
        if who == "origin":
            dialogue.writer.transport.abort()
        else:
            assert await dialogue.reader.read() == b""

    async with recording_origin(script) as origin, edge(upstream(origin.port)) as ours:
        reader, writer = await asyncio.open_connection("127.0.0.1", ours.port)
        writer.write(get("/ws", *ASK))
        await reader.readuntil(b"\r\n\r\n")
        if who == "visitor":
            writer.transport.abort()
        else:
            async with asyncio.timeout(5):
                assert await reader.read() == b""
        await until(lambda: not origin.open)
        await until(lambda: not ours.passer._passing)
        writer.close()


async def test_a_flood_waits_for_a_slow_end() -> None:
    size, sent = 64 * 1024, 0

    async def flood(socket: web.WebSocketResponse) -> None:
        nonlocal sent
        for _ in range(512):
            await socket.send_bytes(b"x" * size)
            sent += 1

    async with websocket_origin(flood) as port, edge(upstream(port)) as ours:
        reader, writer = await asyncio.open_connection("127.0.0.1", ours.port)
        writer.write(get("/ws", *ASK))
        await reader.readuntil(b"\r\n\r\n")
        await asyncio.sleep(0.3)
        held = sent
        await asyncio.sleep(0.1)
        assert sent == held < 400
        got = 0
        async with asyncio.timeout(10):
            while got < 512 * size:
                got += len(await reader.read(1 << 20))
        writer.transport.abort()
