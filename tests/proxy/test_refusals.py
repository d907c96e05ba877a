"""What those read who are turned away: their language, page or problem, and made once."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress

import pytest
from aiohttp.web import Response

from proxy.refusals import HINT_OCTETS, KEPT_SECONDS, Farewell, Refusals, hints, octets_of
from proxy.visits import Reason

HINTS = [
    (b"GET / HTTP/1.1\r\nHost: a\r\nAccept: text/html\r\nAccept-Language: en\r\n", "text/html", "en"),
    (b"GET / HTTP/1.1\r\naccept:application/json \r\nACCEPT-LANGUAGE:\tvi-VN\r\n", "application/json", "vi-VN"),
    (b"GET / HTTP/1.1\r\nX-Accept: text/html\r\nAccept-Encoding: br\r\n", "", ""),
    (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", "", ""),
    (b"GET / HTTP/1.1\r\nAccept-Language: \xff\xfe\r\n", "", ""),
    (b"GET /" + b"a" * HINT_OCTETS + b"\r\nAccept: text/html\r\n", "", ""),
    (b"", "", ""),
]


@pytest.mark.parametrize(("octets", "accept", "language"), HINTS)
def test_a_beginning_of_a_head_hints_at_the_answer(octets: bytes, accept: str, language: str) -> None:
    found = hints(octets)
    assert (found.get("Accept", ""), found.get("Accept-Language", "")) == (accept, language)
    assert set(found) <= {"Accept", "accept", "Accept-Language", "ACCEPT-LANGUAGE"}


class Counting:
    """Makes answers, and counts them."""

    def __init__(self) -> None:
        self.made = 0

    def __call__(self, headers: Mapping[str, str], status: int, reason: Reason) -> Response:
        self.made += 1
        language = headers.get("Accept-Language", "")
        return Response(status=status, body=f"{reason} {language} {self.made}".encode())


def test_an_answer_is_made_once_a_minute_for_each_language() -> None:
    now, make = [0.0], Counting()
    refusals = Refusals(make, clock=lambda: now[0])
    english = b"GET / HTTP/1.1\r\nAccept-Language: en\r\n"
    first = refusals.answer(429, "too-many-connections", english)
    assert first.endswith(b"\r\n\r\ntoo-many-connections en 1")
    assert all(refusals.answer(429, "too-many-connections", english) == first for _ in range(50))
    assert refusals.answer(429, "too-many-connections").endswith(b"  2")
    now[0] += KEPT_SECONDS
    assert refusals.answer(429, "too-many-connections", english).endswith(b"en 3")


def test_what_visitors_write_cannot_fill_the_memory() -> None:
    refusals = Refusals(Counting(), clock=lambda: 0.0)
    for number in range(1_000):
        refusals.answer(408, "request-slow", b"\nAccept-Language: %02d\r\n\nAccept: %d\r\n" % (number % 100, number))
    assert len(refusals._kept) <= 64


def test_the_octets_of_an_answer_are_one_whole_answer_that_ends_the_connection() -> None:
    response = Response(status=408, body=b"slow", headers={"Content-Type": "text/plain", "Retry-After": "30"})
    head, _, body = octets_of(response).partition(b"\r\n\r\n")
    lines = head.split(b"\r\n")
    assert lines[0] == b"HTTP/1.1 408 Request Timeout"
    assert sorted(lines[1:]) == [
        b"Connection: close",
        b"Content-Length: 4",
        b"Content-Type: text/plain",
        b"Retry-After: 30",
    ]
    assert body == b"slow"


async def test_a_farewell_answers_the_first_octets_hears_the_rest_and_ends() -> None:
    loop = asyncio.get_running_loop()
    heard: list[bytes] = []

    def answer(octets: bytes) -> bytes:
        heard.append(octets)
        return b"no"

    server = await loop.create_server(lambda: Farewell(answer, loop), "127.0.0.1", 0)
    reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname()[:2])
    writer.write(b"first")
    async with asyncio.timeout(20):
        assert await reader.read() == b"no"
    writer.write(b"more")  # nobody resets it
    await writer.drain()
    assert heard == [b"first"]
    writer.close()
    server.close()


async def test_a_farewell_waits_for_nobody_for_ever() -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Farewell(lambda _: b"no", loop), "127.0.0.1", 0)
    reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname()[:2])
    async with asyncio.timeout(20):
        with suppress(ConnectionResetError):  # closed, or reset: either ends it
            assert await reader.read() == b""
    writer.close()
    server.close()


async def test_a_farewell_to_somebody_who_has_gone_is_no_trouble() -> None:
    loop = asyncio.get_running_loop()
    made: list[asyncio.Transport] = []

    class Keeping(asyncio.Protocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            assert isinstance(transport, asyncio.Transport)
            made.append(transport)

    server = await loop.create_server(Keeping, "127.0.0.1", 0)
    _, writer = await asyncio.open_connection(*server.sockets[0].getsockname()[:2])
    async with asyncio.timeout(20):
        while not made:  # noqa: ASYNC110 - no event says so
            await asyncio.sleep(0.01)
    made[0].abort()
    Farewell.after(made[0], loop)
    await asyncio.sleep(0)
    writer.close()
    server.close()
