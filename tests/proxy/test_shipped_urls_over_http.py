"""What `explain` says of an old address is what a browser gets there: both are asked, and must agree."""

import csv
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
import pytest_asyncio
from aiohttp import ClientResponse

from proxy.packs import Packs
from proxy.pages import Pages
from redirect_rules.ruletests import Example, parse_ruletest
from tests.conftest import AUTUMN, RunningEdge
from tests.proxy.conftest import edge_over

pytestmark = pytest.mark.asyncio(loop_scope="module")

TESTS = Path(__file__).parents[1]
PHONE = {
    "User-Agent": "Mozilla/5.0 (Linux; Android 14) Chrome/130 Mobile",
    "Accept": "text/html,application/xhtml+xml",
    "Accept-Language": "vi",
    "Sec-Fetch-Dest": "document",
}
with (TESTS / "data" / "url_cases.csv").open(encoding="utf-8", newline="") as lines:
    REAL = list(csv.DictReader(lines))


def examples() -> Iterator[tuple[str, Example]]:
    """Those that a browser can ask for, now, without having chosen anything before."""
    for path in sorted((TESTS / "cases").glob("*.ruletest")):
        for example in parse_ruletest(path.name, path.read_text("utf-8"), at=AUTUMN).examples:
            asked = example.question
            plain = (asked.at, asked.client, asked.place) == (AUTUMN, None, None)
            if plain and not example.url.startswith("ftp:"):
                yield f"{path.name}:{example.line}:{example.url}", example


EXAMPLES = dict(examples())


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shipped(packs: Packs, pages: Pages) -> AsyncIterator[RunningEdge]:
    async with edge_over(packs, pages) as edge:
        yield edge


def as_typed(url: str) -> str:
    """The address as a browser sends it: with a scheme, without a fragment, letters beyond ASCII encoded."""
    url = url if "://" in url else f"https://{url}"
    return quote(url.partition("#")[0], safe="!#$%&'()*+,/:;=?@[]~")


async def check_notice(response: ClientResponse, piece: str) -> None:
    """A page that says where to go, and leaves the going to the visitor."""
    assert response.status == 200
    assert response.content_type == "text/html"
    assert "Location" not in response.headers
    assert "Refresh" not in response.headers
    target = response.headers["Link"].removeprefix("<").partition(">")[0]
    assert piece in target
    shown = target.replace("&", "&amp;")
    assert f'href="{shown}"' in await response.text()


async def check_passing(response: ClientResponse) -> None:
    """No upstream is connected: said in words, with the time when another try is worth it."""
    assert response.status == 503
    assert int(response.headers["Retry-After"]) > 0
    assert response.headers["Cache-Control"] == "no-store"
    assert "Phần này đang được chuyển sang hệ thống mới" in await response.text()


@pytest.mark.parametrize("row", REAL, ids=[row["url"][:100] for row in REAL])
async def test_a_real_address_is_answered_as_it_should_be(shipped: RunningEdge, row: dict[str, str]) -> None:
    response = await shipped.get(as_typed(row["url"]), PHONE)
    if row["outcome"] == "pass":
        await check_passing(response)
    else:
        await check_notice(response, row["target_contains"])


@pytest.mark.parametrize("name", EXAMPLES, ids=list(EXAMPLES))
async def test_an_example_is_answered_over_http_as_explain_says(shipped: RunningEdge, name: str) -> None:
    example = EXAMPLES[name]
    response = await shipped.get(as_typed(example.url), PHONE, method=example.question.method)
    match example.outcome:
        case "notice":
            await check_notice(response, "https://dichvucong.gov.vn/")
            link = response.headers["Link"]
            assert all(piece in link for piece in example.expected[1:])
        case "pass":
            await check_passing(response)
        case "redirect":
            assert response.status in {301, 302}
        case "gone":
            assert response.status == 410
        case "refuse":
            assert response.status in {400, 421}
        case outcome:
            raise AssertionError(f"no example should be {outcome}")
