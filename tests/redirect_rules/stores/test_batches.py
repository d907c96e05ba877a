"""Undoing a batch: everything as it was, or a refusal that says why."""

import pytest

from redirect_rules.objects import NEW, Kind, Put, Ref, Remove, State
from redirect_rules.store import RuleStore, UndoRefused, UnknownVersion
from redirect_rules.stores.sql import SqlStore
from tests.redirect_rules.kept import LANGSON, NEWS, by, new, rule

GONE = Ref(Kind.RULE, "family:f", "gone")
BACK = Ref(Kind.RULE, "family:f", "back")


def everything(store: RuleStore) -> dict[Ref, tuple[str, State]]:
    with store.reading() as workspace:
        return {one.ref: (one.text, one.state) for kind in Kind for one in workspace.objects(kind)}


def version(store: SqlStore, ref: Ref) -> int:
    there = store.get(ref)
    assert there is not None
    return there.version


def with_batch(store: SqlStore) -> dict[Ref, tuple[str, State]]:
    """Write a batch of every kind of change; what was there before it."""
    store.apply(
        [new("news"), new("gone", "family:f"), new("back", "family:f"), Put(LANGSON, {"id": "langson"})], by("an")
    )
    store.remove(BACK, by("an"), seen_version=1)
    store.apply([Put(NEWS, rule("news", note="2"), 1, State.OFF)], by("an"))
    before = everything(store)
    store.apply(
        [
            Put(NEWS, rule("news", note="3"), version(store, NEWS)),
            Remove(GONE, 1),
            Put(BACK, rule("back", note="again")),
            Put(LANGSON, {"id": "langson", "hotline": "1"}, 1),
            *[new(f"r{i}") for i in range(7)],
        ],
        by("binh", "import", batch="import-7"),
    )
    return before


@pytest.mark.parametrize("chunk", [3, 5_000])
def test_undo_puts_back_what_was_there(store: SqlStore, chunk: int, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("writing", "batches"):
        monkeypatch.setattr(f"redirect_rules.stores.{module}.CHUNK", chunk)
    before = with_batch(store)
    after = everything(store)
    assert len(after) == len(before) + 7
    told: list[int] = []
    number = store.undo("import-7", by("chi", "wrong file", batch="undo"), progress=told.append)
    assert everything(store) == before
    assert told[-1] == 11
    assert [one.version for one in store.history(NEWS)] == [1, 3, 4, number]
    assert store.trail.verify() is None
    store.undo("undo", by("chi", "it was right"))
    assert everything(store) == after
    assert store.trail.verify() is None


# what happens to the batch's objects afterwards
AFTERWARDS = [
    ("an object of it is edited", NEWS),
    ("a new one is removed", Ref(Kind.RULE, "portal:langson", "r3")),
    ("what it removed is there again", GONE),
    ("what it removed was there again for a while", GONE),
    ("it was undone", NEWS),
]


@pytest.mark.parametrize(("what", "ref"), AFTERWARDS)
def test_undo_refuses_to_undo_more_than_the_batch(store: SqlStore, what: str, ref: Ref) -> None:
    with_batch(store)
    match what:
        case "an object of it is edited":
            store.put(ref, rule("news", note="mine"), by("an"), seen_version=version(store, ref))
        case "a new one is removed":
            store.remove(ref, by("an"), seen_version=version(store, ref))
        case "it was undone":
            store.undo("import-7", by("an"))
        case _:
            again = store.put(ref, rule("gone"), by("an"), seen_version=NEW)
            if "for a while" in what:
                store.remove(ref, by("an"), seen_version=again.version)
    before, head = everything(store), store.trail.head()
    with pytest.raises(UndoRefused) as told:
        store.undo("import-7", by("binh"))
    assert ref in told.value.changed
    assert len(told.value.changed) == (11 if what == "it was undone" else 1)
    assert (everything(store), store.trail.head()) == (before, head)


def test_there_is_nothing_to_undo_in_a_batch_nobody_wrote(store: SqlStore) -> None:
    store.apply([new("a")], by("an"))
    with pytest.raises(UnknownVersion):
        store.undo("b", by("an"))


def test_an_empty_batch_is_undone_by_nothing(store: SqlStore) -> None:
    store.apply([], by("an", batch="b"))
    store.undo("b", by("an"))
    assert store.trail.verify() is None
    assert not everything(store)
