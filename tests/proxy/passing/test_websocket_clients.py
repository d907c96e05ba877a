"""WebSockets of clients with eyes of their own: the websockets library, and a browser."""

import asyncio
from pathlib import Path

import pytest
from playwright.async_api import async_playwright
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.typing import Subprotocol

from tests.passing_peers.edges import edge, upstream
from tests.passing_peers.recording import recording_origin, says
from tests.proxy.passing.test_websocket import websocket_origin

pytestmark = pytest.mark.clocked


CHROMIUM = Path("/usr/bin/chromium")
HAS_CHROMIUM = CHROMIUM.exists()
# The page is made by the test, so that Chromium does not know that it is from this machine too.
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-features=LocalNetworkAccessChecks"]
MESSAGES: list[str | bytes] = [
    "",
    "xin chào",
    "x" * 125,
    "x" * 126,
    "x" * 70_000,
    b"",
    bytes(range(256)),
    b"x" * 1_000_000,
]


@pytest.mark.parametrize("compression", ["deflate", None])
async def test_messages_of_every_size_come_back(compression: str | None) -> None:
    async with (
        websocket_origin() as port,
        edge(upstream(port)) as ours,
        connect(f"ws://127.0.0.1:{ours.port}/ws", compression=compression) as socket,
    ):
        for message in MESSAGES:
            await socket.send(message)
            async with asyncio.timeout(20):
                assert await socket.recv() == message


async def test_fragments_are_put_together_by_the_origin_alone() -> None:
    async with (
        websocket_origin() as port,
        edge(upstream(port)) as ours,
        connect(f"ws://127.0.0.1:{ours.port}/ws") as socket,
    ):
        await socket.send(["xin ", "chào ", "bạn"])
        async with asyncio.timeout(20):
            assert await socket.recv() == "xin chào bạn"


async def test_pings_are_answered_by_the_other_end() -> None:
    async with (
        websocket_origin() as port,
        edge(upstream(port)) as ours,
        connect(f"ws://127.0.0.1:{ours.port}/ws") as socket,
    ):
        async with asyncio.timeout(20):
            assert await (await socket.ping(b"are you there")) >= 0


async def test_the_subprotocol_is_the_origin_s_choice() -> None:
    async with (
        websocket_origin() as port,
        edge(upstream(port)) as ours,
        connect(f"ws://127.0.0.1:{ours.port}/ws", subprotocols=[Subprotocol("other"), Subprotocol("chat")]) as socket,
    ):
        assert socket.subprotocol == "chat"


async def test_the_code_and_the_reason_of_a_close_arrive() -> None:
    async def closing(socket: object) -> None:
        await socket.receive()  # type: ignore[attr-defined]  # aiohttp's
        await socket.close(code=4_321, message="hết giờ".encode())  # type: ignore[attr-defined]  # as above

    async with (
        websocket_origin(closing) as port,
        edge(upstream(port)) as ours,
        connect(f"ws://127.0.0.1:{ours.port}/ws") as socket,
    ):
        await socket.send("?")
        async with asyncio.timeout(20):
            with pytest.raises(ConnectionClosed) as raised:
                await socket.recv()
    assert raised.value.rcvd is not None
    assert (raised.value.rcvd.code, raised.value.rcvd.reason) == (4_321, "hết giờ")


async def test_an_origin_that_wants_no_websocket_says_so_itself() -> None:
    answer = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno"
    async with recording_origin(says(answer)) as origin, edge(upstream(origin.port)) as ours:
        with pytest.raises(InvalidStatus) as raised:
            await connect(f"ws://127.0.0.1:{ours.port}/ws")
    assert (raised.value.response.status_code, raised.value.response.body) == (403, b"no")


PAGE = """async ([url, messages]) => {
  const socket = new WebSocket(url, ['chat']);
  const heard = [];
  await new Promise((done, failed) => { socket.onopen = done; socket.onerror = failed; });
  for (const message of messages) {
    const answer = new Promise(done => { socket.onmessage = event => done(event.data); });
    socket.send(message);
    heard.push(await answer);
  }
  const closed = new Promise(done => { socket.onclose = event => done([event.code, event.wasClean]); });
  socket.close(4001, 'xong');
  return [heard, socket.protocol, socket.extensions, await closed];
}"""


@pytest.mark.browser
async def test_a_browser_s_websocket_goes_through() -> None:
    if not HAS_CHROMIUM:
        pytest.skip("Chromium is not installed")
    messages = ["xin chào", "x" * 70_000]
    async with websocket_origin() as port, edge(upstream(port)) as ours, async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        page = await browser.new_page()
        await page.route("**/page", lambda route: route.fulfill(body="<title>page</title>", content_type="text/html"))
        await page.goto(f"http://127.0.0.1:{ours.port}/page")
        async with asyncio.timeout(60):
            heard, protocol, extensions, closed = await page.evaluate(
                PAGE, [f"ws://127.0.0.1:{ours.port}/ws", messages]
            )
        await browser.close()
    assert heard == messages
    assert protocol == "chat"
    assert extensions in {"", "permessage-deflate"}
    assert closed == [1_000, True]  # the origin answers 4001 so
