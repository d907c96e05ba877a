"""What the HTTP parser turns away gets our words and our status."""

import asyncio

import pytest

from tests.conftest import RunningEdge, Start

HOST = b"Host: dichvucong.langson.gov.vn\r\n"

# sent                                                                        status
TURNED_AWAY = [
    (b"GET /" + b"a" * 9_000 + b" HTTP/1.1\r\n" + HOST + b"\r\n", b"414"),
    (b"GET / HTTP/1.1\r\n" + HOST + b"X-Long: " + b"a" * 9_000 + b"\r\n\r\n", b"431"),
    (b"GET / HTTP/1.1\r\n" + HOST + b"X/Y: a\r\n\r\n", b"400"),
    (b"NONSENSE\r\n\r\n", b"400"),
]


async def sent(port: int, octets: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(octets)
    answer = await asyncio.wait_for(reader.read(), 10)
    writer.close()
    await writer.wait_closed()
    return answer


@pytest.mark.parametrize(("octets", "status"), TURNED_AWAY, ids=[status.decode() for _, status in TURNED_AWAY])
async def test_what_is_turned_away_is_told_why_and_the_connection_ends(
    edge: RunningEdge, octets: bytes, status: bytes
) -> None:
    answer = await sent(edge.port, octets)
    assert answer.startswith(b"HTTP/1.1 " + status)
    assert b"Server: dvc-edge" in answer
    assert b"Connection: close" in answer
    assert b"aiohttp" not in answer
    assert b"Traceback" not in answer


async def test_the_limits_are_the_operators(start: Start) -> None:
    async with start(environ={"DVC_EDGE__LIMITS__REQUEST_LINE": "600"}) as edge:
        answer = await sent(edge.port, b"GET /" + b"a" * 700 + b" HTTP/1.1\r\n" + HOST + b"Connection: close\r\n\r\n")
        assert answer.startswith(b"HTTP/1.1 414")


async def test_a_request_in_hand_is_finished_when_the_edge_stops(start: Start) -> None:
    async with start() as edge:
        reader, writer = await asyncio.open_connection("127.0.0.1", edge.port)
        body = b"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 5\r\n"
        head = b"POST /dichvucong/tracuu HTTP/1.1\r\n" + HOST + b"Accept: text/html\r\nUser-Agent: Mozilla\r\n" + body
        writer.write(head + b"\r\na=")
        await asyncio.sleep(0.2)
        asyncio.get_running_loop().call_later(0.3, writer.write, b"xyz")
    answer = await asyncio.wait_for(reader.read(), 10)
    writer.close()
    await writer.wait_closed()
    assert answer.startswith(b"HTTP/1.1 410")
