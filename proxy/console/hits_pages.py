"""What visitors asked for: the overview, coverage by portal and day, pages that no rule knows, and rules to propose."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final, NamedTuple, Self
from urllib.parse import urlencode

from proxy.console import sign_in_health
from proxy.console.calls import Answer, Call, GoTo, Route, Show
from proxy.console.health import Health
from redirect_rules.hits import OTHER, Choice
from redirect_rules.model import HO_CHI_MINH, Portal
from redirect_rules.objects import NEW, Kind, Ref
from redirect_rules.people import digest_of
from redirect_rules.proposals import Proposal, proposals
from redirect_rules.publications import Published, ReviewState
from redirect_rules.rights import CENTRE, Deed
from redirect_rules.stores.hits import Answered, Chosen, Coverage, Page, Span

DAYS: Final = 28
ON_A_PAGE: Final = 50
MOST_PAGES: Final = 20_000
"""Pages that clusters are looked for in, the most visited ones."""
MOST_PROPOSED: Final = 10
NOT_SENT: Final = ("form", "gone")
"""Client and outcome of a form that came to a closed page: its sender was told that nothing was sent."""


class Day(NamedTuple):
    """Figures of a day."""

    day: date
    figures: tuple[int, ...]

    @property
    def seconds(self) -> int:
        """The beginning of the day, as charts count time: as if it were UTC."""
        return int(datetime.combine(self.day, time(), UTC).timestamp())


@dataclass(frozen=True, slots=True)
class Lines:
    """What a chart and its table show: a row for each day, a column for each series."""

    names: tuple[str, ...]
    days: Sequence[Day]

    @classmethod
    def of(cls, span: Span, cells: Iterable[tuple[date, str, int]]) -> Self:
        """Sums by day and name; days without any are there too, so that a gap is seen as one."""
        sums: dict[tuple[date, str], int] = defaultdict(int)
        for day, name, visits in cells:
            sums[day, name] += visits
        totals: dict[str, int] = defaultdict(int)
        for (_, name), visits in sums.items():
            totals[name] += visits
        names = tuple(sorted(totals, key=lambda name: (-totals[name], name)))
        first = min((day for day, _ in sums), default=span.last)
        days = [first + timedelta(days=n) for n in range((span.last - first).days + 1)]
        return cls(names, [Day(day, tuple(sums[day, name] for name in names)) for day in days])


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


@dataclass(frozen=True, slots=True)
class Overview:
    """The front page."""

    active: Published | None
    waiting_reviews: int
    pages: int
    mapped: int
    portals: Sequence[PortalLine]
    unmapped: Sequence[Page]
    by_day: Sequence["Day"]
    health: Health
    sign_in: sign_in_health.Health
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
    client: str
    outcome: str
    portals: Sequence[tuple[str, str]]
    pages: Lines  # visits to closed pages: all, and those that a rule knows
    outcomes: Lines  # of the client class that was chosen
    clients: Lines  # of the outcome that was chosen
    not_sent: Lines  # forms that came to closed pages
    chosen: Chosen | None  # what became of the notices; None: nothing was told of any
    choices: Lines  # the same by day
    table: Sequence[tuple[str, Sequence[int]]]  # outcome, visits by client
    named_clients: Sequence[str]
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
    coverage = desk.hits.coverage(span)
    for one in coverage:
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
        by_day=_pages_by_day(span, coverage).days,
        health=health_of(call),
        sign_in=sign_in_health.health(call.desk),
    )
    return Show("overview.html", view)


def health_of(call: Call) -> Health:
    """How the edge stands that this configuration is of, as far as it can be asked."""
    settings = call.desk.settings
    address = settings.operations
    host = f"[{address.host}]" if ":" in address.host else address.host
    return Health.ask(settings.console.operations or f"http://{host}:{address.port}")


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
    client, outcome = call.query.get("client"), call.query.get("outcome")
    span, hits = span_of(call, days, portal), call.desk.hits
    coverage, answered, chosen = hits.coverage(span), hits.answered(span), hits.chosen(span)
    by_portal: dict[str, list[int]] = {}
    for one in coverage:
        pair = by_portal.setdefault(one.portal, [0, 0])
        pair[0] += one.pages
        pair[1] += one.mapped
    clients, table = _table(answered)
    view = Hits(
        portal=portal,
        days=days,
        client=client if client in clients else "",
        outcome=outcome if outcome in {name for name, _ in table} else "",
        portals=_names(call),
        pages=_pages_by_day(span, coverage),
        outcomes=Lines.of(span, [(one.day, one.outcome, one.visits) for one in answered if client in {"", one.client}]),
        clients=Lines.of(span, [(one.day, one.client, one.visits) for one in answered if outcome in {"", one.outcome}]),
        not_sent=Lines.of(
            span, [(one.day, "not-sent", one.visits) for one in answered if (one.client, one.outcome) == NOT_SENT]
        ),
        chosen=Chosen.of(chosen) if chosen else None,
        choices=_choices_by_day(chosen),
        table=table,
        named_clients=clients,
        coverage=sorted(
            ((name, pages, mapped) for name, (pages, mapped) in by_portal.items()), key=lambda one: (-one[1], one[0])
        ),
        rules=[(one.rule, one.visits) for one in hits.rules(span, most=ON_A_PAGE)],
    )
    return Show("hits.html", view)


def _pages_by_day(span: Span, coverage: Iterable[Coverage]) -> Lines:
    cells = [
        (one.day, name, count) for one in coverage for name, count in (("pages", one.pages), ("mapped", one.mapped))
    ]
    found = Lines.of(span, cells)
    if set(found.names) != {"pages", "mapped"}:
        return found
    at = [found.names.index(name) for name in ("pages", "mapped")]
    return Lines(("pages", "mapped"), [Day(day, tuple(figures[n] for n in at)) for day, figures in found.days])


def _choices_by_day(chosen: Sequence[Chosen]) -> Lines:
    """In one order always, also where nobody stopped."""
    names = tuple(choice.value for choice in Choice)
    return Lines(names, [Day(one.day, (one.stopped, one.went, one.carried)) for one in chosen])


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
