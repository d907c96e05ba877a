"""/_edge/locality: a typed place becomes links that choose a commune of today."""

import html
import json
import re
from collections.abc import AsyncIterator
from typing import Any, Final
from urllib.parse import parse_qs, quote, urlsplit

import pytest
import pytest_asyncio
from aiohttp import ClientResponse

from proxy.packs import Packs
from proxy.pages import Pages
from redirect_rules.snapshot import Snapshot
from redirect_rules.units import Era
from tests.conftest import BROWSER, RunningEdge
from tests.proxy.conftest import edge_over

pytestmark = pytest.mark.asyncio(loop_scope="module")

MODEL: Final = "https://dichvucong.langson.gov.vn"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shipped(packs: Packs, pages: Pages) -> AsyncIterator[RunningEdge]:
    async with edge_over(packs, pages) as edge:
        yield edge


async def ask(edge: RunningEdge, query: str, language: str = "vi", **more: str) -> ClientResponse:
    rest = "".join(f"&{name}={quote(value, safe='')}" for name, value in more.items())
    url = f"{MODEL}/_edge/locality?q={quote(query, safe='')}{rest}"
    return await edge.get(url, {**BROWSER, "Accept-Language": language})


async def found(edge: RunningEdge, query: str, **more: str) -> list[dict[str, Any]]:
    """The places, as the notice's script gets them."""
    response = await ask(edge, query, format="json", **more)
    assert response.status == 200
    assert response.headers["Content-Type"] == "application/json; charset=utf-8"
    assert response.headers["Cache-Control"] == "no-store"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert "Access-Control-Allow-Origin" not in response.headers  # our own pages alone
    matches: list[dict[str, Any]] = json.loads(await response.text())["matches"]
    return matches


# typed                          among the places, by code and name        why
TYPED: Final = [
    ("Phường Ba Đình",           ("new:00004", "Phường Ba Đình"),          "a name of today"),
    ("ba dinh",                  ("new:00004", "Phường Ba Đình"),          "without marks"),
    ("Trúc Bạch, Ba Đình",       ("new:00004", "Phường Ba Đình"),          "an old ward leads to today's"),
    ("new:00004",                ("new:00004", "Phường Ba Đình"),          "a code of today"),
    ("00004",                    ("new:00004", "Phường Ba Đình"),          "a bare code, of both eras"),
    ("  Ba   Dinh ",             ("new:00004", "Phường Ba Đình"),          "with blanks"),
]  # fmt: skip


@pytest.mark.parametrize(("query", "place", "why"), TYPED)
async def test_a_place_is_found_as_people_type_it(
    shipped: RunningEdge, query: str, place: tuple[str, str], why: str
) -> None:
    assert place in [(match["code"], match["name"]) for match in await found(shipped, query)]


async def test_only_communes_of_today_can_be_chosen(shipped: RunningEdge, snapshot: Snapshot) -> None:
    for query in ("Hà Nội", "Ba Đình", "old:00007", "Quận Ba Đình", "Thành phố Lạng Sơn", "an"):
        for match in await found(shipped, query):
            era, _, code = match["code"].partition(":")
            assert era == "new"
            assert len(code) == 5
            unit = snapshot.localities.by_code(Era.NEW, code)
            assert unit is not None
            assert (match["name"], match["province"]) == (unit.name, unit.province)


async def test_a_commune_is_listed_once_however_many_old_ones_led_there(shipped: RunningEdge) -> None:
    for query in ("Ba Đình", "An Khê", "Tân Phú"):
        codes = [match["code"] for match in await found(shipped, query)]
        assert len(codes) == len(set(codes))


async def test_an_old_unit_is_named_beside_what_it_became(shipped: RunningEdge) -> None:
    contexts = {match["code"]: match["context"] for match in await found(shipped, "Phường Trúc Bạch")}
    assert contexts["new:00004"] == "Phường Trúc Bạch, Quận Ba Đình"


async def test_a_unit_that_was_split_offers_all_its_parts(shipped: RunningEdge, snapshot: Snapshot) -> None:
    code = next(
        f"{code:05}"
        for code in range(100_000)
        if (unit := snapshot.localities.by_code(Era.OLD, f"{code:05}"))
        and len(snapshot.localities.successors(unit)) > 1
    )
    unit = snapshot.localities.by_code(Era.OLD, code)
    assert unit is not None
    parts = {f"new:{part.code}" for part in snapshot.localities.successors(unit)}
    assert {match["code"] for match in await found(shipped, f"old:{code}")} == parts


async def test_places_in_the_chosen_province_come_first(shipped: RunningEdge) -> None:
    matches = await found(shipped, "Tân Phú", province="79")
    assert matches[0]["province"] == "Thành phố Hồ Chí Minh"


@pytest.mark.parametrize("province", ["", "00", "xx", "new:79", "79' or 1=1"])
async def test_a_province_that_is_none_changes_nothing(shipped: RunningEdge, province: str) -> None:
    assert await found(shipped, "Phường Ba Đình", province=province)


# _from                                               the links begin with                             why
CAME_FROM: Final = [
    ("/vi/thu-tuc-hanh-chinh/chi-tiet?ma=1.001193",   "/vi/thu-tuc-hanh-chinh/chi-tiet?ma=1.001193&_place=", "back to the page, the choice made"),
    ("/vi",                                           "/vi?_place=",                                   "no query"),
    ("/vi?sid=1&utm_source=x&_stay=1",                "/vi?_place=",                                   "nothing but what rules look at comes back"),
    ("",                                              "/?_place=",                                     "nothing said"),
    ("vi",                                            "/?_place=",                                     "no path"),
    ("//evil.example/a",                              "/evil.example/a?_place=",                       "a path of this host, whatever it looks like"),
    ("https://evil.example/a",                        "/?_place=",                                     "an address is no path"),
    ("/\\evil.example",                               "/%5Cevil.example?_place=",                      "a backslash is a letter"),
    ("/%00",                                          "/?_place=",                                     "unreadable"),
    ("/a?keyword=%0d%0aSet-Cookie",                   "/a?keyword=%0D%0ASet-Cookie&_place=",           "encoded"),
]  # fmt: skip


@pytest.mark.parametrize(("came_from", "begins", "why"), CAME_FROM, ids=[why for *_, why in CAME_FROM])
async def test_a_link_leads_back_to_the_page_with_the_choice_made(
    shipped: RunningEdge, came_from: str, begins: str, why: str
) -> None:
    (match,) = await found(shipped, "new:00004", _from=came_from)
    assert match["link"] == f"{begins}new%3A00004"


async def test_the_choice_changes_the_target_of_the_page_it_leads_back_to(shipped: RunningEdge) -> None:
    (match,) = await found(shipped, "new:00004", _from="/nop-ho-so?ma=1.001193")
    response = await shipped.get(f"{MODEL}{match['link']}", BROWSER)
    assert "wardCode=00004" in response.headers["Link"]


async def test_without_javascript_it_is_a_page_with_the_same_links(shipped: RunningEdge) -> None:
    response = await ask(shipped, "Phường Trúc Bạch", _from="/vi")
    page = await response.text()
    (link,) = [html.unescape(href) for href in re.findall(r'href="(/[^"]*_place[^"]*)"', page)]
    assert parse_qs(urlsplit(link).query) == {"_place": ["new:00004"]}
    assert response.headers["Cache-Control"] == "no-store"
    assert 'value="Phường Trúc Bạch"' in page
    assert 'href="/vi"' in page  # back without choosing


@pytest.mark.parametrize(("language", "said"), [("vi", "Quý vị"), ("en", "Choose the locality that is yours")])
async def test_it_speaks_the_visitors_language(shipped: RunningEdge, language: str, said: str) -> None:
    response = await ask(shipped, "Phường Ba Đình", language)
    assert response.headers["Content-Language"] == language
    assert said.lower() in (await response.text()).lower()


async def test_a_language_that_was_asked_for_is_kept_on_the_way(shipped: RunningEdge) -> None:
    """Who chose English on a Vietnamese telephone would else be answered in Vietnamese by every link of the page."""
    page = await (await shipped.get(f"{MODEL}/nop-ho-so?ma=1.001193&_lang=en", BROWSER)).text()
    data = re.search(r"data-page='([^']*)'", page)
    assert data is not None
    assert "_lang=en" in json.loads(html.unescape(data[1]))["stay"]
    results = await ask(shipped, "Phường Ba Đình", _from="/vi", _lang="en")
    assert results.headers["Content-Language"] == "en"
    assert "_lang=en" in next(iter(re.findall(r'href="(/[^"]*_place[^"]*)"', await results.text())))


@pytest.mark.parametrize(
    "query", ["", " ", "%", "\0", "ư" * 500, "'; drop table", "<b>", "xyzzy khong co xa nao ten nay"]
)
async def test_whatever_is_typed_there_is_an_answer(shipped: RunningEdge, query: str) -> None:
    if "\0" in query:
        assert (await ask(shipped, query)).status == 400
        return
    for more in ({}, {"format": "json"}):
        assert (await ask(shipped, query, **more)).status == 200


async def test_equally_good_places_that_are_not_listed_are_counted(shipped: RunningEdge) -> None:
    """ "An" stands in hundreds of names."""
    answer = json.loads(await (await ask(shipped, "tan", format="json")).text())
    assert isinstance(answer["more"], int)
    assert answer["more"] >= 0
    assert set(answer) == {"matches", "more"}
    assert all(set(match) == {"code", "name", "province", "context", "link"} for match in answer["matches"])


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
async def test_it_is_only_read(shipped: RunningEdge, method: str) -> None:
    assert (await shipped.get(f"{MODEL}/_edge/locality?q=a", BROWSER, method=method)).status == 404


@pytest.mark.parametrize("path", ["/_edge", "/_edge/", "/_edge/khac", "/_EDGE/x", "/_edge/locality/x"])
async def test_nothing_else_is_under_our_prefix(shipped: RunningEdge, path: str) -> None:
    response = await shipped.get(f"{MODEL}{path}", BROWSER)
    assert response.status == 404
    assert "Không tìm thấy trang này" in await response.text()
