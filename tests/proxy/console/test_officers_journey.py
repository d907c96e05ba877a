# ruff: noqa: F811 - fixtures are imported, and asked for by their names
"""Officers sign in by the simulated VNeID as `make run` shows it: invited, linked, signed out; in a real Chromium.

Edge, broker, its store, the simulated providers and the console are real processes, started by one `dvc-edge serve`.
"""

import asyncio
import os
import re
import shutil
import signal
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import ClientError, ClientSession
from playwright.async_api import Browser as Chromium
from playwright.async_api import BrowserContext, Page

from tests.browser.conftest import axe_source, browser  # noqa: F401 - fixtures
from tests.browser.test_sign_in_journey import WITHIN_SECONDS, free_ports
from tests.conftest import CONF
from tests.proxy.console.brokers import Office, office
from tests.proxy.console.conftest import PASSWORD, Clock
from tests.proxy.console.test_browser import flaws

pytestmark = [
    pytest.mark.browser,
    pytest.mark.xdist_group("officers"),
    pytest.mark.asyncio(loop_scope="session"),
]


@dataclass(frozen=True)
class House:
    """Where everything is."""

    issuer: str
    console: str
    said: Path  # the log
    process: asyncio.subprocess.Process

    def console_process(self) -> int | None:
        """The console, a child of the supervisor; None: it is not there."""
        path = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        for child in path.read_text().split():
            with suppress(OSError):
                if b"\0console\0serve\0" in Path(f"/proc/{child}/cmdline").read_bytes():
                    return int(child)
        return None


def configuration(folder: Path, ports: list[int]) -> Path:
    """The demonstration's own files, on other ports."""
    edge, operations, simulator, console = ports
    shutil.copytree(CONF / "demonstration", folder)
    for path in folder.rglob("*.toml"):
        text = path.read_text("utf-8").replace(":8080", f":{edge}").replace(":8090", f":{simulator}")
        text = text.replace("simulator = 8090", f"simulator = {simulator}").replace(":8083", f":{console}")
        path.write_text(text.replace("[console]", f"[console]\nport = {console}\n#"), "utf-8")
    file = folder / "edge.toml"
    text = file.read_text("utf-8").replace('"../../var"', f'"{folder / "var"}"').replace('"../', f'"{CONF}/')
    listening = f"[listen]\nport = {edge}\n\n[operations]\nport = {operations}\n\n[workers]\ncount = 1\n\n"
    file.write_text(listening + text, "utf-8")
    return file


async def answers(address: str, path: str = "/health", host: str = "") -> bool:
    """Whether somebody is there."""
    headers = {"Host": f"{host}:{address.rpartition(':')[2]}"} if host else {}
    with suppress(ClientError, OSError):
        async with ClientSession() as session, session.get(f"{address}{path}", headers=headers) as response:
            return response.status == 200
    return False


async def until(condition: Callable[[], Awaitable[bool]], why: str) -> None:
    """Wait for something that comes in its own time."""
    end = time.monotonic() + WITHIN_SECONDS
    while not await condition():
        assert time.monotonic() < end, why
        await asyncio.sleep(0.1)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    folder = tmp_path_factory.mktemp("officers")
    ports = free_ports(4)
    config = configuration(folder / "conf", ports)
    issuer, console = f"http://signin.localhost:{ports[0]}", f"http://127.0.0.1:{ports[3]}"
    with (folder / "said").open("wb") as said:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "proxy", "serve", "--config", str(config),
            cwd=CONF.parent, stdout=said, stderr=said, env={**os.environ},
        )  # fmt: skip
        try:
            await until(lambda: answers(console), (folder / "said").read_text("utf-8"))
            yield House(issuer, f"http://console.localhost:{ports[3]}", folder / "said", process)
        finally:
            process.terminate()
            await asyncio.wait_for(process.wait(), WITHIN_SECONDS)
    assert not await answers(console)  # it has ended with the edge
    told = (folder / "said").read_text("utf-8")
    assert "Traceback" not in told, told
    assert not re.search(r"vneid-an|Nguyễn Văn An|an\.nguyen|code=", told), told  # nobody is named in any line


NewOfficer = Callable[..., Awaitable[Page]]


@pytest_asyncio.fixture(loop_scope="session")
async def officer(browser: Chromium) -> AsyncIterator[NewOfficer]:
    """Somebody at a browser of their own."""
    contexts: list[BrowserContext] = []

    async def new(*, scripts: bool = True) -> Page:
        context = await browser.new_context(locale="vi", java_script_enabled=scripts)
        contexts.append(context)
        return await context.new_page()

    yield new
    for context in contexts:
        await context.close()


async def signs_in(page: Page, house: House, who: str) -> None:
    """From the console's entrance through VNeID, and back."""
    await page.goto(f"{house.console}/sign-in")
    await page.click("text=Đăng nhập bằng VNeID")
    if "/authorize" in page.url and "signin" in page.url:  # two providers: the person chooses
        await page.click("text=VNeID")
    await page.wait_for_selector(f"button[value={who}]")
    await page.click(f"button[value={who}]")
    await page.wait_for_load_state()


async def name_in_the_frame(page: Page) -> str:
    """Who the console thinks it is."""
    return (await page.inner_text(".who")).replace("\n", " ")


async def invites(page: Page, house: House, actor: str) -> str:
    """An administrator makes a person and an invitation; its link."""
    await page.goto(f"{house.console}/people/new")
    await page.fill("#actor", actor)
    await page.select_option("#role-1", "editor")
    await page.fill("#reason", "mới nhận việc")
    await page.click("main form button")
    await page.wait_for_url(f"{house.console}/people/{actor}")
    await page.fill("#invite-reason", "mới nhận việc")
    await page.click("text=Tạo lời mời")
    return str(await page.inner_text(".notice p.code"))


async def test_an_officer_is_invited_linked_and_out_when_they_sign_out_at_the_broker(
    house: House, officer: NewOfficer
) -> None:
    """With a browser that runs no scripts: every step works without."""
    administrator, invited, actor = await officer(scripts=False), await officer(scripts=False), "cuong.le"
    await signs_in(administrator, house, "an")
    assert "an.nguyen" in await name_in_the_frame(administrator)

    await signs_in(invited, house, "cuong")  # before the invitation: a stranger
    assert "chưa gắn với ai" in await invited.inner_text("main")
    link = await invites(administrator, house, actor)
    await invited.goto(link)
    assert actor in await invited.inner_text("main")
    await invited.click("text=Tiếp tục bằng VNeID")  # the broker knows them already, and asks all the same
    if "signin" in invited.url:
        await invited.click("text=VNeID")
    await invited.click("button[value=cuong]")
    await invited.wait_for_url(f"{house.console}/")
    assert actor in await name_in_the_frame(invited)

    await administrator.goto(link)  # the same link once more
    assert "Lời mời này đã dùng" in await administrator.inner_text("main")

    elsewhere = await invited.context.new_page()
    await elsewhere.goto(f"{house.issuer}/logout")
    await elsewhere.click("button[value=yes]")
    await elsewhere.wait_for_load_state()

    async def is_out() -> bool:
        await invited.goto(f"{house.console}/rules")
        return "/sign-in" in invited.url

    await until(is_out, "the back-channel logout did not end the session of the console")


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
async def test_signing_out_of_the_console_signs_out_at_the_broker_too(
    house: House,
    officer: NewOfficer,
    scripts: bool,  # noqa: FBT001 - a column
) -> None:
    page = await officer(scripts=scripts)
    await signs_in(page, house, "giang")
    assert "giang.pham" in await name_in_the_frame(page)
    await page.click("text=Đăng xuất")
    if not scripts:
        await page.click("text=Đăng xuất khỏi VNeID")
        await page.click("main button")  # of the broker, who goes on to VNeID by a form
    await page.wait_for_url(f"{house.console}/sign-in*")
    await page.click("text=Đăng nhập bằng VNeID")
    await page.wait_for_load_state()
    assert not page.url.startswith(house.console)  # VNeID asks again: nobody behind them gets in by a click


async def test_an_account_below_the_level_is_told_what_to_do(house: House, officer: NewOfficer) -> None:
    page = await officer()
    await signs_in(page, house, "binh")
    text = await page.inner_text("main")
    assert "mức độ" in text
    await page.goto(f"{house.console}/rules")
    assert "/sign-in" in page.url


async def test_a_console_that_dies_is_replaced_and_the_edge_never_notices(house: House) -> None:
    former = house.console_process()
    assert former is not None
    os.kill(former, signal.SIGKILL)

    address = house.console.replace("console.localhost", "127.0.0.1")
    edge, unanswered = house.issuer.replace("signin.localhost", "127.0.0.1"), 0

    async def another() -> bool:
        nonlocal unanswered
        unanswered += not await answers(edge, "/.well-known/openid-configuration", host="signin.localhost")
        return house.console_process() not in {None, former} and await answers(address)

    await until(another, "no other console came")
    assert unanswered == 0
    assert "the console was killed by SIGKILL" in house.said.read_text("utf-8")


@pytest_asyncio.fixture(loop_scope="session")
async def room(furnished: Path, tmp_path: Path, clock: Clock) -> AsyncIterator[Office]:
    async with office(furnished, tmp_path, clock, CONSOLE__PASSWORDS="keep") as opened:
        yield opened


@pytest.mark.parametrize(("width", "scheme"), [(320, "light"), (1280, "dark")], ids=["narrow", "wide"])
async def test_axe_finds_nothing_on_the_pages_of_signing_in(
    browser: Chromium, room: Office, axe_source: str, clock: Clock, width: int, scheme: Any
) -> None:
    console, found = str(room.base)[:-1], {}
    context = await browser.new_context(
        viewport={"width": width, "height": 900}, color_scheme=scheme, locale="vi", bypass_csp=True
    )
    try:
        page = await context.new_page()
        paths = {
            "entrance": "/sign-in",
            "refused": "/callback/broker?state=x&code=y",
            "no code": "/invitation",
            "wrong code": "/invitation?code=abc",
            "invitation": f"/invitation?code={room.invite('lang.son')}",
        }
        for name, path in paths.items():
            await page.goto(f"{console}{path}")
            found[name] = await flaws(page, axe_source)
        await page.goto(f"{console}/sign-in")
        await page.click("main summary")
        await page.fill("#actor", "trung.uong")
        await page.fill("#password", PASSWORD)
        await page.click("main form button")
        await page.wait_for_url(f"{console}/")
        await page.goto(f"{console}/people/lang.son")
        await page.fill("#invite-reason", "mới nhận việc")
        await page.click("text=Tạo lời mời")
        found["invited"] = await flaws(page, axe_source)
        await page.goto(f"{console}/destinations/-/help")
        await page.fill("#reason", "sửa đường dẫn")
        clock.now += timedelta(hours=10)
        await page.click("main form button")
        await page.wait_for_selector("text=chưa mất gì")
        found["too late"] = await flaws(page, axe_source)
    finally:
        await context.close()
    assert {name: flaw for name, flaw in found.items() if flaw} == {}
