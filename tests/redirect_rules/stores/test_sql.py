"""The whole store beside a dictionary that keeps every revision: they never differ."""

import shutil
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from redirect_rules.objects import NEW, Kind, Put, Ref, Remove, State, Write
from redirect_rules.store import BatchTaken, ObjectChanged, TwiceInBatch, UndoRefused, UnknownVersion
from redirect_rules.stores.sql import SqlStore
from tests.redirect_rules.conftest import create, drop
from tests.redirect_rules.kept import by
from tests.redirect_rules.kept import rule as body_of

REFS = [Ref(Kind.RULE, "portal:a", "x"), Ref(Kind.RULE, "family:a", "x"), Ref(Kind.LOOKUP, "portal:a", "x")]
Content = tuple[str, State] | None  # what an object says; None: removed

refs = st.sampled_from(REFS)
notes = st.sampled_from("abc")
states = st.sampled_from(State)
ages = st.sampled_from([0, 0, 0, 1])  # how many revisions a writer is behind
names = st.sampled_from(["b1", "b2", "b3"])
FRESH = count()


class BesideADictionary(RuleBasedStateMachine):
    """What the store says, and what a plain model says."""

    url: str

    def __init__(self) -> None:
        super().__init__()
        self.store = SqlStore(self.fresh())
        self.number = 0
        self.kept: dict[Ref, list[tuple[int, Content]]] = {ref: [] for ref in REFS}
        self.batches: dict[str, tuple[int, list[Ref]]] = {}

    def fresh(self) -> str:
        """The address of an empty store."""
        name = self.name = f"machine_{next(FRESH)}"
        if self.url.startswith("sqlite"):
            ready = Path(self.url.removeprefix("sqlite:///"))
            return f"sqlite:///{shutil.copy(ready, ready.with_name(name))}"
        address, _, empty = self.url.rpartition("/")
        create(address, name, empty)
        return f"{address}/{name}"

    def teardown(self) -> None:
        self.store.close()
        if not self.url.startswith("sqlite"):
            drop(self.url.rpartition("/")[0], self.name)

    def now(self, ref: Ref) -> tuple[int, Content]:
        return self.kept[ref][-1] if self.kept[ref] else (NEW, None)

    def seen(self, ref: Ref, age: int) -> int:
        """The version that somebody saw who looked `age` revisions ago."""
        found = self.kept[ref][: len(self.kept[ref]) - age]
        return found[-1][0] if found and found[-1][1] is not None else NEW

    def write(self, ref: Ref, content: Content) -> None:
        self.kept[ref].append((self.number, content))

    def expect(self, ref: Ref, seen: int, *, removing: bool = False) -> bool:
        """Whether a writer who saw this version may write."""
        version, content = self.now(ref)
        return (version if content is not None else NEW) == seen and not (removing and seen == NEW)

    @rule(ref=refs, note=notes, state=states, age=ages)
    def put(self, ref: Ref, note: str, state: State, age: int) -> None:
        seen = self.seen(ref, age)
        change = by("an")
        if not self.expect(ref, seen):
            with pytest.raises(ObjectChanged):
                self.store.put(ref, body_of("x", note=note), change, seen_version=seen, state=state)
            return
        self.number += 1
        self.store.put(ref, body_of("x", note=note), change, seen_version=seen, state=state)
        self.write(ref, (note, state))

    @rule(ref=refs, age=ages)
    def remove(self, ref: Ref, age: int) -> None:
        seen = self.seen(ref, age)
        if not self.expect(ref, seen, removing=True):
            with pytest.raises(ObjectChanged):
                self.store.remove(ref, by("an"), seen_version=seen)
            return
        self.number += 1
        self.store.remove(ref, by("an"), seen_version=seen)
        self.write(ref, None)

    @rule(ref=refs, back=st.integers(1, 3))
    def restore(self, ref: Ref, back: int) -> None:
        if len(self.kept[ref]) < back:
            return
        version, content = self.kept[ref][-back]
        if content is None:
            with pytest.raises(UnknownVersion):
                self.store.restore(ref, version, by("an"), seen_version=self.seen(ref, 0))
            return
        self.number += 1
        self.store.restore(ref, version, by("an"), seen_version=self.seen(ref, 0))
        self.write(ref, content)

    @rule(writes=st.lists(st.tuples(refs, notes | st.none(), ages), max_size=3), batch=names | st.none())
    def apply(self, writes: list[tuple[Ref, str | None, int]], batch: str | None) -> None:
        planned: list[Write] = []
        problems: set[type[Exception]] = set()
        for ref, note, age in writes:
            seen = self.seen(ref, age)
            planned.append(Remove(ref, seen) if note is None else Put(ref, body_of("x", note=note), seen))
            if not self.expect(ref, seen, removing=note is None):
                problems.add(ObjectChanged)
        if len({ref for ref, _, _ in writes}) < len(writes):
            problems.add(TwiceInBatch)
        if batch in self.batches:
            problems.add(BatchTaken)
        if problems:
            with pytest.raises(tuple(problems)):
                self.store.apply(planned, by("an", batch=batch))
            return
        self.number += 1
        assert self.store.apply(planned, by("an", batch=batch)) == self.number
        for ref, note, _ in writes:
            self.write(ref, None if note is None else (note, State.ON))
        if batch is not None:
            self.batches[batch] = (self.number, [ref for ref, _, _ in writes])

    @rule(batch=names)
    def undo(self, batch: str) -> None:
        if batch not in self.batches:
            with pytest.raises(UnknownVersion):
                self.store.undo(batch, by("an"))
            return
        number, touched = self.batches[batch]
        changed = {ref for ref in touched if self.now(ref)[0] != number}
        if changed:
            with pytest.raises(UndoRefused) as told:
                self.store.undo(batch, by("an"))
            assert set(told.value.changed) == changed
            return
        self.number += 1
        self.store.undo(batch, by("an"))
        for ref in touched:
            self.write(ref, self.kept[ref][-2][1] if len(self.kept[ref]) > 1 else None)

    @invariant()
    def nothing_differs(self) -> None:
        with self.store.reading() as workspace:
            assert workspace.revision <= self.number
            for ref, kept in self.kept.items():
                told = [(one.version, _content(one.body, one.state)) for one in workspace.history(ref)]
                assert told == kept
                there = workspace.get(ref)
                assert _content(there.body if there else None, there.state if there else State.ON) == self.now(ref)[1]

    @invariant()
    def the_trail_holds(self) -> None:
        assert self.store.trail.head().number == self.number
        assert self.store.trail.verify() is None


def _content(body: Any, state: State) -> Content:
    return None if body is None else (body["note"], state)


@pytest.fixture
def machine(url: str) -> type[BesideADictionary]:
    return type("Machine", (BesideADictionary,), {"url": url})


def test_store_and_dictionary_never_differ(machine: type[BesideADictionary]) -> None:
    checks = settings(
        max_examples=6,
        stateful_step_count=15,
        deadline=None,
        database=None,
        suppress_health_check=[HealthCheck.too_slow],
    )
    run_state_machine_as_test(machine, settings=checks)


def test_one_store_has_all_its_parts(store: SqlStore) -> None:
    assert store.trail.verify() is None
    assert store.publications.snapshots() == ()
    assert store.packs.states() == {}
    assert list(store.rules()) == []
