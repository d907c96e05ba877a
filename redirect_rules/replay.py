"""What the rules would say to visits of the past: access logs → coverage, outcomes, and the pages nobody mapped.

The same pages are asked for by the same few programs again and again, so what was decided once is remembered: of a line
little is looked at, and only what was never seen is read with care.
"""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any, Final, Generic, NamedTuple, TypeAlias, TypeVar
from urllib.parse import urlsplit

from redirect_rules.answers import (
    RetireWorker,
    ShowRobots,
    ShowSecurityContact,
    ShowSitemap,
    asker,
    reads_pages,
)
from redirect_rules.canonical import BadHost, canonical_host
from redirect_rules.clients import Crawlers, client_class
from redirect_rules.decision import Decision, Visit, decide
from redirect_rules.garbage import uncollected
from redirect_rules.log_lines import LoggedRequest, WholeLines, cut, decoded, read_odd, request_of
from redirect_rules.model import Action, ClientClass
from redirect_rules.snapshot import Snapshot

What = TypeVar("What")

MOST_KEYS: Final = 100_000
"""Distinct unmapped keys that are kept; what comes after is counted, not named."""
MOST_REMEMBERED: Final = 200_000
"""Different visits whose decision is remembered, and agents whose kind is: some 100 MB."""

_AT_ONCE: Final = 1 << 18  # octets of which lines are made at once, between two turns of the garbage collector
_LONGEST_REMEMBERED: Final = 1_000  # octets of a host with its request line, or of an agent; few are longer
_NO_PAGES = (ShowRobots, ShowSitemap, ShowSecurityContact, RetireWorker)  # they are about the host


@dataclass(slots=True)
class Report:
    """What came of all lines."""

    lines: int = 0
    unreadable: int = 0
    elsewhere: int = 0  # hosts that are nobody's portal
    outcomes: Counter[str] = field(default_factory=Counter)
    portals: Counter[str] = field(default_factory=Counter)
    pages: int = 0  # visits to closed pages
    mapped: int = 0  # those of them that a rule knows
    unmapped: Counter[str] = field(default_factory=Counter)
    unnamed: int = 0  # unmapped visits whose keys were not kept

    @property
    def coverage(self) -> float | None:
        """The share of visits to closed pages that a rule knows."""
        return self.mapped / self.pages if self.pages else None

    def add(self, other: "Report") -> None:
        """Count what came of other lines as well."""
        self.lines += other.lines
        self.unreadable += other.unreadable
        self.elsewhere += other.elsewhere
        self.outcomes.update(other.outcomes)
        self.portals.update(other.portals)
        self.pages += other.pages
        self.mapped += other.mapped
        self.unnamed += other.unnamed
        for key, count in other.unmapped.items():
            self.count_unmapped(key, count)

    def count(self, fate: "Fate", times: int) -> None:
        """So many lines of which this came."""
        if fate.outcome is None:
            self.unreadable += times
            return
        self.outcomes[fate.outcome] += times
        self.elsewhere += times * fate.elsewhere
        if fate.portal:
            self.portals[fate.portal] += times
        if fate.page:
            self.pages += times
            self.mapped += 0 if fate.unmapped else times
        if fate.unmapped:
            self.count_unmapped(fate.unmapped, times)

    def count_unmapped(self, key: str, times: int) -> None:
        """So many visits to a page that no rule knows."""
        if key in self.unmapped or len(self.unmapped) < MOST_KEYS:
            self.unmapped[key] += times
        else:
            self.unnamed += times

    def as_json(self, most: int) -> dict[str, Any]:
        """For programs."""
        return {
            "lines": self.lines,
            "unreadable": self.unreadable,
            "elsewhere": self.elsewhere,
            "pages": self.pages,
            "mapped": self.mapped,
            "coverage": self.coverage,
            "outcomes": dict(self.outcomes.most_common()),
            "portals": dict(self.portals.most_common()),
            "unmapped": [{"key": key, "count": count} for key, count in self.unmapped.most_common(most)],
            "unmapped_not_named": self.unnamed,
        }


@dataclass(slots=True)
class _Alike(Generic[What]):
    """Visits that are decided alike."""

    what: What
    times: int = 0  # that were not counted yet


_Key: TypeAlias = tuple[bytes, bytes] | tuple[str, str, str]
"""What visits of one kind of agent have in common: host and request line of a plain line; host, target and method."""


class Tally(Generic[What]):
    """Reads logs, decides each different visit once, and counts what came of it."""

    def __init__(
        self,
        crawlers: Crawlers,
        decided: Callable[[LoggedRequest | None], What],
        count: Callable[[What, int], None],
    ) -> None:
        """`decided` says what comes of a line's request (None: unreadable), `count` is told how often it came."""
        self.lines = 0
        self._crawlers = crawlers
        self._decided = decided
        self._count = count
        self._text = WholeLines()
        # Whether an agent is a listed crawler is all that matters of it, as a log does not say what else it sent.
        self._by_people: dict[_Key, _Alike[What]] = {}
        self._by_crawlers: dict[_Key, _Alike[What]] = {}
        self._by_agent: dict[bytes, dict[_Key, _Alike[What]]] = {}

    def read(self, some: bytes | str) -> None:
        """Go on reading a log: octets of it, wherever they were cut, or a line of it."""
        octets = some if isinstance(some, bytes) else f"{some}\n".encode("utf-8", "replace")
        for begin in range(0, len(octets), _AT_ONCE):
            self._take(self._text.of(octets[begin : begin + _AT_ONCE]))

    def finish(self) -> None:
        """The log ends here: count everything."""
        self._take(self._text.last())
        self._settle()

    def _settle(self) -> None:
        for alike in (*self._by_people.values(), *self._by_crawlers.values()):
            if alike.times:
                self._count(alike.what, alike.times)
                alike.times = 0

    def _take(self, lines: bytes) -> None:
        by_agent = self._by_agent
        with uncollected():
            found = cut(lines)
            self.lines += len(found)
            for host, asked, agent, odd in found:
                if not asked:
                    self._puzzle(odd)
                    continue
                try:
                    by_agent[agent][host, asked].times += 1
                except KeyError:
                    self._meet(host, asked, agent)

    def _meet(self, host: bytes, asked: bytes, agent: bytes) -> None:
        """A plain line that was not seen before, or not by such an agent."""
        seen = self._by_agent.get(agent)
        if seen is None:
            seen = self._seen_by(decoded(agent))
            if len(agent) <= _LONGEST_REMEMBERED:
                if len(self._by_agent) >= MOST_REMEMBERED:
                    self._by_agent.clear()
                self._by_agent[agent] = seen
        key = host, asked
        if (alike := seen.get(key)) is None:
            self._decide(request_of(host, asked, agent), seen, key)
        else:
            alike.times += 1

    def _puzzle(self, odd: bytes) -> None:
        """A line that is not plain: read with care, whatever was seen before."""
        logged = read_odd(odd)
        if logged is None:
            self._count(self._decided(None), 1)
            return
        seen = self._seen_by(logged.agent)
        key = logged.host, logged.target, logged.method
        if (alike := seen.get(key)) is None:
            self._decide(logged, seen, key)
        else:
            alike.times += 1

    def _seen_by(self, agent: str) -> dict[_Key, _Alike[What]]:
        return self._by_crawlers if self._crawlers.is_bot(agent or _BROWSER) else self._by_people

    def _decide(self, logged: LoggedRequest | None, seen: dict[_Key, _Alike[What]], key: _Key) -> None:
        """Decide what was not seen before."""
        what = self._decided(logged)
        # At once, so that keys have their place in the order in which they came.
        self._count(what, 1)
        if sum(map(len, key)) > _LONGEST_REMEMBERED:
            return
        if len(self._by_people) + len(self._by_crawlers) >= MOST_REMEMBERED:
            self._settle()
            self._by_people.clear()
            self._by_crawlers.clear()
        seen[key] = _Alike(what)


class Fate(NamedTuple):
    """What becomes of a visit, as far as it is counted."""

    outcome: str | None  # None: it cannot be read
    portal: str = ""  # "": nobody's
    elsewhere: bool = False
    page: bool = False  # a closed page, opened by somebody who reads pages
    unmapped: str = ""  # its key, where no rule knows the page


def replay(
    log: Iterable[bytes | str], snapshot: Snapshot, *, now: datetime, crawlers: Crawlers, host: str = ""
) -> Report:
    """Decide every line as if it came at `now` (aware).

    log   octets of access logs, cut anywhere; or lines of them
    host  stands in for logs that name none
    """
    report = Report()

    def decided(logged: LoggedRequest | None) -> Fate:
        return fate_of(logged and visit_of(logged, host, crawlers), snapshot, now)

    tally = Tally(crawlers, decided, report.count)
    for some in log:
        tally.read(some)
    tally.finish()
    report.lines = tally.lines
    return report


def fate_of(visit: Visit | None, snapshot: Snapshot, now: datetime) -> Fate:
    """What becomes of a visit; None: a line that tells of none."""
    if visit is None:
        return Fate(None)
    decision = decide(visit, snapshot, now)
    if not isinstance(decision, Decision):
        return Fate(Action.REFUSE, elsewhere=visit.host not in snapshot.portals)
    outcome = decision.outcome
    passes = outcome is Action.PASS or isinstance(decision.answer, _NO_PAGES)
    page = not passes and reads_pages(asker(visit.client, visit.method))
    unmapped = decision.key_text if page and not decision.mapped else ""
    return Fate(outcome, decision.portal.id, page=page, unmapped=unmapped)


_BROWSER: Final = "Mozilla/5.0"
_NOBODY: Final = Crawlers.listed((), ())
_LONGEST_ENDING: Final = 12  # letters of what a file's name ends with; of more it is no kind of file


_host_of = lru_cache(1_024)(canonical_host)  # of many pages there are few hosts


def visit_of(logged: LoggedRequest, default_host: str, crawlers: Crawlers) -> Visit | None:
    """The visit that a line tells of; None where its host is none."""
    target, named = logged.target, logged.host or default_host
    try:
        if "://" in target[:8]:
            authority = urlsplit(target).netloc
            named = authority or named
            rest = target.partition("//")[2][len(authority) :]
            target = rest if rest.startswith("/") else "/" + rest
        host = _host_of(named)
    except (BadHost, ValueError):
        return None
    if crawlers.is_bot(logged.agent or _BROWSER):
        return Visit(host, target, logged.method, ClientClass.BOT)
    file = target.partition("?")[0].rpartition("/")[2].partition(";")[0]
    _, dot, ending = file.rpartition(".")
    return Visit(host, target, logged.method, _by_ending(logged.method, dot + ending[:_LONGEST_ENDING]))


@lru_cache(1_024)
def _by_ending(method: str, ending: str) -> ClientClass:
    """What somebody is who takes pages and is no listed crawler: it hangs on what a file's name ends with."""
    return client_class(method, f"/file{ending}", {"user-agent": _BROWSER, "accept": "text/html"}, _NOBODY)
