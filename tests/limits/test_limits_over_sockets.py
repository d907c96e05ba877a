"""What an edge takes from one visitor, and for how long: over real sockets, from outside."""

import asyncio
import json
import socket

import pytest

from proxy.packs import Packs
from proxy.pages import Pages
from tests.conftest import RunningEdge, Start
from tests.proxy.conftest import MODEL, edge_over, request_bytes, say

pytestmark = pytest.mark.clocked


SHORT: dict[str, str] = {
    "DVC_EDGE__LIMITS__HEAD_SECONDS": "1",
    "DVC_EDGE__LIMITS__HEAD_RATE": "0",
    "DVC_EDGE__LIMITS__BODY_SECONDS": "1",
    "DVC_EDGE__LIMITS__KEEP_ALIVE_SECONDS": "2",
    "DVC_EDGE__LIMITS__HEADER": "1024",
    "DVC_EDGE__LIMITS__HEADER_TOTAL": "2048",
    "DVC_EDGE__LIMITS__HEADERS": "32",
    "DVC_EDGE__LIMITS__REQUEST_LINE": "1024",
}
HEAD = f"GET /vi HTTP/1.1\r\nHost: {MODEL}\r\n".encode()
ENGLISH = b"Accept: text/html\r\nAccept-Language: en\r\n"
PROGRAM = b"Accept: application/json\r\n"


async def turned_away(edge: RunningEdge, reason: str) -> float:
    answer = await edge.session.get(f"http://127.0.0.1:{edge.addresses.operations[1]}/metrics")
    name = f'dvc_edge_turned_away_total{{reason="{reason}"}} '
    return sum(float(line[len(name) :]) for line in (await answer.text()).splitlines() if line.startswith(name))


LONG = [
    # what is too long                                              status, a word of the page
    (b"GET /" + b"a" * 3_000 + b" HTTP/1.1\r\n" + ENGLISH, 414, b"too long"),
    (HEAD + ENGLISH + b"X-Long: " + b"a" * 1_500 + b"\r\n", 431, b"too much data"),
    (HEAD + ENGLISH + b"".join(b"X-%d: a\r\n" % n for n in range(40)), 431, b"too much data"),
    (HEAD + ENGLISH + b"".join(b"X-%d: %b\r\n" % (n, b"a" * 900) for n in range(3)), 431, b"too much data"),
]


@pytest.mark.parametrize(("head", "status", "word"), LONG, ids=["line", "one header", "count", "total"])
async def test_what_is_too_long_is_refused_in_the_visitors_language(
    start: Start, head: bytes, status: int, word: bytes
) -> None:
    async with start(environ=SHORT) as edge:
        heard = await say(edge, head + b"\r\n")
    assert heard.closed
    assert heard.reply.status == status
    assert heard.reply.headers["connection"] == "close"
    if status != 414:  # the line is refused before a language is known
        assert word in heard.raw


async def test_a_head_that_is_just_short_enough_is_answered(start: Start) -> None:
    fields = b"".join(b"X-%d: %b\r\n" % (n, b"a" * 900) for n in range(2))
    async with start(environ=SHORT) as edge:
        heard = await say(edge, HEAD + b"Accept: text/html\r\nConnection: close\r\n" + fields + b"\r\n")
    assert heard.reply.status == 200


async def test_a_head_that_grows_without_end_is_refused_before_it_ends(start: Start) -> None:
    pieces = [b"X-%d: %b\r\n" % (n, b"a" * 400) for n in range(20)]
    async with start(environ=SHORT) as edge:
        heard = await say(edge, HEAD + PROGRAM, *pieces)
    assert heard.reply.status == 431


async def test_a_long_head_behind_a_good_one_is_refused_and_the_good_one_answered(start: Start) -> None:
    long = HEAD + b"".join(b"X-%d: %b\r\n" % (n, b"a" * 900) for n in range(3)) + b"\r\n"
    good = request_bytes("/vi", headers=["Accept: text/html"], keep=True)
    async with start(environ=SHORT) as edge:
        heard = await say(edge, good + long + good)
    assert [reply.status for reply in heard.replies] == [200, 431]


async def test_a_program_is_refused_with_a_problem(start: Start) -> None:
    async with start(environ=SHORT) as edge:
        heard = await say(edge, HEAD + PROGRAM + b"X-Long: " + b"a" * 1_500 + b"\r\n\r\n")
    assert heard.reply.headers["content-type"].startswith("application/problem+json")
    assert json.loads(heard.reply.body)["status"] == 431


async def test_a_head_that_does_not_end_is_answered_with_408_and_the_connection_ends(start: Start) -> None:
    async with start(environ=SHORT) as edge:
        heard = await say(edge, HEAD + ENGLISH + b"X-Slow: a", patience=30)
        assert heard.closed
        assert heard.reply.status == 408
        assert "too slow" in heard.reply.text
        assert await turned_away(edge, "request-slow") == 1


async def test_a_head_that_trickles_gets_no_more_time_than_one_that_stops(start: Start) -> None:
    async with start(environ=SHORT) as edge:
        reader, writer = await asyncio.open_connection(*edge.addresses.edge)
        writer.write(HEAD)
        reading = asyncio.ensure_future(reader.read())
        async with asyncio.timeout(30):
            while not reading.done():
                writer.write(b"X: y\r\n")
                await asyncio.sleep(0.2)
        assert reading.result().startswith(b"HTTP/1.1 408 ")
        writer.close()


async def test_a_second_head_that_does_not_end_is_no_longer_waited_for_than_a_first(start: Start) -> None:
    good = request_bytes("/vi", headers=["Accept: text/html"], keep=True)
    async with start(environ=SHORT) as edge:
        heard = await say(edge, good, HEAD, patience=30)
    assert [reply.status for reply in heard.replies] == [200, 408]


async def test_who_connects_and_says_nothing_is_let_go_without_a_word(start: Start) -> None:
    async with start(environ=SHORT) as edge:
        heard = await say(edge, patience=30)
    assert heard.closed
    assert heard.raw == b""


async def test_who_was_answered_and_says_nothing_more_is_let_go_without_a_word(start: Start) -> None:
    async with start(environ=SHORT) as edge:
        heard = await say(edge, request_bytes("/vi", headers=["Accept: text/html"], keep=True), patience=30)
    assert heard.closed
    assert [reply.status for reply in heard.replies] == [200]


def form(length: int) -> bytes:
    kind = b"Content-Type: application/x-www-form-urlencoded\r\nAccept: text/html\r\nAccept-Language: en\r\n"
    return b"POST /dichvucong/tracuu HTTP/1.1\r\nHost: %b\r\nUser-Agent: Mozilla\r\n%bContent-Length: %d\r\n\r\n" % (
        MODEL.encode(),
        kind,
        length,
    )


async def test_a_form_that_stops_coming_is_answered_that_it_was_not_sent(start: Start) -> None:
    async with start(environ=SHORT) as edge:
        heard = await say(edge, form(10_000) + b"a=1", patience=30)
        assert heard.closed
        assert heard.reply.status == 410
        assert "NOT" in heard.reply.text
        assert await turned_away(edge, "body-slow") == 1


async def test_a_form_that_comes_in_time_is_read_to_its_end(start: Start) -> None:
    async with start(environ=SHORT | {"DVC_EDGE__LIMITS__BODY_RATE": "10"}) as edge:
        reader, writer = await asyncio.open_connection(*edge.addresses.edge)
        writer.write(form(202) + b"a=")
        for _ in range(10):
            await asyncio.sleep(0.25)
            writer.write(b"x" * 20)
        async with asyncio.timeout(20):
            answer = await reader.readuntil(b"\r\n\r\n")
            body = await reader.readexactly(int(answer.partition(b"Content-Length: ")[2].partition(b"\r\n")[0]))
        assert b"x" * 200 in body
        assert await turned_away(edge, "body-slow") == 0
        writer.close()


async def test_who_has_too_many_connections_is_told_so_and_others_are_let_in(start: Start) -> None:
    environ = {"DVC_EDGE__LIMITS__CONNECTIONS_PER_ADDRESS": "3"}
    asked = request_bytes("/vi", headers=["Accept: text/html", "Accept-Language: en"])
    async with start(environ=environ) as edge:
        # The operators' address counts nobody.
        held = [await asyncio.open_connection(*edge.addresses.edge) for _ in range(3)]
        heard = await say(edge, asked)
        assert heard.closed
        assert heard.reply.status == 429
        assert heard.reply.headers["retry-after"] == "30"
        assert "Too many connections" in heard.reply.text
        program = await say(edge, HEAD + PROGRAM + b"\r\n")
        assert json.loads(program.reply.body)["status"] == 429
        assert await turned_away(edge, "too-many-connections") == 2
        held[0][1].close()
        async with asyncio.timeout(20):
            while (await say(edge, asked)).reply.status != 200:  # noqa: ASYNC110 - no event says that it was noticed
                await asyncio.sleep(0.05)
        for _, writer in held:
            writer.close()


async def test_an_edge_that_is_full_says_so(start: Start) -> None:
    async with start(environ={"DVC_EDGE__LIMITS__CONNECTIONS": "2"}) as edge:
        held = [await asyncio.open_connection(*edge.addresses.edge) for _ in range(2)]
        heard = await say(edge, request_bytes("/vi", headers=["Accept: text/html"]))
        assert heard.reply.status == 503
        assert heard.reply.headers["retry-after"] == "30"
        for _, writer in held:
            writer.close()


async def asking_for_ever(sock: socket.socket, asked: bytes) -> None:
    while True:
        await asyncio.get_running_loop().sock_sendall(sock, asked)
        await asyncio.sleep(0.01)


async def test_who_takes_nothing_of_what_it_asked_for_is_cut_off(packs: Packs, pages: Pages) -> None:
    environ = {"DVC_EDGE__LIMITS__SEND_SECONDS": "1", "DVC_EDGE__LIMITS__KEEP_ALIVE_SECONDS": "1"}
    asked = request_bytes("/vi", headers=["Accept: text/html"], keep=True)
    async with edge_over(packs, pages, environ) as edge:
        sock = socket.create_connection(edge.addresses.edge)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        sock.setblocking(False)
        async with asyncio.timeout(30):
            with pytest.raises(ConnectionError):
                await asking_for_ever(sock, asked)
        sock.close()
        assert await turned_away(edge, "not-read") == 1


async def test_operators_see_how_many_connections_there_are(start: Start) -> None:
    async with start() as edge:
        held = [await asyncio.open_connection(*edge.addresses.edge) for _ in range(4)]
        async with asyncio.timeout(20):
            while True:
                answer = await edge.session.get(f"http://127.0.0.1:{edge.addresses.operations[1]}/metrics")
                if "dvc_edge_connections 4.0" in await answer.text():
                    break
                await asyncio.sleep(0.2)
        for _, writer in held:
            writer.close()
