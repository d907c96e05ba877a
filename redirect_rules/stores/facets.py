"""What rules have in common, each combination once with its count: a filter asks some hundred rows, not a million.

A facet is what a rule can be filtered by, apart from its address and its end: scope, state, action, first destination,
owner and tags.  Every rule bears the number of its facet; an index over (facet, id) then answers any of those filters,
and the counts are exact.  Only `writing` changes rules, so only there are facets kept.
"""

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby, islice
from typing import Any, Final, NamedTuple, TypeAlias

from sqlalchemy import ColumnElement, Connection, bindparam, delete, select, update
from sqlalchemy.dialects import postgresql, sqlite

from redirect_rules.rule_lists import RuleFilter
from redirect_rules.stores.columns import Columns, tag_text
from redirect_rules.stores.tables import FACETS

ADDRESS: Final = "https:"
"""Stands for every address of its own that a rule leads to: an import brings a million different ones."""

MOST_FACETS: Final = 5_000
"""Facets that a filter may fit; beyond, every rule seems to have an owner or a tag of its own, and rules are walked."""

_AT_ONCE: Final = 500

Facet: TypeAlias = tuple[str, str, str, str, str, str]
"""scope, state, action, destination, owner, tags ("\\ta\\tb\\t")."""


def facet_of(scope: str, state: str, columns: Columns | Sequence[Any]) -> Facet:
    """The facet of a rule, from what it is searched by."""
    destination = columns[3]
    return (scope, state, columns[2], ADDRESS if "://" in destination else destination, columns[4], columns[5])


def digest_of(facet: Facet) -> str:
    """SHA-256 of a facet, in small hexadecimal letters."""
    return hashlib.sha256("\x1f".join(facet).encode()).hexdigest()


@dataclass(slots=True)
class FacetCounts:
    """Counts rules in and out, for one transaction."""

    _connection: Connection
    _numbers: dict[Facet, int] = field(default_factory=dict)
    _changes: Counter[int] = field(default_factory=Counter)

    def unknown(self, facets: Iterable[Facet]) -> list[Facet]:
        """Those that have to be learnt before rules of them can be written."""
        numbers = self._numbers
        return [*{facet: None for facet in facets if facet not in numbers}]

    def learn(self, facets: Sequence[Facet]) -> None:
        """Ask for their numbers, and give one to each that is new."""
        inserted = sqlite.insert(FACETS) if self._connection.dialect.name == "sqlite" else postgresql.insert(FACETS)
        names = [column.name for column in _NAMED]
        rest = iter(facets)
        while some := list(islice(rest, _AT_ONCE)):
            rows = [dict(zip(names, facet, strict=True)) | {"digest": digest_of(facet), "count": 0} for facet in some]
            # A conflict has to be an update, or the number would not come back.
            kept = inserted.values(rows).on_conflict_do_update(
                index_elements=[FACETS.c.digest], set_={"count": FACETS.c.count}
            )
            for number, *facet in self._connection.execute(kept.returning(FACETS.c.id, *_NAMED)):
                self._numbers[tuple(facet)] = number

    def come(self, facets: Iterable[Facet]) -> list[int]:
        """The numbers of rules that are written; all of them are known."""
        found = [*map(self._numbers.__getitem__, facets)]
        self._changes.update(found)
        return found

    def gone(self, counts: Mapping[int, int]) -> None:
        """So many rules of each number are no longer there."""
        self._changes.subtract(counts)

    def close(self) -> None:
        """Write the counts down."""
        changed = [{"number": number, "change": change} for number, change in self._changes.items() if change]
        if changed:
            counted = update(FACETS).where(FACETS.c.id == bindparam("number"))
            self._connection.execute(counted.values(count=FACETS.c.count + bindparam("change")), changed)
        touched = [*self._changes]
        for first in range(0, len(touched), _AT_ONCE):
            among = FACETS.c.id.in_(touched[first : first + _AT_ONCE])
            self._connection.execute(delete(FACETS).where(among, FACETS.c.count == 0))
        self._changes.clear()


_NAMED: Final = (
    FACETS.c.scope,
    FACETS.c.state,
    FACETS.c.action,
    FACETS.c.destination,
    FACETS.c.owner,
    FACETS.c.tags,
)


class Share(NamedTuple):
    """What fits a filter in one scope."""

    scope: str
    facets: tuple[int, ...]  # those that fit
    fitting: int  # rules of them
    whole: int  # rules of the scope

    @property
    def is_all(self) -> bool:
        """Whether every rule of the scope fits."""
        return self.fitting == self.whole


def shares(connection: Connection, wanted: RuleFilter) -> list[Share] | None:
    """What fits, by scope; None: it is more than MOST_FACETS."""
    asked = select(FACETS.c.scope, FACETS.c.id, FACETS.c.count, *_fits(wanted))
    if wanted.scope is not None:
        asked = asked.where(FACETS.c.scope == wanted.scope)
    rows = connection.execute(asked.order_by(FACETS.c.scope, FACETS.c.id).limit(MOST_FACETS + 1)).all()
    if len(rows) > MOST_FACETS:
        return None
    found = []
    for scope, group in groupby(rows, key=lambda row: row[0]):
        of_scope = list(group)
        fitting = [row for row in of_scope if all(row[3:])]
        if fitting:
            numbers, counts = tuple(row[1] for row in fitting), sum(row[2] for row in fitting)
            found.append(Share(scope, numbers, counts, sum(row[2] for row in of_scope)))
    return found


def _fits(wanted: RuleFilter) -> list[ColumnElement[bool]]:
    """Conditions, each a column of the answer: the rows that do not fit are needed to know the whole."""
    destination = wanted.destination
    equal = {
        FACETS.c.action: wanted.action,
        FACETS.c.destination: ADDRESS if destination is not None and "://" in destination else destination,
        FACETS.c.owner: wanted.owner,
        FACETS.c.state: None if wanted.state is None else wanted.state.value,
    }
    found = [column == str(value) for column, value in equal.items() if value is not None]
    if wanted.tag is not None:
        found.append(FACETS.c.tags.contains(tag_text(wanted.tag), autoescape=True))
    return found
