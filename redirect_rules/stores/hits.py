"""Hits in the database: counts by day × portal × page × outcome × client × rule, and what can be asked of them.

Any number of processes on any number of nodes add to the same rows.  What is asked reads every row of the days asked
about: seconds for some millions, which is for people and never for a visit.  What is asked of rules alone reads their
daily sums, which are kept beside, and takes milliseconds.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import dropwhile
from typing import Any, Final, NamedTuple, Self

from sqlalchemy import ColumnElement, Executable, Row, Table, case, delete, func, select

from redirect_rules.hits import NO_PAGES, OTHER, READERS, SHADOW, Choice, Hit, target_of
from redirect_rules.model import Action, ClientClass
from redirect_rules.stores.database import Database
from redirect_rules.stores.hit_sums import additions
from redirect_rules.stores.tables import HITS, RULE_VISITS

_AT_ONCE: Final = 5_000  # rows of an answer that are held in memory

_OF_RULE = func.sum(RULE_VISITS.c.visits).label("visits")
_VISITS = func.sum(HITS.c.visits).label("visits")
# As `Hit.is_page`: coverage is about people and programs that open pages, on pages that are closed.
_READ = HITS.c.client.in_(sorted(READERS))
_PAGES = _READ & HITS.c.outcome.not_in(sorted(NO_PAGES))
_AHEAD = _READ & (HITS.c.outcome == SHADOW)
_MAPPED = HITS.c.rule != ""
_OF_MAPPED = func.sum(case((_MAPPED, HITS.c.visits), else_=0)).label("mapped")
_NAMED = HITS.c.key != OTHER
_CHOSEN = HITS.c.outcome.in_(sorted(Choice))
_NOTICES = (HITS.c.client == ClientClass.NAVIGATION.value) & HITS.c.outcome.in_([Action.NOTICE.value, Action.ASK.value])
_OF_NOTICES = func.sum(case((_NOTICES, HITS.c.visits), else_=0)).label("notices")
_OF_CHOICES = [func.sum(case((HITS.c.outcome == one, HITS.c.visits), else_=0)).label(one) for one in Choice]


@dataclass(frozen=True, slots=True)
class Span:
    """Which hits are asked about: whole days, of one portal or of all."""

    first: date
    last: date  # included
    portal: str = ""  # "": all

    @classmethod
    def until(cls, last: date, days: int, portal: str = "") -> Self:
        """So many days, of which `last` is the last one."""
        return cls(last - timedelta(days=days - 1), last, portal)


class Coverage(NamedTuple):
    """Visits to the closed pages of a portal on a day, and those among them that a rule knows."""

    day: date
    portal: str
    pages: int
    mapped: int


class Answered(NamedTuple):
    """How often a client class got an outcome on a day."""

    day: date
    outcome: str
    client: str
    visits: int


class Chosen(NamedTuple):
    """Notices that browsers were shown on a day, and what their pages said became of the countdown.

    Of a notice one thing at most is told, by a browser that runs scripts and reaches us.  A page that was opened
    before midnight may tell it after, and whoever likes may tell what was never so.
    """

    day: date
    notices: int
    stopped: int
    went: int
    carried: int

    @classmethod
    def of(cls, days: Sequence[Self]) -> Self:
        """Several days in one; it has the date of the first.  Raises IndexError where there are none."""
        return cls(
            days[0].day,
            sum(one.notices for one in days),
            sum(one.stopped for one in days),
            sum(one.went for one in days),
            sum(one.carried for one in days),
        )

    @property
    def told(self) -> int:
        """Notices of which something is known."""
        return self.stopped + self.went + self.carried

    @property
    def whole(self) -> int:
        """What shares are of: the notices, and never less than was told of."""
        return max(self.notices, self.told)

    @property
    def unknown(self) -> int:
        """Notices that were left in another way, or of which nobody could tell."""
        return self.whole - self.told


class Page(NamedTuple):
    """A page that was asked for."""

    portal: str
    key: str
    visits: int


class RuleHits(NamedTuple):
    """A rule and its hits."""

    rule: str
    visits: int


class Recorded(NamedTuple):
    """Equal visits, and whether they can be decided again."""

    portal: str
    key: str
    target: str | None  # None: something of it was left out for privacy, so that nobody can decide it again
    outcome: str
    client: str
    rule: str
    visits: int


class HitStore:
    """Adds hits and answers questions about them.  Raises StoreBusy, or what the database raises."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._mark = "?" if database.is_sqlite else "%s"

    @classmethod
    def open(cls, url: str, *, wait_seconds: float = 5.0) -> Self:
        """Open `sqlite:///FILE` or `postgresql://…`; waits that long for another writer.  Raises StoreTooNew."""
        return cls(Database(url, wait_seconds=wait_seconds))

    def close(self) -> None:
        """Close every connection."""
        self._database.close()

    def add(self, day: date, counts: Mapping[Hit, int]) -> None:
        """Add counts to those of a day, all or nothing."""
        with self._database.writing() as connection:
            for statement, values in additions(day, counts, self._mark):
                connection.exec_driver_sql(statement, values)

    def forget(self, before: date) -> int:
        """Remove the hits of earlier days; how many rows they were."""
        with self._database.writing() as connection:
            connection.execute(delete(RULE_VISITS).where(RULE_VISITS.c.day < before.isoformat()))
            return connection.execute(delete(HITS).where(HITS.c.day < before.isoformat())).rowcount

    def coverage(self, span: Span, *, ahead: bool = False) -> list[Coverage]:
        """By day and portal; `ahead`: of pages that still pass, as they will be when they are closed."""
        pages = _AHEAD if ahead else _PAGES
        asked = select(HITS.c.day, HITS.c.portal, _VISITS, _OF_MAPPED).where(*_within(span), pages)
        by = (HITS.c.day, HITS.c.portal)
        rows = self._rows(asked.group_by(*by).order_by(*by))
        return [Coverage(date.fromisoformat(row.day), row.portal, int(row.visits), int(row.mapped)) for row in rows]

    def answered(self, span: Span) -> list[Answered]:
        """Every visit, page or not, by day, outcome and client class."""
        by = (HITS.c.day, HITS.c.outcome, HITS.c.client)
        rows = self._rows(select(*by, _VISITS).where(*_within(span), ~_CHOSEN).group_by(*by).order_by(*by))
        return [Answered(date.fromisoformat(row.day), row.outcome, row.client, int(row.visits)) for row in rows]

    def chosen(self, span: Span) -> list[Chosen]:
        """What became of the notices that browsers were shown, by day, from the first day on which anything was told.

        Before it nobody asked: those notices must not count as left in another way.
        """
        asked = select(HITS.c.day, _OF_NOTICES, *_OF_CHOICES).where(*_within(span), _NOTICES | _CHOSEN)
        rows = self._rows(asked.group_by(HITS.c.day).order_by(HITS.c.day))
        days = (
            Chosen(date.fromisoformat(row.day), int(row.notices), int(row.stopped), int(row.went), int(row.carried))
            for row in rows
        )
        return list(dropwhile(lambda one: not one.told, days))

    def pages(self, span: Span, *, mapped: bool, most: int | None = None, ahead: bool = False) -> Iterator[Page]:
        """Closed pages that a rule knew, or that none knew, the most visited first; `ahead` as for `coverage`."""
        asked = select(HITS.c.portal, HITS.c.key, _VISITS)
        asked = asked.where(*_within(span), _AHEAD if ahead else _PAGES, _MAPPED if mapped else ~_MAPPED, _NAMED)
        by = (HITS.c.portal, HITS.c.key)
        for row in self._rows(asked.group_by(*by).order_by(_VISITS.desc(), *by).limit(most)):
            yield Page(row.portal, row.key, int(row.visits))

    def unnamed(self, span: Span) -> tuple[int, int]:
        """Visits to closed pages that were counted without their names: known to a rule, and not."""
        asked = select(_VISITS, _OF_MAPPED).where(*_within(span), _PAGES, ~_NAMED)
        (row,) = self._rows(asked)
        mapped = int(row.mapped or 0)
        return mapped, int(row.visits or 0) - mapped

    def rules(self, span: Span, *, most: int | None = None) -> Iterator[RuleHits]:
        """Rules that were hit, the most often first; whatever the client and the outcome."""
        rule = RULE_VISITS.c.rule
        asked = select(rule, _OF_RULE).where(*_within(span, RULE_VISITS)).group_by(rule)
        for row in self._rows(asked.order_by(_OF_RULE.desc(), rule).limit(most)):
            yield RuleHits(row.rule, int(row.visits))

    def visits_of(self, span: Span, rules: Iterable[str]) -> dict[str, int]:
        """How often each of some rules was hit; those that nobody needed are left out."""
        rule = RULE_VISITS.c.rule
        asked = select(rule, _OF_RULE).where(*_within(span, RULE_VISITS), rule.in_([*rules])).group_by(rule)
        return {row.rule: int(row.visits) for row in self._rows(asked)}

    def never_hit(self, span: Span, rules: Iterable[str]) -> Iterator[str]:
        """Those of the rules, by their ids and in their order, that nobody needed.

        Where `OTHER` is among `rules(span)`, hits of some of them may have had no room for their names.
        """
        hit = {found.rule for found in self.rules(span)}
        return (rule for rule in rules if rule not in hit)

    def recorded(self, span: Span) -> Iterator[Recorded]:
        """What was counted, days joined, in order of portal and key: to say what other rules would make of it."""
        by = (HITS.c.portal, HITS.c.key, HITS.c.outcome, HITS.c.client, HITS.c.rule)
        asked = select(*by, _VISITS).where(*_within(span), _NAMED, ~_CHOSEN).group_by(*by).order_by(*by)
        for row in self._rows(asked):
            yield Recorded(row.portal, row.key, target_of(row.key), row.outcome, row.client, row.rule, int(row.visits))

    def _rows(self, asked: Executable) -> Iterator[Row[Any]]:
        with self._database.reading() as connection:
            yield from connection.execution_options(yield_per=_AT_ONCE).execute(asked)


def _within(span: Span, table: Table = HITS) -> list[ColumnElement[bool]]:
    found = [table.c.day >= span.first.isoformat(), table.c.day <= span.last.isoformat()]
    return [*found, table.c.portal == span.portal] if span.portal else found
