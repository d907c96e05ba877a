"""What was seeded from the shipped files, remembered for the next release."""

from collections.abc import Callable, Iterable, Mapping

from sqlalchemy import Connection, delete, insert, select

from redirect_rules.objects import Change, Kind, Ref, Write
from redirect_rules.store import PackState
from redirect_rules.stores.database import Database
from redirect_rules.stores.rows import Rows
from redirect_rules.stores.tables import PACKS, SHIPPED


class SqlPacks:
    """Keeps the promises of `PackStore`.  `write` is the store's own way to write."""

    def __init__(self, database: Database, write: Callable[..., int]) -> None:
        self._database = database
        self._write = write

    def states(self) -> dict[str, PackState]:
        """Every pack that was ever seeded, by name."""
        with self._database.reading() as connection:
            return {row.name: PackState(row.name, row.version, row.digest) for row in connection.execute(select(PACKS))}

    def shipped(self, pack: str) -> dict[Ref, str]:
        """What the pack held when it was seeded last."""
        with self._database.reading() as connection:
            rows = connection.execute(select(SHIPPED).where(SHIPPED.c.pack == pack))
            return {Ref(Kind(row.kind), row.scope, row.id): row.body for row in rows}

    def seed(self, pack: PackState, shipped: Mapping[Ref, str], writes: Iterable[Write], change: Change) -> int:
        """Write the objects and remember what was shipped, as one write."""

        def remember(connection: Connection) -> None:
            connection.execute(delete(SHIPPED).where(SHIPPED.c.pack == pack.name))
            connection.execute(delete(PACKS).where(PACKS.c.name == pack.name))
            connection.execute(insert(PACKS).values(name=pack.name, version=pack.version, digest=pack.digest))
            rows = [(pack.name, ref.kind.value, ref.scope, ref.id, body) for ref, body in shipped.items()]
            with Rows(connection) as sent:
                sent.send(SHIPPED, rows)

        return self._write(writes, change, action="seed", subject=f"pack {pack.name}", beside=remember)
