"""Shipped packs in a store: seeded once, upgraded later, and what people edited stays."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from redirect_rules.bodies import Pack
from redirect_rules.objects import Change, Kind, Put, Ref, State, Write
from redirect_rules.seeding import SEEDER, Outcome, PackOutcome, merged, seed
from redirect_rules.store import ObjectChanged, PackState
from redirect_rules.stores.sql import SqlStore
from tests.redirect_rules.conftest import Opener
from tests.redirect_rules.kept import NOON, by, rule

A, B, X = "a body", "another", "a third"

# shipped last   here    shipped now   what is done
MERGES = [
    (None,       None,   A,            Outcome.ADDED),
    (None,       A,      A,            Outcome.SAME),     # somebody wrote just that
    (None,       B,      A,            Outcome.KEPT),     # somebody took the name first
    (A,          A,      A,            Outcome.SAME),
    (A,          B,      A,            Outcome.SAME),     # edited, and the release is as before
    (A,          None,   A,            Outcome.SAME),     # removed, and the release is as before
    (A,          A,      B,            Outcome.UPDATED),
    (A,          B,      B,            Outcome.SAME),
    (A,          X,      B,            Outcome.KEPT),
    (A,          None,   B,            Outcome.KEPT),     # what was removed stays removed
    (A,          A,      None,         Outcome.REMOVED),
    (A,          B,      None,         Outcome.KEPT),
    (A,          None,   None,         Outcome.SAME),
]  # fmt: skip


@pytest.mark.parametrize(("shipped", "local", "now", "outcome"), MERGES)
def test_what_becomes_of_an_object(shipped: str | None, local: str | None, now: str | None, outcome: Outcome) -> None:
    assert merged(shipped, local, now) is outcome


def ref(id_: str) -> Ref:
    return Ref(Kind.RULE, "family:f", id_)


def pack(version: int, **notes: str) -> Pack:
    """A pack of rules, each known by its note."""
    return Pack("family/f", version, {ref(id_): rule(id_, note=note) for id_, note in notes.items()})


def notes(store: SqlStore) -> dict[str, str]:
    with store.reading() as workspace:
        return {one.ref.id: one.body["note"] for one in workspace.rules(off_too=True)}


def seeded(store: SqlStore, shipped: Pack) -> tuple[PackOutcome, dict[str, Outcome]]:
    (done,) = seed(store, [shipped], at=NOON)
    return done.outcome, {ref.id: outcome for ref, outcome in done.objects}


def edit(store: SqlStore, id_: str, note: str) -> None:
    there = store.get(ref(id_))
    assert there is not None
    store.put(ref(id_), rule(id_, note=note), by("an"), seen_version=there.version)


def test_a_pack_is_seeded_once(store: SqlStore) -> None:
    assert seeded(store, pack(1, a="1", b="1")) == (PackOutcome.SEEDED, {"a": Outcome.ADDED, "b": Outcome.ADDED})
    (entry,) = store.trail.entries()
    assert (entry.actor, entry.action, entry.count) == (SEEDER, "seed", 2)
    assert seeded(store, pack(1, a="1", b="1")) == (PackOutcome.UNCHANGED, {})
    assert store.trail.head().number == 1


def test_a_newer_pack_leaves_local_edits_alone(store: SqlStore) -> None:
    seed(store, [pack(1, same="1", better="1", edited="1", dropped="1", removed="1", off="1")], at=NOON)
    edit(store, "edited", "mine")
    removed, off = store.get(ref("removed")), store.get(ref("off"))
    assert removed is not None
    assert off is not None
    store.remove(ref("removed"), by("an"), seen_version=removed.version)
    store.apply([Put(ref("off"), off.body, off.version, State.OFF)], by("an"))
    assert seeded(store, pack(2, same="1", better="2", edited="2", removed="2", off="2", new="2")) == (
        PackOutcome.SEEDED,
        {
            "better": Outcome.UPDATED,
            "edited": Outcome.KEPT,
            "removed": Outcome.KEPT,
            "off": Outcome.UPDATED,
            "new": Outcome.ADDED,
            "dropped": Outcome.REMOVED,
        },
    )
    assert notes(store) == {"same": "1", "better": "2", "edited": "mine", "off": "2", "new": "2"}
    off = store.get(ref("off"))
    assert off is not None
    assert off.state is State.OFF


def test_who_takes_over_what_is_shipped_follows_again(store: SqlStore) -> None:
    seed(store, [pack(1, a="1")], at=NOON)
    edit(store, "a", "mine")
    assert seeded(store, pack(2, a="2"))[1] == {"a": Outcome.KEPT}
    edit(store, "a", "2")
    assert seeded(store, pack(3, a="3"))[1] == {"a": Outcome.UPDATED}


# the second pack                 what becomes of it         and of a
SECONDS = [
    (pack(3, a="1"),              PackOutcome.SEEDED,        "1"),
    (pack(3, a="2"),              PackOutcome.SEEDED,        "2"),
    (pack(2, a="2"),              PackOutcome.UNNUMBERED,    "1"),
    (pack(1, a="2"),              PackOutcome.OLDER,         "1"),
]  # fmt: skip


@pytest.mark.parametrize(("second", "outcome", "note"), SECONDS)
def test_only_a_newer_version_is_an_upgrade(store: SqlStore, second: Pack, outcome: PackOutcome, note: str) -> None:
    seed(store, [pack(2, a="1")], at=NOON)
    assert seeded(store, second)[0] is outcome
    assert notes(store) == {"a": note}


def test_a_pack_without_a_version_is_known_by_its_content(store: SqlStore) -> None:
    for note, outcome in (("1", PackOutcome.SEEDED), ("1", PackOutcome.UNCHANGED), ("2", PackOutcome.SEEDED)):
        assert seeded(store, pack(0, a=note))[0] is outcome
        assert notes(store) == {"a": note}


def test_processes_that_start_together_seed_once(opened: Opener) -> None:
    stores = [opened() for _ in range(4)]
    shipped = pack(1, **{f"r{i}": "1" for i in range(20)})
    with ThreadPoolExecutor(4) as pool:
        done = [one for seeded in pool.map(lambda store: seed(store, [shipped], at=NOON), stores) for one in seeded]
    assert sum(one.count(Outcome.ADDED) for one in done) == 20
    assert len(notes(stores[0])) == 20
    assert stores[0].trail.verify() is None


def test_who_was_overtaken_looks_again(store: SqlStore, opened: Opener, monkeypatch: pytest.MonkeyPatch) -> None:
    other, shipped = opened(), pack(1, a="1")
    write = store.packs.seed

    def overtaken(state: PackState, bodies: dict[Ref, str], writes: list[Write], change: Change) -> int:
        seed(other, [shipped], at=NOON)
        return write(state, bodies, writes, change)

    monkeypatch.setattr(store.packs, "seed", overtaken)
    assert seeded(store, shipped) == (PackOutcome.UNCHANGED, {})
    assert notes(store) == {"a": "1"}


def test_who_is_always_overtaken_gives_up(store: SqlStore, monkeypatch: pytest.MonkeyPatch) -> None:
    def overtaken(*_: object) -> int:
        raise ObjectChanged(ref("a"), None)

    monkeypatch.setattr(store.packs, "seed", overtaken)
    with pytest.raises(ObjectChanged):
        seed(store, [pack(1, a="1")], at=NOON)
