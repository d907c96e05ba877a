"""A worker follows what is published while it serves; a bad number never replaces a good one."""

import asyncio
import shutil
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from proxy.following import Follower, FollowingMetrics
from redirect_rules import activation
from redirect_rules.model import Switch
from redirect_rules.objects import NEW, Change, Kind, Put, Ref
from redirect_rules.packs import Packs
from redirect_rules.publishing import overrule, publish, rollback
from redirect_rules.seeding import packs_of, seed
from redirect_rules.snapshot_file import CURRENT, current, path_of
from redirect_rules.stores.sql import SqlStore
from tests.conftest import AUTUMN, BROWSER, RunningEdge, Start

HOST = "https://dichvucong.langson.gov.vn"
BOT = {"User-Agent": "Googlebot", "Accept": "text/html"}


class Office:
    """Whoever edits and publishes, in the state folder of an edge."""

    def __init__(self, folder: Path, packs: Packs) -> None:
        self.folder = folder
        self.snapshots = folder / "snapshots"
        self._packs = packs
        self.store = SqlStore(f"sqlite:///{folder / 'rules.db'}", four_eyes=False)

    def change(self) -> Change:
        return Change("an", "because", AUTUMN)

    def leads(self, path: str, url: str) -> None:
        """Let an old path lead to an address, in the draft."""
        body = {"id": path.strip("/"), "exact": [path], "action": "redirect", "to": [{"url": url}]}
        ref = Ref(Kind.RULE, "portal:langson", path.strip("/"))
        there = self.store.get(ref)
        self.store.apply([Put(ref, body, there.version if there else NEW)], self.change())

    def publish(self, *, after: timedelta | None = None) -> int:
        at = None if after is None else AUTUMN + after
        return publish(self.store, self._packs.sources, self.snapshots, self.change(), at=at).number

    def close(self) -> None:
        self.store.close()


@pytest.fixture(scope="session")
def seeded(tmp_path_factory: pytest.TempPathFactory, packs: Packs) -> Path:
    """A state folder with the shipped rules in its store: they are written once, and copied for each test."""
    folder = tmp_path_factory.mktemp("seeded")
    store = SqlStore(f"sqlite:///{folder / 'rules.db'}", four_eyes=False)
    seed(store, packs_of(packs.sources), at=AUTUMN)
    store.close()
    return folder


@pytest.fixture
def office(tmp_path: Path, packs: Packs, seeded: Path) -> Iterator[Office]:
    shutil.copytree(seeded, tmp_path / "var")
    made = Office(tmp_path / "var", packs)
    yield made
    made.close()


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    return {"DVC_EDGE__STATE__FOLDER": str(tmp_path / "var"), "DVC_EDGE__STATE__FOLLOW_SECONDS": "0.05"}


async def location(edge: RunningEdge, path: str) -> str | None:
    response = await edge.get(HOST + path, BOT)
    return response.headers.get("Location")


async def until(condition: Callable[[], "asyncio.Future[bool] | object"]) -> None:
    """Wait for what must come true within seconds."""
    async with asyncio.timeout(30):
        while not await condition():  # type: ignore[misc]  # noqa: ASYNC110 - another process is waited for
            await asyncio.sleep(0.02)


ONE, TWO = "https://dichvucong.gov.vn/mot", "https://dichvucong.gov.vn/hai"


async def test_what_is_published_serves_without_a_restart(
    start: Start, office: Office, environ: dict[str, str]
) -> None:
    async with start(environ=environ) as edge:
        before = await location(edge, "/cu")
        office.leads("/cu", ONE)
        office.publish()
        await until(lambda: _is(edge, "/cu", ONE))
        office.leads("/cu", TWO)
        office.publish()
        await until(lambda: _is(edge, "/cu", TWO))
        rollback(office.store, office.snapshots, 1, office.change())
        await until(lambda: _is(edge, "/cu", ONE))
        assert before != ONE


async def _is(edge: RunningEdge, path: str, target: str) -> bool:
    return await location(edge, path) == target


async def test_what_waits_serves_from_its_instant_by_the_clock_of_the_worker(
    start: Start, office: Office, environ: dict[str, str]
) -> None:
    office.leads("/cu", ONE)
    office.publish()
    async with start(environ=environ) as edge:
        await until(lambda: _is(edge, "/cu", ONE))
        office.leads("/cu", TWO)
        office.publish(after=timedelta(hours=1))
        await asyncio.sleep(0.2)
        assert await location(edge, "/cu") == ONE
        edge.clock[0] = AUTUMN + timedelta(hours=1)
        await until(lambda: _is(edge, "/cu", TWO))


async def test_a_number_that_cannot_be_read_leaves_what_serves_alone(
    start: Start, office: Office, environ: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    office.leads("/cu", ONE)
    office.publish()
    async with start(environ=environ) as edge:
        await until(lambda: _is(edge, "/cu", ONE))
        number, content = current(office.snapshots) or (0, "")
        path_of(office.snapshots, number + 1).write_bytes(b"no snapshot at all")
        (office.snapshots / CURRENT).write_text(f"{number + 1:08} {content}\n")
        await until(lambda: _said(caplog, "cannot serve what was published"))
        await asyncio.sleep(0.2)
        assert await location(edge, "/cu") == ONE
        assert caplog.text.count("cannot serve what was published") == 1, "said once, not every half second"
        office.leads("/cu", TWO)
        path_of(office.snapshots, number + 1).unlink()
        office.publish()
        await until(lambda: _is(edge, "/cu", TWO))


async def _said(caplog: pytest.LogCaptureFixture, text: str) -> bool:
    return text in caplog.text


async def test_a_switch_acts_at_once_and_ends_at_once(start: Start, office: Office, environ: dict[str, str]) -> None:
    office.leads("/cu", ONE)
    office.publish()
    async with start(environ=environ) as edge:
        await until(lambda: _is(edge, "/cu", ONE))
        overrule(office.store, office.snapshots, "langson", Switch.HOME, office.change())
        await until(lambda: _is(edge, "/cu", "https://dichvucong.gov.vn/"))
        overrule(office.store, office.snapshots, "langson", None, office.change())
        await until(lambda: _is(edge, "/cu", ONE))


async def test_the_switches_of_a_folder_act_on_the_shipped_rules_too(
    start: Start, office: Office, environ: dict[str, str]
) -> None:
    async with start(environ=environ) as edge:
        before = await location(edge, "/vi/thu-tuc-hanh-chinh")
        overrule(office.store, office.snapshots, "langson", Switch.HOME, office.change())
        await until(lambda: _is(edge, "/vi/thu-tuc-hanh-chinh", "https://dichvucong.gov.vn/"))
        assert before != "https://dichvucong.gov.vn/"


async def test_the_number_that_serves_is_told_to_prometheus(
    start: Start, office: Office, environ: dict[str, str]
) -> None:
    office.publish()
    async with start(environ=environ) as edge:
        host, port = edge.addresses.operations
        async with edge.session.get(f"http://{host}:{port}/metrics") as response:
            assert "dvc_edge_snapshot_number 1.0" in await response.text()


def mapped_files(folder: Path) -> set[str]:
    """Files of a folder that this process has mapped."""
    lines = Path("/proc/self/maps").read_text().splitlines()
    return {line.split(maxsplit=5)[-1] for line in lines if str(folder) in line}


async def test_the_file_of_an_earlier_number_is_let_go(start: Start, office: Office, environ: dict[str, str]) -> None:
    async with start(environ=environ) as edge:
        for i in range(1, 5):
            office.leads("/cu", f"{ONE}-{i}")
            office.publish()
            await until(lambda i=i: _is(edge, "/cu", f"{ONE}-{i}"))  # type: ignore[misc]

        async def are_let_go() -> bool:  # off the loop, a moment after the answer has changed
            return len(mapped_files(office.snapshots)) <= 2

        await until(are_let_go)


async def test_what_a_portal_keeps_alive_and_who_tries_it_is_published_with_it(
    start: Start, office: Office, environ: dict[str, str]
) -> None:
    ref = Ref(Kind.PORTAL, "", "langson")
    stored = office.store.get(ref)
    assert stored is not None
    pilot = {"begins_at": (AUTUMN - timedelta(hours=1)).isoformat(), "word": "dung-thu"}
    schedule = {"notice_at": (AUTUMN + timedelta(hours=1)).isoformat(), "pilot": pilot}
    body = {**stored.body, "keep": ["/thanh-toan"], "schedule": schedule, "upstream": "http://127.0.0.1:9"}
    async with start(environ=environ) as edge:
        assert (await edge.get(HOST + "/thanh-toan")).status == 200
        office.store.apply([Put(ref, body, stored.version)], office.change())
        office.publish()

        async def passes() -> bool:
            return (await edge.get(HOST + "/thanh-toan")).status == 502  # to this machine, which is refused

        await until(passes)
        assert (await edge.get(HOST + "/tin")).status == 502
        tester = {**BROWSER, "Cookie": "_edge_pilot=join"}
        assert (await edge.get(HOST + "/tin", tester)).status == 200
        assert (await edge.get(HOST + "/thanh-toan", tester)).status == 502
        edge.clock[0] = AUTUMN + timedelta(hours=1)
        assert (await edge.get(HOST + "/tin")).status == 200
        assert (await edge.get(HOST + "/thanh-toan")).status == 502


async def test_a_number_that_cannot_be_adopted_is_let_go_of(office: Office, packs: Packs) -> None:
    def refuses(_: Packs) -> None:
        raise OSError("a certificate that has gone")

    office.leads("/cu", ONE)
    office.publish()
    registry = CollectorRegistry()
    follower = Follower(office.snapshots, packs, refuses, clock=lambda: AUTUMN, metrics=FollowingMetrics(registry))
    opened = follower._read(activation.in_force(office.snapshots, AUTUMN))
    assert is_mapped(office.snapshots)
    opened.close()
    for _ in range(3):
        await follower.look()
    assert registry.get_sample_value("dvc_edge_snapshot_number") == 0
    assert registry.get_sample_value("dvc_edge_snapshots_refused_total") == 1, "told once, tried again and again"
    assert not is_mapped(office.snapshots)


def is_mapped(folder: Path) -> bool:
    """Whether this process still looks into a file of a folder."""
    return str(folder) in Path("/proc/self/maps").read_text()
