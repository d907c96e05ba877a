"""The audit trail in the database: one writer at a time adds to it, anybody reads and checks it."""

import contextlib
from collections.abc import Generator, Iterable, Iterator
from dataclasses import asdict, fields
from itertools import groupby
from typing import Any

from sqlalchemy import Connection, CursorResult, Select, insert, literal, select, union_all, update
from sqlalchemy.engine import RowMapping

from redirect_rules.audit import (
    Broken,
    Chained,
    ContentDigest,
    Entry,
    Link,
    canonical_json,
    chained,
    checked,
    utc_text,
)
from redirect_rules.store import BatchTaken, Change, Kind
from redirect_rules.stores.database import Database
from redirect_rules.stores.tables import AUDIT, OBJECTS, REVISIONS, RULES, WORKSPACE

_FIELDS = tuple(field.name for field in fields(Entry))
_AT_ONCE = 2_000  # rows fetched together


class Ledger:
    """The end of the trail, held by one write transaction from its first statement on."""

    def __init__(self, connection: Connection, change: Change) -> None:
        self._connection = connection
        self._change = change
        row = connection.execute(select(WORKSPACE).with_for_update()).one()
        self._last = Link(row.audit_number, row.audit_hash)
        self.revision: int = row.revision
        if change.batch is not None and self._is_taken(change.batch):
            raise BatchTaken(f"there is a batch {change.batch!r} already: choose another name")

    @property
    def number(self) -> int:
        """The number of the entry to come: the version of everything written under it."""
        return self._last.number + 1

    def close(
        self, action: str, subject: str, *, digest: ContentDigest | None = None, draft: bool = False, **detail: Any
    ) -> None:
        """Write the one entry of this transaction."""
        entry = Entry(
            number=self.number,
            at=utc_text(self._change.at),
            actor=self._change.actor,
            action=action,
            subject=subject,
            reason=self._change.reason,
            batch=self._change.batch,
            count=digest.count if digest else 0,
            draft=int(draft),
            detail=canonical_json(detail),
            digest=digest.text() if digest else "",
        )
        one = chained(entry, self._last)
        self._connection.execute(insert(AUDIT), asdict(entry) | {"previous": one.previous, "hash": one.hash})
        self.revision = entry.number if draft else self.revision
        self._last = one.link
        self._connection.execute(
            update(WORKSPACE).values(audit_number=entry.number, audit_hash=one.hash, revision=self.revision)
        )

    def _is_taken(self, batch: str) -> bool:
        return self._connection.execute(select(AUDIT.c.number).where(AUDIT.c.batch == batch)).first() is not None


class SqlTrail:
    """Keeps the promises of `Trail`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def entries(self, *, after: int = 0, limit: int | None = None) -> Iterator[Entry]:
        """Entries in their order."""
        with (
            self._database.reading() as connection,
            contextlib.closing(_chain(connection, after=after, limit=limit)) as chain,
        ):
            for one in chain:
                yield one.entry

    def head(self) -> Link:
        """Where the chain stands."""
        with self._database.reading() as connection:
            return _head(connection)

    def verify(self, *, known: Iterable[Link] = (), contents: bool = True) -> Broken | None:
        """The first entry that does not hold, or None."""
        with self._database.reading() as connection:
            links = (*known, _head(connection))
            with (
                contextlib.closing(_chain(connection)) as chain,
                contextlib.closing(_digests(connection)) as written,
            ):
                entries = checked(chain, known=links)
                return _first_difference(entries, written if contents else None)


def _chain(connection: Connection, *, after: int = 0, limit: int | None = None) -> Generator[Chained, None, None]:
    asked = select(AUDIT).where(AUDIT.c.number > after).order_by(AUDIT.c.number).limit(limit)
    with streamed(connection, asked) as rows:
        for row in rows.mappings():
            yield _chained(row)


def _chained(row: RowMapping) -> Chained:
    return Chained(Entry(**{name: row[name] for name in _FIELDS}), row["previous"], row["hash"])


def _head(connection: Connection) -> Link:
    row = connection.execute(select(WORKSPACE.c.audit_number, WORKSPACE.c.audit_hash)).one()
    return Link(row.audit_number, row.audit_hash)


def _digests(connection: Connection) -> Generator[tuple[int, ContentDigest], None, None]:
    """What every change wrote, from all revisions that are kept, in the order of the changes."""
    parts: list[Select[Any]] = [
        select(
            table.c.change,
            table.c.position,
            literal(Kind.RULE.value).label("kind") if table is RULES else table.c.kind,
            table.c.scope,
            table.c.id,
            table.c.state,
            table.c.body,
        )
        for table in (RULES, OBJECTS, REVISIONS)
    ]
    with streamed(connection, union_all(*parts).order_by("change", "position")) as rows:
        for number, group in groupby(rows, key=lambda row: row.change):
            digest = ContentDigest()
            for row in group:
                digest.add(row.kind, row.scope, row.id, row.state, row.body)
            yield number, digest


def _first_difference(
    entries: Iterator[Entry | Broken], written: Iterator[tuple[int, ContentDigest]] | None
) -> Broken | None:
    """The first entry that does not hold, or whose objects are not what it wrote; `written` None: do not compare."""
    following = next(written, None) if written else None
    for found in entries:
        if isinstance(found, Broken):
            return found
        if written is None:
            continue
        if following is not None and following[0] < found.number:
            return Broken(following[0], "objects claim to be written by it, and it did not write them")
        if following is not None and following[0] == found.number:
            digest, following = following[1], next(written, None)
            if (digest.text(), digest.count) != (found.digest, found.count):
                return Broken(found.number, "what it wrote was changed afterwards")
        elif found.count:
            return Broken(found.number, "what it wrote is gone")
    return None if following is None else Broken(following[0], "objects claim to be written by it, and it is missing")


def streamed(connection: Connection, asked: Any) -> CursorResult[Any]:
    """Run a query whose rows arrive by and by, in constant memory.  The result must be closed."""
    return connection.execute(asked.execution_options(stream_results=True, yield_per=_AT_ONCE))
