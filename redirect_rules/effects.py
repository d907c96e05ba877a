"""What a draft would change for people: every distinct address of a log or of the recorded hits, decided twice.

Two decisions are the same when a visitor could not tell them apart: the same outcome, the same target, lasting or not.
That another rule says so is no change.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Final, NamedTuple

from redirect_rules.canonical import BadHost
from redirect_rules.clients import Crawlers
from redirect_rules.decision import Decision, Visit, decide
from redirect_rules.explaining import Question, visit_to
from redirect_rules.hits import HIDDEN
from redirect_rules.log_lines import LoggedRequest
from redirect_rules.masking import CUT
from redirect_rules.model import Action
from redirect_rules.replay import Tally, visit_of
from redirect_rules.snapshot import Snapshot

MOST_CHANGES: Final = 100_000
"""Different changes that are kept; what comes after is counted, not shown."""

MOST_ADDRESSES: Final = 2_000_000
"""Distinct addresses that are told apart."""


class Kind(StrEnum):
    """What a change is to somebody who follows an old link."""

    MAPPED = "mapped"  # the right page, where there was the front page
    LOST = "lost"  # the front page, where there was the right one
    MOVED = "moved"  # another page
    CLOSED = "closed"  # closed, where it passed
    OPENED = "opened"  # passes, where it was closed
    ANSWERED = "answered"  # another kind of answer, the same page


class End(NamedTuple):
    """What becomes of a visit, as far as a visitor can tell; and which rule says so."""

    outcome: str  # an `Action`
    target: str  # "" where it leads nowhere
    lasting: bool  # 301
    rule: str  # its id; "" where none knows the page


class Change(NamedTuple):
    """One address that would be answered in another way."""

    url: str  # its key: "host/path?name=value"
    portal: str
    kind: Kind
    before: End
    after: End

    def __str__(self) -> str:
        rule = self.after.rule or "no rule"
        return f"{self.url}: {_shown(self.before)} → {_shown(self.after)} ({self.kind}, {rule})"


def _shown(end: End) -> str:
    return f"{end.outcome} {end.target}".strip()


class Compared(NamedTuple):
    """A visit decided twice."""

    url: str  # "" where it cannot be decided
    elsewhere: bool = False
    change: Change | None = None


@dataclass(slots=True)
class EffectReport:
    """What would change, and for how many."""

    most: int  # how many changes are shown
    visits: int = 0
    unreadable: int = 0  # lines without a request, hits that have lost what they were decided by
    elsewhere: int = 0  # visits to hosts that are nobody's portal
    changes: Counter[Change] = field(default_factory=Counter)  # with the number of visits
    unnamed: int = 0  # visits that change and are not among them
    _urls: set[int] = field(default_factory=set)
    _changed: set[int] = field(default_factory=set)

    @property
    def urls(self) -> int:
        """Distinct addresses of our portals."""
        return len(self._urls)

    @property
    def changed(self) -> int:
        """Distinct addresses that change, for some client at least."""
        return len(self._changed)

    def count(self, compared: Compared, times: int) -> None:
        """So many more visits of which this came."""
        self.visits += times
        url, elsewhere, change = compared
        if not url:
            self.elsewhere += times * elsewhere
            self.unreadable += times * (not elsewhere)
            return
        number = hash(url)
        if len(self._urls) < MOST_ADDRESSES:
            self._urls.add(number)
        if change is None:
            return
        if len(self._changed) < MOST_ADDRESSES:
            self._changed.add(number)
        if change in self.changes or len(self.changes) < MOST_CHANGES:
            self.changes[change] += times
        else:
            self.unnamed += times

    @property
    def by_kind(self) -> Counter[str]:
        """Distinct addresses that change in each way; one that crawlers and people see change in two ways, twice."""
        return Counter(kind.value for kind, _ in {(change.kind, change.url) for change in self.changes})

    @property
    def by_portal(self) -> Counter[str]:
        """Distinct addresses of each portal that change."""
        return Counter(portal for portal, _ in {(change.portal, change.url) for change in self.changes})

    def as_json(self) -> dict[str, Any]:
        """For programs."""
        return {
            "visits": self.visits,
            "unreadable": self.unreadable,
            "elsewhere": self.elsewhere,
            "urls": self.urls,
            "changed": self.changed,
            "kinds": dict(self.by_kind.most_common()),
            "portals": dict(self.by_portal.most_common()),
            "changes": [_as_json(change, count) for change, count in self.changes.most_common(self.most)],
            "visits_not_named": self.unnamed,
        }

    def in_words(self) -> str:
        """For people: "312 of 41,006 distinct URLs change", and which."""
        lines = [f"{self.changed:,} of {self.urls:,} distinct URLs change ({_visits(self.visits)})"]
        lines += [f"  {count:>10,}  {kind}" for kind, count in self.by_kind.most_common()]
        if self.changes:
            lines += ["by portal", *(f"  {count:>10,}  {portal}" for portal, count in self.by_portal.most_common())]
            lines += ["most visited first"]
            lines += [f"  {count:>10,}  {change}" for change, count in self.changes.most_common(self.most)]
        if len(self.changes) > self.most:
            lines.append(f"  and {len(self.changes) - self.most:,} more: show them with --most")
        if self.unnamed:
            lines.append(f"  {self.unnamed:>10,}  visits that change as well, too many to name")
        if self.elsewhere:
            lines.append(f"{_visits(self.elsewhere)} to hosts that are no portal")
        if self.unreadable:
            lines.append(f"{_visits(self.unreadable)} cannot be decided again")
        return "\n".join(lines)


def _visits(count: int) -> str:
    return "1 visit" if count == 1 else f"{count:,} visits"


def _as_json(change: Change, count: int) -> dict[str, Any]:
    return {
        "url": change.url,
        "portal": change.portal,
        "kind": change.kind.value,
        "before": change.before._asdict(),
        "after": change.after._asdict(),
        "visits": count,
    }


def effect(
    before: Snapshot,
    after: Snapshot,
    requests: Iterable[bytes | str | tuple[str, int]],
    *,
    now: datetime,
    crawlers: Crawlers,
    host: str = "",
    most: int = 50,
) -> EffectReport:
    """Decide every request by both snapshots as if it came at `now` (aware).

    requests  octets of access logs, cut anywhere; or lines of them; or addresses with how often they were asked for
              ("host/path"): a hit whose values were not kept cannot be decided again, and is counted as unreadable
    host      stands in for logs that name none
    """
    report = EffectReport(most)

    def compared(logged: LoggedRequest | None) -> Compared:
        return compare(logged and visit_of(logged, host, crawlers), before, after, now)

    tally = Tally(crawlers, compared, report.count)
    for request in requests:
        if isinstance(request, bytes | str):
            tally.read(request)
        else:
            url, times = request
            report.count(compare(_visit_again(url, now, crawlers), before, after, now), times)
    tally.finish()
    return report


def _visit_again(url: str, now: datetime, crawlers: Crawlers) -> Visit | None:
    """The visit that was counted under an address; None where too little of it was kept."""
    _, _, query = url.partition("?")
    if HIDDEN in url or CUT in url or any(pair.endswith("=") for pair in query.split("&")):
        return None
    try:
        return visit_to(url, Question(now), suffixes=(), crawlers=crawlers)
    except BadHost:
        return None


def compare(visit: Visit | None, before: Snapshot, after: Snapshot, now: datetime) -> Compared:
    """Decide a visit by both; None: there is none."""
    if visit is None:
        return Compared("")
    ends, decisions = [], [decide(visit, snapshot, now) for snapshot in (before, after)]
    url, portal = "", ""
    for decision in decisions:
        if isinstance(decision, Decision):
            url, portal = decision.key_text, decision.portal.id
        ends.append(
            _end(decision) if isinstance(decision, Decision) else End(Action.REFUSE, "", lasting=False, rule="")
        )
    if not url:
        return Compared("", elsewhere=visit.host not in after.portals)
    old, new = ends
    if old[:3] == new[:3]:
        return Compared(url)
    return Compared(url, change=Change(url, portal, _kind(old, new), old, new))


def _end(decision: Decision) -> End:
    target = decision.way.target if decision.way else ""
    return End(decision.outcome.value, target, decision.permanent, decision.rule.id if decision.rule else "")


def _kind(old: End, new: End) -> Kind:
    if (old.outcome == Action.PASS) != (new.outcome == Action.PASS):
        return Kind.CLOSED if old.outcome == Action.PASS else Kind.OPENED
    if bool(old.rule) != bool(new.rule):
        return Kind.MAPPED if new.rule else Kind.LOST
    return Kind.MOVED if old.target != new.target else Kind.ANSWERED
