# ruff: noqa: F811 - fixtures are imported, and asked for by their names
"""The console in a real Chromium: every page at two widths and in both schemes, with and without scripts."""

import json
import re
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from aiohttp.test_utils import TestServer
from playwright.async_api import Browser as Chromium
from playwright.async_api import Page

from proxy.console.desk import Desk
from proxy.console.whole import ROUTES, create_console
from redirect_rules.hits import Hit
from tests.browser.conftest import axe_source, browser  # noqa: F401 - fixtures
from tests.conftest import AUTUMN
from tests.proxy.console.conftest import PASSWORD
from tests.proxy.console.test_whole import NOT_THERE, address

pytestmark = [
    pytest.mark.browser,
    pytest.mark.xdist_group("console-browser"),
    pytest.mark.asyncio(loop_scope="session"),
]

OLD = "https://dichvucong.langson.gov.vn/vi/trang-khong-ai-biet"
PAGES = [
    "/sign-in",
    *(
        address(route)
        for route in ROUTES
        if route.method == "GET" and not route.path.endswith((".csv", ".json", ".jsonl", "/preview"))
    ),
]


@pytest_asyncio.fixture(loop_scope="session")
async def console(desk: Desk) -> AsyncIterator[str]:
    key = OLD.removeprefix("https://")
    desk.hits.add(AUTUMN.date(), {Hit("langson", key, "notice", "navigation", ""): 41})
    async with TestServer(create_console(desk, secure=False)) as server:
        yield str(server.make_url("/"))[:-1]


async def signed_in(page: Page, console: str, actor: str) -> None:
    await page.goto(f"{console}/sign-in")
    await page.fill("#actor", actor)
    await page.fill("#password", PASSWORD)
    await page.click("main button")
    await page.wait_for_url(f"{console}/")


async def flaws(page: Page, axe: str) -> list[str]:
    """What axe finds, and whether anything is wider than the window."""
    if not await page.evaluate("'axe' in window"):  # sent once where a context has it as its own script
        await page.evaluate(axe)
    found: dict[str, Any] = await page.evaluate("axe.run(document, {resultTypes: ['violations'], selectors: false})")
    wide = await page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")
    named = [f"{one['id']}: {[node['html'][:100] for node in one['nodes']][:3]}" for one in found["violations"]]
    return [*named, *(["wider than the window"] if wide else [])]


LOOKS = [
    (320, "light", PAGES),
    (1280, "dark", ["/sign-in", "/", "/rules", "/rules/new", "/drafts", "/readiness", "/people"]),
]


@pytest.mark.parametrize(("width", "scheme", "paths"), LOOKS, ids=["narrow and light", "wide and dark"])
async def test_axe_finds_nothing_on_any_page(
    browser: Chromium,
    console: str,
    axe_source: str,
    width: int,
    scheme: Any,
    paths: list[str],
) -> None:
    context = await browser.new_context(
        viewport={"width": width, "height": 900}, color_scheme=scheme, locale="vi", bypass_csp=True
    )
    try:
        await context.add_init_script(axe_source)
        page = await context.new_page()
        complaints: list[str] = []
        page.on("pageerror", lambda error: complaints.append(str(error)))
        found: dict[str, list[str]] = {}
        await signed_in(page, console, "trung.uong")
        for path in paths:
            await page.goto(console + path)
            if wrong := await flaws(page, axe_source):
                found[path] = wrong
        assert not found, json.dumps(found, indent=1)
        assert not complaints
    finally:
        await context.close()


async def test_the_policy_lets_every_page_work_and_nothing_else(browser: Chromium, console: str) -> None:
    context = await browser.new_context(locale="vi")
    try:
        page = await context.new_page()
        said: list[str] = []
        page.on("console", lambda message: said.append(message.text))
        await signed_in(page, console, "trung.uong")
        for path in PAGES:
            if not any(path == address(route) and route.path in NOT_THERE for route in ROUTES):
                await page.goto(console + path)
        assert said == []
    finally:
        await context.close()


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
async def test_from_an_unmapped_link_to_a_live_rule_and_back_by_clicks(
    browser: Chromium,
    console: str,
    desk: Desk,
    scripts: bool,  # noqa: FBT001
) -> None:
    begun = time.monotonic()
    officer = await browser.new_context(locale="vi", java_script_enabled=scripts)
    second = await browser.new_context(locale="vi", java_script_enabled=scripts)
    try:
        page, other = await officer.new_page(), await second.new_page()
        await signed_in(page, console, "trung.uong")
        await signed_in(other, console, "phe.duyet")
        await asked_and_published(page, other, console, "the first number")

        await page.goto(f"{console}/unmapped")
        await page.get_by_role("link", name=re.compile("Tạo quy tắc.*trang-khong-ai-biet")).click()
        await page.fill("#reason", "41 people asked for it")
        await page.select_option("#action", "redirect")
        await page.get_by_role("button", name="Lưu vào bản nháp").click()
        await page.get_by_text("Đã lưu langson/").wait_for()
        assert await page.get_by_role("cell", name="https://dichvucong.gov.vn/", exact=True).count() == 1

        await page.goto(f"{console}/drafts")
        await page.get_by_role("button", name="Xem ảnh hưởng").click()
        await ended(page)
        await page.get_by_text("địa chỉ khác nhau sẽ thay đổi").wait_for()
        assert "trang-khong-ai-biet" in await page.content()
        await asked_and_published(page, other, console, "an old page")

        await page.goto(f"{console}/explain?url={OLD}")
        await page.get_by_text("chuyển ngay").first.wait_for()
        await page.goto(f"{console}/drafts")
        row = page.get_by_role("row").filter(has_text="the first number")
        await row.get_by_role("textbox").fill("a mistake")
        await row.get_by_role("button").click()
        await page.get_by_text("Bản số 1 đang phục vụ lại").wait_for()
        await page.goto(f"{console}/explain?url={OLD}")
        await page.get_by_text("không có quy tắc nào").first.wait_for()
        assert time.monotonic() - begun < 120
    finally:
        await officer.close()
        await second.close()


async def asked_and_published(page: Page, other: Page, console: str, message: str) -> None:
    """One asks, the other says yes and publishes."""
    await page.goto(f"{console}/drafts")
    await page.fill("#message", message)
    await page.get_by_role("button", name="Đề nghị công bố").click()
    await page.get_by_text("Đã gửi đề nghị").wait_for()
    await other.goto(f"{console}/drafts")
    await other.get_by_role("button", name="Đồng ý", exact=True).click()
    await other.get_by_role("button", name="Công bố", exact=True).first.click()
    await ended(other)
    await other.get_by_text("có hiệu lực từ").wait_for()


async def ended(page: Page) -> None:
    """Look again until the work has ended, as somebody without scripts does."""
    await page.wait_for_url(re.compile("/jobs/"))
    url = page.url
    for _ in range(200):
        if "data-again" not in await page.content():
            return
        await page.wait_for_timeout(300)
        await page.goto(url)
    raise AssertionError("the work never ends")


async def test_a_rule_is_made_with_the_keyboard_alone(browser: Chromium, console: str) -> None:
    context = await browser.new_context(locale="vi")
    try:
        page = await context.new_page()
        await page.goto(f"{console}/sign-in?next=/rules/new%3Fowner=langson")
        for field, text in (("#actor", "bien.tap"), ("#password", PASSWORD)):
            await to(page, field)
            await page.keyboard.type(text)
        await page.keyboard.press("Enter")
        await page.wait_for_selector("#addresses")
        for field, text in (("#id", "ban-phim"), ("#addresses", "/ban-phim"), ("#leads", "home"), ("#reason", "keys")):
            await to(page, field)
            await page.keyboard.type(text)
        await page.keyboard.press("Enter")
        await page.get_by_text("Đã lưu langson/ban-phim").wait_for()
    finally:
        await context.close()


async def to(page: Page, selector: str) -> None:
    """Press Tab until the field has the focus."""
    for _ in range(80):
        if await page.evaluate("selector => document.activeElement?.matches(selector) ?? false", selector):
            return
        await page.keyboard.press("Tab")
    raise AssertionError(f"{selector} is not reached by keys")


async def test_the_first_key_leads_past_the_menu(browser: Chromium, console: str) -> None:
    context = await browser.new_context(locale="vi")
    try:
        page = await context.new_page()
        await signed_in(page, console, "xem")
        await page.keyboard.press("Tab")
        assert await page.evaluate("document.activeElement.className") == "skip"
        await page.keyboard.press("Enter")
        assert await page.evaluate("location.hash") == "#main"
    finally:
        await context.close()
