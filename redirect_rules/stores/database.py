"""A database that keeps its word: connections, transactions and the number of tables it has.

A write transaction begins by taking the one writer's place (SQLite: BEGIN IMMEDIATE; PostgreSQL: the locked row of
`workspace`, see `ledger`), so that what it reads stays true until it commits.
"""

import contextlib
from collections.abc import Iterator
from typing import Any, Final

from sqlalchemy import Connection, create_engine, event, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import OperationalError, ProgrammingError

from redirect_rules.store import StoreBusy
from redirect_rules.stores.migrations import NEWEST

_MIGRATION_LOCK: Final = 7_249_381  # any number nobody else takes: pg_advisory_xact_lock
_LOCK_NOT_AVAILABLE: Final = "55P03"  # PostgreSQL's SQLSTATE
_READING_CACHE_KIB: Final = 16_384
_WRITING_CACHE_KIB: Final = (
    262_144  # SQLite takes what it needs: an import of a million rules needs it, one rule does not
)
_PRAGMAS: Final = (
    "journal_mode = WAL",
    "synchronous = FULL",  # what was acknowledged survives a power cut: people do not write often
    "foreign_keys = ON",
)


class Database:
    """Opens `sqlite:///FILE` or `postgresql://…`; makes and upgrades the tables.  Raises StoreTooNew."""

    def __init__(self, url: str, *, wait_seconds: float = 120.0) -> None:
        self.engine = create_engine(_with_driver(make_url(url)), pool_pre_ping=True, hide_parameters=True)
        self.is_sqlite = self.engine.dialect.name == "sqlite"
        self._wait_seconds = wait_seconds  # for another writer: the longest import
        if self.is_sqlite:
            event.listen(self.engine, "connect", self._prepare_sqlite)
            event.listen(self.engine, "begin", _begin_sqlite)
        try:
            self._migrate()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Close every connection."""
        self.engine.dispose()

    @contextlib.contextmanager
    def reading(self) -> Iterator[Connection]:
        """A transaction that sees one state and cannot write."""
        options = {} if self.is_sqlite else {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
        with self.engine.connect().execution_options(**options) as connection, connection.begin():
            yield connection

    @contextlib.contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction that commits whole or not at all.  Raises StoreBusy."""
        with (
            busy_told(),
            self.engine.connect().execution_options(dvc_writes=True) as connection,
            connection.begin(),
        ):
            if not self.is_sqlite:
                connection.execute(text(f"set local lock_timeout = {int(self._wait_seconds * 1000)}"))
            yield connection

    def analyse(self, *tables: str) -> None:
        """Let PostgreSQL look at tables of which much has changed, or it plans by what it knew before."""
        if not self.is_sqlite:
            with self.writing() as connection:
                connection.execute(text(f"analyze {', '.join(tables)}"))

    def _prepare_sqlite(self, connection: Any, _record: object) -> None:
        connection.isolation_level = None  # transactions are begun below, not by the driver
        connection.execute(f"pragma busy_timeout = {int(self._wait_seconds * 1000)}")
        for pragma in _PRAGMAS:
            connection.execute(f"pragma {pragma}")

    def _migrate(self) -> None:
        if self._version() == NEWEST:
            return
        # Reading Alembic takes longer than everything else that a command does: only where there is something to do.
        from redirect_rules.stores.upgrading import upgrade  # noqa: PLC0415

        with self.writing() as connection:
            if not self.is_sqlite:
                connection.execute(text(f"select pg_advisory_xact_lock({_MIGRATION_LOCK})"))
            upgrade(connection)

    def _version(self) -> str | None:
        """The number of the tables that are there; None: there are none.  Waits for no writer."""
        try:
            with self.reading() as connection:
                return connection.execute(text("select version_num from alembic_version")).scalar_one_or_none()
        except (OperationalError, ProgrammingError):
            return None


@contextlib.contextmanager
def busy_told() -> Iterator[None]:
    """Turn the databases' words for "somebody else writes" into StoreBusy."""
    try:
        yield
    except OperationalError as error:
        waited = getattr(error.orig, "sqlstate", None) == _LOCK_NOT_AVAILABLE or "locked" in str(error.orig)
        if not waited:
            raise
        raise StoreBusy("another writer did not finish in time: nothing was written, try again") from None


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get("dvc_writes", False)
    connection.exec_driver_sql(f"pragma query_only = {'off' if writes else 'on'}")
    connection.exec_driver_sql(f"pragma cache_size = {-(_WRITING_CACHE_KIB if writes else _READING_CACHE_KIB)}")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _with_driver(url: URL) -> URL:
    return url.set(drivername="postgresql+psycopg") if url.drivername in {"postgres", "postgresql"} else url
