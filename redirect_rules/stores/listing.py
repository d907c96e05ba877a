"""Pages of rules in a few milliseconds, whatever is asked for and however many there are.

What fits is known from the facets (see there) before a rule is read.  Where it is little, it is fetched and sorted;
where it is much, an index is walked that stands in the order of the page, beginning where the page before ended.  The
conditions that are left to be tried on the way stand in that index as well.
"""

import heapq
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby, islice
from typing import Any, Final, TypeAlias

from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    Connection,
    Row,
    Select,
    any_,
    func,
    literal,
    select,
    tuple_,
)

from redirect_rules.audit import utc_text
from redirect_rules.objects import Kind, Ref, State, Stored
from redirect_rules.rule_lists import Mark, Order, RuleFilter
from redirect_rules.stores.columns import columns_of, tag_text
from redirect_rules.stores.facets import Share, shares
from redirect_rules.stores.tables import REVISIONS, RULES
from redirect_rules.stores.writing import stored_many

FEW: Final = 4_000
"""Rules that are fetched and sorted sooner than walked to."""
MOST_HEADS: Final = 300
"""Facets whose first rules are merged into a page; of more, an index is walked."""

_SHOWN: Final = (RULES.c.scope, RULES.c.id, RULES.c.change, RULES.c.state, RULES.c.body)
_BY: Final[dict[Order, tuple[ColumnElement[Any], ...]]] = {
    Order.NAME: (RULES.c.scope, RULES.c.id),
    Order.CHANGED: (RULES.c.change, RULES.c.position),
    Order.ADDRESS: (RULES.c.scope, RULES.c.key, RULES.c.id),
    Order.END: (RULES.c.valid_until, RULES.c.scope, RULES.c.id),
}
_RowsIn: TypeAlias = Callable[[Share, tuple[Any, ...] | None, int], list[Stored]]
"""The rules of one scope, behind a place, so many."""
_BEHIND: Final = "\U0010ffff"  # no path goes on with it


def order_of(wanted: RuleFilter, order: Order) -> Order:
    """In which order a filter is really shown: addresses by address, what ends by its end."""
    if wanted.key is not None or wanted.key_prefix is not None:
        return Order.ADDRESS
    return Order.END if wanted.ends_before is not None else order


def find(
    connection: Connection, wanted: RuleFilter, *, after: Ref | Mark | None, limit: int, order: Order
) -> list[Stored]:
    """A page of the rules that fit, beginning after the last one of the page before."""
    order = order_of(wanted, order)
    place = None if after is None else _place(connection, after, order)
    if after is not None and place is None:
        return []  # nobody ever wrote it: there is nothing behind it
    found = shares(connection, wanted)
    listing = _Listing(connection, wanted, order, place, limit)
    return listing.walked() if found is None else listing.page(found)


def count(connection: Connection, wanted: RuleFilter, *, most: int | None = None) -> int:
    """How many rules fit; with `most`, a number above it only says that they are more."""
    found = shares(connection, wanted)
    order = order_of(wanted, Order.NAME)
    if found is not None and order is Order.NAME and not _leads_to_address(wanted):
        return sum(share.fitting for share in found)
    listing = _Listing(connection, wanted, order, None, 0)
    asked = select(literal(1)).select_from(RULES)
    conditions = listing.conditions() if found is None else listing.conditions_for_all(found)
    some = asked.where(*conditions).limit(None if most is None else most + 1).subquery()
    return connection.execute(select(func.count()).select_from(some)).scalar_one()


@dataclass(frozen=True, slots=True)
class _Listing:
    """One page being made."""

    connection: Connection
    wanted: RuleFilter
    order: Order
    place: tuple[Any, ...] | None  # the values of the order's columns where the page before ended
    limit: int

    def page(self, found: list[Share]) -> list[Stored]:
        """The rules, with what fits known by facet."""
        if sum(share.fitting for share in found) <= FEW:
            numbers = [number for share in found for number in share.facets]
            return self._few(numbers) if numbers else []
        match self.order:
            case Order.NAME:
                return self._scope_by_scope(found, self._named)
            case Order.ADDRESS:
                return self._scope_by_scope(found, self._addressed)
            case Order.CHANGED:
                return self._changed(found)
            case Order.END:
                return self._rows([*self._of(found), *self._left(), *self._behind()])

    def walked(self) -> list[Stored]:
        """The rules, where there are more facets than can be asked one by one."""
        return self._rows([*self.conditions(), *self._behind()])

    def conditions(self) -> list[ColumnElement[bool]]:
        """The whole filter on the columns of the rules."""
        wanted = self.wanted
        equal = {
            RULES.c.scope: wanted.scope,
            RULES.c.action: wanted.action,
            RULES.c.owner: wanted.owner,
            RULES.c.state: None if wanted.state is None else wanted.state.value,
            RULES.c.destination: wanted.destination,
        }
        found = [column == str(value) for column, value in equal.items() if value is not None]
        if wanted.tag is not None:
            found.append(RULES.c.tags.contains(tag_text(wanted.tag), autoescape=True))
        return [*found, *self._left()]

    def conditions_for_all(self, found: list[Share]) -> list[ColumnElement[bool]]:
        """The filter, with what fits known by facet."""
        if sum(share.fitting for share in found) <= FEW:
            return [self._among([number for share in found for number in share.facets]), *self._left()]
        # Without the scopes SQLite has no index for an address; with them it would leave that of the ends.
        if self.order is not Order.ADDRESS:
            return [*self._of(found), *self._left()]
        scopes = RULES.c.scope.in_([share.scope for share in found])
        return [scopes, *([] if all(share.is_all for share in found) else self._of(found)), *self._left()]

    # Order by order

    def _few(self, numbers: Sequence[int]) -> list[Stored]:
        """Fetched by their facets, then sorted: else PostgreSQL may walk the order of the page to find them."""
        columns = {"scope": RULES.c.scope, "id": RULES.c.id} | {column.name: column for column in _BY[self.order]}
        found = select(*columns.values()).where(self._among(numbers), *self._left(), *self._behind())
        few = found.cte("few").prefix_with("materialized")
        by = [few.c[column.name] for column in _BY[self.order]]
        by = [column.desc() for column in by] if self.order is Order.CHANGED else by
        rows = self._ran(select(few.c.scope, few.c.id).order_by(*by), self.limit)
        return self._in_order([Ref(Kind.RULE, row.scope, row.id) for row in rows])

    def _scope_by_scope(self, found: list[Share], rows_in: _RowsIn) -> list[Stored]:
        rows: list[Stored] = []
        for share in found:
            if self.place is not None and share.scope < self.place[0]:
                continue
            behind = self.place[1:] if self.place is not None and share.scope == self.place[0] else None
            rows += rows_in(share, behind, self.limit - len(rows))
            if len(rows) >= self.limit:
                break
        return rows

    def _named(self, share: Share, behind: tuple[Any, ...] | None, most: int) -> list[Stored]:
        """By id, in one scope."""
        after = [] if behind is None else [RULES.c.id > behind[0]]
        if share.is_all or len(share.facets) > MOST_HEADS or _leads_to_address(self.wanted):
            where = [RULES.c.scope == share.scope, *after, *self._left()]
            if not share.is_all:
                where.append(self._is_one_of(share.facets))
            return self._stored(select(*_SHOWN).where(*where).order_by(RULES.c.id), most)
        heads = [
            self._ran(select(RULES.c.id).where(RULES.c.facet == number, *after).order_by(RULES.c.id), most)
            for number in share.facets
        ]
        merged = heapq.merge(*heads, key=lambda row: row.id)
        return self._in_order([Ref(Kind.RULE, share.scope, row.id) for row in islice(merged, most)])

    def _addressed(self, share: Share, behind: tuple[Any, ...] | None, most: int) -> list[Stored]:
        """By address, in one scope."""
        where = [RULES.c.scope == share.scope, *self._left()]
        if behind is not None:
            where.append(tuple_(RULES.c.key, RULES.c.id) > tuple_(*map(literal, behind)))
        if not share.is_all:
            where.append(self._is_one_of(share.facets))
        return self._stored(select(*_SHOWN).where(*where).order_by(RULES.c.key, RULES.c.id), most)

    def _changed(self, found: list[Share]) -> list[Stored]:
        """What was changed last, first."""
        numbers = [number for share in found for number in share.facets]
        if self.wanted.narrows_facets and len(numbers) <= MOST_HEADS and not _leads_to_address(self.wanted):
            asked = select(RULES.c.change, RULES.c.position).order_by(*self._by())
            heads = [self._ran(asked.where(RULES.c.facet == number, *self._behind()), self.limit) for number in numbers]
            merged = heapq.merge(*heads, key=lambda row: (row.change, row.position), reverse=True)
            return self._at_places([(row.change, row.position) for row in islice(merged, self.limit)])
        return self._rows([*self._of(found), *self._left(), *self._behind()])

    def _at_places(self, places: list[tuple[int, int]]) -> list[Stored]:
        """The rules that changes wrote at some positions; few changes have most of them."""
        found: dict[tuple[int, int], Stored] = {}
        for change, group in groupby(places, key=lambda place: place[0]):
            positions = [position for _, position in group]
            where = RULES.c.change == change, self._listed(RULES.c.position, positions)
            asked = select(*_SHOWN, RULES.c.position).where(*where)
            found |= {(change, row.position): _stored(row) for row in self._ran(asked, len(positions))}
        return [found[place] for place in places]

    # What they are made of

    def _rows(self, where: Iterable[ColumnElement[bool]]) -> list[Stored]:
        return self._stored(select(*_SHOWN).where(*where).order_by(*self._by()), self.limit)

    def _stored(self, asked: Select[Any], most: int) -> list[Stored]:
        return [_stored(row) for row in self._ran(asked, most)]

    def _ran(self, asked: Select[Any], most: int) -> Sequence[Row[Any]]:
        return self.connection.execute(asked.limit(most)).all()

    def _by(self) -> list[ColumnElement[Any]]:
        columns = _BY[self.order]
        return [column.desc() for column in columns] if self.order is Order.CHANGED else [*columns]

    def _behind(self) -> list[ColumnElement[bool]]:
        if self.place is None:
            return []
        here, there = tuple_(*_BY[self.order]), tuple_(*map(literal, self.place))
        return [here < there if self.order is Order.CHANGED else here > there]

    def _left(self) -> list[ColumnElement[bool]]:
        """What no facet tells."""
        wanted, found = self.wanted, list[ColumnElement[bool]]()
        if wanted.key is not None:
            found.append(RULES.c.key == wanted.key)
        if wanted.key_prefix is not None:
            # A range, which an index answers; LIKE is no use to SQLite here.
            found += [RULES.c.key >= wanted.key_prefix, RULES.c.key < wanted.key_prefix + _BEHIND]
        if wanted.ends_before is not None:
            found.append(RULES.c.valid_until < utc_text(wanted.ends_before))
        if _leads_to_address(wanted):
            found.append(RULES.c.destination == wanted.destination)
        return found

    def _of(self, found: list[Share]) -> list[ColumnElement[bool]]:
        return [self._is_one_of(_numbers(found))] if self.wanted.narrows_facets else []

    def _is_one_of(self, numbers: Sequence[int]) -> ColumnElement[bool]:
        """The same, tried on each row of the index that is walked and never looked up itself: hence the sum."""
        return self._listed(RULES.c.facet + 0, numbers)

    def _among(self, numbers: Sequence[int]) -> ColumnElement[bool]:
        """Rules of some facets, by the index of them."""
        return self._listed(RULES.c.facet, numbers)

    def _listed(self, column: ColumnElement[Any], numbers: Sequence[int]) -> ColumnElement[bool]:
        if self.connection.dialect.name == "sqlite":
            listed = func.json_each(json.dumps(list(numbers))).table_valued("value")
            return column.in_(select(listed.c.value))
        return column == any_(literal(list(numbers), ARRAY(BigInteger())))

    def _in_order(self, refs: list[Ref]) -> list[Stored]:
        found = stored_many(self.connection, refs)
        return [found[ref] for ref in refs]


def _stored(row: Any) -> Stored:
    return Stored(Ref(Kind.RULE, row.scope, row.id), row.change, State(row.state), row.body)


def _numbers(found: Iterable[Share]) -> list[int]:
    return [number for share in found for number in share.facets]


def _leads_to_address(wanted: RuleFilter) -> bool:
    """Whether an address is looked for that is no destination's name: facets do not tell them apart."""
    return wanted.destination is not None and "://" in wanted.destination


def _place(connection: Connection, after: Ref | Mark, order: Order) -> tuple[Any, ...] | None:
    """Where a page ended, in the columns of its order; also when the rule was changed or removed since."""
    ref, version = after if isinstance(after, Mark) else (after, None)
    if order is Order.NAME:
        return (ref.scope, ref.id)
    where = [RULES.c.scope == ref.scope, RULES.c.id == ref.id]
    if version is not None:
        where.append(RULES.c.change == version)
    row = connection.execute(select(*_BY[order]).where(*where)).first()
    return tuple(row) if row is not None else _former_place(connection, ref, version, order)


def _former_place(connection: Connection, ref: Ref, version: int | None, order: Order) -> tuple[Any, ...] | None:
    where = [
        REVISIONS.c.kind == Kind.RULE.value,
        REVISIONS.c.scope == ref.scope,
        REVISIONS.c.id == ref.id,
        REVISIONS.c.body.is_not(None),
    ]
    if version is not None:
        where.append(REVISIONS.c.change == version)
    asked = select(REVISIONS.c.change, REVISIONS.c.position, REVISIONS.c.body).where(*where)
    row = connection.execute(asked.order_by(REVISIONS.c.change.desc()).limit(1)).first()
    if row is None:
        return None
    if order is Order.CHANGED:
        return (row.change, row.position)
    _, key, *_, valid_until = columns_of(Stored(ref, row.change, State.ON, row.body).body)
    place = (ref.scope, key, ref.id) if order is Order.ADDRESS else (valid_until, ref.scope, ref.id)
    return None if None in place else place
