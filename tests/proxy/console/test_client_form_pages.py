# ruff: noqa: F811 - fixtures are imported, and asked for by their names
"""From an engineer's wish to a person who signs in, and back: two officers in Chromium, a real edge, a real store.

A new client is asked for, agreed to by another officer, taken up by the running edge, tried with the test person, sent
elsewhere, and brought back; with scripts and without.
"""

import asyncio
import os
import re
import sys
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio
from aiohttp import ClientSession, DummyCookieJar
from aiohttp.test_utils import TestServer
from playwright.async_api import Browser as Chromium
from playwright.async_api import BrowserContext, Page
from yarl import URL

from proxy import config_file
from proxy.clock import utc_now
from proxy.console.desk import Desk
from proxy.console.whole import create_console
from tests.browser.conftest import axe_source, browser  # noqa: F401 - fixtures
from tests.browser.test_sign_in_journey import answers, configuration, free_ports
from tests.proxy.console.conftest import hire
from tests.proxy.console.test_browser import flaws, signed_in

pytestmark = [
    pytest.mark.browser,
    pytest.mark.xdist_group("sign-in"),
    pytest.mark.asyncio(loop_scope="session"),
]

HOME, ELSEWHERE = "https://moi.khanhhoa.example/cb", "https://khac.khanhhoa.example/cb"
WITHIN_SECONDS = 120
ROOT = Path(__file__).parents[3]
OWN = {"DVC_EDGE__CONSOLE__ENABLED": "false", "DVC_EDGE__CONSOLE__SECRET": ""}
"""The console of this test is the only one, and its officers have passwords."""


@dataclass(frozen=True)
class Place:
    """A console, and the edge that serves beside it."""

    console: str
    edge: int

    async def knows(self, client: str, redirect_uri: str) -> bool:
        """Whether the edge would send somebody back there, by what it says to a request for it."""
        query = {
            "client_id": client,
            "redirect_uri": redirect_uri,
            "response_type": "code",
            "scope": "openid",
            "code_challenge": "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
            "code_challenge_method": "S256",
        }
        address = URL(f"http://127.0.0.1:{self.edge}/authorize").with_query(query)
        headers = {"Host": f"signin.localhost:{self.edge}", "Accept": "text/html"}
        async with (
            ClientSession(cookie_jar=DummyCookieJar()) as session,
            session.get(address, headers=headers, allow_redirects=False) as answer,
        ):
            return answer.status < 400

    async def comes_to_know(self, client: str, redirect_uri: str, *, known: bool = True) -> None:
        async with asyncio.timeout(WITHIN_SECONDS):
            while await self.knows(client, redirect_uri) is not known:  # noqa: ASYNC110 - another process changes it
                await asyncio.sleep(0.1)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def place(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Place]:
    folder = tmp_path_factory.mktemp("clients")
    edge, operations, simulator = free_ports(3)
    file = configuration(folder / "conf", edge, operations, simulator)
    file.write_text(file.read_text("utf-8").replace("count = 2", "count = 1"), "utf-8")
    settings = config_file.load(file, OWN)
    with (folder / "said").open("wb") as said:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "proxy", "serve", "--config", str(file),
            cwd=ROOT, stdout=said, stderr=said, env={**os.environ, **OWN},
        )  # fmt: skip
        try:
            until = time.monotonic() + WITHIN_SECONDS
            while "Ctrl-C" not in (folder / "said").read_text("utf-8") or not await answers(simulator):
                assert process.returncode is None, (folder / "said").read_text("utf-8")
                assert time.monotonic() < until, (folder / "said").read_text("utf-8")
                await asyncio.sleep(0.1)
            with Desk.open(settings, utc_now) as desk:
                hire(desk, {name: [{"role": "administrator"}] for name in ("trung.uong", "thu.hai")})
                async with TestServer(create_console(desk, secure=False)) as server:
                    yield Place(str(server.make_url("/"))[:-1], edge)
        finally:
            process.terminate()
            await asyncio.wait_for(process.wait(), WITHIN_SECONDS)
    assert "Traceback" not in (folder / "said").read_text("utf-8")


async def agreed(page: Page, place: Place, client: str) -> None:
    """What another officer does."""
    await page.goto(f"{place.console}/clients/-/{client}")
    await page.fill("#reason", "checked with the province")
    await page.get_by_role("button", name="Đồng ý, cho có hiệu lực").click()
    await page.get_by_text("Các máy phục vụ nhận thay đổi").wait_for()


async def on(page: Page, heading: str) -> None:
    """To the next step of the form."""
    await page.get_by_role("button", name="Tiếp tục").last.click()
    await page.get_by_role("heading", name=heading).wait_for()


async def asked_for(page: Page, place: Place, client: str, axe: str) -> None:
    """The five steps of the form, with one mistake on the way; `axe` "" where no scripts run."""
    await page.goto(f"{place.console}/clients/new")
    await page.fill("#id", client)
    await page.select_option("#province", "56")
    await page.fill("#name_vi", "Một cửa mới của tỉnh")
    await on(page, "Địa chỉ")
    await page.fill("#redirect_uris", HOME.replace("https", "http"))
    if axe:
        await page.press("#redirect_uris", "Tab")
        await page.locator("#says-redirect_uris").get_by_text("Viết https").wait_for()
    await page.get_by_role("button", name="Tiếp tục").last.click()
    await page.get_by_role("alert").get_by_text("Viết https").wait_for()
    if axe:
        assert await flaws(page, axe) == []
    await page.fill("#redirect_uris", HOME)
    await on(page, "Cách chứng minh mình là ai")
    await on(page, "Được biết gì về người dân")
    await page.check("#attributes-name")
    await page.fill("#legal_basis", "Nghị định 118/2025/NĐ-CP")
    await on(page, "Xem lại và gửi")
    await page.fill("#reason", "the province has asked")
    await page.get_by_role("button", name="Gửi đề nghị").click()
    assert re.fullmatch(r"[A-Za-z0-9_-]{43}", await page.locator("#secret").inner_text())
    if axe:
        assert await flaws(page, axe) == []


async def tried(page: Page, place: Place, client: str) -> None:
    """The test person signs in, and the list says so."""
    await page.goto(f"{place.console}/clients/-/{client}")
    await page.get_by_role("button", name="Cho người thử đăng nhập").click()
    async with asyncio.timeout(WITHIN_SECONDS):
        while not await page.get_by_text("Đăng nhập và đăng xuất được").count():
            assert not await page.get_by_text("Có bước không đạt").count(), await page.inner_text("main")
            await asyncio.sleep(0.5)
            await page.reload()
    await page.goto(f"{place.console}/clients")
    assert await page.get_by_role("row", name=re.compile(f"{client}.*đạt")).count() == 1


async def sent_elsewhere(page: Page, place: Place, client: str) -> None:
    """Another address to come back to is asked for."""
    await page.goto(f"{place.console}/clients/-/{client}/edit?step=addresses")
    await page.fill("#redirect_uris", ELSEWHERE)
    await page.get_by_role("button", name="Xem lại và gửi").click()
    await page.fill("#reason", "they are moving")
    await page.get_by_role("button", name="Gửi đề nghị").click()
    await page.get_by_text("Người khác cần đồng ý").wait_for()


async def brought_back(page: Page, place: Place, client: str) -> None:
    """What was before is asked for again."""
    await page.goto(f"{place.console}/clients/-/{client}")
    await page.get_by_text("Lấy lại như lần này").click()
    form = page.locator("form[action$='/restore']")
    await form.get_by_label("Lý do").fill("they did not move after all")
    await form.get_by_role("button", name="Đề nghị lấy lại").click()


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
async def test_from_a_wish_to_a_sign_in_and_back(
    browser: Chromium,
    place: Place,
    axe_source: str,
    scripts: bool,  # noqa: FBT001 - a column
) -> None:
    client, axe = f"moi-{'co' if scripts else 'khong'}", axe_source if scripts else ""
    contexts: list[BrowserContext] = [
        await browser.new_context(
            locale="vi", java_script_enabled=scripts, viewport={"width": 360, "height": 800}, bypass_csp=True
        )
        for _ in range(2)
    ]
    try:
        page, other = [await context.new_page() for context in contexts]
        await signed_in(page, place.console, "trung.uong")
        await signed_in(other, place.console, "thu.hai")

        await asked_for(page, place, client, axe)
        assert not await place.knows(client, HOME), "one person's wish opens nothing"
        if axe:
            await other.goto(f"{place.console}/clients/-/{client}")
            assert await flaws(other, axe) == []
        await agreed(other, place, client)
        await place.comes_to_know(client, HOME)
        await tried(page, place, client)

        await sent_elsewhere(page, place, client)
        await agreed(other, place, client)
        await place.comes_to_know(client, ELSEWHERE)
        assert not await place.knows(client, HOME)

        await brought_back(page, place, client)
        await agreed(other, place, client)
        await place.comes_to_know(client, HOME)
        await place.comes_to_know(client, ELSEWHERE, known=False)
    finally:
        for context in contexts:
            await context.close()
