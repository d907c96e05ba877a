"""Nobody gets the answer of another, of yesterday, or of rules that are no longer in force."""

import asyncio
import random
import re
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import timedelta
from itertools import product

import pytest
import pytest_asyncio
from aiohttp.test_utils import make_mocked_request

from proxy.audiences import USUAL, Audience, Facts, Head
from proxy.fast_lane import Caller, Heads
from proxy.packs import Packs
from proxy.pages import Pages
from redirect_rules.dict_index import DictIndex
from redirect_rules.exact import ExactRule, Place
from redirect_rules.model import Action, Life
from redirect_rules.schedules import CLOSING
from tests.conftest import settings_with
from tests.proxy.conftest import MODEL, SCHEDULES, host_of, made_portal, with_portals
from tests.proxy.lanes import Lane, lane_over, same, unpacked

PROCEDURE = "/vi/thu-tuc-hanh-chinh/chi-tiet?ma=1.001193"
PERSON = ("User-Agent: Mozilla/5.0", "Accept: text/html")
IDS = re.compile(rb"X-Request-Id: ([^\r]*)")


def request_for(target: str, *fields: str, host: str = MODEL, method: str = "GET") -> bytes:
    return "".join(f"{line}\r\n" for line in [f"{method} {target} HTTP/1.1", f"Host: {host}", *fields, ""]).encode()


@pytest_asyncio.fixture
async def lane(packs: Packs, pages: Pages) -> AsyncIterator[Lane]:
    async with lane_over(packs, pages) as running:
        yield running


def askers() -> Iterator[tuple[str, ...]]:
    """Heads that differ in what an answer depends on: one line each."""
    agents = ("User-Agent: Mozilla/5.0", "User-Agent: Googlebot", "User-Agent: curl/8", "X-Nothing: a")
    accepts = ("Accept: text/html", "Accept: application/json", "Accept: text/event-stream", "X-Accept: a")
    more = (
        *("Cookie: _edge_place=new:00004", "Cookie: _edge_place=new:00008", "Cookie: _edge_place=none"),
        *("Accept-Language: en", "Accept-Language: vi", "Accept-Encoding: gzip", "Accept-Encoding: br"),
        *("Sec-Fetch-Dest: document", "Sec-Fetch-Dest: iframe", "Sec-Fetch-Dest: image", "Sec-Purpose: prefetch"),
        *(
            "HX-Request: true",
            "X-Requested-With: XMLHttpRequest",
            "Upgrade: websocket",
            "Content-Type: application/json",
        ),
    )
    return product(agents, accepts, more)


async def test_heads_that_differ_in_one_line_get_answers_of_their_own(packs: Packs, pages: Pages) -> None:
    requests = [request_for(PROCEDURE, *asker) for asker in askers()] * 2
    random.Random(1).shuffle(requests)
    async with lane_over(packs, pages) as fast, lane_over(packs, pages, enabled=False) as slow:
        async with fast.connected() as here, slow.connected() as there:
            for request in requests:
                assert same(await here.ask(request)) == same(await there.ask(request)), request
        assert fast.fast > 100


async def test_a_chosen_commune_is_seen_by_nobody_else(lane: Lane) -> None:
    chosen = request_for(PROCEDURE, *PERSON, "Cookie: JSESSIONID=a; _edge_place=new:00004")
    nobody = request_for(PROCEDURE, *PERSON)
    another = request_for(PROCEDURE, *PERSON, "Cookie: _edge_place=new:00008")
    answers = await lane.asked(*[chosen, nobody, another] * 3)
    assert ["wardCode=00004" in answer.decode() for answer in answers] == [True, False, False] * 3
    assert ["wardCode=00008" in answer.decode() for answer in answers] == [False, False, True] * 3
    assert lane.fast == 6


@pytest.mark.parametrize("target", ["/?_place=new:00004", "/?_place=none", PROCEDURE + "&_place=new:00004"])
async def test_an_answer_that_sets_a_cookie_is_made_anew(lane: Lane, target: str) -> None:
    answers = await lane.asked(*[request_for(target, *PERSON)] * 3)
    assert all(b"\r\nSet-Cookie: _edge_place=" in answer for answer in answers)
    assert lane.fast == 0


@pytest.mark.parametrize(
    "target", ["/_edge/locality?q=co+bi", "/_edge/khong-co", "/.well-known/security.txt", "/nop-ho-so/145156", "/%zz"]
)
async def test_what_is_not_for_all_times_is_made_anew(lane: Lane, target: str) -> None:
    await lane.asked(*[request_for(target, *PERSON)] * 3)
    assert lane.fast == 0


async def test_nobodys_host_is_never_known(lane: Lane) -> None:
    answers = await lane.asked(*[request_for("/", *PERSON, host="a.example")] * 3)
    assert all(answer.startswith(b"HTTP/1.1 421 ") for answer in answers)
    assert lane.fast == 0


async def test_every_answer_has_an_id_of_its_own_and_the_log_knows_it(lane: Lane) -> None:
    answers = await lane.asked(*[request_for("/vi", *PERSON)] * 1_000)
    ids = [IDS.search(answer)[1].decode() for answer in answers]  # type: ignore[index]
    assert len(set(ids)) == 1_000
    assert lane.fast == 999
    assert re.findall(r'"id": "([^"]+)"', lane.text.getvalue()) == ids


async def test_no_secret_of_a_known_head_is_written_down(lane: Lane) -> None:
    secrets = (
        "User-Agent: Mozilla/5.0 secret-agent",
        "Accept: text/html",
        "Cookie: a=secret-cookie",
        "Authorization: Basic secret",
    )
    await lane.asked(*[request_for("/vi?cccd=secret-value", *secrets)] * 3)
    assert lane.fast == 2
    assert len(lane.lines) == 3
    assert "secret" not in lane.text.getvalue()
    assert "secret" not in str(lane.hits)
    assert "secret" not in lane.metrics.exposition().decode()


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_head_gets_the_fields_of_get_and_no_body(lane: Lane, method: str) -> None:
    first, second = await lane.asked(*[request_for("/vi", *PERSON, method=method)] * 2)
    assert same(first) == same(second)
    assert (len(first.partition(b"\r\n\r\n")[2]) > 0) is (method == "GET")
    other = await lane.asked(*[request_for("/vi", *PERSON, method="HEAD" if method == "GET" else "GET")] * 2)
    assert {same(answer).partition(b"\r\n\r\n")[0] for answer in (first, *other)} == {
        same(first).partition(b"\r\n\r\n")[0]
    }
    assert lane.fast == 2


async def test_a_preview_is_the_portal_it_previews(lane: Lane) -> None:
    for host in (MODEL, f"{MODEL}.localhost:8080", f"{MODEL}:80", f"{MODEL.upper()}.LOCALHOST"):
        await lane.asked(*[request_for("/vi", *PERSON, host=host)] * 2)
    other = await lane.asked(*[request_for("/vi", *PERSON, host="dichvucong.hanam.gov.vn.localhost")] * 2)
    assert all("Hà Nam" in answer.decode() for answer in other)
    # Of each host the first is parsed and the second is not; the answer is one.
    assert lane.fast == 5


async def test_old_and_ending_connections_are_ended_as_ever(lane: Lane) -> None:
    await lane.asked(*[request_for("/vi", *PERSON)] * 2)
    for request in (
        request_for("/vi", *PERSON, "Connection: close"),
        request_for("/vi", *PERSON).replace(b"HTTP/1.1", b"HTTP/1.0"),
    ):
        for _ in range(3):
            reader, writer = await asyncio.open_connection("127.0.0.1", lane.port)
            writer.write(request)
            answer = await asyncio.wait_for(reader.read(), 10)
            assert answer.startswith((b"HTTP/1.1 200 ", b"HTTP/1.0 200 "))
            writer.close()
    assert lane.fast == 5, "each way of ending is learnt from its first answer"


async def test_a_portal_closes_at_the_very_instant_for_who_is_connected(packs: Packs, pages: Pages) -> None:
    before = CLOSING - timedelta(microseconds=1)
    request = request_for("/vi", "User-Agent: Googlebot")
    async with lane_over(packs, pages, at=before) as lane, lane.connected() as connection:
        for at, status in [
            (before, b"503"),
            (CLOSING, b"301"),
            (CLOSING, b"301"),
            (before, b"503"),
            (CLOSING, b"301"),
        ] * 2:
            lane.clock[0] = at
            assert (await connection.ask(request)).split()[1] == status
        assert lane.fast == 2  # the clock went back, and everything was made anew


@pytest.mark.parametrize("life", list(Life))
async def test_every_instant_of_a_schedule_is_seen(packs: Packs, pages: Pages, life: Life) -> None:
    host = host_of("direct", life)
    instants = [at + step for at in SCHEDULES["direct"].instants for step in (timedelta(microseconds=-1), timedelta(0))]
    requests = [request_for("/vi", *PERSON, host=host), request_for("/a.pdf", *PERSON, host=host)]
    scheduled = with_portals(packs, made_portal(packs, host, life=life, schedule=SCHEDULES["direct"]))
    async with (
        lane_over(scheduled, pages, at=instants[0]) as fast,
        lane_over(scheduled, pages, enabled=False) as slow,
        fast.connected() as here,
        slow.connected() as there,
    ):
        for at in [*instants, *reversed(instants)]:
            fast.clock[0] = slow.clock[0] = at
            for request in requests:
                expected = same(await there.ask(request))
                assert same(await here.ask(request)) == expected
                assert same(await here.ask(request)) == expected


def leading_to(packs: Packs, host: str, number: int) -> Packs:
    """The rules' edition of this number: an exact rule that leads to a page of this number."""
    portal = made_portal(packs, host, life=Life.GONE, schedule=SCHEDULES["settled"])
    made = with_portals(packs, portal)
    rules = [ExactRule(portal.id, f"/tin/{n}", (), Action.NOTICE, f"a/{number}", url=f"https://dichvucong.gov.vn/e{number}/{n}") for n in range(4)]  # fmt: skip
    return replace(made, snapshot=replace(made.snapshot, number=number, exact=DictIndex(rules)))


async def test_after_a_publication_nobody_sees_the_rules_of_before(packs: Packs, pages: Pages) -> None:
    host = "swapped.example.vn"
    async with lane_over(leading_to(packs, host, 1), pages) as lane, lane.connected() as connection:
        for number in (1, 2, 3):
            lane.edge.adopt(leading_to(packs, host, number))
            for _ in range(2):
                for page in range(4):
                    answer = await connection.ask(request_for(f"/tin/{page}", "User-Agent: Googlebot", host=host))
                    assert answer.count(f"https://dichvucong.gov.vn/e{number}/{page}".encode()) == 3
                    assert len(re.findall(rb"gov\.vn/e", answer)) == 3
        assert lane.fast == 3 * (8 - 2)  # the first two make the sketch


class Closable(DictIndex):
    """An index whose file is unmapped: the real one would end the process where this one complains."""

    closed = False

    def place(self, portal: str, path: str) -> Place | None:
        assert not self.closed, "looked into a file that is unmapped"
        return super().place(portal, path)


async def test_after_a_publication_nothing_looks_into_the_file_of_before(packs: Packs, pages: Pages) -> None:
    host = "swapped.example.vn"
    first, second = leading_to(packs, host, 1), leading_to(packs, host, 2)
    index = Closable(iter(first.snapshot.exact))
    async with lane_over(replace(first, snapshot=replace(first.snapshot, exact=index)), pages) as lane:
        requests = [request_for(f"/tin/{page}?x=1", "User-Agent: Googlebot", host=host) for page in range(4)]
        async with lane.connected() as connection:
            for request in requests[:3]:
                await connection.ask(request)
            await connection.send(requests[3])
            lane.edge.adopt(second)
            index.closed = True
            await connection.answer()
            await connection.ask(requests[3])
        assert len(lane.lines) == 5
        assert lane.fast == 2


async def test_what_is_sent_while_rules_are_published_is_not_learnt(packs: Packs, pages: Pages) -> None:
    """A client that reads slowly gets its answer long after the rules by which it was made."""
    head = Head.of(request_for("/vi", *PERSON))
    assert head is not None
    async with lane_over(packs, pages) as lane:
        for published in (False, True):
            request = make_mocked_request("GET", "/vi", {"Host": MODEL, "User-Agent": "Mozilla/5.0"})
            response = await lane.edge(request)
            response.headers["Date"] = "now"  # as it has when it was sent
            held = lane.edge._edition.lane
            assert held is not None
            if published:
                lane.edge.adopt(packs)
            lane.edge.learn(head, request, response)
            assert len(held._answers) == (0 if published else 1)
            held._answers.clear()


async def test_under_load_no_answer_mixes_two_publications(packs: Packs, pages: Pages) -> None:
    host = "swapped.example.vn"
    editions = [leading_to(packs, host, number) for number in range(3)]
    async with lane_over(editions[0], pages) as lane:
        seen: set[bytes] = set()

        async def ask(agent: str) -> None:
            async with lane.connected() as connection:
                for turn in range(150):
                    request = request_for(f"/tin/{turn % 4}", agent, "Accept: text/html", host=host)
                    head, _, body = (await connection.ask(request)).partition(b"\r\n\r\n")
                    (edition,) = set(re.findall(rb"gov\.vn/e(\d)", head + unpacked(head, body)))
                    seen.add(edition)

        async def publish() -> None:
            for turn in range(40):
                lane.edge.adopt(editions[turn % 3])
                await asyncio.sleep(0.005)

        agents = ("User-Agent: Googlebot", "User-Agent: Mozilla/5.0", "User-Agent: Bingbot")
        await asyncio.gather(publish(), *map(ask, agents))
        assert seen == {b"0", b"1", b"2"}


async def test_what_is_known_of_clients_outlives_a_publication(lane: Lane, packs: Packs) -> None:
    request = request_for("/vi", *PERSON)
    await lane.asked(request, request)
    lane.edge.adopt(replace(packs, snapshot=replace(packs.snapshot, number=2)))
    assert lane.edge._edition.lane is not None
    assert len(lane.edge._edition.lane.heads.by_method[b"GET"]) == 1
    assert lane.edge.lanes.answer(request, Caller()) is None


async def test_whoever_invents_heads_and_targets_fills_no_memory(packs: Packs, pages: Pages) -> None:
    few = {"DVC_EDGE__FAST_LANE__HEADS": "20", "DVC_EDGE__FAST_LANE__ANSWERS": "20"}
    async with lane_over(packs, pages, environ=few) as lane:
        await lane.asked(*(request_for(f"/{n}", "User-Agent: Googlebot", f"X: {n}") for n in range(200)))
        held = lane.edge._edition.lane
        assert held is not None
        assert len(held._answers) <= 20
        assert len(held.heads.by_method[b"GET"]) <= 20
        request = request_for("/vi", *PERSON)
        await lane.asked(request, request)
        assert lane.fast == 1


def test_whoever_speaks_in_ever_new_words_is_held_by_no_connection() -> None:
    heads = Heads(settings_with({}).fast_lane)
    callers = [Caller() for _ in range(300)]
    for number, caller in enumerate(callers):
        for host in range(300):
            head = Head(b"GET", b"/", b"HTTP/1.1\r\nHost: h%d.example\r\nX: %d\r\n\r\n" % (host, number))
            audience = heads.admit(head, Facts("GET", f"h{host}.example", (), "vi", "", None), USUAL)
            caller.crowd = heads.crowd(head.tail, audience)
    held = sum(len(caller.crowd.audiences) for caller in callers if caller.crowd is not None)
    assert 0 < held <= 64 * 256
    long = b"X: " + b"a" * 2_000 + b"\r\n"
    somebody = Audience(Facts("GET", "h.example", (), "vi", "", None))
    for tail in (b"HTTP/1.1\r\nHost: a\r\n" + long + b"\r\n", b"HTTP/1.1\r\n" + long + b"Host: a\r\n\r\n"):
        assert heads.crowd(tail, somebody) is None
