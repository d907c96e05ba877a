"""Exact rules in a mapped file of their own."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import lmdb

from redirect_rules.exact import ExactRule
from redirect_rules.model import Action
from redirect_rules.stores.lmdb_compiler import exact_items
from redirect_rules.stores.lmdb_index import LmdbIndex


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


@contextmanager
def index_of(rules: Sequence[ExactRule]) -> Iterator[LmdbIndex]:
    with TemporaryDirectory() as folder, filled(exact_items(rules, folder=Path(folder))) as env:
        index = LmdbIndex(env, b"x")
        yield index
        index.close()
