"""A store with the shipped packs in it, and what is done to it."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from redirect_rules.canonical import canonical_key
from redirect_rules.objects import NEW, Kind, Put, Ref
from redirect_rules.opening import opened
from redirect_rules.packs import Packs
from redirect_rules.seeding import packs_of, seed
from redirect_rules.snapshot_file import current, path_of
from redirect_rules.stores.sql import SqlStore
from tests.redirect_rules.kept import NOON, by

HOST = "dichvucong.langson.gov.vn"


def seeded(store: SqlStore, packs: Packs) -> SqlStore:
    seed(store, packs_of(packs.sources), at=NOON)
    return store


def add(
    store: SqlStore, id_: str, *addresses: str, to: object = "home", portal: str = "langson", **more: object
) -> None:
    """Write one rule into the draft."""
    body = {"id": id_, "exact": list(addresses), "action": "notice", "to": [to], **more}
    store.apply([Put(Ref(Kind.RULE, f"portal:{portal}", id_), body, NEW)], by("an", f"add {id_}"))


@contextmanager
def serving(folder: Path) -> Iterator[Packs]:
    """What CURRENT names, as it is served."""
    pointer = current(folder)
    assert pointer is not None
    with closing(opened(path_of(folder, pointer[0]))) as packs:
        yield packs


def winner(packs: Packs, target: str, host: str = HOST) -> str | None:
    """The rule that decides."""
    snapshot = packs.snapshot
    match = snapshot.best(snapshot.portals[host], canonical_key(host, target), NOON)
    return match.rule.id if match else None
