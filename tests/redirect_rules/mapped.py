"""Exact rules in a mapped file of their own."""

import io
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import lmdb

from redirect_rules.exact import ExactRule
from redirect_rules.model import Action
from redirect_rules.stores.address_table_writer import TableWriter
from redirect_rules.stores.lmdb_compiler import exact_items
from redirect_rules.stores.lmdb_index import LmdbIndex
from redirect_rules.stores.lmdb_layout import Item, Places


def rule(path: str = "/a", *query: tuple[str, str], portal: str = "langson", **more: Any) -> ExactRule:
    return ExactRule(portal, path, query, Action.NOTICE, more.pop("id", f"{portal}{path}{query}"), "home", **more)


@contextmanager
def filled(items: Any, name: bytes = b"x") -> Iterator[lmdb.Environment]:
    with (
        TemporaryDirectory() as folder,
        lmdb.open(folder, lock=False, sync=False, max_dbs=1, map_size=1 << 26) as env,
    ):
        with env.begin(write=True, db=env.open_db(name)) as txn:
            for key, value in items:
                assert txn.put(key, value, append=True)
        yield env


def table_of(items: Sequence[Item], places: Places, folder: Path) -> tuple[memoryview, memoryview] | None:
    """Entries and slots of what stands in a file."""
    with closing(TableWriter(folder, places)) as writer, io.BytesIO() as made:
        writer.take(items)
        length = writer.finish()
        writer.copy_to(made)
        octets = memoryview(made.getvalue())
    return (octets[: length.entries], octets[length.entries :]) if length.slots else None


@contextmanager
def index_of(
    rules: Sequence[ExactRule], *, addresses: bool = True, places: Places | None = None
) -> Iterator[LmdbIndex]:
    places = places or Places()
    with TemporaryDirectory() as folder:
        items = list(exact_items(rules, folder=Path(folder), places=places))
        with filled(items) as env:
            index = LmdbIndex(env, b"x", table_of(items, places, Path(folder)) if addresses else None)
            yield index
            index.close()
