"""Hits on their way into the database, by its own driver: all that those need who answer visitors.

SQLAlchemy takes some fifteen megabytes of whoever loads it, and every worker would, for three statements.  They stand
here as text; a test holds them to what SQLAlchemy makes of the tables.  What is asked about hits is in `hits`.
"""

import contextlib
import re
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from functools import cache
from heapq import merge
from itertools import chain, islice
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol, Self, TypeAlias, TypeVar
from urllib.parse import parse_qs, unquote

from redirect_rules.hits import Hit
from redirect_rules.store import StoreBusy
from redirect_rules.stores.migrations import NEWEST

if TYPE_CHECKING:
    import psycopg

STATEMENT_ROWS: Final = (100, 10, 1)
"""How many rows a statement adds: of seven values each, and old SQLite takes 999.  Drivers keep statements: so few."""
SORTED_AT_ONCE: Final = 1_000
"""Rows: so that the loop of a process whose thread writes never waits for the sorting of all of them."""
_CACHE_KIB: Final = 2_048  # of SQLite, in each worker

Named = TypeVar("Named", bound=tuple[str, ...])
Row: TypeAlias = tuple[str | int, ...]


class OtherTables(Exception):
    """The database has no tables yet, or those of another release: `Database` makes them, or says why it cannot."""


class Addition(NamedTuple):
    """A statement that adds rows, and the values of those rows, one row after the other."""

    statement: str
    values: tuple[str | int, ...]


def additions(day: date, counts: Mapping[Hit, int], mark: str) -> Iterator[Addition]:
    """All that adds counts to those of a day; `mark` stands for a value, as the driver spells it: "?" or "%s".

    Many rows in a statement: SQLite's driver lets go of the interpreter for each of them, and would wait for it again
    as long as visitors keep it.
    """
    # Words of an enumeration are equal to plain ones, and drivers need not know them.
    rows: Iterator[Row] = ((day.isoformat(), *map(str, hit), visits) for hit, visits in _ordered(counts))
    of_rules: Iterator[Row] = (
        (rule, day.isoformat(), portal, visits) for (rule, portal), visits in _ordered(_by_rule(counts))
    )
    for table, added in ((_HITS, rows), (_RULE_VISITS, of_rules)):
        for some in _portions(added):
            yield Addition(adding(table, len(some), mark), tuple(chain.from_iterable(some)))


def _portions(rows: Iterator[Row]) -> Iterator[Sequence[Row]]:
    """All rows, as many at a time as a statement adds."""
    while left := [*islice(rows, STATEMENT_ROWS[0])]:
        for size in STATEMENT_ROWS:
            while len(left) >= size:
                yield left[:size]
                left = left[size:]


class SummedTable(NamedTuple):
    """A table of sums: what tells its rows apart.  Beside that each has its visits."""

    name: str
    keys: tuple[str, ...]


_HITS: Final = SummedTable("hits", ("day", "portal", "key", "outcome", "client", "rule"))
_RULE_VISITS: Final = SummedTable("rule_visits", ("rule", "day", "portal"))
TABLES: Final = (_HITS, _RULE_VISITS)


@cache
def adding(table: SummedTable, rows: int, mark: str) -> str:
    """The statement that adds so many rows."""
    keys = ", ".join(f'"{key}"' for key in table.keys)  # "key" is a word of SQL
    row = f"({', '.join([mark] * (len(table.keys) + 1))})"
    return (
        f"INSERT INTO {table.name} ({keys}, visits) VALUES {', '.join([row] * rows)} "  # noqa: S608 - our own words
        f"ON CONFLICT ({keys}) DO UPDATE SET visits = ({table.name}.visits + excluded.visits)"
    )


def forgetting(table: SummedTable, mark: str) -> str:
    """The statement that removes what is of days before one."""
    return f"DELETE FROM {table.name} WHERE {table.name}.day < {mark}"  # noqa: S608 - as above


class HitSums:
    """Adds hits, and forgets those of old days.  Not for two threads at once.

    Raises StoreBusy, or what the driver raises; what was not done whole is not done at all.
    """

    def __init__(self, place: "_Place") -> None:
        self._place = place

    @classmethod
    def open(cls, url: str, *, wait_seconds: float = 5.0) -> Self:
        """Open `sqlite:///FILE` or `postgresql://…`; waits that long for another writer.

        Raises OtherTables, or what the driver raises.
        """
        sums = cls(_place(url, wait_seconds))
        try:
            sums._check()
        except BaseException:
            sums.close()
            raise
        return sums

    def _check(self) -> None:
        if (found := self._place.version()) != NEWEST:
            raise OtherTables(f"the tables of the database are {found or 'none'}, and not {NEWEST}")

    def close(self) -> None:
        """Close the connection."""
        self._place.close()

    def add(self, day: date, counts: Mapping[Hit, int]) -> None:
        """Add counts to those of a day, all or nothing."""
        with self._place.writing() as cursor:
            for statement, values in additions(day, counts, self._place.mark):
                cursor.execute(statement, values)

    def forget(self, before: date) -> int:
        """Remove the hits of earlier days; how many rows they were."""
        rows = 0
        with self._place.writing() as cursor:
            for table in reversed(TABLES):
                cursor.execute(forgetting(table, self._place.mark), (before.isoformat(),))
                rows = int(cursor.rowcount)
        return rows


class _Cursor(Protocol):
    """What both drivers offer (PEP 249)."""

    @property
    def rowcount(self) -> int: ...
    def execute(self, statement: Any, values: Any, /) -> object: ...


class _Place(Protocol):
    """A database, by its driver."""

    mark: str

    def version(self) -> str | None: ...
    def writing(self) -> contextlib.AbstractContextManager[_Cursor]: ...
    def close(self) -> None: ...


class _Sqlite:
    """A file, with the settings of `Database`, but for the memory that it may take."""

    mark = "?"

    def __init__(self, path: str, wait_seconds: float) -> None:
        # Each piece is written by a thread of its own, one after the other.
        self._connection = sqlite3.connect(path, timeout=wait_seconds, isolation_level=None, check_same_thread=False)
        for pragma in ("journal_mode = WAL", "synchronous = FULL", f"cache_size = {-_CACHE_KIB}"):
            self._connection.execute(f"pragma {pragma}")

    def version(self) -> str | None:
        named = "select 1 from sqlite_master where type = 'table' and name = 'alembic_version'"
        if self._connection.execute(named).fetchone() is None:
            return None
        row = self._connection.execute("select version_num from alembic_version").fetchone()
        return None if row is None else str(row[0])

    @contextlib.contextmanager
    def writing(self) -> Iterator[_Cursor]:
        with _busy_told():
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection.cursor()
                self._connection.execute("COMMIT")
                # What a write has read is not what the next one will, and every worker would keep two megabytes of it.
                self._connection.execute("pragma shrink_memory")
            except BaseException:
                with contextlib.suppress(sqlite3.Error):  # what failed may have ended the transaction
                    self._connection.execute("ROLLBACK")
                raise

    def close(self) -> None:
        self._connection.close()


@contextlib.contextmanager
def _busy_told() -> Iterator[None]:
    try:
        yield
    except sqlite3.OperationalError as error:
        if "locked" not in str(error):
            raise
        raise StoreBusy(_BUSY) from None


class _Postgresql:
    """A server.  A connection that broke since it was used last is made again, and nobody hears of it."""

    mark = "%s"

    def __init__(self, given: Mapping[str, Any], wait_seconds: float) -> None:
        self._given = given
        self._wait_seconds = wait_seconds
        self._connection = self._connected()

    def version(self) -> str | None:
        from psycopg.errors import UndefinedTable  # noqa: PLC0415 - as in `_connected`

        with contextlib.suppress(UndefinedTable), self._connection.transaction():
            row = self._connection.execute("select version_num from alembic_version").fetchone()
            return None if row is None else str(row[0])
        return None

    @contextlib.contextmanager
    def writing(self) -> Iterator[_Cursor]:
        from psycopg.errors import LockNotAvailable  # noqa: PLC0415 - as in `_connected`

        self._revive()
        try:
            with self._connection.transaction(), self._connection.cursor() as cursor:
                cursor.execute(f"set local lock_timeout = {int(self._wait_seconds * 1000)}")
                yield cursor
        except LockNotAvailable:
            raise StoreBusy(_BUSY) from None

    def close(self) -> None:
        self._connection.close()

    def _revive(self) -> None:
        import psycopg  # noqa: PLC0415 - as in `_connected`

        try:
            self._connection.execute("select 1")
        except psycopg.OperationalError:
            self._connection.close()
            self._connection = self._connected()

    def _connected(self) -> "psycopg.Connection[tuple[Any, ...]]":
        import psycopg  # noqa: PLC0415 - four megabytes that SQLite does not need

        return psycopg.connect(**self._given, autocommit=True)


_BUSY: Final = "another writer did not finish in time: nothing was written, try again"


def read_driver(url: str) -> None:
    """Load the driver of a database, so that processes that are forked from here share it."""
    if not url.startswith("sqlite"):
        import psycopg  # noqa: F401, PLC0415 - it is only loaded


def _place(url: str, wait_seconds: float) -> _Place:
    if not url.startswith("sqlite"):
        return _Postgresql(given_of(url), wait_seconds)
    path = url.partition(":///")[2]
    if not path or "?" in path:
        raise ValueError("hits are written to sqlite:///FILE, without anything behind the file")
    return _Sqlite(path, wait_seconds)


def given_of(url: str) -> dict[str, str | int]:
    """What a URL says to libpq, as SQLAlchemy reads it: `postgresql://USER:PASSWORD@HOST:PORT/NAME?…`.

    Raises ValueError.
    """
    found = _URL.fullmatch(url)
    if found is None:
        raise ValueError("no address of a database: postgresql://USER@HOST/NAME")
    given: dict[str, str | int] = {name: unquote(value) for name, value in found.groupdict().items() if value}
    given.pop("query", None)
    query = parse_qs(found["query"] or "")
    if "host6" in given:
        given["host"] = given.pop("host6")
    if "port" in given:
        given["port"] = int(given["port"])
    return given | {name: values[-1] for name, values in query.items()} | _hosts(query.get("host", []))


_URL: Final = re.compile(
    r"""[\w+]+://
    (?: (?P<user> [^:/]* ) (?: : (?P<password> [^@]* ) )? @ )?
    (?: \[ (?P<host6> [^/?]+ ) ] | (?P<host> [^/:?]+ ) )? (?: : (?P<port> [^/?]* ) )?
    (?: / (?P<dbname> [^?]* ) )?
    (?: [?] (?P<query> .* ) )?""",
    re.VERBOSE,
)


def _hosts(named: list[str]) -> dict[str, str]:
    """Several hosts, each with its port if it has one: ["a:5432", "b"] becomes host "a,b" and port "5432,"."""
    pairs = [host.partition(":") for one in named for host in one.split(",")]
    found = {"host": ",".join(host for host, _, _ in pairs)} if named else {}
    if len(pairs) > 1 or any(port for _, _, port in pairs):
        found["port"] = ",".join(port for _, _, port in pairs)
    return found


def _by_rule(counts: Mapping[Hit, int]) -> dict[tuple[str, str], int]:
    """Visits by rule and portal, of the hits that a rule knew."""
    found: dict[tuple[str, str], int] = {}
    for hit, visits in [*counts.items()]:
        if hit.rule:
            named = str(hit.rule), str(hit.portal)
            found[named] = found.get(named, 0) + visits
    return found


def _ordered(counts: Mapping[Named, int]) -> Iterator[tuple[Named, int]]:
    """One order everywhere: two who add to the same rows wait for each other once, never in a circle."""
    counted = iter([item for item in counts.items() if item[1]])
    pieces = iter(lambda: sorted(islice(counted, SORTED_AT_ONCE)), [])
    return merge(*pieces)
