"""What is remembered of shipped packs; how they are merged is tested in test_seeding.py."""

import pytest

from redirect_rules.objects import Kind, Put, Ref
from redirect_rules.store import ObjectChanged, PackState
from redirect_rules.stores.sql import SqlStore
from tests.redirect_rules.kept import LANGSON, NEWS, by, new

OTHER = Ref(Kind.RULE, "family:f", "other")


def test_a_pack_is_remembered_as_it_was_shipped_last(store: SqlStore) -> None:
    store.packs.seed(PackState("portals", 0, "d1"), {LANGSON: "{}", NEWS: "{}"}, [Put(LANGSON, {})], by("an"))
    store.packs.seed(PackState("family/f", 1, "d"), {OTHER: "{}"}, [], by("an"))
    store.packs.seed(PackState("portals", 0, "d2"), {LANGSON: '{"a":1}'}, [], by("an"))
    assert store.packs.states() == {
        "portals": PackState("portals", 0, "d2"),
        "family/f": PackState("family/f", 1, "d"),
    }
    assert store.packs.shipped("portals") == {LANGSON: '{"a":1}'}
    assert store.packs.shipped("nothing") == {}


def test_objects_and_memory_are_one_write(store: SqlStore) -> None:
    store.apply([new("news")], by("an"))
    with pytest.raises(ObjectChanged):
        store.packs.seed(PackState("p", 0, "d"), {NEWS: "{}"}, [new("news")], by("an"))
    assert store.packs.states() == {}
