# ruff: noqa: F811 - fixtures are imported, and asked for by their names
"""What scripts make quicker, in a real Chromium: filters, trying a rule, turning pages, charts; and the way back."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import timedelta

import pytest
import pytest_asyncio
from aiohttp.test_utils import TestServer
from playwright.async_api import Browser as Chromium
from playwright.async_api import Error, Page

from proxy.console.desk import Desk
from proxy.console.whole import create_console
from redirect_rules.hits import Hit
from redirect_rules.objects import Change, Kind, Put, Ref
from tests.browser.conftest import browser  # noqa: F401 - a fixture
from tests.conftest import AUTUMN
from tests.proxy.console.test_browser import signed_in

pytestmark = [
    pytest.mark.browser,
    pytest.mark.xdist_group("console-browser"),
    pytest.mark.asyncio(loop_scope="session"),
]


@pytest_asyncio.fixture(loop_scope="session")
async def console(desk: Desk) -> AsyncIterator[str]:
    for ago in range(7):
        hit = Hit("langson", "dichvucong.langson.gov.vn/vi", "notice", "navigation", "igate2/home")
        desk.hits.add(AUTUMN.date() - timedelta(days=ago), {hit: 10 + ago})
    rules = [
        Put(
            Ref(Kind.RULE, "portal:langson", f"so-{n:03}"),
            {"id": f"so-{n:03}", "exact": [f"/so/{n}"], "action": "redirect", "to": ["home"]},
        )
        for n in range(120)
    ]
    desk.store.apply(rules, Change("test", "many", AUTUMN))
    async with TestServer(create_console(desk, secure=False)) as server:
        yield str(server.make_url("/"))[:-1]


@pytest_asyncio.fixture(loop_scope="session")
async def page(browser: Chromium, console: str) -> AsyncIterator[Page]:
    context = await browser.new_context(locale="vi", viewport={"width": 1280, "height": 900})
    try:
        opened = await context.new_page()
        said: list[str] = []
        opened.on("console", lambda message: said.append(message.text))
        opened.on("pageerror", lambda error: said.append(str(error)))
        await signed_in(opened, console, "trung.uong")
        yield opened
        assert said == []
    finally:
        await context.close()


async def until(page: Page, holds: str, *, seconds: float = 90) -> None:
    """Wait for what a script says; the page's policy lets no text become one, so it is asked from outside."""
    async with asyncio.timeout(seconds):
        while True:
            with suppress(Error):  # one page has gone, and the next is not there yet
                if await page.evaluate(holds):
                    return
            await asyncio.sleep(0.1)


async def loads(page: Page) -> str:
    """A mark that only a whole new page removes."""
    await page.evaluate("window.mark = 'same page'")
    return "window.mark === 'same page'"


async def test_a_filter_answers_while_one_types_and_the_address_and_the_aloud_follow(page: Page, console: str) -> None:
    await page.goto(f"{console}/rules?owner=langson")
    same = await loads(page)
    await page.fill("#q", "/so/11")
    await until(page, "document.querySelectorAll('#found tbody tr').length === 11")
    assert await page.evaluate(same)
    assert "q=%2Fso%2F11" in page.url
    assert await page.evaluate("document.activeElement.id") == "q", "the focus stays where one types"
    assert "11" in (await page.text_content("#say") or "")
    export = page.get_by_role("link", name="Tải xuống CSV")
    assert "so%2F11" in (await export.get_attribute("href") or ""), "what is exported is what is shown"


async def test_turning_the_page_moves_the_focus_and_back_leads_back(page: Page, console: str) -> None:
    await page.goto(f"{console}/rules?owner=langson")
    first = await page.text_content("#found tbody tr th a")
    same = await loads(page)
    await page.get_by_role("link", name="Sau").click()
    await until(page, f"document.querySelector('#found tbody tr th a').textContent !== '{first}'")
    assert await page.evaluate(same)
    assert await page.evaluate("document.activeElement.id") == "found"
    assert "after=" in page.url
    await page.go_back()
    await until(page, f"document.querySelector('#found tbody tr th a').textContent === '{first}'")
    assert "after=" not in page.url
    assert await page.title() == "Quy tắc – Bàn điều hành chuyển hướng"


async def test_a_rule_is_checked_while_it_is_typed_and_what_is_typed_is_not_touched(page: Page, console: str) -> None:
    await page.goto(f"{console}/rules/new?owner=langson")
    await page.fill("#id", "Sai tên")
    await page.fill("#addresses", "/moi")
    await page.fill("#leads", "home")
    await page.get_by_text("“Sai tên” không dùng làm tên được").wait_for()
    await page.fill("#id", "dung-ten")
    await page.fill("#samples", "https://dichvucong.langson.gov.vn/moi")
    await page.get_by_text("langson/dung-ten", exact=True).wait_for()
    assert await page.input_value("#id") == "dung-ten"
    assert await page.evaluate("document.activeElement.id") == "samples"
    assert await page.evaluate("location.pathname") == "/rules/new"
    assert "viết đúng" in (await page.text_content("#say") or "")


async def test_charts_are_drawn_of_their_tables_which_stay(page: Page, console: str) -> None:
    await page.goto(f"{console}/hits")
    await page.wait_for_selector(".chart canvas")
    assert await page.locator(".chart").count() == await page.locator("details.twin").count() >= 3
    assert await page.locator(".chart[aria-hidden=true]").count() == await page.locator(".chart").count()
    twin = page.locator("details.twin").first
    assert not await twin.evaluate("one => one.open")
    await twin.locator("summary").click()
    assert await twin.locator("tbody tr").count() == 7
    same = await loads(page)
    await page.select_option("#outcome", "notice")
    await page.wait_for_url(re.compile("outcome=notice"))
    await page.wait_for_selector(".chart canvas")
    assert await page.evaluate(same)
    assert await page.locator(".chart").count() == await page.locator("details.twin").count()


async def test_without_scripts_the_tables_are_the_page(browser: Chromium, console: str) -> None:
    context = await browser.new_context(locale="vi", java_script_enabled=False)
    try:
        opened = await context.new_page()
        await signed_in(opened, console, "xem")
        await opened.goto(f"{console}/hits")
        assert await opened.locator("details.twin[open] tbody tr").count() >= 7
        assert await opened.locator("canvas").count() == 0
    finally:
        await context.close()


async def test_work_under_way_is_followed_to_its_end(page: Page, console: str) -> None:
    await page.goto(f"{console}/drafts")
    await page.get_by_role("button", name="Phân tích", exact=True).click()
    await page.wait_for_url(re.compile("/jobs/"))
    await until(page, "!document.querySelector('[data-again]')")
    assert await page.get_by_text("xong", exact=True).count() == 1
    assert await page.get_by_role("heading", name="Phân tích bản nháp").count() == 1


async def test_a_session_that_is_over_leads_to_the_entrance_and_not_into_the_page(page: Page, console: str) -> None:
    await page.goto(f"{console}/rules?owner=langson")
    await page.context.clear_cookies()
    await page.fill("#q", "/so/1")
    await page.wait_for_url(re.compile("/sign-in"))
    assert await page.locator("form.filters").count() == 0


async def test_the_pages_in_frames_are_shown_and_nothing_complains(page: Page, console: str) -> None:
    await page.goto(f"{console}/preview?url=https://dichvucong.langson.gov.vn/vi/trangchu")
    for frame in await page.query_selector_all("iframe"):
        inner = await frame.content_frame()
        assert inner is not None
        await inner.wait_for_selector("h1")
        assert "đã ngừng hoạt động" in (await inner.text_content("h1") or "")
    await page.goto(f"{console}/portals/-/langson/texts?section=help")
    await page.fill("[name='text.help.office']", "hoặc đến số 1 đường Hùng Vương.")
    await page.get_by_role("button", name="Xem thử").click()
    await page.frame_locator("iframe").get_by_text("Hùng Vương").wait_for()
    assert "/texts" in page.url
