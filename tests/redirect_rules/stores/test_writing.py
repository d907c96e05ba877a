"""Writing chunk by chunk."""

import gc

import pytest

from redirect_rules.objects import Kind, Put, Ref, Remove, Write
from redirect_rules.store import ObjectChanged, Progress, TwiceInBatch
from redirect_rules.stores.sql import SqlStore
from redirect_rules.stores.writing import chunks
from tests.redirect_rules.kept import NEWS, by, new, rule


@pytest.mark.parametrize(("count", "sizes"), [(0, []), (1, [1]), (3, [3]), (7, [3, 3, 1])])
def test_pieces_are_as_long_as_they_may_be(count: int, sizes: list[int]) -> None:
    assert [len(piece) for piece in chunks(range(count), 3)] == sizes


@pytest.fixture(autouse=True)
def _small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("redirect_rules.stores.writing.CHUNK", 10)


def test_progress_is_told_for_every_chunk(store: SqlStore) -> None:
    told: list[int] = []
    progress: Progress = told.append
    store.apply((new(f"r{i:02}") for i in range(25)), by("an"), progress=progress)
    assert told == [10, 20, 25]


SCOPES = {
    Kind.RULE: "portal:p{}",
    Kind.LOOKUP: "portal:p{}",
    Kind.NOISE: "portal:p{}",
    Kind.TEXTS: "portal:p{}",
    Kind.READINESS: "0{}",
    Kind.SETTLEMENT: "0{}",
}


def test_kinds_and_scopes_may_be_mixed(store: SqlStore) -> None:
    def writes(version: int) -> list[Write]:
        refs = [Ref(kind, SCOPES.get(kind, "").format(i % 3), f"o{i}") for i in range(8) for kind in Kind]
        return [Put(ref, rule(ref.id, note=str(version)), version) for ref in refs]

    store.apply(writes(0), by("an"))
    store.apply(writes(1), by("an"))
    with store.reading() as workspace:
        found = [one for kind in Kind for one in workspace.objects(kind)]
    assert len(found) == 8 * len(Kind)
    assert {one.version for one in found} == {2}
    assert store.trail.verify() is None


def test_a_conflict_in_a_late_chunk_names_its_object(store: SqlStore) -> None:
    there = store.apply([new("r33"), new("news")], by("an"))
    with pytest.raises(ObjectChanged) as told:
        store.apply((new(f"r{i:02}") for i in range(50)), by("an"))
    assert told.value.ref.id == "r33"
    with pytest.raises(ObjectChanged) as told:
        store.apply([*(new(f"s{i:02}") for i in range(50)), Remove(NEWS, there + 1)], by("an"))
    assert told.value.ref == NEWS


@pytest.mark.parametrize("apart", [5, 25])
def test_an_object_twice_in_a_batch_is_refused_however_far_apart(store: SqlStore, apart: int) -> None:
    between = [new(f"s{i}") for i in range(apart)]
    with pytest.raises(TwiceInBatch):
        store.apply([new("news"), *between, new("news")], by("an"))
    store.apply([new("news")], by("an"))
    for first, then in (
        (Remove(NEWS, 1), new("news")),
        (Put(NEWS, rule("news"), 1), Put(NEWS, rule("news"), 1)),
        (Put(NEWS, rule("news"), 1), Remove(NEWS, 1)),
    ):
        with pytest.raises(TwiceInBatch):
            store.apply([first, *between, then], by("an"))


@pytest.mark.parametrize("collecting", [True, False])
def test_the_garbage_collector_is_left_as_it_was(store: SqlStore, collecting: bool) -> None:  # noqa: FBT001
    if not collecting:
        gc.disable()
    try:
        store.apply([new("a")], by("an"))
        assert gc.isenabled() == collecting
    finally:
        gc.enable()
