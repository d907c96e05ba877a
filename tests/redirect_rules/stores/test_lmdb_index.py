"""The mapped index answers as the one in memory does, whatever the keys look like."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import lmdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from redirect_rules.exact import DictIndex, ExactRule, Pairs
from redirect_rules.model import HO_CHI_MINH, Action, Lookup
from redirect_rules.sources import Problems
from redirect_rules.stores import lmdb_index
from redirect_rules.stores.lmdb_index import LmdbIndex, LookupTables, SortedRuns, exact_items, lookup_items

NOW = datetime(2026, 11, 1, tzinfo=HO_CHI_MINH)
DAY = timedelta(days=1)
LONG = "/" + "x" * 600


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


NAMES = st.sampled_from(["id", "tab", "p", "n" * 600])
VALUES = st.sampled_from(["1", "2", "", "\x00", "é", "1\x00\x01", "v" * 700])
PATHS = st.sampled_from(["/", "/a", "/a/b", "/a-b", LONG, LONG + "/y"])
PORTALS = st.sampled_from(["langson", "hanoi"])
QUERIES = st.dictionaries(NAMES, VALUES, max_size=3).map(lambda query: tuple(sorted(query.items())))
TIMES = st.sampled_from([(None, None), (None, NOW), (NOW, None), (NOW + DAY, None)])
RULES = st.lists(
    st.builds(
        lambda portal, path, query, action, time: rule(
            path, *query, portal=portal, valid_from=time[0], valid_until=time[1]
        )._replace(action=action, destination="home" if action is Action.NOTICE else ""),
        PORTALS,
        PATHS,
        QUERIES,
        st.sampled_from([Action.NOTICE, Action.PASS]),
        TIMES,
    ),
    max_size=16,
    unique_by=lambda one: one.address,
)
VISITS = st.tuples(PORTALS, PATHS, st.lists(st.tuples(NAMES, VALUES), max_size=5))


@settings(max_examples=60, deadline=None)
@given(RULES, st.lists(VISITS, min_size=1, max_size=4))
def test_the_file_answers_as_the_memory_does(rules: list[ExactRule], visits: list[tuple[str, str, Pairs]]) -> None:
    memory = DictIndex(rules)
    with index_of(rules) as index:
        assert len(index) == len(rules)
        assert set(index) == set(rules)
        assert all(list(index.at(one.address)) == [one] for one in rules)
        for portal, path, pairs in [*visits, *((r.portal, r.path, r.query) for r in rules)]:
            assert index.names_at(portal, path) == memory.names_at(portal, path)
            for now in (NOW, NOW - DAY):
                assert index.candidates(portal, path, pairs, now) == memory.candidates(portal, path, pairs, now)
                assert index.find(portal, path, pairs, now) == memory.find(portal, path, pairs, now)


def test_rules_that_follow_each_other_stand_together() -> None:
    rules = [
        rule("/a", *query, id=f"{name}{len(query)}", valid_from=since, valid_until=until)
        for query in ((), (("id", "1"),))
        for name, since, until in (("old", None, NOW), ("new", NOW, None))
    ]
    with index_of(rules) as index:
        assert index.find("langson", "/a", (), NOW) == rules[1]
        assert index.find("langson", "/a", (("id", "1"),), NOW - DAY) == rules[2]
        assert set(index) == set(rules)


def test_one_path_takes_any_number_of_values() -> None:
    rules = [rule("/index.php", ("id", str(i))) for i in range(3_000)]
    with index_of(rules) as index:
        assert all(index.find("langson", "/index.php", one.query, NOW) == one for one in rules)
        assert index.find("langson", "/index.php", (("id", "x"),), NOW) is None


def test_a_digest_proves_nothing_until_the_whole_key_is_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lmdb_index, "_stored", lambda key: key if len(key) <= 511 else b"\xff\xfesame")
    with filled([(b"\xff\xfesame", lmdb_index._with_key(b"k" * 600, b"v")), (b"\xff\xff", b"")]) as env:
        table = lmdb_index._Table(env, b"x")
        assert table.get(b"k" * 600) == b"v"
        assert table.get(b"k" * 599 + b"j") is None
        table.close()


def test_after_closing_a_look_up_fails_instead_of_reading_what_is_gone() -> None:
    with index_of([rule()]) as index:
        index.close()
        with pytest.raises(ValueError, match="closed"):
            index.find("langson", "/a", (), NOW)


def test_a_look_up_costs_as_many_probes_as_there_are_name_sets(monkeypatch: pytest.MonkeyPatch) -> None:
    with index_of([rule("/a", (name, "1")) for name in "abcdefgh"] + [rule("/a")]) as index:
        probes: list[bytes] = []
        get = index._table.get

        def counting(key: bytes) -> memoryview | bytes | None:
            probes.append(key)
            return get(key)

        monkeypatch.setattr(index._table, "get", counting)
        index.find("langson", "/a", [(name, value) for value in "23" for name in "abcdefgh"] * 100, NOW)
        assert len(probes) == 1 + 8 * 2


# rules that cannot stand together or at all                          what is said
REFUSED = [
    ([rule(id="one"), rule(id="two")], "/a is known as well by"),
    ([rule("/a", ("id", "é"), id="1"), rule("/a", ("id", "é"), id="2")], r"/a\?id=é is known as well by"),
    ([rule("/i.php", (f"p{i}", "1")) for i in range(9)], r"langson: /i\.php: .* more than 8 different sets"),
    ([rule("a", id="one")], "one: 'a' is no canonical path"),
    ([rule(id="one")._replace(destination="")], "one: where does it lead"),
]  # fmt: skip


@pytest.mark.parametrize(("rules", "said"), REFUSED)
def test_what_cannot_be_compiled_is_refused_in_words(rules: list[ExactRule], said: str, tmp_path: Path) -> None:
    with pytest.raises(Problems, match=said):
        list(exact_items(rules, folder=tmp_path))
    with pytest.raises(Problems, match=said):
        DictIndex(rules)


def test_a_hundred_complaints_are_enough(tmp_path: Path) -> None:
    with pytest.raises(Problems) as caught:
        list(exact_items((rule(str(i)) for i in range(1_000)), folder=tmp_path))
    assert len(caught.value.problems) == 100


def test_more_portals_than_numbers_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lmdb_index, "_MOST_NUMBERS", 1)
    with pytest.raises(Problems, match="more than 1 portals"):
        list(exact_items([rule(portal="a"), rule(portal="b")], folder=tmp_path))


def test_progress_is_told(tmp_path: Path) -> None:
    told: list[tuple[str, int]] = []
    list(exact_items((rule(f"/{i}") for i in range(20_000)), folder=tmp_path, progress=lambda *at: told.append(at)))
    assert told == [("reading", 10_000), ("reading", 20_000)]


@settings(deadline=None)
@given(st.lists(st.binary(max_size=4)), st.integers(1, 7))
def test_runs_on_disk_are_merged_in_order(entries: list[bytes], most_held: int) -> None:
    with TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(lmdb_index, "_BLOCK", 2)
        runs = SortedRuns(Path(folder), most_held=most_held)
        for entry in entries:
            runs.add(entry)
        assert list(runs) == sorted(entries)
        assert not list(Path(folder).iterdir())


def test_many_rules_through_the_disk_give_the_same_items(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rules = [rule(f"/{i * 7_919 % 5_000}/y{'z' * (i % 700)}", ("id", str(i))) for i in range(5_000)]
    expected = list(exact_items(rules, folder=tmp_path))
    monkeypatch.setattr(lmdb_index, "MOST_HELD_BYTES", 100_000)
    assert list(exact_items(rules, folder=tmp_path)) == expected
    assert all(one[0] < other[0] for one, other in pairwise(expected))


def test_lookups_are_found_in_the_file() -> None:
    tables = [
        Lookup("langson", "procedures", {"629d": "1.001193", "x" * 700: "1.000494", "": "1.000001"}),
        Lookup("hanoi", "procedures", {"629d": "2.000002"}),
        Lookup("hanoi", "empty", {}),
    ]
    with filled(lookup_items(tables)) as env:
        found = LookupTables(env, b"x")
        assert {key: dict(table) for key, table in found.items()} == {(t.portal, t.name): t.entries for t in tables}
        assert found["langson", "procedures"].get("629e", "") == ""
        assert found.get(("langson", "other"), {}).get("629d") is None
        assert len(found) == 3
        assert [len(table) for table in found.values()] == [3, 1, 0]
        found.close()


def test_a_table_that_stands_twice_is_refused() -> None:
    with pytest.raises(Problems, match="hanoi/t: this table stands twice"):
        list(lookup_items([Lookup("hanoi", "t", {}), Lookup("hanoi", "t", {"a": "b"})]))


def test_progress_of_lookups_is_told() -> None:
    told: list[tuple[str, int]] = []
    table = Lookup("hanoi", "t", {str(i): "1.000001" for i in range(10_000)})
    assert len(list(lookup_items([table], progress=lambda *at: told.append(at)))) == 10_001
    assert told == [("writing", 10_000)]
