"""A notice that nobody asked for before is made without the parser, and is the one that the slow lane makes."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from proxy.audiences import Audience, Facts
from proxy.journal import Account
from proxy.metrics import Labels
from proxy.notices import Head, Notices
from proxy.packs import Packs
from proxy.pages import Pages
from proxy.prepared import Prepared
from proxy.presentation import Presenter
from redirect_rules.decision import Decision, Visit, decide
from redirect_rules.localities import Ask
from redirect_rules.model import Action, Argument, ClientClass, Goal, Life, Rule, Switch
from redirect_rules.parsing import parse_template
from redirect_rules.units import Era, LocalityCode
from tests.conftest import AUTUMN
from tests.proxy.conftest import SCHEDULES, host_of, made_portal, with_portals
from tests.proxy.lanes import lane_over, same, unpacked

HOST = "dichvucong.langson.gov.vn"
PAGE = "/vi/thu-tuc-hanh-chinh/chi-tiet?ma=1.00{:04}"
PERSON = "User-Agent: Mozilla/5.0\r\nAccept: text/html\r\nSec-Fetch-Dest: document\r\n"
GZIP = "Accept-Encoding: gzip, deflate, br\r\n"


def request_for(host: str, target: str, headers: str = PERSON + GZIP, method: str = "GET") -> bytes:
    return f"{method} {target} HTTP/1.1\r\nHost: {host}\r\n{headers}\r\n".encode()


# who, what is asked for, and how many of five need no parser
KINDS = {
    "a procedure": (GZIP, PAGE, 4),
    "not packed": ("", PAGE, 4),
    "in English": (GZIP + "Accept-Language: en\r\n", PAGE, 4),
    "a dossier": (GZIP, "/tra-cuu-tien-do?doccode=000.00.12.H06-240101-{:04}", 4),
    "a search": (GZIP, "/vi/thu-tuc-hanh-chinh?keyword=khai+sinh+{:04}", 4),
    "what no rule knows": (GZIP, "/khong/ai/biet/{:04}", 4),
    "a final slash": (GZIP, "/khong/ai/biet/{:04}/", 4),
    "escapes": (GZIP, "/khong/ai/bi%E1%BA%BFt/{:04}?t=%C4%91", 4),
    "a remembered commune": (GZIP + "Cookie: _edge_place=new:00004\r\n", PAGE, 4),
    "another cookie": (GZIP + "Cookie: a=b\r\n", PAGE, 4),
    "on the last request": (GZIP + "Connection: close\r\n", PAGE, 4),
    "brotli alone": ("Accept-Encoding: br\r\n", PAGE, 4),
    "an escaped letter": (GZIP, "/khong/ai/biet/{:04}?%5Flang=en", 0),
    "words for us": (GZIP, PAGE + "&_lang=en", 0),
    "two slashes first": (GZIP, "//khong/ai/biet/{:04}", 0),
    "a sign that no address has": (GZIP, "/khong/ai/biet/{:04}?<b>", 0),
}


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("kind", KINDS)
async def test_the_second_of_a_kind_is_answered_alike_and_fast(
    packs: Packs, pages: Pages, kind: str, method: str
) -> None:
    headers, target, fast_ones = KINDS[kind]
    async with lane_over(packs, pages) as ours, lane_over(packs, pages, enabled=False) as theirs:
        async with ours.connected() as fast, theirs.connected() as slow:
            for number in range(1, 6):
                request = request_for(HOST, target.format(number), PERSON + headers, method)
                first, second = await fast.ask(request), await slow.ask(request)
                assert same(first) == same(second)
        assert ours.fast == fast_ones
        assert ours.lines == theirs.lines
        assert ours.hits == theirs.hits


@pytest.mark.parametrize("life", Life)
@pytest.mark.parametrize("phase", SCHEDULES)
async def test_every_state_of_a_portal_is_told_alike(every_state: Packs, pages: Pages, phase: str, life: Life) -> None:
    host = host_of(phase, life)
    targets = [PAGE, "/khong/ai/biet/{}", "/anh/{}.png", "/tai-lieu/{}.pdf", "/robots.txt?{}", "/_edge/locality?q={}"]
    async with lane_over(every_state, pages) as ours, lane_over(every_state, pages, enabled=False) as theirs:
        async with ours.connected() as fast, theirs.connected() as slow:
            for number in range(3):
                for target in targets:
                    request = request_for(host, target.format(number))
                    assert same(await fast.ask(request)) == same(await slow.ask(request)), target
        assert ours.hits == theirs.hits


async def test_who_must_say_which_commune_is_asked_alike_and_fast(packs: Packs, pages: Pages) -> None:
    """Communes that were split among two or three: each page has links of its own."""
    codes = (LocalityCode(Era.OLD, f"{number:05}") for number in range(100_000))
    split = [code.code for code in codes if isinstance(packs.snapshot.localities.resolve(code), Ask)][:40]
    goals = (Goal("procedure", (Argument("code", text="1.001193"),)),)
    portal = made_portal(packs, "asks.example.vn")
    by_commune = Rule("asks/by-commune", (parse_template("/xa/{old_commune:commune}"),), Action.NOTICE, goals)
    asking = with_portals(packs, portal, rules={portal.id: [by_commune]})
    async with lane_over(asking, pages) as ours, lane_over(asking, pages, enabled=False) as theirs:
        async with ours.connected() as fast, theirs.connected() as slow:
            for code in split:
                request = request_for("asks.example.vn", f"/xa/{code}")
                page = await fast.ask(request)
                assert same(page) == same(await slow.ask(request))
                assert unpacked(*page.split(b"\r\n\r\n", 1)).count(b"_place=new") >= 2
        assert ours.fast > 30
        assert ours.lines == theirs.lines
        assert ours.hits == theirs.hits


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    targets=st.lists(
        st.one_of(
            st.from_regex(r"/[a-zA-Z0-9._~!$&'()*+,;=:@/%-]{0,40}(\?[a-zA-Z0-9._~!$&'()*+,;=:@/%?-]{0,60})?", fullmatch=True),
            st.from_regex(r"/vi/thu-tuc-hanh-chinh/chi-tiet\?ma=[12]\.00[0-9]{4}(&[a-z_]{1,5}=[a-zA-Z%0-9<>'\"]{0,9}){0,3}", fullmatch=True),
        ),
        min_size=1,
        max_size=4,
    )
)  # fmt: skip
async def test_whatever_is_asked_for_is_answered_alike(packs: Packs, pages: Pages, targets: list[str]) -> None:
    async with lane_over(packs, pages) as ours, lane_over(packs, pages, enabled=False) as theirs:
        async with ours.connected() as fast, theirs.connected() as slow:
            for target in ("/khong/1", PAGE.format(1), *targets, *targets):
                request = request_for(HOST, target)
                assert same(await fast.ask(request)) == same(await slow.ask(request)), target
        assert ours.lines == theirs.lines
        assert ours.hits == theirs.hits


async def test_what_was_made_twice_is_kept_and_stays_the_same(packs: Packs, pages: Pages) -> None:
    async with lane_over(packs, pages) as lane, lane.connected() as connection:
        await connection.ask(request_for(HOST, PAGE.format(1)))
        answers = [same(await connection.ask(request_for(HOST, PAGE.format(2)))) for _ in range(4)]
        assert answers == answers[:1] * 4
        assert lane.fast == 4
        assert len({str(line) for line in lane.lines[1:]}) == 1


async def test_a_switch_and_an_instant_change_what_is_shown(packs: Packs, pages: Pages) -> None:
    """Nothing of before is shown again: neither after a publication nor when something begins."""
    portal = packs.snapshot.portals[HOST]
    async with lane_over(packs, pages) as ours, lane_over(packs, pages, enabled=False) as theirs:
        async with ours.connected() as fast, theirs.connected() as slow:
            switched = replace(packs, snapshot=replace(packs.snapshot, switches={portal.id: Switch.HOME}))
            number = 0
            for adopted, days in ((packs, 0), (switched, 0), (packs, 0), (packs, 4_000)):
                for lane in (ours, theirs):
                    lane.edge.adopt(adopted)
                    lane.clock[0] = AUTUMN + timedelta(days=days)
                for _ in range(3):
                    number += 1
                    request = request_for(HOST, PAGE.format(number))
                    assert same(await fast.ask(request)) == same(await slow.ask(request))
        assert ours.lines == theirs.lines


def _audience(**changes: object) -> Audience:
    facts = Facts("GET", HOST, (ClientClass.NAVIGATION,) * 3, "vi", "gzip", None)
    return Audience(facts._replace(**changes))  # type: ignore[arg-type]


def _sent(target: str, length: int) -> Prepared:
    account = Account(Labels("-", "-", "-", "-"), b"", b"", None)
    head = f"\r\nLink: <{target}>; rel=x\r\nContent-Length: {length}\r\nDate: ".encode()
    return Prepared(b"HTTP/1.1 200 OK\r\nX-Request-Id: ", head, b"\r\n\r\n" + b"x" * length, account)


def test_a_head_is_cut_where_answers_differ() -> None:
    head = Head.of(_sent("https://a.vn/", 7), b"https://a.vn/", 7)
    assert head is not None
    assert head.before_target.endswith(b"\r\nLink: <")
    assert head.before_length.endswith(b">; rel=x\r\nContent-Length: ")
    assert (head.before_date, head.after_date) == (b"\r\nDate: ", b"\r\n\r\n")
    assert Head.of(_sent("https://a.vn/", 7), b"https://b.vn/", 7) is None
    assert Head.of(_sent("https://a.vn/", 7), b"https://a.vn/", 8) is None


def test_whose_answers_were_not_seen_are_not_answered_for(packs: Packs, pages: Pages) -> None:
    notices = Notices(Presenter(packs.snapshot, {"vi": "Tiếng Việt"}, 30), pages)
    assert notices.find(_audience(), PAGE.format(1).encode(), AUTUMN) is None


def test_of_many_who_ask_a_bounded_number_is_known_and_no_page_is_kept(packs: Packs, pages: Pages) -> None:
    """Else made-up heads would fill the memory of a worker."""
    presenter = Presenter(packs.snapshot, {"vi": "Tiếng Việt"}, 30)
    notices = Notices(presenter, pages)
    decision = decide(Visit(HOST, "/khong/1"), packs.snapshot, AUTUMN)
    assert isinstance(decision, Decision)
    assert decision.way is not None
    answer = _sent(decision.way.target, 12_345)
    for number in range(3_000):
        notices.learn(_audience(language=f"x{number}"), b"/khong/1", decision, answer)
    assert len(notices._heads) <= 1_024
    kept = [draft for heads in notices._heads._young.values() for draft in heads.values()]
    assert kept
    assert not any(b"x" * 100 in draft.head.after_date for draft in kept)
