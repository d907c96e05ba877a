"""What a decision alone tells is answered without the parser, and in the octets in which the slow lane answers it."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from proxy.pages import Pages
from redirect_rules.model import Switch
from redirect_rules.packs import Packs
from tests.conftest import AUTUMN
from tests.proxy.lanes import lane_over, same

HOST = "dichvucong.langson.gov.vn"
CRAWLER = "User-Agent: Googlebot/2.1\r\n"
PERSON = "User-Agent: Mozilla/5.0\r\nAccept: text/html\r\nSec-Fetch-Dest: document\r\nAccept-Language: vi\r\n"
PROGRAM = "User-Agent: Mozilla/5.0\r\nAccept: application/json\r\nSec-Fetch-Dest: empty\r\n"
ASSET = "User-Agent: Mozilla/5.0\r\nSec-Fetch-Dest: image\r\n"


def request_for(url: str, headers: str) -> bytes:
    host, slash, target = url.partition("/")
    return f"GET {slash}{target} HTTP/1.1\r\nHost: {host}\r\n{headers}\r\n".encode()


# who, what is asked for, and whether the third of a kind needs no parser
KINDS = {
    "a template": (CRAWLER, "/vi/procedure/detail/629d{:020x}", True),
    "a template with a capture in the query": (CRAWLER, "/vi/thu-tuc-hanh-chinh/chi-tiet?ma=1.00{:04}", True),
    "what no rule knows": (CRAWLER, "/khong/ai/biet/{}", True),
    "a program, what no rule knows": (PROGRAM, "/khong/ai/biet/{}", False),  # the portal lives on: it passes
    "a person": (PERSON, "/vi/procedure/detail/629d{:020x}", None),  # a page: not this module's affair
    "an escape": (CRAWLER, "/vi/procedure/detail/%36{:021x}", False),
    "words for us": (CRAWLER, "/vi/procedure/detail/629d{:020x}?_lang=en", False),
    "a final slash": (CRAWLER, "/khong/ai/biet/{}/", False),
}


@pytest.mark.parametrize("kind", KINDS)
async def test_the_third_of_a_kind_is_answered_alike_and_fast(packs: Packs, pages: Pages, kind: str) -> None:
    headers, target, is_fast = KINDS[kind]
    async with lane_over(packs, pages) as ours, lane_over(packs, pages, enabled=False) as theirs:
        async with ours.connected() as fast, theirs.connected() as slow:
            for number in range(1, 6):
                request = request_for(f"{HOST}{target.format(number)}", headers)
                first, second = await fast.ask(request), await slow.ask(request)
                assert same(first) == same(second)
        assert is_fast is None or ours.fast == (3 if is_fast else 0)
        assert ours.lines == theirs.lines
        assert ours.hits == theirs.hits


@pytest.mark.parametrize("segments", [64, 65, 200])
@pytest.mark.parametrize("query", ["", "?x=1"])
async def test_a_path_of_too_many_parts_is_refused_by_both_lanes(
    packs: Packs, pages: Pages, segments: int, query: str
) -> None:
    async with lane_over(packs, pages) as ours, lane_over(packs, pages, enabled=False) as theirs:
        async with ours.connected() as fast, theirs.connected() as slow:
            for path in ("/khong/1", "/khong/2", "/khong/3", "/x" * segments, "/x" * (segments - 1) + "/y"):
                request = request_for(f"{HOST}{path}{query}", CRAWLER)
                assert same(await fast.ask(request)) == same(await slow.ask(request)), path
        assert ours.lines == theirs.lines


async def test_a_parameter_behind_too_many_is_seen_by_neither_lane(packs: Packs, pages: Pages) -> None:
    page = f"{HOST}/vi/thu-tuc-hanh-chinh/chi-tiet"
    async with lane_over(packs, pages) as ours, lane_over(packs, pages, enabled=False) as theirs:
        async with ours.connected() as fast, theirs.connected() as slow:
            for before in ("a&", "&"):
                for number in (1, 2, 3, 126, 127, 128, 129, 200):
                    request = request_for(f"{page}?{before * number}ma=1.001193", CRAWLER)
                    assert same(await fast.ask(request)) == same(await slow.ask(request)), (before, number)
        assert ours.lines == theirs.lines
        assert ours.hits == theirs.hits


async def test_what_was_made_twice_is_kept_and_stays_the_same(packs: Packs, pages: Pages) -> None:
    async with lane_over(packs, pages) as ours, lane_over(packs, pages, enabled=False) as theirs:
        async with ours.connected() as fast, theirs.connected() as slow:
            for number in (1, 2, 3, 4, 3, 4, 3, 4, 3, 4):
                for path in (f"/vi/procedure/detail/629d{number:020x}", f"/khong/ai/biet/{number}"):
                    request = request_for(f"{HOST}{path}", CRAWLER)
                    assert same(await fast.ask(request)) == same(await slow.ask(request))
        assert ours.lines == theirs.lines
        assert ours.hits == theirs.hits


SEGMENTS = st.sampled_from(
    ["vi", "thu-tuc-hanh-chinh", "chi-tiet", "procedure", "detail", "629d0123456789abcdef0123", "a.css"]
)
QUERIES = st.sampled_from(["", "?ma=1.000494", "?keyword=x", "?x=1&ma=1.001193.000.00.00.H29", "?vneid=1"])


@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.tuples(st.lists(SEGMENTS, max_size=4), QUERIES, st.sampled_from([CRAWLER, PROGRAM, ASSET])), max_size=30
    )
)
async def test_whatever_is_asked_in_whatever_order_both_lanes_answer_alike(
    packs: Packs, pages: Pages, visits: list[tuple[list[str], str, str]]
) -> None:
    async with lane_over(packs, pages) as ours, lane_over(packs, pages, enabled=False) as theirs:
        async with ours.connected() as fast, theirs.connected() as slow:
            for segments, query, headers in visits:
                request = request_for(f"{HOST}/{'/'.join(segments)}{query}", headers)
                assert same(await fast.ask(request)) == same(await slow.ask(request)), request
        assert ours.lines == theirs.lines


async def test_a_switch_is_obeyed_at_once(packs: Packs, pages: Pages) -> None:
    target = f"{HOST}/vi/procedure/detail/629d{{:020x}}"
    async with lane_over(packs, pages) as lane, lane.connected() as connection:
        for number in range(3):
            await connection.ask(request_for(target.format(number), CRAWLER))
        assert lane.fast == 1
        switched = replace(packs.snapshot, switches={"langson": Switch.HOME})
        lane.edge.adopt(replace(packs, snapshot=switched))
        for number in range(3, 7):
            answer = await connection.ask(request_for(target.format(number), CRAWLER))
            assert b"Location: https://dichvucong.gov.vn/\r\n" in answer
            assert answer.startswith(b"HTTP/1.1 302")


async def test_an_instant_at_which_answers_change_is_not_missed(packs: Packs, pages: Pages) -> None:
    portal = packs.snapshot.portals[HOST]
    later = AUTUMN + timedelta(days=30)
    closing = replace(portal, schedule=replace(portal.schedule, retired_at=later))
    portals = {**packs.snapshot.portals, HOST: closing}
    snapshot = replace(packs.snapshot, portals=portals, instants=tuple(sorted({*packs.snapshot.instants, later})))
    async with lane_over(replace(packs, snapshot=snapshot), pages) as lane, lane.connected() as connection:
        for number in range(3):
            answer = await connection.ask(request_for(f"{HOST}/khong/{number}", CRAWLER))
            assert answer.startswith(b"HTTP/1.1 404")
        lane.clock[0] = later
        answer = await connection.ask(request_for(f"{HOST}/khong/4", CRAWLER))
        assert answer.startswith(b"HTTP/1.1 410")
