"""A large import through the console: looked at, written, put back, while the edge beside goes on answering."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession
from yarl import URL

from bench.edges import edge
from proxy.console.desk import Desk
from redirect_rules.rule_lists import RuleFilter
from tests.proxy.console.test_api import Program, centre, session

__all__ = ["centre", "session"]

pytestmark = pytest.mark.clocked

LINES = 10_000
HOST = "dichvucong.langson.gov.vn"
LIST = "old_url,new_url\n" + "".join(
    f"https://{HOST}/cu/{number % 97}/trang-{number},https://dichvucong.gov.vn/\n" for number in range(LINES)
)
ASKED: dict[str, Any] = {"text": LIST, "name": "list.csv", "mode": "add", "action": "redirect", "reason": "a list"}
SLOWEST_SECONDS = 10.0
"""Far above what an answer takes beside an import, far below what the import takes: it waits for nothing of it."""


class Visits:
    """What became of visitors who came all the time."""

    def __init__(self) -> None:
        self.statuses: list[int] = []
        self.slowest = 0.0

    async def go_on(self, session: ClientSession, port: int) -> None:
        """Until cancelled, one after the other."""
        while True:
            begun = time.monotonic()
            url = URL(f"http://127.0.0.1:{port}/vi/procedure/detail/629dae4edb4662230f940e11")
            async with session.get(url, headers={"Host": HOST}, allow_redirects=False) as answer:
                await answer.read()
            self.statuses.append(answer.status)
            self.slowest = max(self.slowest, time.monotonic() - begun)
            await asyncio.sleep(0.02)


@asynccontextmanager
async def visited(session: ClientSession, port: int) -> AsyncIterator[Visits]:
    visits = Visits()
    task = asyncio.get_running_loop().create_task(visits.go_on(session, port))
    try:
        yield visits
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def rules(desk: Desk) -> int:
    with desk.store.reading() as workspace:
        return workspace.count(RuleFilter(scope="portal:langson"))


async def watched(centre: Program, work: dict[str, Any]) -> tuple[dict[str, Any], int]:
    """The work when it has ended, and the furthest that it was seen to be on its way."""
    furthest = 0
    async with asyncio.timeout(240):
        while work["state"] == "running":
            furthest = max(furthest, work["done"])
            await asyncio.sleep(0.1)
            work = await centre.ok("GET", f"/jobs/{work['id']}")
    assert work["state"] == "done", work["error"]
    return work["result"], furthest


async def test_it_is_looked_at_written_and_put_back_and_no_visitor_waits_for_it(
    centre: Program,
    session: ClientSession,
    desk: Desk,
    tmp_path: Path,
) -> None:
    before, folder = rules(desk), tmp_path / "edge"
    folder.mkdir()
    environ = {"DVC_EDGE__HITS__WRITE_SECONDS": "1"}  # into the very database that is written to
    with edge(folder, tmp_path / "var", cpu=None, environ=environ) as serving:
        async with visited(session, serving.server.port) as visits:
            looked, _ = await watched(centre, await centre.ok("POST", "/imports", ASKED | {"dry_run": True}))
            assert (looked["counts"]["create"], looked["batch"]) == (LINES, None)
            assert rules(desk) == before, "looking writes nothing"

            done, furthest = await watched(centre, await centre.ok("POST", "/imports", ASKED | {"dry_run": False}))
            assert 0 < furthest <= LINES, "it says how far it is"
            assert rules(desk) == before + LINES

            undone, _ = await watched(
                centre, await centre.ok("POST", f"/batches/{done['batch']}/undo", {"reason": "a mistake"})
            )
            assert undone["batch"] == done["batch"]
            assert rules(desk) == before
        assert set(visits.statuses) <= {200, 301, 302}, "everybody was answered"
        assert len(visits.statuses) > 20
        assert visits.slowest < SLOWEST_SECONDS
    assert desk.store.trail.verify() is None
