"""Every rule store keeps these promises, on every database."""

import subprocess
import sys
import tracemalloc
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor

import pytest

from redirect_rules.objects import NEW, Kind, Put, Ref, Remove, State, Write
from redirect_rules.rule_lists import RuleFilter
from redirect_rules.store import BadObject, BatchTaken, ObjectChanged, TwiceInBatch, UnknownVersion
from redirect_rules.stores.sql import SqlStore
from tests.redirect_rules.conftest import Opener
from tests.redirect_rules.kept import LANGSON, NEWS, by, new, rule


def test_what_is_put_is_there(store: SqlStore) -> None:
    body = rule("news", note="Thông báo số 12 “khẩn”", tags=["báo"])
    put = store.put(NEWS, body, by("an"), seen_version=NEW)
    assert store.get(NEWS) == put
    assert (put.version, put.state, put.body) == (1, State.ON, body)


def test_one_body_has_one_spelling(store: SqlStore) -> None:
    forwards = store.put(LANGSON, {"a": 1, "b": "ế"}, by("an"), seen_version=NEW)
    backwards = store.put(LANGSON, {"b": "ế", "a": 1}, by("an"), seen_version=forwards.version)
    assert forwards.text == backwards.text == '{"a":1,"b":"ế"}'


# what is there                what was seen    what the loser is told
TOO_LATE = [
    ("put",                    NEW,             1),
    ("put",                    7,               1),
    ("put put",                1,               2),
    ("put remove",             1,               None),
    ("put remove put",         1,               3),
    ("",                       5,               None),
]  # fmt: skip


@pytest.mark.parametrize(("there", "seen", "current"), TOO_LATE)
@pytest.mark.parametrize("ref", [NEWS, LANGSON], ids=str)
def test_who_did_not_see_the_current_version_writes_nothing(
    store: SqlStore, ref: Ref, there: str, seen: int, current: int | None
) -> None:
    version = NEW
    for step in there.split():
        if step == "put":
            version = store.put(ref, rule(ref.id), by("an"), seen_version=version).version
        else:
            store.remove(ref, by("an"), seen_version=version)
            version = NEW
    before, head = store.get(ref), store.trail.head()
    with pytest.raises(ObjectChanged) as told:
        store.put(ref, rule(ref.id, note="mine"), by("binh"), seen_version=seen)
    assert (told.value.current and told.value.current.version) == current
    assert told.value.current == before
    assert (store.get(ref), store.trail.head()) == (before, head)


@pytest.mark.parametrize("seen", [NEW, 2])
def test_what_is_not_there_cannot_be_removed(store: SqlStore, seen: int) -> None:
    with pytest.raises(ObjectChanged):
        store.remove(NEWS, by("an"), seen_version=seen)


@pytest.mark.parametrize("new", [True, False], ids=["a new object", "one that is there"])
def test_of_ten_writers_one_wins(opened: Opener, new: bool) -> None:  # noqa: FBT001
    seen = NEW if new else opened().put(NEWS, rule("news"), by("an"), seen_version=NEW).version
    stores = [opened() for _ in range(10)]

    def write(i: int) -> int | None:
        try:
            return stores[i].put(NEWS, rule("news", note=str(i)), by(f"writer {i}"), seen_version=seen).version
        except ObjectChanged:
            return None

    with ThreadPoolExecutor(10) as pool:
        won = [version for version in pool.map(write, range(10)) if version is not None]
    assert won == [seen + 1]
    assert [one.version for one in stores[0].history(NEWS)][-1] == won[0]
    assert stores[0].trail.verify() is None


SCOPES = {
    Kind.RULE: "portal:langson",
    Kind.LOOKUP: "portal:langson",
    Kind.NOISE: "portal:langson",
    Kind.TEXTS: "portal:langson",
    Kind.READINESS: "20",
    Kind.SETTLEMENT: "20",
    Kind.CLIENT: "20",
    Kind.SIGN_IN: "20",
}


@pytest.mark.parametrize("kind", Kind)
def test_of_two_editors_of_any_kind_of_object_the_second_is_told(opened: Opener, kind: Kind) -> None:
    """Both saw the same; whether the other writes, removes or restores, only one does."""
    ref = Ref(kind, SCOPES.get(kind, ""), "mine")
    body = rule(ref.id) if kind is Kind.RULE else {"id": ref.id}
    one, other = opened(), opened()
    first = one.put(ref, body, by("an"), seen_version=NEW)
    seen = one.put(ref, body | {"note": "seen by both"}, by("an"), seen_version=first.version).version
    ways: dict[str, Callable[[SqlStore, int], object]] = {
        "writes": lambda store, version: store.put(ref, body | {"note": "x"}, by("binh"), seen_version=version),
        "restores": lambda store, version: store.restore(ref, first.version, by("binh"), seen_version=version),
        "applies": lambda store, version: store.apply([Put(ref, body, version)], by("binh")),
        "removes": lambda store, version: store.remove(ref, by("binh"), seen_version=version),
    }
    for name, way in ways.items():
        way(one, seen)
        current = other.get(ref)
        for late, again in ways.items():
            with pytest.raises(ObjectChanged) as told:
                again(other, seen)
            assert told.value.current == current, f"{name}, then {late}"
        assert other.get(ref) == current
        seen = current.version if current else NEW


PROCESS = """
import sys
from redirect_rules.stores.sql import SqlStore
from tests.redirect_rules.kept import by, new
store = SqlStore(sys.argv[1])
for i in range(15):
    put = new(f"{sys.argv[2]}-{i}")
    store.put(put.ref, put.body, by(sys.argv[2]), seen_version=0)
"""


def test_two_processes_write_at_once(store: SqlStore, url: str) -> None:
    processes = [subprocess.Popen([sys.executable, "-c", PROCESS, url, name]) for name in ("an", "binh")]
    assert [process.wait(30) for process in processes] == [0, 0]
    assert len(list(store.rules())) == 30
    assert store.trail.head().number == 30
    assert store.trail.verify() is None


def test_every_revision_is_kept_with_its_change(store: SqlStore) -> None:
    store.put(NEWS, rule("news"), by("an", "Công văn 5"), seen_version=NEW)
    store.put(NEWS, rule("news", note="x"), by("binh", "pause", minutes=1), seen_version=1, state=State.OFF)
    store.remove(NEWS, by("an", "gone", minutes=2), seen_version=2)
    told = [(one.version, one.actor, one.reason, one.state, one.body) for one in store.history(NEWS)]
    assert told == [
        (1, "an", "Công văn 5", State.ON, rule("news")),
        (2, "binh", "pause", State.OFF, rule("news", note="x")),
        (3, "an", "gone", State.OFF, None),
    ]
    assert [one.at for one in store.history(NEWS)] == [by("an", minutes=i).at for i in range(3)]


@pytest.mark.parametrize("seen", ["there", "removed"])
def test_an_earlier_revision_comes_back(store: SqlStore, seen: str) -> None:
    first = store.put(NEWS, rule("news"), by("an"), seen_version=NEW, state=State.OFF)
    version = store.put(NEWS, rule("news", note="x"), by("an"), seen_version=first.version).version
    if seen == "removed":
        store.remove(NEWS, by("an"), seen_version=version)
        version = NEW
    back = store.restore(NEWS, first.version, by("binh"), seen_version=version)
    assert (back.text, back.state) == (first.text, first.state)
    assert store.get(NEWS) == back
    assert len(store.history(NEWS)) == (4 if seen == "removed" else 3)


def test_a_removal_is_nothing_to_go_back_to(store: SqlStore) -> None:
    store.put(NEWS, rule("news"), by("an"), seen_version=NEW)
    store.remove(NEWS, by("an"), seen_version=1)
    for version in (2, 9):
        with pytest.raises(UnknownVersion):
            store.restore(NEWS, version, by("an"), seen_version=NEW)


def test_a_batch_is_one_write(store: SqlStore) -> None:
    store.put(NEWS, rule("news"), by("an"), seen_version=NEW)
    store.put(LANGSON, {"id": "langson"}, by("an"), seen_version=NEW)
    told: list[int] = []
    version = store.apply(
        [new("a"), Put(NEWS, rule("news", note="x"), 1), new("b", "family:igate2"), Remove(LANGSON, 2)],
        by("binh", "import", batch="b"),
        progress=told.append,
    )
    with store.reading() as workspace:
        assert {one.ref.id: one.version for one in workspace.rules()} == {"a": 3, "b": 3, "news": 3}
        assert workspace.get(LANGSON) is None
    assert version == 3
    assert told == [4]
    (entry,) = store.trail.entries(after=2)
    assert (entry.actor, entry.action, entry.subject, entry.count) == ("binh", "apply", "batch b", 4)


SOME = [new(f"some-{i}") for i in range(3)]

# what is written, with news at version 1                              why it cannot be
CANNOT = [
    ([*SOME, new("news")],                                             ObjectChanged),
    ([*SOME, Put(NEWS, rule("news"), 9)],                              ObjectChanged),
    ([*SOME, Remove(NEWS, 9)],                                         ObjectChanged),
    ([*SOME, SOME[1]],                                                 TwiceInBatch),
    ([Put(NEWS, rule("news"), 1), *SOME, Remove(NEWS, 1)],             TwiceInBatch),
    ([Remove(NEWS, 1), *SOME, new("news")],                            TwiceInBatch),
    ([*SOME, Put(NEWS, rule("olds"), 1)],                              BadObject),
    ([*SOME, Put(NEWS, {"id": "news"}, 1)],                            BadObject),
    ([*SOME, Put(NEWS, rule("news", note="\ud800"), 1)],               BadObject),
    ([*SOME, Put(NEWS, rule("news", note=float("nan")), 1)],           BadObject),
    ([*SOME, Put(NEWS, rule("news", valid_from="soon"), 1)],           BadObject),
    ([*SOME, new("")],                                                 BadObject),
    ([*SOME, new("a\nb")],                                             BadObject),
    ([*SOME, new("x" * 300)],                                          BadObject),
    ([*SOME, new("a", scope="")],                                      BadObject),
    ([*SOME, new("a", scope="province:langson")],                      BadObject),
    ([*SOME, Put(Ref(Kind.PORTAL, "portal:x", "langson"), {})],        BadObject),
]  # fmt: skip


@pytest.mark.parametrize(("writes", "why"), CANNOT)
@pytest.mark.parametrize("chunk", [2, 5_000])
def test_a_batch_is_written_whole_or_not_at_all(
    store: SqlStore, writes: list[Write], why: type[Exception], chunk: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("redirect_rules.stores.writing.CHUNK", chunk)
    before, head = store.put(NEWS, rule("news"), by("an"), seen_version=NEW), store.trail.head()
    with pytest.raises(why):
        store.apply(writes, by("binh", batch="b"))
    assert list(store.rules()) == [before]
    assert store.history(NEWS)[-1].version == before.version
    assert store.trail.head() == head
    store.apply(SOME, by("binh", batch="b"))  # not even the name is taken


def test_who_breaks_off_has_written_nothing(store: SqlStore) -> None:
    def broken() -> Iterable[Write]:
        yield from SOME
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        store.apply(broken(), by("an"))
    assert not list(store.rules())
    store.apply(SOME, by("an"))


def test_the_loser_of_a_batch_is_told_what_was_there(store: SqlStore) -> None:
    there = store.put(NEWS, rule("news"), by("an"), seen_version=NEW)
    with pytest.raises(ObjectChanged) as told:
        store.apply([*SOME, new("news")], by("binh"))
    assert (told.value.ref, told.value.current) == (NEWS, there)


def test_a_name_of_a_batch_is_used_once(store: SqlStore) -> None:
    store.apply(SOME, by("an", batch="b"))
    with pytest.raises(BatchTaken):
        store.apply([new("other")], by("an", batch="b"))


def test_a_reading_sees_one_state(store: SqlStore, opened: Opener) -> None:
    store.put(NEWS, rule("news"), by("an"), seen_version=NEW)
    other = opened()
    with store.reading() as workspace:
        assert workspace.revision == 1
        other.put(NEWS, rule("news", note="x"), by("binh"), seen_version=1)
        other.apply(SOME, by("binh"))
        assert [one.version for one in workspace.rules()] == [1]
        assert workspace.revision == 1
        assert len(workspace.history(NEWS)) == 1
    assert len(list(store.rules())) == 4


def test_rules_come_by_scope_and_id_as_code_points_sort(store: SqlStore) -> None:
    names = ["b", "A", "a-b", "ab", "ă", "a_b", "Z", "đ"]
    store.apply([new(name, scope) for scope in ("portal:b", "family:b", "portal:a") for name in names], by("an"))
    wanted = [(scope, name) for scope in ("family:b", "portal:a", "portal:b") for name in sorted(names)]
    assert [(one.ref.scope, one.ref.id) for one in store.rules()] == wanted
    assert [one.ref.id for one in store.rules("portal:b")] == sorted(names)


def test_a_rule_that_is_off_is_in_no_snapshot(store: SqlStore) -> None:
    store.apply([new("a"), Put(NEWS, rule("news"), NEW, State.OFF)], by("an"))
    with store.reading() as workspace:
        assert [one.ref.id for one in workspace.rules()] == ["a"]
        assert [one.ref.id for one in workspace.rules(off_too=True)] == ["a", "news"]
        assert [one.state for one in workspace.objects(Kind.RULE)] == [State.ON, State.OFF]


def test_rules_stream_in_constant_memory(store: SqlStore) -> None:
    store.apply((new(f"r-{i}") for i in range(12_000)), by("an"))
    with store.reading() as workspace:
        rules = workspace.rules()
        next(rules)
        tracemalloc.start()
        rest = sum(1 for _ in rules)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert workspace.count(RuleFilter()) == rest + 1 == 12_000
    assert peak < 3_000_000  # bytes; all of them at once take ten


# what is written             whether it makes another draft
BESIDE = {Kind.SWITCH, Kind.PERSON, Kind.NOISE, Kind.READINESS, Kind.CLIENT, Kind.SIGN_IN}
DRAFTS = [(kind, kind not in BESIDE) for kind in Kind]


@pytest.mark.parametrize(("kind", "another"), DRAFTS)
def test_one_number_says_whether_the_draft_is_another(store: SqlStore, kind: Kind, another: bool) -> None:  # noqa: FBT001
    store.apply(SOME, by("an"))
    ref = Ref(kind, SCOPES.get(kind, ""), "x")
    version = store.put(ref, rule("x"), by("an"), seen_version=NEW).version
    with store.reading() as workspace:
        assert workspace.revision == (version if another else 1)
    store.remove(ref, by("an"), seen_version=version)
    with store.reading() as workspace:
        assert workspace.revision == (3 if another else 1)
