"""In the place of a closed page: a page in words, a redirect, a form that was not sent; and what is remembered of it."""

import asyncio
from dataclasses import replace

import pytest
from aiohttp.base_protocol import BaseProtocol
from aiohttp.streams import StreamReader

from proxy.closed_pages import ClosedPages
from proxy.packs import Packs
from proxy.pages import Pages
from proxy.presentation import Presenter
from redirect_rules.snapshot import Snapshot
from tests.conftest import settings_with
from tests.proxy.test_turns import decided, turn_for

PAGE = "/vi/thu-tuc-hanh-chinh/chi-tiet?ma=1.001193"
CARRIED = {"X-Own": "yes"}


def over(snapshot: Snapshot, pages: Pages, **environ: str) -> ClosedPages:
    presenter = Presenter(snapshot, {"vi": "Tiếng Việt", "en": "English"}, 30)
    return ClosedPages(snapshot, settings_with(environ), presenter, pages)


# what is asked for        and what the browser keeps of it, for how many seconds
PLACES = [
    ("&_place=new:00004",  ("new:00004", "2592000")),
    ("&_place=none",       ("", "0")),
    ("&_place=new:99",     None),
    ("&_lang=en",          None),
    ("",                   None),
]  # fmt: skip


@pytest.mark.parametrize(("asked", "kept"), PLACES)
async def test_a_notice_remembers_the_commune_that_was_chosen_on_it_and_no_other(
    packs: Packs, pages: Pages, asked: str, kept: tuple[str, str] | None
) -> None:
    turn = turn_for(packs, PAGE + asked, {"Cookie": "_edge_place=new:00008"})
    answer = await over(packs.snapshot, pages).notice(turn, decided(turn, packs.snapshot), CARRIED, ask=False)
    assert (answer.status, answer.headers["Cache-Control"], answer.headers["X-Own"]) == (200, "no-store", "yes")
    cookie = answer.cookies.get("_edge_place")
    assert (None if cookie is None else (cookie.value, str(cookie["max-age"]))) == kept


async def test_nothing_is_remembered_where_the_operator_wants_none_of_it(packs: Packs, pages: Pages) -> None:
    closed = over(packs.snapshot, pages, DVC_EDGE__NOTICE__REMEMBER_PLACE_DAYS="0")
    turn = turn_for(packs, PAGE + "&_place=new:00004")
    answer = await closed.notice(turn, decided(turn, packs.snapshot), {}, ask=False)
    assert not answer.cookies


async def test_the_second_page_of_a_form_is_the_first_one_octet_for_octet(packs: Packs) -> None:
    """The first is made beside the loop by its template, the second at once from what the first has left."""
    pages, snapshot = Pages(), packs.snapshot
    closed, turn = over(snapshot, pages), turn_for(packs, PAGE)
    view = closed.presenter.gone(decided(turn, snapshot), now=turn.now)
    assert pages.at_once(view, "vi") is None
    first = await closed.page(turn, 410, view, CARRIED)
    assert pages.at_once(view, "vi") is not None
    second = await closed.page(turn, 410, view, CARRIED)
    assert (first.status, dict(first.headers), first.body) == (second.status, dict(second.headers), second.body)


async def test_a_page_may_say_itself_how_long_it_is_kept(packs: Packs, pages: Pages) -> None:
    closed, turn = over(packs.snapshot, pages), turn_for(packs, PAGE)
    view = closed.presenter.gone(decided(turn, packs.snapshot), now=turn.now)
    answer = await closed.page(turn, 410, view, {"Cache-Control": "private"})
    assert answer.headers["Cache-Control"] == "private"


def test_a_redirect_that_depends_on_a_choice_is_not_everybodys(packs: Packs, pages: Pages) -> None:
    closed = over(packs.snapshot, pages)
    for cookie, cache in (("", "public, max-age=3600"), ("_edge_place=new:00004", "private, max-age=3600")):
        turn = turn_for(packs, PAGE, {"Cookie": cookie})
        answer = closed.send_away(decided(turn, packs.snapshot), CARRIED)
        assert (answer.headers["Cache-Control"], answer.headers["X-Own"]) == (cache, "yes")
        assert answer.headers["Location"].startswith("https://dichvucong.gov.vn/")


def test_a_redirect_lasts_where_the_decision_does(packs: Packs, pages: Pages) -> None:
    closed, turn = over(packs.snapshot, pages), turn_for(packs, PAGE)
    decision = decided(turn, packs.snapshot)
    statuses = [closed.send_away(replace(decision, permanent=lasting), {}).status for lasting in (False, True)]
    assert statuses == [302, 301]
    with pytest.raises(LookupError, match="leads nowhere"):
        closed.send_away(replace(decision, way=None), {})


# what was sent                             and whether the connection may be used again
FORMS = [
    (b"ho-ten=An&ghi-chu=xin+chao",          True),
    (b"ho-ten=" + b"a" * 2_000,              False),  # more than we read: the rest is nobody's next request
]  # fmt: skip


@pytest.mark.parametrize(("body", "kept"), FORMS, ids=["short", "long"])
async def test_a_form_that_was_not_read_to_its_end_ends_the_connection(
    packs: Packs, pages: Pages, body: bytes, *, kept: bool
) -> None:
    closed = over(packs.snapshot, pages, DVC_EDGE__LIMITS__FORM_BODY="1024")
    payload = StreamReader(BaseProtocol(asyncio.get_running_loop()), 2**16)
    payload.feed_data(body)
    payload.feed_eof()
    head = {"Content-Type": "application/x-www-form-urlencoded", "Content-Length": str(len(body))}
    turn = turn_for(packs, PAGE, head, method="POST", payload=payload)
    answer = await closed.not_sent(turn, decided(turn, packs.snapshot), {})
    assert answer.status == 410
    assert answer.keep_alive is not False if kept else answer.keep_alive is False
    assert isinstance(answer.body, bytes)
    assert ("xin chao" in answer.body.decode()) is kept


def test_every_host_says_whom_to_tell_for_half_a_year(packs: Packs, pages: Pages) -> None:
    turn = turn_for(packs, "/.well-known/security.txt")
    answer = over(packs.snapshot, pages).security_contact(turn, decided(turn, packs.snapshot), {})
    assert answer.text is not None
    assert "Contact: mailto:" in answer.text
    assert "Expires: 2027-04-" in answer.text  # it is 1 November 2026


def test_every_host_has_a_map_of_itself(packs: Packs, pages: Pages) -> None:
    turn = turn_for(packs, "/sitemap.xml")
    answer = over(packs.snapshot, pages).sitemap(turn, decided(turn, packs.snapshot), CARRIED)
    assert (answer.content_type, answer.headers["X-Own"]) == ("application/xml", "yes")
    assert answer.text is not None
    assert answer.text.startswith("<?xml")
