"""The manual's own script, on a provincial page behind the real edge: the banner is shown, and put away for good."""

import io
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import expect

from proxy.app import create_app
from proxy.packs import Packs
from proxy.pages import Pages
from proxy.serve import running
from tests.browser.conftest import NewVisitor
from tests.conftest import CONF, settings_with
from tests.passing_peers.recording import recording_origin, says
from tests.proxy.conftest import MODEL
from tests.proxy.test_cutover import DURING, closing
from tests.proxy.test_passing_over_http import file_of

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session"), pytest.mark.xdist_group("browser")]

(SCRIPT,) = re.findall(r"```js\n(.*?)```", (CONF.parent / "docs/passing.md").read_text("utf-8"), re.DOTALL)
PAGE = f"""<!doctype html><title>x</title><h1>Trang của tỉnh</h1><div id="banner" hidden>
<a></a> <button>×</button></div><script>
const banner = document.getElementById("banner");
function showBanner(closes, successor) {{
  banner.hidden = false;
  banner.querySelector("a").href = successor;
  banner.querySelector("a").textContent = closes;
}}
{SCRIPT}
banner.querySelector("button").onclick = () => {{ dismiss(); banner.hidden = true; }};
</script>""".encode()
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nEdge-Announcement: ask\r\n"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def base_url(packs: Packs, pages: Pages, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    """Lạng Sơn's portal between its announcement and its closing, with the province's own page behind it."""
    folder: Path = tmp_path_factory.mktemp("announced")
    async with recording_origin(says(ANSWER + b"Content-Length: %d\r\n\r\n%b" % (len(PAGE), PAGE))) as origin:
        settings = settings_with(file_of(folder, origin.port))
        app = create_app(settings, parts=(closing(packs), pages), clock=lambda: DURING, log=io.StringIO())
        async with running(app) as addresses:
            yield f"http://{MODEL}.localhost:{addresses.edge[1]}"


async def test_a_page_says_that_it_will_close_until_its_visitor_has_seen_enough(new_visitor: NewVisitor) -> None:
    visitor = await new_visitor()
    await visitor.opens("/vi/thu-tuc-hanh-chinh/chi-tiet?ma=1.001193")
    link = visitor.page.locator("#banner a")
    await expect(link).to_be_visible()
    await expect(link).to_have_text("2026-07-01T00:00:00+07:00")
    assert (await link.get_attribute("href") or "").startswith("https://dichvucong.gov.vn/thu-tuc-hanh-chinh/")
    async with visitor.page.expect_response("**/_edge/announcement") as posted:
        await visitor.page.click("#banner button")
    assert (await posted.value).status == 204
    await visitor.page.reload()
    await expect(visitor.page.locator("h1")).to_be_visible()
    await expect(visitor.page.locator("#banner")).to_be_hidden()
