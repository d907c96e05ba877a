"""What visitors asked for: the overview, coverage by portal and day, pages that no rule knows, and rules to propose."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final
from urllib.parse import urlencode

from proxy.console.calls import Answer, Call, GoTo, Route, Show
from redirect_rules.hits import OTHER
from redirect_rules.model import HO_CHI_MINH, Portal
from redirect_rules.people import digest_of
from redirect_rules.proposals import Proposal, proposals
from redirect_rules.publications import Published, ReviewState
from redirect_rules.rights import CENTRE, Deed
from redirect_rules.store import NEW, Kind, Ref
from redirect_rules.stores.hits import Answered, Page, Span

DAYS: Final = 28
ON_A_PAGE: Final = 50
MOST_PAGES: Final = 20_000
"""Pages that clusters are looked for in, the most visited ones."""
MOST_PROPOSED: Final = 10


@dataclass(frozen=True, slots=True)
class PortalLine:
    """A portal at a glance."""

    id: str
    name: str
    phase: str
    next_change: datetime | None
    pages: int
    mapped: int
    switch: str
    upstream: str


@dataclass(frozen=True, slots=True)
class Overview:
    """The front page."""

    active: Published | None
    waiting_reviews: int
    pages: int
    mapped: int
    portals: Sequence[PortalLine]
    unmapped: Sequence[Page]
    days: int = DAYS


@dataclass(frozen=True, slots=True)
class Unmapped:
    """Pages that no rule knows."""

    portal: str
    days: int
    pages: Sequence[tuple[Page, str]]  # with a link that makes a rule
    proposals: Sequence[tuple[Proposal, str]]
    portals: Sequence[tuple[str, str]]
    ignored: int
    may_edit: bool


@dataclass(frozen=True, slots=True)
class Hits:
    """Counts."""

    portal: str
    days: int
    portals: Sequence[tuple[str, str]]
    by_day: Sequence[tuple[date, int, int]]  # pages, mapped
    most_a_day: int
    outcomes: Sequence[tuple[str, Sequence[int]]]  # outcome, visits by client
    clients: Sequence[str]
    coverage: Sequence[tuple[str, int, int]]  # portal, pages, mapped
    rules: Sequence[tuple[str, int]]


def span_of(call: Call, days: int = DAYS, portal: str = "") -> Span:
    """So many days until today."""
    return Span.until(call.now.astimezone(HO_CHI_MINH).date(), days, portal)


def _names(call: Call) -> list[tuple[str, str]]:
    portals = call.desk.published().snapshot.all_portals
    return sorted((one.id, one.names.get(call.language) or one.id) for one in portals)


def show_overview(call: Call) -> Answer:
    """Every portal's phase, next change and coverage."""
    desk, span = call.desk, span_of(call)
    snapshot = desk.published().snapshot
    sums: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for one in desk.hits.coverage(span):
        sums[one.portal][0] += one.pages
        sums[one.portal][1] += one.mapped
    lines = [
        PortalLine(
            id=portal.id,
            name=portal.names.get(call.language) or portal.id,
            phase=portal.schedule.phase_at(call.now).value,
            next_change=_next_change(portal, call.now),
            pages=sums[portal.id][0],
            mapped=sums[portal.id][1],
            switch=snapshot.switches[portal.id].value if portal.id in snapshot.switches else "",
            upstream=portal.upstream,
        )
        for portal in snapshot.all_portals
    ]
    open_reviews = [
        one for one in desk.store.publications.reviews() if one.state in {ReviewState.OPEN, ReviewState.APPROVED}
    ]
    view = Overview(
        active=desk.store.publications.active(),
        waiting_reviews=len(open_reviews),
        pages=sum(line.pages for line in lines),
        mapped=sum(line.mapped for line in lines),
        portals=sorted(lines, key=lambda line: (not line.switch, -(line.pages - line.mapped), line.id)),
        unmapped=unmapped_pages(call, span, most=10),
    )
    return Show("overview.html", view)


def _next_change(portal: Portal, now: datetime) -> datetime | None:
    schedules = (portal.schedule, *(own.schedule for own in portal.path_schedules))
    return min((at for schedule in schedules for at in schedule.instants if at > now), default=None)


def unmapped_pages(call: Call, span: Span, *, most: int) -> list[Page]:
    """Pages that no rule knows and nobody ignores, the most visited first."""
    noise = _noise(call)
    found = call.desk.hits.pages(span, mapped=False, most=most + len(noise) + 1)
    return [page for page in found if page.key not in noise and page.key != OTHER][:most]


def _noise(call: Call) -> frozenset[str]:
    with call.desk.store.reading() as workspace:
        return frozenset(stored.body["key"] for stored in workspace.objects(Kind.NOISE))


def show_unmapped(call: Call) -> Answer:
    """Pages that no rule knows, the most visited first, and what rules could know many of them at once."""
    portal, days = call.query.get("portal"), call.query.number("days", DAYS, most=400)
    span = span_of(call, days, portal)
    noise = _noise(call)
    pages = [
        page for page in call.desk.hits.pages(span, mapped=False, most=MOST_PAGES) if page.key not in noise | {OTHER}
    ]
    known = call.desk.hits.pages(span, mapped=True, most=MOST_PAGES)
    found = proposals(pages, call.desk.published().snapshot, now=call.now, known=known, most=MOST_PROPOSED)
    view = Unmapped(
        portal=portal,
        days=days,
        pages=[(page, _new_rule(page)) for page in pages[:ON_A_PAGE]],
        proposals=[(one, _from_proposal(one)) for one in found],
        portals=_names(call),
        ignored=len(noise),
        may_edit=call.person.may_somewhere(Deed.EDIT),
    )
    return Show("unmapped.html", view)


def _new_rule(page: Page) -> str:
    return f"/rules/new?{urlencode({'url': f'https://{page.key}'})}"


def _from_proposal(proposal: Proposal) -> str:
    owner = proposal.scope.partition(":")[2]
    return f"/rules/new?{urlencode({'owner': owner, 'address': proposal.template.text})}"


def ignore(call: Call) -> Answer:
    """Nobody needs a rule for this page: a scanner's guess, a misprint."""
    key = call.form.get("key")
    host = key.partition("/")[0]
    portal = call.desk.published().snapshot.portals.get(host)
    call.must(Deed.EDIT, call.desk.province(portal.id) if portal else CENTRE)
    change = call.change(call.form.get("reason") or "noise")
    ref = Ref(Kind.NOISE, f"portal:{portal.id}" if portal else "", digest_of(key)[:16])
    with call.desk.store.reading() as workspace:
        there = workspace.get(ref)
    call.office.put(ref, {"key": key}, change, seen_version=there.version if there else NEW)
    return GoTo("/unmapped", "ignored")


def show_hits(call: Call) -> Answer:
    """Counts by day, outcome, client, portal and rule."""
    portal, days = call.query.get("portal"), call.query.number("days", DAYS, most=400)
    span, hits = span_of(call, days, portal), call.desk.hits
    by_day: dict[date, list[int]] = {}
    by_portal: dict[str, list[int]] = {}
    for one in hits.coverage(span):
        for pair in (by_day.setdefault(one.day, [0, 0]), by_portal.setdefault(one.portal, [0, 0])):
            pair[0] += one.pages
            pair[1] += one.mapped
    clients, outcomes = _table(hits.answered(span))
    view = Hits(
        portal=portal,
        days=days,
        portals=_names(call),
        by_day=[(day, pages, mapped) for day, (pages, mapped) in sorted(by_day.items())],
        most_a_day=max((pages for pages, _ in by_day.values()), default=0),
        outcomes=outcomes,
        clients=clients,
        coverage=sorted(
            ((name, pages, mapped) for name, (pages, mapped) in by_portal.items()), key=lambda one: (-one[1], one[0])
        ),
        rules=[(one.rule, one.visits) for one in hits.rules(span, most=ON_A_PAGE)],
    )
    return Show("hits.html", view)


def _table(answered: Sequence[Answered]) -> tuple[list[str], list[tuple[str, list[int]]]]:
    cells: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for one in answered:
        cells[one.outcome][one.client] += one.visits
    clients = sorted({client for row in cells.values() for client in row})
    return clients, [(outcome, [row.get(client, 0) for client in clients]) for outcome, row in sorted(cells.items())]


ROUTES: Final = (
    Route("GET", "/", show_overview),
    Route("GET", "/unmapped", show_unmapped),
    Route("POST", "/unmapped/ignore", ignore, Deed.EDIT),
    Route("GET", "/hits", show_hits),
)
