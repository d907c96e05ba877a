"""What the notice tells of the countdown, from Chromium to the count: one word for each page, and nothing else."""

import asyncio
import io
import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio

from proxy import hits
from proxy.app import App, create_app
from proxy.packs import Packs
from proxy.pages import Pages
from proxy.serve import running
from redirect_rules.hits import NOTICE, HitCounter
from tests.browser.conftest import NewVisitor, Visitor
from tests.browser.samples import NATIONAL
from tests.conftest import AUTUMN, settings_with

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session"), pytest.mark.xdist_group("browser")]

PAGE = "/khong-co-trang-nay"


@dataclass
class Counting:
    """A real edge that counts, its hits and its access log."""

    app: App
    log: io.StringIO
    url: str

    def lines(self) -> list[dict[str, object]]:
        return [line for line in map(json.loads, self.log.getvalue().splitlines()) if line["method"] == "POST"]

    async def told(self, times: int = 1, *, status: int = 204) -> Mapping[str, int]:
        """The words that were counted since the last time, as soon as there are so many answers."""
        async with asyncio.timeout(30):
            while len(self.lines()) < times:  # noqa: ASYNC110 - what is awaited happens in the edge
                await asyncio.sleep(0.02)
        await asyncio.sleep(0.3)  # for one that should not come; that it would come later is not held against anybody
        statuses = [line["status"] for line in self.lines()]
        self.log.truncate(self.log.seek(0))
        assert statuses == [status] * times
        assert isinstance(self.app.hits, HitCounter)
        counts = self.app.hits.drain(AUTUMN.date())
        return {hit[2]: times for hit, times in counts.items() if hit[1] == NOTICE}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def counting(packs: Packs, pages: Pages, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Counting]:
    state: Path = tmp_path_factory.mktemp("state")
    settings = settings_with(
        {
            "DVC_EDGE__STATE__FOLDER": str(state),
            "DVC_EDGE__HITS__KEEP_DAYS": "90",
            "DVC_EDGE__HITS__WRITE_SECONDS": "600",  # the tests read them first
        }
    )
    log = io.StringIO()
    app = create_app(settings, parts=(packs, pages), clock=lambda: AUTUMN, log=log)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(hits, "GATHERING_SECONDS", 600)
        async with running(app) as addresses:
            yield Counting(app, log, f"http://dichvucong.hanoi.gov.vn.localhost:{addresses.edge[1]}")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def base_url(counting: Counting) -> str:
    return counting.url


async def opened(new_visitor: NewVisitor, path: str = PAGE, **options: object) -> Visitor:
    visitor = await new_visitor(**options)
    await visitor.opens(path)
    return visitor


async def test_who_stops_and_then_goes_has_stopped(new_visitor: NewVisitor, counting: Counting) -> None:
    visitor = await opened(new_visitor)
    await visitor.page.click("#stop")
    await visitor.page.click("#stop", force=True)
    await visitor.page.click("#now")
    await visitor.page.wait_for_url(f"{NATIONAL}/**")
    assert await counting.told() == {"stopped": 1}


async def test_who_goes_has_gone(new_visitor: NewVisitor, counting: Counting) -> None:
    visitor = await opened(new_visitor)
    await visitor.page.keyboard.press("Tab")
    await visitor.page.keyboard.press("Tab")
    await visitor.page.keyboard.press("Enter")
    await visitor.page.wait_for_url(f"{NATIONAL}/**")
    assert await counting.told() == {"went": 1}


async def test_who_opens_another_tab_has_gone_and_once_only(new_visitor: NewVisitor, counting: Counting) -> None:
    visitor = await opened(new_visitor)
    for _ in range(2):
        async with visitor.page.context.expect_page() as other:
            await visitor.page.click("#now", modifiers=["Control"])
        await (await other.value).close()
    assert await counting.told() == {"went": 1}


async def test_the_menu_of_the_right_button_is_no_going(new_visitor: NewVisitor, counting: Counting) -> None:
    visitor = await opened(new_visitor)
    await visitor.page.click("#now", button="right")
    assert await counting.told(0) == {}


async def test_who_waits_is_carried(new_visitor: NewVisitor, counting: Counting) -> None:
    visitor = await new_visitor()
    await visitor.page.clock.install(time=0)
    await visitor.page.clock.pause_at(1_000)
    await visitor.opens(PAGE)
    await visitor.page.clock.run_for(31_000)
    await visitor.page.wait_for_url(f"{NATIONAL}/**")
    assert await counting.told() == {"carried": 1}


async def test_a_page_without_a_countdown_tells_that_somebody_went(new_visitor: NewVisitor, counting: Counting) -> None:
    visitor = await opened(new_visitor, f"{PAGE}?_stay=1")
    await visitor.page.click("#now")
    await visitor.page.wait_for_url(f"{NATIONAL}/**")
    assert await counting.told() == {"went": 1}


async def test_who_leaves_in_another_way_tells_nothing(new_visitor: NewVisitor, counting: Counting) -> None:
    visitor = await opened(new_visitor)
    await visitor.page.click("nav a")
    await visitor.page.goto("about:blank")
    assert await counting.told(0) == {}


async def test_without_scripts_nothing_is_told(new_visitor: NewVisitor, counting: Counting) -> None:
    visitor = await opened(new_visitor, java_script_enabled=False)
    await visitor.page.click("#now")
    await visitor.page.wait_for_url(f"{NATIONAL}/**")
    assert await counting.told(0) == {}


async def test_a_browser_that_cannot_tell_goes_all_the_same(new_visitor: NewVisitor, counting: Counting) -> None:
    for broken in ("undefined", "() => { throw new Error('forbidden'); }"):
        visitor = await new_visitor()
        await visitor.page.add_init_script(f"Object.defineProperty(navigator, 'sendBeacon', {{value: {broken}}})")
        await visitor.opens(PAGE)
        await visitor.page.click("#now")
        await visitor.page.wait_for_url(f"{NATIONAL}/**")
    assert await counting.told(0) == {}


async def test_it_carries_no_body_no_referrer_and_nobody_waits_for_its_answer(
    new_visitor: NewVisitor, counting: Counting
) -> None:
    visitor = await opened(new_visitor)
    async with visitor.page.expect_request("**/_edge/notice/*") as asked:
        await visitor.page.click("#stop")
    request = await asked.value
    headers = await request.all_headers()
    assert (request.method, request.resource_type, request.post_data) == ("POST", "ping", None)
    assert request.url == f"{counting.url}/_edge/notice/stopped"
    assert "referer" not in headers
    assert await counting.told() == {"stopped": 1}


async def test_another_host_cannot_tell_for_us(new_visitor: NewVisitor, counting: Counting) -> None:
    visitor = await new_visitor()
    await visitor.page.route("**/*", lambda route: route.continue_())
    await visitor.page.goto(f"{counting.url.replace('hanoi', 'langson')}/robots.txt")  # no policy of a page holds it
    await visitor.page.evaluate(
        """word => Promise.all([
            navigator.sendBeacon(word),
            fetch(word, {method: 'POST', mode: 'no-cors'}),
            fetch(word, {method: 'POST', mode: 'no-cors', referrerPolicy: 'no-referrer'}),
        ])""",
        f"{counting.url}/_edge/notice/stopped",
    )
    assert await counting.told(3, status=403) == {}
