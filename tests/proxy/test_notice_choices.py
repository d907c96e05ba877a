"""/_edge/notice/WORD: one word of the notice's script is counted, and nothing else is."""

import asyncio
import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.notice_choices import choice_of, is_told_by_ourselves
from proxy.presentation import CHOICES_PATH
from redirect_rules.hits import Choice
from redirect_rules.stores.hits import Chosen, HitStore, Span
from tests.conftest import AUTUMN, BROWSER, RunningEdge, Start

PORTAL: Final = "dichvucong.langson.gov.vn"
OTHER: Final = "dichvucong.khanhhoa.gov.vn"
OURSELVES: Final = {"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Dest": "empty", "Accept": "*/*"}

# Sec-Fetch-Site    Origin                           counted    why
ASKERS: Final = [
    ("same-origin", f"https://{PORTAL}",               True,  "our own page"),
    ("same-origin", "null",                            True,  "our own page, which sends no referrer"),
    (None,          f"https://{PORTAL}",               True,  "our own page in an older browser"),
    (None,          f"http://{PORTAL.upper()}:8080",   True,  "the same, as it may be written"),
    (None,          "null",                            True,  "our own page over http"),
    (None,          None,                              True,  "our own page in a browser that says nothing"),
    ("cross-site",  "https://evil.example",            False, "another site"),
    ("cross-site",  "null",                            False, "another site that hides who it is"),
    ("same-site",   f"https://{OTHER}",                False, "another portal"),
    ("none",        None,                              False, "nobody's page"),
    ("",            None,                              False, "an empty word"),
    (None,          f"http://{PORTAL}.localhost:8080", True,  "our own page on the preview host"),
    (None,          "https://evil.example",            False, "another site in an older browser"),
    (None,          f"https://{PORTAL}.evil.example",  False, "a host that begins like ours"),
    (None,          f"https://evil.example/{PORTAL}",  False, "a path that ends like ours"),
    (None,          f"https://{PORTAL}@evil.example",  False, "a name before ours"),
    (None,          "https://[::1",                    False, "what is no origin"),
]  # fmt: skip


def head(site: str | None, origin: str | None) -> dict[str, str]:
    return {name: value for name, value in (("Sec-Fetch-Site", site), ("Origin", origin)) if value is not None}


@pytest.mark.parametrize(("site", "origin", "counted", "why"), ASKERS)
def test_only_pages_of_the_same_host_are_heard(
    *, site: str | None, origin: str | None, counted: bool, why: str
) -> None:
    assert is_told_by_ourselves(head(site, origin), PORTAL, ["localhost"]) is counted, why


@given(st.text(), st.text())
def test_whatever_an_origin_is_it_is_answered(origin: str, host: str) -> None:
    assert is_told_by_ourselves({"Origin": origin}, host) in {True, False}


@given(st.lists(st.text(), max_size=4))
def test_no_other_word_is_a_choice(path: list[str]) -> None:
    assert choice_of(tuple(path)) is None


@pytest.mark.parametrize("choice", list(Choice))
def test_each_choice_has_an_address(choice: Choice) -> None:
    assert choice_of(tuple(f"{CHOICES_PATH}{choice}".split("/")[1:])) is choice


# ── over HTTP ─────────────────────────────────────────────────────────────────────────────────────────────────────


async def tell(
    edge: RunningEdge,
    word: str,
    headers: Mapping[str, str] = OURSELVES,
    *,
    host: str = PORTAL,
    method: str = "POST",
    data: object = None,
) -> int:
    """Say what the notice's script would say; the status of the answer, which has no body and no cookie."""
    response = await edge.get(f"https://{host}{CHOICES_PATH}{word}", {**BROWSER, **headers}, method=method, data=data)
    if response.status != 421:
        assert await response.read() == b""
        assert response.headers["Cache-Control"] == "no-store"
    assert not response.cookies
    assert "Access-Control-Allow-Origin" not in response.headers
    return response.status


def environ(folder: Path, **more: str) -> dict[str, str]:
    return {"DVC_EDGE__STATE__FOLDER": str(folder), "DVC_EDGE__HITS__KEEP_DAYS": "90", **more}


@contextmanager
def store_in(folder: Path) -> Iterator[HitStore]:
    store = HitStore.open(f"sqlite:///{folder / 'rules.db'}")
    try:
        yield store
    finally:
        store.close()


def counted(folder: Path, portal: str = "") -> list[Chosen]:
    with store_in(folder) as store:
        return store.chosen(Span.until(AUTUMN.date(), 3, portal))


def lines_of(edge: RunningEdge) -> list[dict[str, Any]]:
    return [json.loads(line) for line in edge.log.getvalue().splitlines()]


async def test_each_word_is_counted_for_its_portal_and_its_day(start: Start, tmp_path: Path) -> None:
    async with start(environ=environ(tmp_path)) as edge:
        for _ in range(2):
            assert (await edge.get(f"https://{PORTAL}/khong-co")).status == 200
        for word, times in (("stopped", 1), ("went", 2), ("carried", 3)):
            assert [await tell(edge, word) for _ in range(times)] == [204] * times
        assert await tell(edge, "went", host=OTHER) == 204
        told = [line for line in lines_of(edge) if line["method"] == "POST"]
    assert {(line["portal"], line["outcome"], line["path"]) for line in told} == {
        ("langson", "ours", "-"),
        ("khanhhoa", "ours", "-"),
    }, "a line as of anything of ours, without the word"
    (day,) = counted(tmp_path, "langson")
    assert day[1:] == (2, 1, 2, 3)
    (day,) = counted(tmp_path, "khanhhoa")
    assert day[1:] == (0, 0, 1, 0)


# word                headers                                     method   body    status
REFUSED: Final = [
    ("left",          OURSELVES,                                  "POST",  None,   404),
    ("stopped/x",     OURSELVES,                                  "POST",  None,   404),
    ("",              OURSELVES,                                  "POST",  None,   404),
    ("(notice)",      OURSELVES,                                  "POST",  None,   404),
    ("stopped",       OURSELVES,                                  "GET",   None,   405),
    ("stopped",       {**OURSELVES, "Origin": "https://x.vn"},    "OPTIONS", None, 405),
    ("stopped",       {"Sec-Fetch-Site": "cross-site"},           "POST",  None,   403),
    ("stopped",       {"Origin": "https://evil.example"},         "POST",  None,   403),
    ("stopped",       OURSELVES,                                  "POST",  b"more", 400),
]  # fmt: skip


async def test_whatever_no_page_of_ours_sends_is_refused_and_not_counted(start: Start, tmp_path: Path) -> None:
    async with start(environ=environ(tmp_path)) as edge:
        for word, headers, method, body, status in REFUSED:
            assert await tell(edge, word, headers, method=method, data=body) == status, (word, method)
        assert await tell(edge, "stopped", host="nobody.example") == 421
    assert counted(tmp_path) == []


async def test_a_flood_is_three_rows_of_a_portal_and_visits_keep_their_names(start: Start, tmp_path: Path) -> None:
    limited = environ(tmp_path, DVC_EDGE__HITS__DISTINCT_PER_DAY="100")
    async with start(environ=limited) as edge:
        for number in range(40):
            await asyncio.gather(*(tell(edge, f"{word}?{number}") for word in (*Choice, "made-up")))
        assert (await edge.get(f"https://{PORTAL}/khong-co")).status == 200
    span = Span.until(AUTUMN.date(), 3)
    with store_in(tmp_path) as store:
        assert [day[1:] for day in store.chosen(span)] == [(1, 40, 40, 40)]
        assert [one.key for one in store.pages(span, mapped=False)] == [f"{PORTAL}/khong-co"]
        assert [(one.outcome, one.visits) for one in store.answered(span)] == [("notice", 1)]
        assert [one.visits for one in store.recorded(span)] == [1]
        assert [(one.pages, one.mapped) for one in store.coverage(span)] == [(1, 0)]


OFF: Final = [{"DVC_EDGE__NOTICE__COUNT_CHOICES": "false"}, {"DVC_EDGE__HITS__KEEP_DAYS": "0"}]


@pytest.mark.parametrize("setting", OFF, ids=["not counted", "nothing counted"])
async def test_where_nobody_counts_pages_tell_nothing(start: Start, tmp_path: Path, setting: Mapping[str, str]) -> None:
    async with start(environ={**environ(tmp_path), **setting}) as edge:
        page = await (await edge.get(f"https://{PORTAL}/khong-co")).text()
        answer = await edge.get(f"https://{PORTAL}{CHOICES_PATH}stopped", {**BROWSER, **OURSELVES}, method="POST")
    assert CHOICES_PATH not in page
    assert answer.status == 404


async def test_the_page_names_the_address_and_its_policy_allows_it(start: Start, tmp_path: Path) -> None:
    async with start(environ=environ(tmp_path)) as edge:
        response = await edge.get(f"https://{PORTAL}/khong-co")
        page = await response.text()
    assert re.search(rf'"choices": ?"{CHOICES_PATH}"', page)
    assert "connect-src 'self'" in response.headers["Content-Security-Policy"]


async def test_whoever_is_sent_away_gets_a_page_that_cannot_connect(start: Start) -> None:
    async with start() as edge:
        response = await edge.get(f"https://{PORTAL}/khong-co", method="POST")
    assert "connect-src 'none'" in response.headers["Content-Security-Policy"]
