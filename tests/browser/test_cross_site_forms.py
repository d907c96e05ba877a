"""A form on a system's own site that asks for a sign-in: who is signed in comes through without a question.

Browsers send our cookie with no form of another site (SameSite=Lax); a real one says here whether the detour works.
"""

import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass
from html import escape
from pathlib import Path

import pytest
import pytest_asyncio
from aiohttp.test_utils import RawTestServer
from aiohttp.web import BaseRequest, Response
from playwright.async_api import Browser, BrowserContext

from proxy.pages import Pages
from sso.stores.embedded import EmbeddedValkey
from sso.stores.valkey import open_store
from tests.sign_in_peers.issuer import CLIENTS, Desk, client, free_port, issuing

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


@dataclass(frozen=True)
class Site:
    """An issuer, and a system on a site of its own whose page has the form."""

    desk: Desk
    origin: str

    @property
    def form(self) -> str:
        asked = self.desk.request("system", redirect_uri=f"{self.origin}/cb")
        fields = "".join(
            f'<input type="hidden" name="{name}" value="{escape(value)}">' for name, value in asked.items()
        )
        action = f"{self.desk.broker.issuer}/authorize"
        return f'<!doctype html><form method="post" action="{action}">{fields}<button>Sign in</button></form>'


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def site(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Site]:
    valkey = EmbeddedValkey(Path(tmp_path_factory.mktemp("valkey")))
    valkey.start_now()
    store = open_store(valkey.url, person_key=b"k" * 32, timeout_seconds=10, namespace=secrets.token_hex(8))
    made: list[Site] = []

    async def answer(request: BaseRequest) -> Response:
        page = made[0].form if request.path == "/" else "<!doctype html><p>Here you are.</p>"
        return Response(text=page, content_type="text/html")

    system, port = RawTestServer(answer, host="127.0.0.1"), free_port()
    await system.start_server(access_log=None)
    origin = f"http://system.localhost:{system.port}"
    clients = {**CLIENTS, "system": client("system", redirect_uris=(f"{origin}/cb",))}
    async with issuing(store, Pages(), clients=clients, issuer=f"http://signin.localhost:{port}", port=port) as desk:
        made.append(Site(desk, origin))
        yield made[0]
    await system.close()
    await store.close()
    valkey.leave_now()


async def signed_in(site: Site, browser: Browser, *, scripts: bool) -> BrowserContext:
    """A browser of somebody who has signed in before."""
    person = site.desk.browser()
    await site.desk.sign_in(person)
    context = await browser.new_context(java_script_enabled=scripts)
    await context.add_cookies(
        [
            {"name": name, "value": value, "url": site.desk.broker.issuer, "httpOnly": True, "sameSite": "Lax"}
            for name, value in person.cookies.items()
        ]
    )
    return context


async def test_who_is_signed_in_comes_back_with_a_code_and_was_asked_nothing(site: Site, browser: Browser) -> None:
    context = await signed_in(site, browser, scripts=True)
    page = await context.new_page()
    await page.goto(f"{site.origin}/")
    await page.click("button")
    await page.wait_for_url(f"{site.origin}/cb?code=*")
    await context.close()


async def test_without_scripts_it_takes_one_press_more(site: Site, browser: Browser) -> None:
    context = await signed_in(site, browser, scripts=False)
    page = await context.new_page()
    await page.goto(f"{site.origin}/")
    await page.click("button")
    assert page.url == f"{site.desk.broker.issuer}/authorize"
    await page.click("main button")
    await page.wait_for_url(f"{site.origin}/cb?code=*")
    await context.close()
