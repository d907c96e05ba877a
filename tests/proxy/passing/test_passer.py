"""The whole way: a visitor's octets in front, an origin's behind, and what comes of them."""

import asyncio
from dataclasses import replace

import pytest

from tests.passing_peers.edges import HOST, edge, get, request, until, upstream
from tests.passing_peers.recording import OK, Dialogue, Seen, recording_origin, says


async def test_a_request_arrives_as_it_was_sent() -> None:
    asked = get("/a%2Fb/../c//d?q=%20+%C3", "x-b: 2", "X-a: 1", "x-b: 1", "Accept-Encoding: br", "X-V: \xe1\xff")
    async with recording_origin() as origin, edge(upstream(origin.port)) as ours:
        assert (await ours.ask(asked)).endswith(b"\r\n\r\nok")
    (seen,) = origin.seen
    assert (seen.method, seen.target) == (b"GET", b"/a%2Fb/../c//d?q=%20+%C3")
    assert seen.fields[:6] == [
        (b"Host", HOST.encode()),
        (b"x-b", b"2"),
        (b"X-a", b"1"),
        (b"x-b", b"1"),
        (b"Accept-Encoding", b"br"),
        (b"X-V", b"\xe1\xff"),
    ]
    assert {name for name, _ in seen.fields[6:]} == {
        b"X-Forwarded-For",
        b"X-Real-IP",
        b"X-Forwarded-Proto",
        b"X-Forwarded-Host",
        b"X-Forwarded-Port",
        b"Forwarded",
        b"Via",
    }
    assert not origin.broken


ANSWERS = [
    # the same octets come out
    b"HTTP/1.1 200 OK\r\nx-B: 2\r\nSet-Cookie: a=1\r\nset-cookie: b=2\r\nX-a: \xe1\xff\r\nContent-Length: 2\r\n\r\nok",
    b"HTTP/1.1 200 Kh\xc3\xb4ng sao\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 304 Not Modified\r\nETag: W/1\r\nContent-Length: 77\r\n\r\n",
    b"HTTP/1.1 204 No Content\r\nX: 1\r\n\r\n",
    b"HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 0-1/5\r\nContent-Length: 2\r\n\r\nok",
    b"HTTP/1.1 404 Not Found\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\n\x1f\x8b\x00",
    b"HTTP/1.1 200 OK\r\nX: 1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nTrailer: Digest\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nDigest: x\r\n\r\n",
    b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
    b"HTTP/1.1 503 Busy\r\nRetry-After: 5\r\nContent-Length: 2\r\n\r\nok",
]  # fmt: skip


@pytest.mark.parametrize("octets", ANSWERS, ids=lambda octets: repr(octets[:30]))
async def test_an_answer_arrives_as_it_was_sent(octets: bytes) -> None:
    async with recording_origin(says(octets)) as origin, edge(upstream(origin.port)) as ours:
        reader, writer = await asyncio.open_connection("127.0.0.1", ours.port)
        writer.write(get())
        assert await reader.readexactly(len(octets)) == octets
        writer.write(get())  # and the connection lives on
        assert await reader.readexactly(len(octets)) == octets
        writer.close()
        assert origin.connections == 1


async def test_head_keeps_the_length_it_would_have() -> None:
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 1234\r\n\r\n"
    async with recording_origin(says(answer)) as origin, edge(upstream(origin.port)) as ours:
        assert await ours.ask(get(method="HEAD")) == answer
        assert await ours.ask(get(method="HEAD")) == answer


async def test_a_body_until_the_close_goes_out_in_chunks() -> None:
    async def script(dialogue: Dialogue, seen: Seen) -> None:
        await dialogue.body(seen)
        dialogue.say(b"HTTP/1.1 200 OK\r\n\r\nhello")
        dialogue.writer.close()

    async with recording_origin(script) as origin, edge(upstream(origin.port)) as ours:
        assert await ours.ask(get()) == b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"
        old = await ours.ask(get(version="1.0"), until_close=True)
        assert old == b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhello"


UPLOADS = [
    (request(b"hello", "Content-Length: 5"), b"hello"),
    (request(b"", "Content-Length: 0"), b""),
    (request(b"3\r\nhel\r\n2;x=y\r\nlo\r\n0\r\nA: b\r\n\r\n", "Transfer-Encoding: chunked"), b"hello"),
    (request(b"x" * 300_000, "Content-Length: 300000"), b"x" * 300_000),
    (request(b"\x1f\x8b\x08\x00", "Content-Length: 4", "Content-Encoding: gzip"), b"\x1f\x8b\x08\x00"),
]


@pytest.mark.parametrize(("octets", "body"), UPLOADS, ids=lambda octets: repr(octets[-30:]))
async def test_an_upload_arrives_whole(octets: bytes, body: bytes) -> None:
    async with recording_origin() as origin, edge(upstream(origin.port)) as ours:
        assert (await ours.ask(octets)).endswith(b"ok")
        reader, writer = await asyncio.open_connection("127.0.0.1", ours.port)
        for at in range(0, len(octets), 50_000 if len(octets) > 1_000 else 7):
            writer.write(octets[at : at + (50_000 if len(octets) > 1_000 else 7)])
            await asyncio.sleep(0.001)
        assert (await reader.readexactly(len(OK))) == OK
        writer.close()
    assert [seen.body for seen in origin.seen] == [body, body]
    lengths = [str(len(body))] if b"chunked" not in octets else []
    assert [seen.all("content-length") for seen in origin.seen] == [lengths, lengths]
    assert not origin.broken


async def test_another_configuration_is_taken_while_requests_are_under_way() -> None:
    go = asyncio.Event()

    async def slow(dialogue: Dialogue, seen: Seen) -> None:
        await go.wait()
        dialogue.say(OK)

    async with recording_origin(slow) as first, recording_origin() as second, edge(upstream(first.port)) as ours:
        asking = asyncio.ensure_future(ours.ask(get()))
        await until(lambda: first.seen)
        kept = ours.passer._live["province"]
        ours.passer.adopt([upstream(first.port)])
        assert ours.passer._live["province"] is kept, "the same upstream keeps what it knows"
        ours.passer.adopt([upstream(second.port)])
        assert (await ours.ask(get())).endswith(b"ok")
        assert second.seen
        go.set()
        assert (await asking).endswith(b"ok")
        assert first.connections == 1
        await until(lambda: not first.open)
        ours.passer.adopt([])
        assert (await ours.ask(get())).startswith(b"HTTP/1.1 503 ")


async def test_a_configuration_that_cannot_be_read_changes_nothing() -> None:
    async with recording_origin() as origin, edge(upstream(origin.port)) as ours:
        with pytest.raises(OSError, match="No such file"):
            ours.passer.adopt([upstream(1, origins=[{"url": "https://a.vn"}], tls={"ca_file": "none.pem"})])
        assert (await ours.ask(get())).endswith(b"ok")


async def test_a_route_may_allow_larger_bodies_than_its_upstream_does() -> None:
    async with recording_origin() as origin:
        to = upstream(origin.port, body=10)
        async with edge(replace(to, body_octets=100), made_with=to) as running:
            asked = request(b"x" * 50, "Content-Length: 50")
            assert (await running.ask(asked)).startswith(b"HTTP/1.1 200 ")
            asked = request(b"", "Content-Length: 101")  # refused before a body is there
            assert (await running.ask(asked)).startswith(b"HTTP/1.1 413 ")
        assert [seen.body for seen in origin.seen] == [b"x" * 50]
