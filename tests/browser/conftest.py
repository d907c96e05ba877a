"""One Chromium for all tests of a worker, and a gallery of pages that it visits.  Nothing leaves the loopback."""

import os
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import web
from playwright.async_api import Browser, BrowserContext, Page, Route, async_playwright

from tests.browser.gallery import make_app

CHROMIUM = Path("/usr/bin/chromium")
HAS_CHROMIUM = CHROMIUM.exists()
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
]
AXE = Path(__file__).parent / "node_modules" / "axe-core" / "axe.min.js"


def _absent(what: str, how: str) -> None:
    """In continuous integration a missing part is a failure; on a desk the tests are left out, aloud."""
    say = pytest.fail if os.environ.get("CI") else pytest.skip
    say(f"{what} is missing: {how}")


@pytest.fixture(scope="session")
def axe_source() -> str:
    if not AXE.exists():
        _absent("axe-core", "npm ci --prefix tests/browser")
    return AXE.read_text("utf-8")


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    if not HAS_CHROMIUM:
        _absent("Chromium", "apt-get install chromium fonts-noto-core")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        await browser.close()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def base_url() -> AsyncIterator[str]:
    """Where the pages are: the gallery here; another server may take its place."""
    runner = web.AppRunner(make_app())
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    _, port = runner.addresses[0]
    yield f"http://127.0.0.1:{port}"
    await runner.cleanup()


@dataclass
class Visitor:
    """A person at a browser, and what went over the wire or wrong meanwhile."""

    page: Page
    base_url: str
    requests: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    async def opens(self, path: str) -> None:
        await self.page.goto(self.base_url + path)

    @property
    def is_at(self) -> str:
        """Path, query and fragment on our own host, or the whole address elsewhere."""
        return self.page.url.removeprefix(self.base_url)

    async def text(self, selector: str) -> str:
        return (await self.page.locator(selector).text_content() or "").strip()

    async def focus(self) -> str:
        return str(await self.page.evaluate("document.activeElement.id"))


async def _national_portal(route: Route) -> None:
    await route.fulfill(content_type="text/html", body="<!doctype html><title>National portal</title><h1>There</h1>")


NewVisitor = Callable[..., Awaitable[Visitor]]


@pytest_asyncio.fixture(loop_scope="session")
async def new_visitor(browser: Browser, base_url: str) -> AsyncIterator[NewVisitor]:
    """Makes visitors; at the end none may have seen a script fail or a policy broken."""
    contexts: list[BrowserContext] = []
    visitors: list[Visitor] = []

    async def make(**options: Any) -> Visitor:
        options = {"locale": "vi-VN", "viewport": {"width": 360, "height": 640}, **options}
        context = await browser.new_context(**options)
        contexts.append(context)
        await context.route("**/*", _only_ourselves(base_url))
        visitor = Visitor(await context.new_page(), base_url)
        visitors.append(visitor)
        visitor.page.on("request", lambda request: visitor.requests.append(request.url))
        visitor.page.on("pageerror", lambda error: visitor.complaints.append(str(error)))
        visitor.page.on(
            "console",
            lambda said: visitor.complaints.append(said.text) if "Content Security Policy" in said.text else None,
        )
        return visitor

    yield make
    for context in contexts:
        await context.close()
    assert [complaint for visitor in visitors for complaint in visitor.complaints] == []


def _only_ourselves(base_url: str) -> Callable[[Route], Awaitable[None]]:
    async def handle(route: Route) -> None:
        address = route.request.url
        if address.startswith(base_url):
            await route.continue_()
        elif address.startswith(("https://dichvucong.gov.vn/", "https://vpcp.dichvucong.gov.vn/")):
            await _national_portal(route)
        else:
            await route.abort()

    return handle


@pytest_asyncio.fixture(loop_scope="session")
async def visitor(new_visitor: NewVisitor) -> Visitor:
    return await new_visitor()
