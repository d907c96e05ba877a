"""Writing objects inside one transaction: compare versions, keep what was there, put what comes.

A chunk of a few thousand objects at a time, so that a batch of millions needs no memory; rows go to SQLite by one
prepared statement and to PostgreSQL by COPY.
"""

import contextlib
import json
import re
from collections.abc import Iterable, Iterator
from itertools import groupby, islice
from types import TracebackType
from typing import Self, TypeVar

from sqlalchemy import ARRAY, ColumnElement, Connection, Table, Text, any_, delete, func, insert, literal, select

from redirect_rules.audit import ContentDigest, canonical_json
from redirect_rules.garbage import uncollected
from redirect_rules.objects import NEW, Kind, Put, PutText, Ref, Remove, State, Stored, Write
from redirect_rules.store import BadObject, ObjectChanged, Progress, TwiceInBatch
from redirect_rules.stores.columns import columns_of
from redirect_rules.stores.facets import Facet, FacetCounts, facet_of
from redirect_rules.stores.list_indexes import ListIndexes
from redirect_rules.stores.rows import Duplicate, Row, Rows
from redirect_rules.stores.tables import OBJECTS, REVISIONS, RULES

Item = TypeVar("Item")

_UNCONFIRMED = 10_000
CHUNK = 1_000  # objects; larger ones keep the garbage collector busy

_NAME = re.compile(r"[^\x00-\x20\x7f](?:[^\x00-\x1f\x7f]{0,198}[^\x00-\x20\x7f])?\Z")
_SCOPE = re.compile(r"(?:portal|family):[a-z0-9][a-z0-9-]*\Z")


class Taken(Exception):
    """Some object of the chunk that should be new is there already; the transaction is lost."""

    def __init__(self, refs: tuple[Ref, ...]) -> None:
        super().__init__()
        self.refs = refs


class Writer:
    """Writes objects under one number and remembers what it wrote: `with Writer(…) as writer: writer.write(…)`."""

    def __init__(self, connection: Connection, number: int, *, progress: Progress | None = None) -> None:
        self.digest = ContentDigest()
        self.draft = False
        self._connection = connection
        self._number = number
        self._progress = progress
        self._removed: set[Ref] = set()
        self._rows = Rows(connection)
        self._facets = FacetCounts(connection)
        self._indexes = ListIndexes(connection)
        self._unconfirmed: list[Ref] = []  # should be new, and the database has not said yet that they are
        self._scopes: set[str] = set()  # of rules, found to be such as the store can keep

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._taken_told():
            self._rows.__exit__(kind, error, trace)
        if error is None:
            self._facets.close()
            self._indexes.close()

    def write(self, writes: Iterable[Write]) -> None:
        """Write them all.  Raises ObjectChanged, TwiceInBatch, BadObject, Taken."""
        rest = iter(writes)
        while self._write_some(rest):
            if self._progress is not None:
                self._progress(self.digest.count)

    def _write_some(self, rest: Iterator[Write]) -> bool:
        with uncollected(), self._taken_told():
            chunk = tuple(islice(rest, CHUNK))
            if chunk:
                self._write_chunk(chunk)
                self._indexes.written(self.digest.count)
            return bool(chunk)

    @contextlib.contextmanager
    def _taken_told(self) -> Iterator[None]:
        try:
            yield
        except Duplicate:
            raise Taken(tuple(self._unconfirmed)) from None

    def flush(self) -> None:
        """Wait until everything is in the database; only then may it be asked something else.  Raises Taken."""
        with self._taken_told():
            self._rows.flush()
        self._unconfirmed.clear()

    def _write_chunk(self, chunk: tuple[Write, ...]) -> None:
        refs = {write.ref for write in chunk}
        if len(refs) != len(chunk) or (self._removed and not self._removed.isdisjoint(refs)):
            raise TwiceInBatch(f"{_repeated(chunk, self._removed)} is written twice")
        seen = [write for write in chunk if write.seen_version != NEW or isinstance(write, Remove)]
        if seen or len(self._unconfirmed) >= _UNCONFIRMED:
            self.flush()
        self._supersede(seen)
        self._unconfirmed += [write.ref for write in chunk if write.seen_version == NEW] if seen else list(refs)
        rules: list[Row] = []
        facets: list[Facet] = []
        objects: list[Row] = []
        removals: list[Row] = []
        for position, write in enumerate(chunk, start=self.digest.count):
            kind, scope, id_ = write.ref
            if not self.draft:
                self.draft = kind.in_draft
            if isinstance(write, Remove):
                self._removed.add(write.ref)
                self.digest.add(kind, scope, id_, "off", None)
                removals.append((kind.value, scope, id_, self._number, position, "off", None))
                continue
            if isinstance(write, PutText):
                self._check_name(write.ref)
                text, columns = write.text, write.columns
            else:
                text = _text(write)
                columns = columns_of(write.body) if kind is Kind.RULE else ()
            state = "on" if write.state is State.ON else "off"
            self.digest.add(kind, scope, id_, state, text)
            if kind is Kind.RULE:
                rules.append((scope, id_, self._number, position, state, *columns, text))
                facets.append(facet_of(scope, state, columns))
            else:
                objects.append((kind.value, scope, id_, self._number, position, state, text))
        if facets:
            rules = self._with_facets(rules, facets)
        for table, rows in ((RULES, rules), (OBJECTS, objects), (REVISIONS, removals)):
            self._rows.send(table, rows)

    def _with_facets(self, rules: list[Row], facets: list[Facet]) -> list[Row]:
        """The rows with their last column."""
        if unknown := self._facets.unknown(facets):
            self._rows.flush()  # the database is about to be asked something else
            self._facets.learn(unknown)
        return [(*row, number) for row, number in zip(rules, self._facets.come(facets), strict=True)]

    def _check_name(self, ref: Ref) -> None:
        """As for any rule; there are few scopes, and a list is of a few of them."""
        if ref.scope in self._scopes and _NAME.match(ref.id):
            return
        _check_keepable(ref)
        self._scopes.add(ref.scope)

    def _supersede(self, writes: list[Write]) -> None:
        """Move what is there to the revisions, if it is what was seen."""
        for (kind, scope), group in _by_scope(writes):
            seen = {write.ref.id: write for write in group}
            table = table_of(kind)
            where = among(self._connection, table, kind, scope, list(seen))
            rows = self._connection.execute(select(table.c.id, table.c.change).where(*where))
            found = {row.id: row.change for row in rows}
            for id_, write in seen.items():
                if found.get(id_) == self._number:
                    raise TwiceInBatch(f"{write.ref} is written twice")
                if found.get(id_, NEW) != write.seen_version or write.seen_version == NEW:
                    raise ObjectChanged(write.ref, stored(self._connection, write.ref))
            columns = ("scope", "id", "change", "position", "state", "body")
            kept = select(literal(kind.value), *(table.c[name] for name in columns)).where(*where)
            self._connection.execute(insert(REVISIONS).from_select(["kind", *columns], kept))
            if table is RULES:
                counted = select(RULES.c.facet, func.count()).where(*where).group_by(RULES.c.facet)
                self._facets.gone({row[0]: row[1] for row in self._connection.execute(counted)})
            self._connection.execute(delete(table).where(*where))


def _text(put: Put) -> str:
    """The body as it is kept.  Raises BadObject."""
    _check_keepable(put.ref)
    kind, _, id_ = put.ref
    if kind is Kind.RULE and put.body.get("id") != id_:
        raise BadObject(f"{put.ref}: its body says it is {put.body.get('id')!r}")
    try:
        return canonical_json(put.body)
    except (ValueError, TypeError) as error:
        raise BadObject(f"{put.ref}: {error}") from None


def _check_keepable(ref: Ref) -> None:
    kind, scope, id_ = ref
    match kind:
        case Kind.RULE | Kind.LOOKUP | Kind.TEXTS:
            scoped = _SCOPE.match(scope) is not None
        case Kind.NOISE:
            scoped = not scope or _SCOPE.match(scope) is not None
        case Kind.READINESS | Kind.SETTLEMENT:
            scoped = scope.isascii() and scope.isdecimal() and len(scope) == 2
        case Kind.CLIENT | Kind.SIGN_IN:
            scoped = not scope or (scope.isascii() and scope.isdecimal() and len(scope) == 2)
        case _:
            scoped = not scope
    if not _NAME.match(id_) or not scoped:
        raise BadObject(f"{ref}: the store cannot keep an object of this name")


def table_of(kind: Kind) -> Table:
    """Where objects of a kind stand."""
    return RULES if kind is Kind.RULE else OBJECTS


def among(connection: Connection, table: Table, kind: Kind, scope: str, ids: list[str]) -> list[ColumnElement[bool]]:
    """The conditions that find objects by their ids, however many, through the primary key and one parameter."""
    named: ColumnElement[bool]
    if connection.dialect.name == "sqlite":
        listed = func.json_each(json.dumps(ids)).table_valued("value")
        named = table.c.id.in_(select(listed.c.value))
    else:
        named = table.c.id == any_(literal(ids, ARRAY(Text())))
    found = [table.c.scope == scope, named]
    return found if table is RULES else [table.c.kind == kind.value, *found]


def stored(connection: Connection, ref: Ref) -> Stored | None:
    """The object as it stands."""
    return stored_many(connection, [ref]).get(ref)


def stored_many(connection: Connection, refs: Iterable[Ref]) -> dict[Ref, Stored]:
    """Those of the objects that exist."""
    found: dict[Ref, Stored] = {}
    for chunk in chunks(refs, CHUNK):
        for (kind, scope), group in groupby(sorted(chunk), key=lambda ref: (ref.kind, ref.scope)):
            table = table_of(kind)
            asked = select(table.c.id, table.c.change, table.c.state, table.c.body)
            for row in connection.execute(
                asked.where(*among(connection, table, kind, scope, [ref.id for ref in group]))
            ):
                ref = Ref(kind, scope, row.id)
                found[ref] = Stored(ref, row.change, State(row.state), row.body)
    return found


def chunks(items: Iterable[Item], size: int) -> Iterator[tuple[Item, ...]]:
    """Cut what comes into pieces."""
    rest = iter(items)
    while piece := tuple(islice(rest, size)):
        yield piece


def _by_scope(writes: list[Write]) -> Iterator[tuple[tuple[Kind, str], Iterator[Write]]]:
    ordered = sorted(writes, key=lambda write: write.ref)
    return groupby(ordered, key=lambda write: (write.ref.kind, write.ref.scope))


def _repeated(chunk: tuple[Write, ...], removed: set[Ref]) -> Ref:
    seen = set(removed)
    for write in chunk:
        if write.ref in seen:
            return write.ref
        seen.add(write.ref)
    raise AssertionError("nothing is repeated")  # pragma: no cover
