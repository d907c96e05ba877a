"""Sign-ins at a rate, at a server that answers as it is told."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlencode

import pytest

from bench import sign_ins
from bench.sign_ins import Crowd, always, at_rate, measured

HOME = "https://home.example/authorize?" + urlencode(
    {"redirect_uri": "http://x/callback/home", "state": "s", "nonce": "n"}
)
GOOD = {
    "GET /authorize": f"303 See Other\r\nLocation: {HOME}\r\nSet-Cookie: a=1; Path=/",
    "GET /callback/home": "303 See Other\r\nLocation: https://alpha.example/cb?code=c",
    "POST /token": "200 OK",
}


@asynccontextmanager
async def answering(steps: dict[str, str], *, pause: float = 0.0) -> AsyncIterator[tuple[int, list[str]]]:
    """A server, and the heads that it got."""
    heads: list[str] = []
    tasks: set[asyncio.Task[None] | None] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tasks.add(asyncio.current_task())
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                length = next((line for line in head.splitlines() if line.startswith("Content-Length")), "x: 0")
                await reader.readexactly(int(length.partition(": ")[2]))
                heads.append(head)
                await asyncio.sleep(pause)
                body = '{"id_token": "x"}' if head.startswith("POST") else ""
                said = steps[head.split("?")[0].split(" HTTP")[0]]
                writer.write(f"HTTP/1.1 {said}\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode())
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1], heads
    finally:
        server.close()
        await asyncio.gather(*(task for task in tasks if task))  # who asked has gone


async def test_each_goes_all_the_way_with_the_cookies_of_a_browser_of_its_own() -> None:
    async with answering(GOOD) as (port, heads):
        crowd = Crowd(port)
        assert await at_rate(crowd, 100, 0.2) == 20
        crowd.close()
    assert (crowd.failed, {leg: len(took) for leg, took in crowd.seconds.items()}) == (
        0,
        dict.fromkeys(("authorize", "callback", "token", "whole"), 20),
    )
    assert all(("Cookie: a=1\r\n" in head) == head.startswith("GET /callback") for head in heads)


@pytest.mark.parametrize("step", GOOD)
async def test_a_sign_in_that_is_none_has_failed(step: str) -> None:
    bad = {**GOOD, step: "503 Later"}
    if step == "POST /token":
        bad["GET /callback/home"] = "303 See Other\r\nLocation: https://elsewhere.example/cb?code=c"
    async with answering(bad) as (port, _):
        crowd = Crowd(port)
        await at_rate(crowd, 50, 0.1)
        crowd.close()
    assert (crowd.failed, len(crowd.seconds["whole"])) == (5, 0)


async def test_who_comes_when_too_many_are_under_way_is_turned_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sign_ins, "MOST_AT_ONCE", 2)
    async with answering(GOOD, pause=0.2) as (port, _):
        crowd = Crowd(port)
        await at_rate(crowd, 100, 0.1)
        crowd.close()
    assert crowd.failed >= 1
    assert crowd.failed + len(crowd.seconds["whole"]) == 10


async def test_without_a_rate_there_are_as_many_as_there_is_an_answer_for() -> None:
    async with answering(GOOD) as (port, _):
        crowd = Crowd(port)
        assert await always(crowd, 0.2) == len(crowd.seconds["whole"]) > 0
        crowd.close()


async def test_what_is_told_adds_up() -> None:
    async with answering(GOOD) as (port, _):
        said = await measured(port, 50, 0.2)
    assert (said["begun"], said["done"], said["failed"]) == (10, 10, 0)
    assert 0 < said["legs"]["token"]["p50"] <= said["legs"]["whole"]["p99"]
