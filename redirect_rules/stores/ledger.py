"""The audit trail in the database: one writer at a time adds to it, anybody reads and checks it."""

import contextlib
import re
from collections.abc import Generator, Iterable, Iterator
from dataclasses import asdict, fields
from itertools import groupby
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    CursorResult,
    Select,
    func,
    insert,
    literal,
    or_,
    select,
    union_all,
    update,
)
from sqlalchemy.engine import RowMapping

from redirect_rules.audit import (
    Broken,
    Chained,
    ContentDigest,
    Entry,
    Found,
    Link,
    Search,
    canonical_json,
    chained,
    checked,
    utc_text,
)
from redirect_rules.objects import Change, Kind
from redirect_rules.store import BatchTaken, Progress
from redirect_rules.stores.database import Database
from redirect_rules.stores.tables import AUDIT, OBJECTS, REVISIONS, RULES, WORKSPACE

_FIELDS = tuple(field.name for field in fields(Entry))
_AT_ONCE = 2_000  # rows fetched together
_DISORDER = 200  # entries near an instant whose numbers may stand in another order than their instants
_PLAIN = re.compile(r"[ -~]+")
_LEAST_PART = 2
MOST_SEARCHED = 50_000
"""Entries that one search for a word looks through: a tenth of a second or two, and then somebody may go on."""


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

    def chain(self, *, after: int = 0, limit: int | None = None) -> Iterator[Chained]:
        """Entries with their places in the chain."""
        with (
            self._database.reading() as connection,
            contextlib.closing(_chain(connection, after=after, limit=limit)) as chain,
        ):
            yield from chain

    def of_batch(self, batch: str) -> Entry | None:
        """The entry under whose name something was written."""
        with self._database.reading() as connection:
            row = connection.execute(select(AUDIT).where(AUDIT.c.batch == batch)).mappings().first()
        return None if row is None else _chained(row).entry

    def search(self, wanted: Search, *, before: int | None = None, limit: int = 100) -> Found:
        """The entries that fit, the newest first; at most MOST_SEARCHED are looked through."""
        with self._database.reading() as connection:
            numbers, looked_to = _numbers(connection, wanted, before, limit)
            rows = connection.execute(select(AUDIT).where(AUDIT.c.number.in_(numbers))).mappings()
            entries = sorted((_chained(row).entry for row in rows), key=lambda entry: -entry.number)
        return Found(tuple(entries), looked_to)

    def head(self) -> Link:
        """Where the chain stands."""
        with self._database.reading() as connection:
            return _head(connection)

    def verify(
        self, *, known: Iterable[Link] = (), contents: bool = True, progress: Progress | None = None
    ) -> Broken | None:
        """The first entry that does not hold, or None."""
        with self._database.reading() as connection:
            links = (*known, _head(connection))
            with (
                contextlib.closing(_chain(connection)) as chain,
                contextlib.closing(_digests(connection)) as written,
            ):
                entries = checked(_told(chain, progress), known=links)
                return _first_difference(entries, written if contents else None)


def _chain(connection: Connection, *, after: int = 0, limit: int | None = None) -> Generator[Chained, None, None]:
    asked = select(AUDIT).where(AUDIT.c.number > after).order_by(AUDIT.c.number).limit(limit)
    with streamed(connection, asked) as rows:
        for row in rows.mappings():
            yield _chained(row)


def _chained(row: RowMapping) -> Chained:
    return Chained(Entry(**{name: row[name] for name in _FIELDS}), row["previous"], row["hash"])


def _told(chain: Iterable[Chained], progress: Progress | None) -> Iterator[Chained]:
    for one in chain:
        if progress is not None and one.entry.number % _AT_ONCE == 0:
            progress(one.entry.number)
        yield one


def _numbers(connection: Connection, wanted: Search, before: int | None, limit: int) -> tuple[list[int], int | None]:
    """The entries that fit, by number, and the one that the search has come down to where there may be more."""
    first, end = _bounds(connection, wanted)
    end = end if before is None else min(end, before)
    named = (AUDIT.c.actor, wanted.actor), (AUDIT.c.action, wanted.action)
    where = [column == value for column, value in named if value]
    where += _between(wanted)
    if not wanted.word:
        where += [AUDIT.c.number >= first, AUDIT.c.number < end]
        asked = select(AUDIT.c.number).where(*where).order_by(AUDIT.c.number.desc()).limit(limit + 1)
        found = [row[0] for row in connection.execute(asked)]
        return found[:limit], found[limit - 1] if len(found) > limit else None
    lowest = max(first, end - MOST_SEARCHED)
    said = AUDIT.c.action, AUDIT.c.subject, AUDIT.c.reason, AUDIT.c.batch
    where += [AUDIT.c.number >= lowest, AUDIT.c.number < end, *_may_say(said, wanted.word)]
    found = []
    with streamed(connection, select(AUDIT.c.number, *said).where(*where).order_by(AUDIT.c.number.desc())) as rows:
        for row in rows:
            if not wanted.says(*row[1:]):
                continue
            if len(found) == limit:
                return found, found[-1]
            found.append(row[0])
    return found, lowest if lowest > first else None


def _may_say(said: Iterable[ColumnElement[Any]], word: str) -> list[ColumnElement[bool]]:
    """What must be so where the word is said, as far as both databases see it alike: its longest part in plain letters.

    Vietnamese without case is nothing that SQLite knows.
    """
    part = max(_PLAIN.findall(word), key=len, default="")
    if len(part) < _LEAST_PART:
        return []
    return [or_(*(column.icontains(part, autoescape=True) for column in said))]


def _between(wanted: Search) -> Iterator[ColumnElement[bool]]:
    if wanted.since is not None:
        yield AUDIT.c.at >= utc_text(wanted.since)
    if wanted.until is not None:
        yield AUDIT.c.at < utc_text(wanted.until)


def _bounds(connection: Connection, wanted: Search) -> tuple[int, int]:
    """The first number that may lie between the instants, and the one behind the last.

    Numbers and instants go together but for the seconds that a writer waited, hence the furthest of some near the end.
    """
    at, number = AUDIT.c.at, AUDIT.c.number
    first, end = 1, _head(connection).number + 1
    if wanted.since is not None:
        near = select(number).where(at >= utc_text(wanted.since)).order_by(at).limit(_DISORDER).subquery()
        first = connection.execute(select(func.min(near.c.number))).scalar_one() or end
    if wanted.until is not None:
        near = select(number).where(at < utc_text(wanted.until)).order_by(at.desc()).limit(_DISORDER).subquery()
        last: int = connection.execute(select(func.max(near.c.number))).scalar_one() or 0
        end = last + 1
    return first, end


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
