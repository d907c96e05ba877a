"""What one change wrote, and how to put back what was there before."""

from collections.abc import Callable, Iterable, Iterator
from itertools import groupby
from typing import Any

from sqlalchemy import CompoundSelect, Connection, exists, literal, select, union_all

from redirect_rules.objects import NEW, Kind, Put, Ref, Remove, State, Stored, Write
from redirect_rules.store import UnknownVersion
from redirect_rules.stores.tables import AUDIT, OBJECTS, REVISIONS, RULES
from redirect_rules.stores.writing import CHUNK, among


def number_of(connection: Connection, batch: str) -> int:
    """The number under which a batch was written.  Raises UnknownVersion."""
    number: int | None = connection.execute(select(AUDIT.c.number).where(AUDIT.c.batch == batch)).scalar_one_or_none()
    if number is None:
        raise UnknownVersion(f"there is no batch {batch!r}")
    return number


def changed_since(connection: Connection, number: int) -> tuple[Ref, ...]:
    """The objects of a change that are not as it left them."""
    older = REVISIONS.alias("older")
    there_now = [
        exists().where(RULES.c.scope == older.c.scope, RULES.c.id == older.c.id, older.c.kind == Kind.RULE.value),
        exists().where(OBJECTS.c.kind == older.c.kind, OBJECTS.c.scope == older.c.scope, OBJECTS.c.id == older.c.id),
        exists().where(
            REVISIONS.c.kind == older.c.kind,
            REVISIONS.c.scope == older.c.scope,
            REVISIONS.c.id == older.c.id,
            REVISIONS.c.change > number,
        ),
    ]
    # A revision with a body was superseded; a removal stands until something comes back under its name.
    changed = older.c.body.is_not(None) | there_now[0] | there_now[1] | there_now[2]
    asked = select(older.c.kind, older.c.scope, older.c.id).where(older.c.change == number, changed)
    rows = connection.execute(asked.order_by(older.c.kind, older.c.scope, older.c.id))
    return tuple(Ref(Kind(kind), scope, id_) for kind, scope, id_ in rows)


def undoing(connection: Connection, number: int, *, flush: Callable[[], None]) -> Iterator[list[Write]]:
    """The writes that put back what a change found, some thousand at a time.

    `flush` has to finish those that were handed out, before the database can be asked for the next.
    """
    count: int = connection.execute(select(AUDIT.c.count).where(AUDIT.c.number == number)).scalar_one()
    for first in range(0, count, CHUNK):
        removed = {
            Ref(Kind(row.kind), row.scope, row.id): row.removed
            for row in connection.execute(_standing(number, range(first, first + CHUNK)))
        }
        before = before_change(connection, removed, number)
        yield [_back(ref, before.get(ref), NEW if gone else number) for ref, gone in removed.items()]
        flush()


def _standing(number: int, positions: range) -> CompoundSelect[Any]:
    """Some of what a change wrote and nobody has changed since, removals too."""
    parts = [
        select(
            literal(Kind.RULE.value).label("kind") if table is RULES else table.c.kind,
            table.c.scope,
            table.c.id,
            table.c.position,
            literal(1 if table is REVISIONS else 0).label("removed"),
        ).where(
            table.c.change == number,
            table.c.position >= positions.start,
            table.c.position < positions.stop,
            *([table.c.body.is_(None)] if table is REVISIONS else []),
        )
        for table in (RULES, OBJECTS, REVISIONS)
    ]
    return union_all(*parts).order_by("position")


def before_change(connection: Connection, refs: Iterable[Ref], number: int) -> dict[Ref, Stored | None]:
    """How objects that changed then or later stood before a change; None: they had been removed."""
    found: dict[Ref, Stored | None] = {}
    for (kind, scope), group in groupby(sorted(refs), key=lambda ref: (ref.kind, ref.scope)):
        asked = select(REVISIONS).where(
            *among(connection, REVISIONS, kind, scope, [ref.id for ref in group]),
            REVISIONS.c.change < number,
        )
        for row in connection.execute(asked.order_by(REVISIONS.c.change)):
            ref = Ref(kind, scope, row.id)
            found[ref] = None if row.body is None else Stored(ref, row.change, State(row.state), row.body)
    return found


def _back(ref: Ref, before: Stored | None, seen_version: int) -> Write:
    return Remove(ref, seen_version) if before is None else Put(ref, before.body, seen_version, before.state)
