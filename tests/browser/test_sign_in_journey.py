"""Signing in as people meet it: the demonstration of `make run`, walked in a browser that runs no scripts.

The edge, its workers, its store, the simulated providers and the provincial system are real processes.
"""

import asyncio
import os
import shutil
import socket
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, Page

ROOT = Path(__file__).parents[2]
DEMONSTRATION = ROOT / "conf" / "demonstration"
WITHIN_SECONDS = 90

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session"), pytest.mark.xdist_group("sign-in")]


@dataclass(frozen=True)
class Walk:
    """Where everything is."""

    edge: int
    simulator: int

    def portal(self, target: str) -> str:
        return f"http://dichvucong.khanhhoa.gov.vn.localhost:{self.edge}{target}"

    @property
    def system(self) -> str:
        return f"http://he-thong-mau.localhost:{self.simulator}/"


def free_ports(count: int) -> list[int]:
    taken = [socket.socket() for _ in range(count)]
    for each in taken:
        each.bind(("127.0.0.1", 0))
    ports = [int(each.getsockname()[1]) for each in taken]
    for each in taken:
        each.close()
    return ports


def configuration(folder: Path, edge: int, operations: int, simulator: int) -> Path:
    """The demonstration's own files, on other ports."""
    shutil.copytree(DEMONSTRATION, folder)
    for path in folder.rglob("*.toml"):
        text = path.read_text("utf-8").replace(":8080", f":{edge}").replace(":8090", f":{simulator}")
        path.write_text(text.replace("simulator = 8090", f"simulator = {simulator}"), "utf-8")
    file = folder / "edge.toml"
    text = file.read_text("utf-8").replace('"../../var"', f'"{folder / "var"}"').replace('"../', f'"{ROOT / "conf"}/')
    listening = f"[listen]\nport = {edge}\n\n[operations]\nport = {operations}\n\n[workers]\ncount = 2\n\n"
    file.write_text(listening + text, "utf-8")
    return file


async def answers(port: int) -> bool:
    with suppress(OSError):
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.close()
        return True
    return False


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def walk(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Walk]:
    folder = tmp_path_factory.mktemp("demonstration")
    edge, operations, simulator = free_ports(3)
    config = configuration(folder / "conf", edge, operations, simulator)
    with (folder / "said").open("wb") as said:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "proxy", "serve", "--config", str(config),
            cwd=ROOT, stdout=said, stderr=said, env={**os.environ, "DVC_EDGE__CONSOLE__ENABLED": "false"},
        )  # fmt: skip
        until = time.monotonic() + WITHIN_SECONDS
        while "Ctrl-C" not in (folder / "said").read_text("utf-8") or not await answers(simulator):
            assert process.returncode is None, (folder / "said").read_text("utf-8")
            assert time.monotonic() < until, (folder / "said").read_text("utf-8")
            await asyncio.sleep(0.1)
        try:
            yield Walk(edge, simulator)
        finally:
            process.terminate()
            await asyncio.wait_for(process.wait(), WITHIN_SECONDS)
    told = (folder / "said").read_text("utf-8")
    assert "Traceback" not in told, told
    assert "000000000001" not in told  # nobody's number is in any line of the log
    assert "Nguyễn Văn An" not in told


@dataclass
class Person:
    """Somebody at a browser."""

    page: Page
    walk: Walk
    dialogs: list[str] = field(default_factory=list)

    async def opens(self, address: str) -> None:
        await self.page.goto(address)

    async def is_shown(self) -> str:
        return await self.page.inner_text("main")

    async def says_to_be(self, who: str, fault: str = "none") -> None:
        await self.page.select_option("select[name=fault]", fault)
        await self.page.click(f"button[value={who}]")
        await self.page.wait_for_load_state()


NewPerson = Callable[[], Awaitable[Person]]


@pytest_asyncio.fixture(loop_scope="session")
async def new_person(browser: Browser, walk: Walk) -> AsyncIterator[NewPerson]:
    contexts: list[BrowserContext] = []

    async def make() -> Person:
        context = await browser.new_context(
            locale="vi-VN", viewport={"width": 360, "height": 640}, java_script_enabled=False
        )
        contexts.append(context)
        person = Person(await context.new_page(), walk)
        person.page.on(
            "response",
            lambda response: (
                person.dialogs.append(response.url) if "/authorize" in response.url and response.status == 200 else None
            ),
        )
        return person

    yield make
    for context in contexts:
        await context.close()


FORM = "/vi/nps/apply?MaTTHC=1.001193"


async def test_a_deep_link_reaches_the_form_with_one_dialog_and_the_next_with_none(new_person: NewPerson) -> None:
    person = await new_person()
    await person.opens(person.walk.portal(FORM + "&vneid=1"))
    assert "DEMONSTRATION" in await person.page.title()
    await person.says_to_be("an")
    assert person.page.url == person.walk.portal(FORM)  # the flag has done its work
    shown = await person.is_shown()
    assert "Nguyễn Văn An (mẫu)" in shown
    assert "urn:dvc-edge:level:2" in shown
    await person.opens(person.walk.portal("/vi/nps/apply?MaTTHC=2.000806&vneid=1"))
    assert "Nguyễn Văn An (mẫu)" in await person.is_shown()
    assert len(person.dialogs) == 1


async def test_the_national_portals_own_accounts_lead_to_the_same_form(new_person: NewPerson) -> None:
    person = await new_person()
    await person.opens(person.walk.portal(FORM + "&vnconnect=1"))
    await person.says_to_be("cuong")
    shown = await person.is_shown()
    assert "Công ty TNHH Ví Dụ (mẫu)" in shown
    assert "0000000001" in shown
    assert len(person.dialogs) == 1


async def test_a_system_of_its_own_knows_the_person_without_a_dialog_and_they_sign_out_of_both(
    new_person: NewPerson,
) -> None:
    person = await new_person()
    await person.opens(person.walk.portal(FORM + "&vneid=1"))
    await person.says_to_be("an")
    await person.opens(person.walk.system)
    await person.page.click("a[href='/sign-in']")
    await person.page.wait_for_load_state()
    assert "Nguyễn Văn An (mẫu)" in await person.is_shown()
    assert len(person.dialogs) == 1
    await person.page.click("a[href='/sign-out']")
    await person.page.wait_for_load_state()
    await person.page.click("button")  # without scripts a form is sent by hand
    await person.page.wait_for_url(person.walk.system + "**")
    assert "Đã đăng xuất" in await person.is_shown()
    await person.opens(person.walk.portal(FORM + "&vneid=1"))
    assert len(person.dialogs) == 2


async def test_a_path_that_needs_more_asks_for_more_and_goes_on_where_the_person_was(new_person: NewPerson) -> None:
    person = await new_person()
    await person.opens(person.walk.portal("/vi/tra-cuu-ca-nhan?vneid=1"))
    await person.says_to_be("giang")
    assert "urn:dvc-edge:level:1" in await person.is_shown()
    await person.opens(person.walk.portal(FORM + "&vneid=1"))
    if "Cần xác thực thêm" in await person.is_shown():
        await person.page.click("button[value=allow]")
        await person.page.wait_for_load_state()
    await person.says_to_be("giang")
    assert person.page.url == person.walk.portal(FORM)
    shown = await person.is_shown()
    assert "urn:dvc-edge:level:2" in shown
    assert "Phạm Giang (mẫu)" in shown
    assert len(person.dialogs) == 2


async def test_who_is_signed_out_at_the_upstream_is_signed_out_here(new_person: NewPerson) -> None:
    person = await new_person()
    await person.opens(person.walk.portal(FORM + "&vneid=1"))
    await person.says_to_be("dung")
    assert "Lê Dung (mẫu)" in await person.is_shown()
    await person.opens(f"http://vneid.localhost:{person.walk.simulator}/")
    await person.page.click("button:has-text('Lê Dung')")
    await person.page.wait_for_load_state()
    assert "trả lời 200" in await person.is_shown()
    await person.opens(person.walk.portal(FORM + "&vneid=1"))
    assert len(person.dialogs) == 2


async def test_who_is_nobody_yet_chooses_an_account_first(new_person: NewPerson) -> None:
    """The form of the page leads through our host, the provider's and the system's: no policy stands in its way."""
    person = await new_person()
    complaints: list[str] = []
    person.page.on("console", lambda said: complaints.append(said.text) if "Content Security" in said.text else None)
    await person.opens(person.walk.system)
    await person.page.click("a[href='/sign-in']")
    await person.page.wait_for_load_state()
    assert "Đăng nhập bằng tài khoản nào?" in await person.is_shown()
    await person.page.click("button[value=vneid]")
    await person.page.wait_for_load_state()
    await person.says_to_be("an")
    assert person.page.url == person.walk.system
    assert "Nguyễn Văn An (mẫu)" in await person.is_shown()
    assert complaints == []


async def test_a_level_that_is_too_low_is_said_with_a_code_and_what_to_do(new_person: NewPerson) -> None:
    person = await new_person()
    await person.opens(person.walk.portal(FORM + "&vneid=1"))
    await person.says_to_be("binh")
    shown = await person.is_shown()
    assert "mức độ 2" in shown
    assert "DN-207" in shown
    assert "18001096" in shown
    assert "Trần Thị Bình" not in shown


@pytest.mark.parametrize(
    ("fault", "code", "status"),
    [("denied", "DN-205", 400), ("signature", "DN-204", 502), ("no-issuer", "DN-203", 400), ("broken", "DN-210", 503)],
)
async def test_what_goes_wrong_is_said_in_words_with_a_code(
    new_person: NewPerson, fault: str, code: str, status: int
) -> None:
    person = await new_person()
    await person.opens(person.walk.portal(FORM + "&vneid=1"))
    async with person.page.expect_response("**/callback/vneid*") as came:
        await person.says_to_be("an", fault)
    answer = await came.value
    assert (answer.status, "retry-after" in answer.headers) == (status, status == 503)
    assert answer.headers["referrer-policy"] == "no-referrer"
    shown = await person.is_shown()
    assert code in shown
    assert "18001096" in shown


async def test_an_old_link_still_shows_the_notice(new_person: NewPerson) -> None:
    person = await new_person()
    await person.opens(person.walk.portal("/vi/thu-tuc-hanh-chinh/chi-tiet?ma=1.001193.000.00.00.H32"))
    assert "đã ngừng hoạt động" in await person.is_shown()
    assert person.dialogs == []
