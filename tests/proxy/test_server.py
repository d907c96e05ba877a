"""What the HTTP parser turns away gets our words and our status."""

import asyncio
import re
import socket

import pytest

from proxy.packs import Packs
from proxy.pages import Pages
from tests.conftest import RunningEdge, Start
from tests.proxy.lanes import Connection, lane_over

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


async def test_an_idle_connection_is_closed_at_once_while_another_is_still_at_work(start: Start) -> None:
    kind = b"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 9\r\nUser-Agent: Mozilla\r\n"
    form = b"POST /dichvucong/tracuu HTTP/1.1\r\n" + HOST + kind + b"Accept: text/html\r\n\r\n"
    async with start() as edge:
        busy_reader, busy = await asyncio.open_connection("127.0.0.1", edge.port)
        idle_reader, idle = await asyncio.open_connection("127.0.0.1", edge.port)
        idle.write(b"GET /vi HTTP/1.1\r\n" + HOST + b"User-Agent: Googlebot\r\n\r\n")
        await idle_reader.readuntil(b"\r\n\r\n")
        busy.write(form + b"a=1")
        await asyncio.sleep(0.1)

        async def finish() -> tuple[float, bytes]:
            begun = asyncio.get_running_loop().time()
            await idle_reader.read()  # to its end
            closed_after = asyncio.get_running_loop().time() - begun
            busy.write(b"&b=234")
            return closed_after, await busy_reader.read(12)

        finishing = asyncio.ensure_future(finish())
    async with asyncio.timeout(10):
        closed_after, answer = await finishing
    assert closed_after < 2
    assert answer == b"HTTP/1.1 410"
    idle.close()
    busy.close()


def asked_for(target: str, *fields: str) -> bytes:
    lines = [f"GET {target} HTTP/1.1", "Host: dichvucong.langson.gov.vn", "User-Agent: Mozilla", "Accept: text/html"]
    return "".join(f"{line}\r\n" for line in [*lines, *fields, ""]).encode()


async def test_a_client_that_does_not_read_is_waited_for(packs: Packs, pages: Pages) -> None:
    """Else whoever asks and never listens fills the memory with answers."""
    request, times = asked_for("/vi"), 400
    async with lane_over(packs, pages) as lane:
        one, _ = await lane.asked(request, request)
        sock = socket.create_connection(("127.0.0.1", lane.port))
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 17)
        reader, writer = await asyncio.open_connection(sock=sock, limit=1 << 16)
        transport = writer.transport
        assert isinstance(transport, asyncio.Transport)
        transport.pause_reading()
        await asyncio.sleep(0.05)  # until the edge has accepted it
        (threshold,) = lane.server.thresholds
        held = threshold._transport
        assert held is not None
        for _ in range(times):
            writer.write(request)
            await asyncio.sleep(0.001)  # so that it is a chunk of its own
            assert held.get_write_buffer_size() < 100_000 + len(one)
        transport.resume_reading()
        for _ in range(times):
            async with asyncio.timeout(20):
                head = await reader.readuntil(b"\r\n\r\n")
                length = int(head.partition(b"Content-Length: ")[2].partition(b"\r\n")[0])
                assert head.startswith(b"HTTP/1.1 200 ")
                await reader.readexactly(length)
        writer.close()
        assert lane.figures()[REQUESTS] == times + 2
        assert lane.fast > 20


REQUESTS = 'dvc_edge_requests_total{client_class="navigation",outcome="notice",portal="langson",status="200"}'


async def test_a_connection_in_use_is_kept_and_an_idle_one_is_not(packs: Packs, pages: Pages) -> None:
    seconds = {"DVC_EDGE__LIMITS__KEEP_ALIVE_SECONDS": "1"}
    async with lane_over(packs, pages, environ=seconds) as lane, lane.connected() as connection:
        for _ in range(6):
            answer = await connection.ask(asked_for("/vi"))
            assert answer.startswith(b"HTTP/1.1 200 ")
            await asyncio.sleep(0.3)
        assert lane.fast == 5
        assert connection._reader is not None
        assert await asyncio.wait_for(connection._reader.read(), 10) == b""


async def test_what_the_fast_lane_answered_last_is_written_down_when_the_edge_stops(packs: Packs, pages: Pages) -> None:
    async with lane_over(packs, pages) as lane:
        await lane.asked(*[asked_for("/vi")] * 5)
        assert lane.text.getvalue().count("\n") < 5
    assert lane.text.getvalue().count("\n") == 5


async def test_an_idle_connection_that_was_answered_fast_is_closed_when_the_edge_stops(
    packs: Packs, pages: Pages
) -> None:
    async with lane_over(packs, pages) as lane:
        connection = Connection(lane.port)
        for _ in range(3):
            await connection.ask(asked_for("/vi"))
        assert len(lane.server.connections) == 1
    assert connection._reader is not None
    assert await asyncio.wait_for(connection._reader.read(), 10) == b""
    connection.close()


async def test_every_request_is_counted_on_its_connection_and_on_the_server(packs: Packs, pages: Pages) -> None:
    async with lane_over(packs, pages) as lane:
        async with lane.connected() as connection:
            for _ in range(4):
                await connection.ask(asked_for("/vi"))
            (protocol,) = lane.server.connections
            assert protocol._request_count == 4
        assert lane.server.answered == 4


async def test_the_fast_lane_can_be_switched_off(packs: Packs, pages: Pages) -> None:
    async with lane_over(packs, pages, enabled=False) as lane:
        await lane.asked(*[asked_for("/vi")] * 3)
        assert lane.fast == 0


PRIVATE = (
    "_waiter", "_messages", "_paused", "_close", "_force_close", "_upgraded", "_next_keepalive_close_time",
    "_keepalive_timeout", "_request_count", "_manager", "_loop", "_request_in_progress", "_keepalive_handle",
    "_reading_paused", "_buffer_paused",
)  # fmt: skip


async def test_what_is_taken_from_inside_aiohttp_is_there(packs: Packs, pages: Pages) -> None:
    """When this fails, aiohttp has changed: read `data_received` and `start` in its web_protocol before anything else."""
    async with lane_over(packs, pages) as lane:
        protocol = lane.server.reader()
        assert [name for name in PRIVATE if not hasattr(protocol, name)] == []


def quick_client(port: int, passes: int) -> None:
    """Twenty addresses again and again on one connection, each asked for as soon as the answer before is there."""
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for _ in range(passes):
            for number in range(20):
                connection.sendall(asked_for(f"/khong/ai/biet/{number}"))
                head = b""
                while b"\r\n\r\n" not in head:
                    head += connection.recv(65_536)
                found = re.search(rb"Content-Length: (\d+)", head)
                assert found is not None
                body = head.partition(b"\r\n\r\n")[2]
                while len(body) < int(found[1]):
                    body += connection.recv(65_536)


@pytest.mark.usefixtures("no_new_notices")
async def test_a_client_that_is_quicker_than_the_loop_is_answered_fast_from_the_second_time(
    packs: Packs, pages: Pages
) -> None:
    async with lane_over(packs, pages) as lane:
        await asyncio.to_thread(quick_client, lane.port, 3)
        assert lane.fast == 40


async def test_the_first_request_of_a_new_connection_is_answered_fast_when_it_is_known(
    packs: Packs, pages: Pages
) -> None:
    request = asked_for("/vi")
    async with lane_over(packs, pages) as lane:
        for _ in range(5):
            await lane.asked(request)
        assert lane.fast == 4
