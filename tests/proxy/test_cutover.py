"""Before a portal closes: everything passes, and what is ahead is counted, announced, and tried by a few."""

import asyncio
import io
import json
import time
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from proxy import cutover
from proxy.app import create_app
from proxy.packs import Packs
from proxy.pages import Pages
from proxy.serve import running
from redirect_rules.decision import Visit, rehearse
from redirect_rules.hits import SHADOW, Hit, HitCounter
from redirect_rules.model import Pilot, Portal, Schedule
from tests.conftest import settings_with
from tests.passing_peers.edges import until
from tests.passing_peers.recording import RecordingOrigin, recording_origin, says
from tests.proxy.conftest import MODEL, Heard, Reply, day, request_bytes, with_portals
from tests.proxy.lanes import Connection
from tests.proxy.test_passing_over_http import PERSON, PROGRAM, file_of

ANNOUNCED, CLOSES = day(2026, 6, 27) + timedelta(hours=18), day(2026, 7, 1)
BEFORE, DURING = ANNOUNCED - timedelta(seconds=1), ANNOUNCED + timedelta(hours=1)
PAGE = "/vi/thu-tuc-hanh-chinh/chi-tiet?ma=1.001193"
ASKING = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nEdge-Announcement: ask\r\n"
    b"Content-Length: 2\r\n\r\nok"
)
QUIET = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nCache-Control: max-age=9\r\nContent-Length: 2\r\n\r\nok"


def closing(packs: Packs, *, pilot: Pilot | None = None, **changes: Any) -> Packs:
    """Lạng Sơn's portal, announced on 27 June at 18:00 and closed on 1 July."""
    portal: Portal = replace(
        packs.snapshot.portals[MODEL], schedule=Schedule(ANNOUNCED, CLOSES, pilot=pilot), **changes
    )
    changed = with_portals(packs, portal)
    indexes = {**changed.snapshot.indexes, portal.id: packs.snapshot.indexes[portal.id]}
    return replace(packs, snapshot=replace(changed.snapshot, indexes=indexes))


TODAY = date(2026, 11, 1)


@dataclass
class Standing:
    """An edge in front of one origin, with a clock to move and hits to look at."""

    port: int
    clock: list[datetime]
    counter: HitCounter
    origin: RecordingOrigin
    log: Any

    @property
    def hits(self) -> list[Hit]:
        """What was counted since it was asked for last."""
        return [Hit._make(hit) for hit in self.counter.drain(TODAY)]

    async def ask(self, target: str, *headers: str, method: str = "GET", host: str = MODEL) -> Reply:
        connection = Connection(self.port)
        try:
            own = {line.partition(":")[0] for line in headers}
            person = [line for line in PERSON if line.partition(":")[0] not in own]
            octets = await connection.ask(
                request_bytes(target, host, method=method, headers=[*person, *headers], keep=True)
            )
        finally:
            connection.close()
        return Heard(octets, closed=False).reply


@asynccontextmanager
async def standing(
    packs: Packs, pages: Pages, folder: Path, at: datetime, answer: bytes = QUIET
) -> AsyncIterator[Standing]:
    async with recording_origin(says(answer)) as origin:
        clock, log, hits = [at], io.StringIO(), HitCounter(1_000)
        settings = settings_with(file_of(folder, origin.port))
        app = create_app(settings, parts=(packs, pages), clock=lambda: clock[0], log=log)
        app.edge._counts_hits = True
        app.edge._journal._hits = hits
        async with running(app) as addresses:
            yield Standing(addresses.edge[1], clock, hits, origin, log)


# ahead of the closing: what is counted, and that nothing changes


async def test_while_a_portal_lives_its_closing_is_rehearsed_and_counted(
    packs: Packs, pages: Pages, tmp_path: Path
) -> None:
    async with standing(closing(packs), pages, tmp_path, BEFORE) as edge:
        assert (await edge.ask(PAGE)).body == b"ok"
        assert (await edge.ask("/khong/ai/biet")).body == b"ok"
        await edge.ask("/x", method="OPTIONS")
        hits = edge.hits
        counted = {(hit.key.partition("/")[2], hit.outcome, hit.client, bool(hit.rule)) for hit in hits}
        assert counted == {
            ("vi/thu-tuc-hanh-chinh/chi-tiet?ma=", SHADOW, "navigation", True),
            ("khong/ai/biet", SHADOW, "navigation", False),
            ("x", "pass", "navigation", False),
        }
        assert not any(hit.is_page for hit in hits), "nobody has met a closed page"
        edge.clock[0] = CLOSES
        assert (await edge.ask(PAGE)).body != b"ok"
        assert {(hit.outcome, hit.is_page) for hit in edge.hits} == {("notice", True)}


async def test_a_rehearsal_that_fails_changes_nothing(
    packs: Packs, pages: Pages, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(cutover, "rehearse", broken)
    async with standing(closing(packs), pages, tmp_path, DURING, ASKING) as edge:
        assert (await edge.ask(PAGE)).body == b"ok"
        assert {hit.outcome for hit in edge.hits} == {"pass"}


def test_a_rehearsal_costs_less_than_a_tenth_of_a_millisecond(packs: Packs) -> None:
    snapshot = closing(packs).snapshot
    visits = [Visit(MODEL, target) for target in (PAGE, "/khong/ai/biet", "/", "/vi/trangchu?a=b&c=d")]
    rehearse(visits[0], snapshot, BEFORE)
    best = []
    for _ in range(5):
        began = time.thread_time()
        for _ in range(100):
            for visit in visits:
                rehearse(visit, snapshot, BEFORE)
        best.append((time.thread_time() - began) / 400)
    assert min(best) < 500e-6, "a tenth of a millisecond is promised; the bound is for machines that do more besides"


# announced: pages that ask can say that they will close


async def test_a_page_that_asks_gets_the_announcement_and_its_body_as_it_is(
    packs: Packs, pages: Pages, tmp_path: Path
) -> None:
    async with standing(closing(packs), pages, tmp_path, DURING, ASKING) as edge:
        reply = await edge.ask(PAGE)
        told = reply.headers["edge-announcement"]
        assert told.startswith('closes="2026-07-01T00:00:00+07:00", successor="https://dichvucong.gov.vn/')
        assert told.endswith('dismiss="/_edge/announcement"')
        assert (
            'edge-closes;desc="2026-07-01T00:00:00+07:00", edge-successor;desc="https://'
            in reply.headers["server-timing"]
        )
        assert reply.body == b"ok"
        (seen,) = edge.origin.seen
        assert seen.one("edge-announcement") == told, "an include of the origin's can say it too"


SILENT: list[tuple[str, datetime, bytes, list[str], str]] = [
    ("before the announcement",   BEFORE, ASKING,                                      [],                             "GET"),
    ("a page that does not ask",  DURING, QUIET,                                       [],                             "GET"),
    ("a visitor who has seen it", DURING, ASKING,                                      ["Cookie: _edge_announced=off"], "GET"),
    ("a program",                 DURING, ASKING,                                      PROGRAM[1:],                    "GET"),
    ("no page",                   DURING, ASKING.replace(b"text/html", b"text/plain"), [],                             "GET"),
    ("no success",                DURING, ASKING.replace(b"200", b"404"),              [],                             "GET"),
]  # fmt: skip


@pytest.mark.parametrize(("_why", "at", "answer", "headers", "method"), SILENT, ids=[row[0] for row in SILENT])
async def test_nobody_else_gets_it(
    packs: Packs, pages: Pages, tmp_path: Path, _why: str, at: datetime, answer: bytes, headers: list[str], method: str
) -> None:
    async with standing(closing(packs), pages, tmp_path, at, answer) as edge:
        reply = await edge.ask(PAGE, *headers, method=method)
        assert not {"edge-announcement", "server-timing"} & set(reply.headers)


async def test_a_visitor_cannot_speak_for_us(packs: Packs, pages: Pages, tmp_path: Path) -> None:
    async with standing(closing(packs), pages, tmp_path, BEFORE) as edge:
        await edge.ask(PAGE, 'Edge-Announcement: successor="https://evil.example"', "edge_announcement: x")
        (seen,) = edge.origin.seen
        assert not seen.all("edge-announcement")
        assert not seen.all("edge_announcement")


async def test_who_has_seen_enough_says_so_and_the_page_stays(packs: Packs, pages: Pages, tmp_path: Path) -> None:
    async with standing(closing(packs), pages, tmp_path, DURING, ASKING) as edge:
        reply = await edge.ask("/_edge/announcement", "Content-Length: 0", method="POST")
        assert (reply.status, reply.body) == (204, b"")
        assert reply.headers["set-cookie"].startswith("_edge_announced=off; ")
        assert "HttpOnly" not in reply.headers["set-cookie"], "the page's script reads it"
        assert (await edge.ask("/_edge/announcement")).status == 404
        assert not edge.origin.seen


# pilots: some see it closed before


async def test_testers_join_by_a_link_and_leave_by_another(packs: Packs, pages: Pages, tmp_path: Path) -> None:
    piloted = closing(packs, pilot=Pilot(ANNOUNCED, word="dung-thu"))
    async with standing(piloted, pages, tmp_path, DURING) as edge:
        assert (await edge.ask(PAGE)).body == b"ok"
        assert "set-cookie" not in (await edge.ask(PAGE)).headers
        for word in ("dung", "join", "dung-thu/x", ""):
            assert (await edge.ask(f"/_edge/pilot/{word}")).status == 404
        assert (await edge.ask("/_edge/pilot/dung-thu", "Sec-Fetch-Dest: image")).status == 404
        joined = await edge.ask("/_edge/pilot/dung-thu")
        cookie = joined.headers["set-cookie"]
        assert cookie.startswith("_edge_pilot=join; Max-Age=")
        assert "HttpOnly; SameSite=Lax" in cookie
        assert "Quý vị đang dùng thử" in joined.text
        own = "Cookie: a=b; _edge_pilot=join"
        closed = await edge.ask(PAGE, own)
        assert (closed.status, closed.headers["cache-control"]) == (200, "no-store")
        assert "sẽ ngừng hoạt động từ" in closed.text, "the day lies ahead"
        left = await edge.ask("/_edge/pilot/leave", own)
        assert left.headers["set-cookie"].startswith("_edge_pilot=leave; ")
        assert (await edge.ask(PAGE, "Cookie: _edge_pilot=leave")).body == b"ok"
        edge.clock[0] = CLOSES
        assert (await edge.ask("/_edge/pilot/dung-thu")).status == 404, "there is nothing to try any more"


async def test_a_pilot_has_begun_at_its_instant_and_not_before(packs: Packs, pages: Pages, tmp_path: Path) -> None:
    piloted = closing(packs, pilot=Pilot(ANNOUNCED, share=1_000, word="dung-thu"))
    async with standing(piloted, pages, tmp_path, BEFORE) as edge:
        for own in ("join", "0", "999"):
            edge.clock[0] = BEFORE
            assert (await edge.ask(PAGE, f"Cookie: _edge_pilot={own}")).body == b"ok"
            assert (await edge.ask("/_edge/pilot/dung-thu")).status == 404
            edge.clock[0] = ANNOUNCED
            assert (await edge.ask(PAGE, f"Cookie: _edge_pilot={own}")).body != b"ok"
        edge.clock[0] = BEFORE
        assert "set-cookie" not in (await edge.ask(PAGE)).headers, "set only while a pilot runs that needs it"


async def test_a_share_of_the_visitors_is_in_and_stays_in(packs: Packs, pages: Pages, tmp_path: Path) -> None:
    piloted = closing(packs, pilot=Pilot(ANNOUNCED, share=300))
    async with standing(piloted, pages, tmp_path, DURING) as edge:
        seen: Counter[bool] = Counter()
        for _ in range(60):
            first = await edge.ask(PAGE)
            ticket = first.headers["set-cookie"].partition(";")[0].partition("=")[2]
            inside = first.body != b"ok"
            assert inside == (int(ticket) < 300)
            assert "private" in first.headers["cache-control"] or first.headers["cache-control"] == "no-store"
            again = await edge.ask(PAGE, f"Cookie: _edge_pilot={ticket}")
            assert (again.body != b"ok") == inside, "the same visitor, the same answer"
            assert "set-cookie" not in again.headers
            seen[inside] += 1
        # Binomial, 60 × 0.3: either side is missed once in a billion runs.
        assert min(seen.values()) > 0
        assert seen.total() == 60
        for headers in ([*PROGRAM[1:]], ["Sec-Fetch-Dest: image"], ["User-Agent: Googlebot"]):
            assert "set-cookie" not in (await edge.ask(PAGE, *headers)).headers, "only who opens pages draws a ticket"
        assert "_edge_pilot" not in edge.log.getvalue()


async def test_what_passes_for_a_tester_is_what_will_pass_for_all(packs: Packs, pages: Pages, tmp_path: Path) -> None:
    piloted = closing(packs, pilot=Pilot(ANNOUNCED, word="dung-thu"), keeps=(("thanh-toan",),))
    own = "Cookie: _edge_pilot=join"
    async with standing(piloted, pages, tmp_path, DURING) as edge:
        assert (await edge.ask("/thanh-toan/ket-qua", own)).body == b"ok"
        assert (await edge.ask("/x.css", own, "Sec-Fetch-Dest: style")).body == b"ok"
        assert (await edge.ask("/tin-tuc", own)).body != b"ok"
        posted = await edge.ask("/tin-tuc", own, "Content-Length: 0", method="POST")
        assert posted.body == b"ok"


async def test_the_fast_lane_keeps_pilots_apart(packs: Packs, pages: Pages, tmp_path: Path) -> None:
    """Again and again, so that whatever could be learnt has been learnt."""
    piloted = closing(packs, pilot=Pilot(ANNOUNCED, share=500, word="dung-thu"))
    askers = {"join": False, "leave": True, "499": False, "500": True, "0": False, "999": True}
    async with standing(piloted, pages, tmp_path, DURING) as edge:
        for _ in range(4):
            for own, passes in askers.items():
                for target in (PAGE, "/x.pdf", "/khong/ai/biet"):
                    reply = await edge.ask(target, f"Cookie: _edge_pilot={own}")
                    if target == PAGE:
                        assert (reply.body == b"ok") == passes, own


# the switch


async def test_the_schedule_switches_every_worker_to_the_second(packs: Packs, pages: Pages, tmp_path: Path) -> None:
    """Three edges, as three workers are, each with the fast lane warm, across the instant and back."""
    rules = closing(packs, keeps=(("api",),))
    async with AsyncExitStack() as stack:
        folders = [tmp_path / str(number) for number in range(3)]
        for folder in folders:
            folder.mkdir()
        edges = [await stack.enter_async_context(standing(rules, pages, folder, BEFORE)) for folder in folders]
        steps = [
            (CLOSES - timedelta(seconds=1), True),
            (CLOSES - timedelta(microseconds=1), True),
            (CLOSES, False),
            (CLOSES + timedelta(seconds=1), False),
            (CLOSES - timedelta(seconds=1), True),  # a clock that was set back
        ]
        for now, passes in steps:
            for edge in edges:
                edge.clock[0] = now
                replies = [await edge.ask(PAGE) for _ in range(3)]
                assert [reply.body == b"ok" for reply in replies] == [passes] * 3
                assert (await edge.ask("/api/x")).body == b"ok"
                bots = [await edge.ask(PAGE, "User-Agent: Googlebot") for _ in range(3)]
                assert [reply.status == 200 for reply in bots] == [passes] * 3


async def test_what_was_begun_before_the_instant_ends_as_it_began(packs: Packs, pages: Pages, tmp_path: Path) -> None:
    async with standing(closing(packs), pages, tmp_path, CLOSES - timedelta(seconds=1)) as edge:
        go = asyncio.Event()

        async def slowly(dialogue: Any, seen: Any) -> None:
            await dialogue.body(seen)
            await go.wait()
            dialogue.say(QUIET)

        edge.origin.script = slowly
        asking = asyncio.ensure_future(edge.ask(PAGE))
        await until(lambda: edge.origin.seen, seconds=30)
        edge.clock[0] = CLOSES
        assert (await edge.ask(PAGE)).body != b"ok"
        go.set()
        assert (await asking).body == b"ok"
        lines: list[Mapping[str, Any]] = [json.loads(line) for line in edge.log.getvalue().splitlines()]
        assert {(line["phase"], line["outcome"]) for line in lines} == {("announced", "pass"), ("notice", "notice")}
