"""The indexes by which lists of rules are read, while many rules are written.

Kept row by row they cost an import of a million rules on SQLite nearly as much as the rules; made at once, afterwards,
a fifth of that.  So where a change has written as many rules as were there before it, they are dropped, and made again
before it ends, in its own transaction: nobody ever sees the tables without them.  PostgreSQL would keep readers waiting
for that, and is quick enough without.
"""

from typing import Final

from sqlalchemy import Connection, Index, func, select

from redirect_rules.stores.tables import FACETS, RULES

LEAST: Final = 50_000
"""Rules that a change has to have written before it is large."""

_KEPT: Final = "ix_rules_change_position"
"""Undoing asks for it in the midst of writing; it only grows at its end, which costs little."""


class ListIndexes:
    """Told how many rules a change has written, and when it ends."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._next_look = LEAST if connection.dialect.name == "sqlite" else None
        self._dropped: list[Index] = []

    def written(self, count: int) -> None:
        """So many until now: drop the indexes where that has become worth while."""
        if self._next_look is None or count < self._next_look:
            return
        # Facets are counted when the change ends: until then they tell what was there before.
        before: int = self._connection.execute(select(func.coalesce(func.sum(FACETS.c.count), 0))).scalar_one()
        if before > count:
            self._next_look = 2 * count
            return
        self._next_look = None
        for index in sorted(RULES.indexes, key=lambda one: str(one.name)):
            if index.name != _KEPT:
                index.drop(self._connection)
                self._dropped.append(index)

    def close(self) -> None:
        """Make again what was dropped."""
        for index in self._dropped:
            index.create(self._connection)
        self._dropped.clear()
