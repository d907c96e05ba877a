"""Portals in every state there is, made from the shipped one of Lạng Sơn, and bytes sent exactly as they stand."""

import asyncio
import io
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime

import pytest
from aiohttp import ClientSession, DummyCookieJar, TCPConnector

from proxy.app import create_app
from proxy.notices import Notices
from proxy.packs import Packs
from proxy.pages import Pages
from proxy.serve import running
from redirect_rules.matching import TemplateIndex, significant_names
from redirect_rules.model import HO_CHI_MINH, Life, Portal, Rule, Schedule
from tests.conftest import AUTUMN, RunningEdge, settings_with

MODEL = "dichvucong.langson.gov.vn"


def day(year: int, month: int, of_month: int) -> datetime:
    """The beginning of a day in Viet Nam."""
    return datetime(year, month, of_month, tzinfo=HO_CHI_MINH)


SCHEDULES: Mapping[str, Schedule] = {  # as it is on 1 November 2026
    "live": Schedule(day(2027, 1, 1), day(2027, 2, 1)),
    "announced": Schedule(day(2026, 10, 1), day(2027, 2, 1)),
    "notice": Schedule(day(2025, 6, 27), day(2025, 7, 1)),
    "direct": Schedule(day(2025, 6, 27), day(2025, 7, 1), day(2026, 10, 20)),  # on probation for 30 days
    "settled": Schedule(day(2025, 6, 27), day(2025, 7, 1), day(2026, 9, 1)),  # direct, and past probation
    "retired": Schedule(day(2025, 6, 27), day(2025, 7, 1), day(2026, 9, 1), day(2026, 10, 1)),
}


def host_of(phase: str, life: Life) -> str:
    """The address of the portal that is in this state."""
    return f"{phase}.{life}.example.vn"


def made_portal(packs: Packs, host: str, **changes: object) -> Portal:
    """Lạng Sơn's portal under another address, changed."""
    model = packs.snapshot.portals[MODEL]
    return replace(model, id=host.replace(".", "-"), hosts=(host,), **changes)  # type: ignore[arg-type]


def with_portals(packs: Packs, *portals: Portal, rules: Mapping[str, Sequence[Rule]] | None = None) -> Packs:
    """The shipped rules and these portals besides, with the families of Lạng Sơn's and rules of their own (by id)."""
    snapshot = packs.snapshot
    model = snapshot.indexes["langson"]
    by_host, indexes = dict(snapshot.portals), dict(snapshot.indexes)
    for portal in portals:
        own = tuple((rules or {}).get(portal.id, ()))
        everything = (*own, *model.rules)
        index = TemplateIndex([own], fold_case=portal.fold_case)
        by_host.update(dict.fromkeys(portal.all_hosts, portal))
        indexes[portal.id] = replace(model, own=index, rules=everything, significant=significant_names(everything))
    schedules = [s for p in portals for s in (p.schedule, *(own.schedule for own in p.path_schedules))]
    lasting = [at for r in (rules or {}).values() for rule in r for at in (rule.valid_from, rule.valid_until) if at]
    instants = {*snapshot.instants, *lasting, *(at for schedule in schedules for at in schedule.instants)}
    changed = replace(snapshot, portals=by_host, indexes=indexes, instants=tuple(sorted(instants)))
    return replace(packs, snapshot=changed)


@pytest.fixture
def no_new_notices(monkeypatch: pytest.MonkeyPatch) -> None:
    """Notice pages are given again by the fast lane, and none is made there."""
    monkeypatch.setattr(Notices, "find", lambda *_: None)


@pytest.fixture(scope="session")
def every_state(packs: Packs) -> Packs:
    """Beside the shipped portals one for each phase and life."""
    states = (
        made_portal(packs, host_of(phase, life), life=life, schedule=schedule)
        for phase, schedule in SCHEDULES.items()
        for life in Life
    )
    return with_portals(packs, *states)


@asynccontextmanager
async def edge_over(
    packs: Packs, pages: Pages, environ: Mapping[str, str] | None = None, *, at: datetime = AUTUMN
) -> AsyncIterator[RunningEdge]:
    """An edge for a whole module: what the fixture `start` does for one test."""
    clock, log = [at], io.StringIO()
    app = create_app(settings_with(environ), parts=(packs, pages), clock=lambda: clock[0], log=log)
    connector = TCPConnector(limit=8)
    async with running(app) as addresses, ClientSession(cookie_jar=DummyCookieJar(), connector=connector) as session:
        yield RunningEdge(addresses, session, log, clock)


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer read from a socket."""

    status: int
    headers: Mapping[str, str]  # by lower-case name
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode("utf-8", "replace")


@dataclass(frozen=True, slots=True)
class Heard:
    """Everything that came back on a connection."""

    raw: bytes
    closed: bool  # by the edge, before we lost patience

    @property
    def replies(self) -> list[Reply]:
        """The answers in it, cut by their Content-Length.  Right where no HEAD was asked and nothing was encoded."""
        found, rest = [], self.raw
        while rest:
            head, _, rest = rest.partition(b"\r\n\r\n")
            first, *lines = head.decode("latin-1").split("\r\n")
            headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
            length = int(headers.get("content-length", 0))
            found.append(Reply(int(first.split()[1]), headers, rest[:length]))
            rest = rest[length:]
        return found

    @property
    def reply(self) -> Reply:
        """The only answer."""
        (only,) = self.replies
        return only


Say = Callable[..., Awaitable[Heard]]


async def say(
    edge: RunningEdge, *pieces: bytes, patience: float = 10.0, until: bytes = b"", hang_up: bool = False
) -> Heard:
    """Send bytes to an edge and listen until it hangs up, or until nothing came for `patience` seconds.

    `until` is enough to have heard; `hang_up` closes our half after the last piece, as a client does that waits for
    the rest of the answer.
    """
    reader, writer = await asyncio.open_connection(*edge.addresses.edge)
    heard = bytearray()
    closed = False
    try:
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(0)
        if hang_up:
            writer.write_eof()
        while not closed and not (until and until in heard):
            async with asyncio.timeout(patience):
                chunk = await reader.read(65_536)
            heard += chunk
            closed = not chunk
    except TimeoutError:
        pass
    except ConnectionError:
        closed = True
    finally:
        writer.close()
    return Heard(bytes(heard), closed)


def request_bytes(
    target: str | bytes = "/",
    host: str = MODEL,
    *,
    method: str = "GET",
    headers: Iterable[str] = (),
    body: bytes = b"",
    version: str = "HTTP/1.1",
    keep: bool = False,
) -> bytes:
    """A request as it goes over the wire; closes the connection after it unless told to keep it."""
    target = target.encode() if isinstance(target, str) else target
    lines = [f"Host: {host}", *headers, *([] if keep else ["Connection: close"])]
    head = f"{method} ".encode() + target + f" {version}\r\n".encode()
    return head + "".join(f"{line}\r\n" for line in lines).encode("latin-1") + b"\r\n" + body
