"""Looking at one state of the workspace."""

import contextlib
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any, Self

from sqlalchemy import Connection, case, literal, select, union

from redirect_rules.objects import Kind, Ref, Revision, State, Stored
from redirect_rules.rule_lists import Mark, Order, RuleFilter
from redirect_rules.stores import listing
from redirect_rules.stores.batches import before_change, number_of
from redirect_rules.stores.ledger import streamed
from redirect_rules.stores.tables import AUDIT, OBJECTS, REVISIONS, RULES, WORKSPACE
from redirect_rules.stores.writing import CHUNK, chunks, stored, stored_many, table_of

_STATES = {state.value: state for state in State}
_RULE_COLUMNS = (RULES.c.scope, RULES.c.id, RULES.c.change, RULES.c.state, RULES.c.body)


class SqlReading:
    """Keeps the promises of `Reading`, inside a transaction that `database` has begun."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._stack = contextlib.ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @property
    def revision(self) -> int:
        """The number of the last change of the draft."""
        number: int = self._connection.execute(select(WORKSPACE.c.revision)).scalar_one()
        return number

    def get(self, ref: Ref) -> Stored | None:
        """The object as it stands, or None."""
        return stored(self._connection, ref)

    def many(self, refs: Iterable[Ref]) -> dict[Ref, Stored]:
        """Those of the objects that exist."""
        return stored_many(self._connection, refs)

    def at_paths(self, scope: str, paths: Iterable[str]) -> Iterator[Stored]:
        """The rules of a scope whose first exact address has one of these canonical paths, in small letters."""
        for chunk in chunks(paths, CHUNK):
            asked = select(*_RULE_COLUMNS).where(RULES.c.key.in_(chunk), RULES.c.scope == scope)
            yield from _objects(self._connection.execute(asked), Kind.RULE)

    def objects(self, kind: Kind) -> Iterator[Stored]:
        """All objects of a kind, by scope and id."""
        if kind is Kind.RULE:
            yield from self.rules(off_too=True)
            return
        columns = (OBJECTS.c.scope, OBJECTS.c.id, OBJECTS.c.change, OBJECTS.c.state, OBJECTS.c.body)
        asked = select(*columns).where(OBJECTS.c.kind == kind.value).order_by(OBJECTS.c.scope, OBJECTS.c.id)
        yield from _objects(self._streamed(asked), kind)

    def rules(self, scope: str | None = None, *, off_too: bool = False) -> Iterator[Stored]:
        """All rules that are on, by scope and id, in constant memory."""
        where = [] if scope is None else [RULES.c.scope == scope]
        where += [] if off_too else [RULES.c.state == State.ON.value]
        asked = select(*_RULE_COLUMNS).where(*where).order_by(RULES.c.scope, RULES.c.id)
        yield from _objects(self._streamed(asked), Kind.RULE)

    def find(
        self, wanted: RuleFilter, *, after: Ref | Mark | None = None, limit: int = 100, order: Order = Order.NAME
    ) -> list[Stored]:
        """A page of the rules that fit."""
        return listing.find(self._connection, wanted, after=after, limit=limit, order=order)

    def count(self, wanted: RuleFilter, *, most: int | None = None) -> int:
        """How many rules fit; with `most`, a number above it only says that they are more."""
        return listing.count(self._connection, wanted, most=most)

    def history(self, ref: Ref) -> list[Revision]:
        """Every revision, the first one first."""
        table = table_of(ref.kind)
        return sorted((*self._revisions(table, ref), *self._revisions(REVISIONS, ref)), key=lambda one: one.version)

    def changed_since(self, revision: int, *, most: int) -> frozenset[Ref] | None:
        """Everything that was written or removed after a revision; None: it is more than `most`."""
        parts = [
            select(
                literal(Kind.RULE.value).label("kind") if table is RULES else table.c.kind, table.c.scope, table.c.id
            ).where(table.c.change > revision)
            for table in (RULES, OBJECTS, REVISIONS)
        ]
        rows = self._connection.execute(union(*parts).limit(most + 1)).all()
        if len(rows) > most:
            return None
        return frozenset(Ref(Kind(kind), scope, id_) for kind, scope, id_ in rows)

    def scopes_of(self, batch: str) -> frozenset[Ref]:
        """Where a batch wrote: of rules and lookups the scopes alone, of other kinds the objects themselves."""
        number = number_of(self._connection, batch)
        scoped = (Kind.RULE.value, Kind.LOOKUP.value)
        of_rules = select(literal(Kind.RULE.value).label("kind"), RULES.c.scope, literal("").label("id"))
        of_others = [
            select(table.c.kind, table.c.scope, case((table.c.kind.in_(scoped), ""), else_=table.c.id).label("id"))
            for table in (OBJECTS, REVISIONS)
        ]
        parts = [
            asked.where(table.c.change == number).distinct()
            for asked, table in zip((of_rules, *of_others), (RULES, OBJECTS, REVISIONS), strict=True)
        ]
        rows = self._connection.execute(union(*parts)).all()
        return frozenset(Ref(Kind(kind), scope, id_) for kind, scope, id_ in rows)

    def as_of(self, refs: Iterable[Ref], revision: int) -> dict[Ref, Stored]:
        """Those of the objects that existed at a revision, as they stood then."""
        asked = set(refs)
        found = {ref: one for ref, one in self.many(asked).items() if one.version <= revision}
        for chunk in chunks(asked - found.keys(), CHUNK):
            before = before_change(self._connection, chunk, revision + 1)
            found |= {ref: one for ref, one in before.items() if one is not None}
        return found

    def _streamed(self, asked: Any) -> Iterable[Any]:
        """Rows that arrive by and by; who stops half-way leaves them to the end of the reading."""
        return self._stack.enter_context(streamed(self._connection, asked))

    def _revisions(self, table: Any, ref: Ref) -> Iterator[Revision]:
        where = [table.c.scope == ref.scope, table.c.id == ref.id]
        if table is not RULES:
            where.append(table.c.kind == ref.kind.value)
        asked = (
            select(
                table.c.change, table.c.state, table.c.body, AUDIT.c.actor, AUDIT.c.reason, AUDIT.c.at, AUDIT.c.batch
            )
            .join(AUDIT, AUDIT.c.number == table.c.change)
            .where(*where)
        )
        for row in self._connection.execute(asked):
            state = _STATES[row.state]
            body = None if row.body is None else Stored(ref, row.change, state, row.body).body
            at = datetime.fromisoformat(row.at)
            yield Revision(ref, row.change, row.actor, row.reason, at, row.batch, state, body)


def _objects(rows: Iterable[Any], kind: Kind) -> Iterator[Stored]:
    for scope, id_, change, state, body in rows:
        yield Stored(Ref(kind, scope, id_), change, _STATES[state], body)
