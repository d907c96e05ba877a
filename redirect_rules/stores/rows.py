"""Many rows on their way into a table: one prepared statement on SQLite, COPY on PostgreSQL.

SQLite takes thousands with one statement, which costs a fifth less than hundreds.  A COPY stays open from one chunk to
the next, so that the server stores rows while the next ones are being made.
Nothing else may be asked of the connection before `flush`.
"""

import contextlib
from types import TracebackType
from typing import Any, Self

from sqlalchemy import Connection, Table, insert
from sqlalchemy.exc import IntegrityError

Row = tuple[Any, ...]  # values in the order of the table's columns

_AT_ONCE = 10_000  # rows of one statement


class Duplicate(Exception):
    """A row of this name is there already; the transaction is lost."""


class Rows:
    """Takes rows for one table after the other.  Raises Duplicate, perhaps only when flushed."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._driver_error: type[Exception] = connection.dialect.loaded_dbapi.IntegrityError
        self._by_copy = connection.dialect.name == "postgresql"
        self._open: tuple[Table, Any] | None = None  # the table and its COPY
        self._held: dict[Table, list[Row]] = {}  # until there are enough of them
        self._stack = contextlib.ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self.flush()
        else:
            # The COPY is told that it failed; what it says to that is not what went wrong.
            with contextlib.suppress(Exception):
                self._stack.__exit__(kind, error, trace)

    def send(self, table: Table, rows: list[Row]) -> None:
        """Insert rows, at the latest when flushed."""
        if not rows:
            return
        try:
            if self._by_copy:
                self._copy(table, rows)
                return
        except self._driver_error:  # COPY's errors are the driver's own
            raise Duplicate from None
        held = self._held.setdefault(table, [])
        held += rows
        if len(held) >= _AT_ONCE:
            self._insert(table)

    def _insert(self, table: Table) -> None:
        held = self._held.pop(table)
        statement = str(insert(table).compile(dialect=self._connection.dialect))
        try:
            self._connection.exec_driver_sql(statement, held)
        except IntegrityError:
            raise Duplicate from None

    def flush(self) -> None:
        """Wait until every row is stored."""
        for table in tuple(self._held):
            self._insert(table)
        self._open = None
        try:
            self._stack.close()
        except self._driver_error:
            raise Duplicate from None

    def _copy(self, table: Table, rows: list[Row]) -> None:
        if self._open is None or self._open[0] is not table:
            self.flush()
            quote = self._connection.dialect.identifier_preparer.quote
            names = ", ".join(quote(column.name) for column in table.columns)
            driver: Any = self._connection.connection.driver_connection
            cursor = self._stack.enter_context(driver.cursor())
            copy = self._stack.enter_context(cursor.copy(f"COPY {quote(table.name)} ({names}) FROM STDIN"))
            self._open = table, copy
        write_row = self._open[1].write_row
        for row in rows:
            write_row(row)
