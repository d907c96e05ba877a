"""The visitor's side: what aiohttp has read, and octets that go out as they are."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from aiohttp.web import BaseRequest, RequestHandler, Server, StreamResponse

from proxy.passing.failures import Refused
from proxy.passing.framing import Chunked, Framing, Length, NoBody
from proxy.passing.visitors import Left, Passed, Visitor
from tests.passing_peers.edges import get, request, until

Handler = Callable[[BaseRequest], Awaitable[StreamResponse]]


@asynccontextmanager
async def asked(octets: bytes, handler: Handler) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A connection to a server with this handler, with something asked on it."""
    server = Server(handler)
    loop = asyncio.get_running_loop()
    listener = await loop.create_server(
        lambda: RequestHandler(server, loop=loop, access_log=None, auto_decompress=False),  # type: ignore[arg-type]
        "127.0.0.1",
        0,
    )
    reader, writer = await asyncio.open_connection("127.0.0.1", listener.sockets[0].getsockname()[1])
    writer.write(octets)
    try:
        yield reader, writer
    finally:
        writer.transport.abort()
        listener.close()
        await server.shutdown(0.1)


def visitor_of(request: BaseRequest, framing: Framing, *, most: int = 0, late_seconds: float = 1) -> Visitor:
    return Visitor(request, framing, late_seconds=late_seconds, most=most)


@pytest.mark.parametrize("keep", [True, False])
async def test_what_is_written_is_all_that_goes_out(keep: bool) -> None:  # noqa: FBT001 - a column
    octets = b"HTTP/1.1 200 Whatever\r\nx-OWN: \xff\r\nContent-Length: 2\r\n\r\nok"

    async def handler(request: BaseRequest) -> StreamResponse:
        visitor = visitor_of(request, NoBody())
        visitor.write((octets[:30], octets[30:]))
        assert visitor.sent == request.writer.output_size == len(octets)
        return Passed(200, octets=visitor.sent, keep=keep)

    async with asked(get(), handler) as (reader, writer), asyncio.timeout(5):
        assert await reader.readexactly(len(octets)) == octets
        if keep:
            writer.write(get())
            assert await reader.readexactly(len(octets)) == octets
        else:
            assert await reader.read() == b""


@pytest.mark.parametrize(
    ("octets", "framing", "whole"),
    [
        (get(), NoBody(), b""),
        (request(b"hello", "Content-Length: 5"), Length(5), b"hello"),
        (request(b"5\r\nhello\r\n0\r\n\r\n", "Transfer-Encoding: chunked"), Chunked(), b"hello"),
        (request(b"hel", "Content-Length: 5"), Length(5), None),
    ],
)
async def test_a_body_that_came_along_is_taken_at_once(octets: bytes, framing: Framing, whole: bytes | None) -> None:
    found: list[bytes | None] = []

    async def handler(request: BaseRequest) -> StreamResponse:
        found.append(visitor_of(request, framing).whole)
        return Passed(200, octets=0, keep=False)

    async with asked(octets, handler):
        await until(lambda: found)
    assert found == [whole]


async def test_a_body_that_came_along_and_is_too_long_is_refused() -> None:
    found: list[int] = []

    async def handler(request: BaseRequest) -> StreamResponse:
        with pytest.raises(Refused) as refused:
            visitor_of(request, Length(5), most=4)
        found.append(refused.value.failure.status)
        return Passed(413, octets=0, keep=False)

    async with asked(request(b"hello", "Content-Length: 5"), handler) as (reader, _), asyncio.timeout(5):
        await reader.read()
    assert found == [413]


async def test_a_visitor_who_has_gone_is_noticed() -> None:
    found: list[bool] = []

    async def handler(request: BaseRequest) -> StreamResponse:
        visitor = visitor_of(request, NoBody())
        await until(lambda: visitor.gone)
        with pytest.raises(Left):
            visitor.write((b"x",))
        with pytest.raises(Left):
            visitor.hint(b"x")
        visitor.cut()
        found.append(visitor.gone)
        return Passed(499, octets=0, keep=False)

    async with asked(get(), handler) as (_, writer):
        await asyncio.sleep(0.05)
        writer.transport.abort()
        await until(lambda: found)
    assert found == [True]
