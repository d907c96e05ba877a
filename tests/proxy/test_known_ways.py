"""Requests that passed before pass again unread: origins and visitors see what they would have seen."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from io import StringIO
from pathlib import Path

import pytest

from proxy.app import App, create_app
from proxy.packs import Packs
from proxy.pages import Pages
from proxy.serve import running
from tests.conftest import settings_with
from tests.passing_peers.edges import one_answer, until
from tests.passing_peers.recording import OK, Dialogue, RecordingOrigin, Script, Seen, recording_origin, says
from tests.proxy.conftest import MODEL, day, request_bytes

LIVE = day(2025, 6, 1)
PERSON = ["User-Agent: Mozilla/5.0", "Accept: text/html", "Accept-Language: vi"]


def asking(target: str = "/a", *more: str) -> bytes:
    return request_bytes(target, headers=[*PERSON, *more], keep=True)


@dataclass
class Passing:
    """An edge behind which everything passes to one origin."""

    app: App
    port: int
    origin: RecordingOrigin
    log: StringIO
    clock: list[object]

    async def ask(self, *requests: bytes, connections: int = 1) -> list[bytes]:
        """Ask one after another, on so many connections one after another."""
        found = []
        for _ in range(connections):
            reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
            for request in requests:
                writer.write(request)
                async with asyncio.timeout(20):
                    found.append(await one_answer(reader, request))
                if b"\r\nConnection: close" in found[-1].partition(b"\r\n\r\n")[0]:
                    break
            writer.close()
        return found


@asynccontextmanager
async def passing(
    packs: Packs, pages: Pages, folder: Path, script: Script | None = None, **more: str
) -> AsyncIterator[Passing]:
    async with recording_origin(script) as origin:
        (folder / "upstreams.toml").write_text(
            '[[upstream]]\nname = "province"\nallow_networks = ["127.0.0.0/8"]\ntimers.first_byte = 1.0\n'
            f'origins = [{{ url = "http://127.0.0.1:{origin.port}" }}]\n'
            '[[route]]\nportal = "langson"\nupstream = "province"\n'
        )
        clock, log = [LIVE], StringIO()
        settings = settings_with({"DVC_EDGE__PASSING__FILE": str(folder / "upstreams.toml"), **more})
        app = create_app(settings, parts=(packs, pages), clock=lambda: clock[0], log=log)
        async with running(app) as addresses:
            yield Passing(app, addresses.edge[1], origin, log, clock)  # type: ignore[arg-type]  # instants


ANSWERS = [
    OK,
    b"HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\nX-A: 1\r\n\r\nok",
    b"HTTP/1.1 302 Found\r\nLocation: /b\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
    b"HTTP/1.1 204 No Content\r\n\r\n",
    b"HTTP/1.1 304 Not Modified\r\nETag: x\r\n\r\n",
    b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + OK,
    b"HTTP/1.1 500 Oh\r\nContent-Length: 200000\r\n\r\n" + b"x" * 200_000,
]


@pytest.mark.parametrize("answer", ANSWERS, ids=lambda answer: answer[:40].decode())
async def test_the_tenth_time_is_as_the_first(packs: Packs, pages: Pages, tmp_path: Path, answer: bytes) -> None:
    async with passing(packs, pages, tmp_path, says(answer)) as edge:
        answers = await edge.ask(*[asking("/a%2Fb//c?q=%20+%C3", "x-b: 2", "x-B: 1")] * 10)
        assert len(answers) == 10
        assert set(answers) == {answers[0]}
        assert edge.app.passer.repeated == 8  # known from the second time on
    heads = [bytes(raw) for raw in edge.origin.raw]
    assert len(set(b"".join(heads).split(b"GET ")[1:])) == 1
    assert len(edge.origin.seen) == 10
    assert edge.origin.broken == []
    lines = [json.loads(line) for line in edge.log.getvalue().splitlines()]
    assert len(lines) == 10
    told = [{key: value for key, value in line.items() if key not in {"id", "us", "at"}} for line in lines]
    assert all(line == told[0] for line in told)


async def test_each_octet_counts(packs: Packs, pages: Pages, tmp_path: Path) -> None:
    async with passing(packs, pages, tmp_path) as edge:
        await edge.ask(*[asking("/a", "Cookie: a=1")] * 3)
        await edge.ask(asking("/a", "Cookie: a=2"), asking("/a"), asking("/b", "Cookie: a=1"))
        assert edge.app.passer.repeated == 1
    assert [seen.all("cookie") for seen in edge.origin.seen[3:]] == [["a=2"], [], ["a=1"]]


async def test_another_visitor_is_told_of_under_his_own_address(packs: Packs, pages: Pages, tmp_path: Path) -> None:
    async with passing(packs, pages, tmp_path) as edge:
        await edge.ask(*[asking()] * 3)
        reader, writer = await asyncio.open_connection("127.0.0.1", edge.port, local_addr=("127.0.0.2", 0))
        writer.write(asking())
        async with asyncio.timeout(20):
            await one_answer(reader, asking())
        writer.close()
        assert edge.app.passer.repeated == 2
    assert [seen.one("x-forwarded-for") for seen in edge.origin.seen] == [*["127.0.0.1"] * 3, "127.0.0.2"]
    assert [seen.one("x-real-ip") for seen in edge.origin.seen] == [*["127.0.0.1"] * 3, "127.0.0.2"]


async def test_requests_that_come_before_their_turn_are_answered_in_theirs(
    packs: Packs, pages: Pages, tmp_path: Path
) -> None:
    async with passing(packs, pages, tmp_path) as edge:
        await edge.ask(*[asking()] * 3)
        reader, writer = await asyncio.open_connection("127.0.0.1", edge.port)
        writer.write(asking())
        await asyncio.sleep(0)
        for piece in (asking("/b"), asking("/c") + asking("/d")[:20], asking("/d")[20:]):
            writer.write(piece)
            await asyncio.sleep(0.01)
        async with asyncio.timeout(20):
            answers = [await one_answer(reader, asking()) for _ in range(4)]
        writer.close()
        assert len(set(answers)) == 1
    assert [seen.target for seen in edge.origin.seen[3:]] == [b"/a", b"/b", b"/c", b"/d"]


async def test_an_origin_that_closed_its_connection_is_asked_on_another(
    packs: Packs, pages: Pages, tmp_path: Path
) -> None:
    async def closes(dialogue: Dialogue, seen: Seen) -> None:
        await dialogue.body(seen)
        dialogue.say(OK)
        dialogue.writer.close()  # though it never said so

    async with passing(packs, pages, tmp_path, closes) as edge:
        answers = await edge.ask(*[asking()] * 6)
        assert set(answers) == {OK}
        assert len(edge.origin.seen) == 6


@pytest.mark.parametrize(
    ("piece", "status"),
    [
        (b"", b"504"),
        (b"HTTP/1.1 200 OK\r\nBad Line\r\n\r\n", b"502"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9", b"504"),
    ],
)
async def test_an_origin_that_fails_is_told_of_in_words(
    packs: Packs, pages: Pages, tmp_path: Path, piece: bytes, status: bytes
) -> None:
    asked = 0

    async def script(dialogue: Dialogue, seen: Seen) -> None:
        nonlocal asked
        asked += 1
        await dialogue.body(seen)
        dialogue.say(OK if asked < 4 else piece)
        if asked >= 4:
            await dialogue.writer.drain()
            await asyncio.sleep(5)

    async with passing(packs, pages, tmp_path, script) as edge:
        answers = await edge.ask(*[asking()] * 4)
        assert edge.app.passer.repeated == 2
        assert answers[:3] == [OK] * 3
        assert answers[3].startswith(b"HTTP/1.1 " + status)
        assert b"<title>" in answers[3]
        assert (await edge.ask(request_bytes("/_edge/none", keep=True)))[0].startswith(b"HTTP/1.1 4")


async def test_a_torn_answer_is_cut_off(packs: Packs, pages: Pages, tmp_path: Path) -> None:
    asked = 0

    async def script(dialogue: Dialogue, seen: Seen) -> None:
        nonlocal asked
        asked += 1
        await dialogue.body(seen)
        dialogue.say(OK if asked < 4 else b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok")
        if asked >= 4:
            dialogue.writer.close()

    async with passing(packs, pages, tmp_path, script) as edge:
        with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
            await edge.ask(*[asking()] * 4)
        await until(lambda: '"note": "torn"' in edge.log.getvalue(), seconds=20)


async def test_a_visitor_who_leaves_frees_the_origin(packs: Packs, pages: Pages, tmp_path: Path) -> None:
    asked, held = 0, asyncio.Event()

    async def script(dialogue: Dialogue, seen: Seen) -> None:
        nonlocal asked
        asked += 1
        await dialogue.body(seen)
        if asked >= 4:
            held.set()
            await asyncio.sleep(0.5)
        dialogue.say(OK)

    async with passing(packs, pages, tmp_path, script) as edge:
        await edge.ask(*[asking()] * 3)
        _, writer = await asyncio.open_connection("127.0.0.1", edge.port)
        writer.write(asking())
        async with asyncio.timeout(20):
            await held.wait()
        writer.close()
        await until(lambda: not edge.app.passer._passing, seconds=20)
        assert await edge.ask(asking()) == [OK]
        pools = [live.pool for live in edge.app.passer._live.values() if live.upstream.name == "province"]
        assert [pool.taken for pool in pools] == [0]


async def test_what_was_known_is_forgotten_when_the_portal_closes(packs: Packs, pages: Pages, tmp_path: Path) -> None:
    async with passing(packs, pages, tmp_path) as edge:
        await edge.ask(*[asking("/vi")] * 4)
        assert edge.app.passer.repeated == 2
        edge.clock[0] = LIVE + timedelta(days=400)
        (answer,) = await edge.ask(asking("/vi"))
        assert b"<title>" in answer
        assert edge.app.passer.repeated == 2


async def test_without_a_fast_lane_everything_is_read(packs: Packs, pages: Pages, tmp_path: Path) -> None:
    async with passing(packs, pages, tmp_path, DVC_EDGE__FAST_LANE__ENABLED="false") as edge:
        assert set(await edge.ask(*[asking()] * 4)) == {OK}
        assert edge.app.passer.repeated == 0


async def test_the_edge_stops_when_what_is_in_hand_is_done(packs: Packs, pages: Pages, tmp_path: Path) -> None:
    asked = 0

    async def script(dialogue: Dialogue, seen: Seen) -> None:
        nonlocal asked
        asked += 1
        await dialogue.body(seen)
        if asked >= 4:
            await asyncio.sleep(0.5)
        dialogue.say(OK)

    async with passing(packs, pages, tmp_path, script) as edge:
        await edge.ask(*[asking()] * 3)
        reader, writer = await asyncio.open_connection("127.0.0.1", edge.port)
        writer.write(asking())
        await until(lambda: edge.app.passer.repeated == 2)
        reading = asyncio.ensure_future(reader.read())
    async with asyncio.timeout(20):
        assert (await reading).endswith(b"ok")
    writer.close()


def test_the_model_is_one_whose_pages_pass(packs: Packs) -> None:
    assert packs.snapshot.portals[MODEL].schedule.closed_at is not None
