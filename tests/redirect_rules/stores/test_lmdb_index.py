"""The mapped index answers as the one in memory does, whatever the keys look like."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from redirect_rules.dict_index import DictIndex
from redirect_rules.exact import ExactIndex, ExactRule, Pairs
from redirect_rules.model import HO_CHI_MINH, Action, Lookup
from redirect_rules.stores import lmdb_index
from redirect_rules.stores.lmdb_compiler import lookup_items
from redirect_rules.stores.lmdb_index import LookupTables
from redirect_rules.stores.lmdb_layout import with_key
from tests.redirect_rules.mapped import filled, index_of, rule

NOW = datetime(2026, 11, 1, tzinfo=HO_CHI_MINH)
DAY = timedelta(days=1)
LONG = "/" + "x" * 600


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
            standing = [record_of(one, portal, path) for one in (index, memory)]
            assert standing[0] == standing[1]


def record_of(index: ExactIndex, portal: str, path: str) -> object:
    """What `alone` says, with its shape."""
    record = index.alone(portal).find(path.encode(), path.rfind("/"))
    return None if record is None else (index.shape(record.number), record.id_tail, record.texts)


def test_what_stands_alone_is_found_by_its_octets() -> None:
    rules = [rule("/a"), rule("/b", ("id", "1")), rule("/c"), rule("/c", ("id", "1")), rule("/d", valid_until=NOW)]
    with index_of([*rules, rule("/d", valid_from=NOW)._replace(id="later")]) as index:
        assert index.alone("langson").find(b"/a", 0) is not None
        assert [index.alone("langson").find(path, 0) for path in (b"/b", b"/c", b"/d", b"/e", b"/A")] == [None] * 5
        assert index.alone("nobody").find(b"/a", 0) is None


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
    monkeypatch.setattr(lmdb_index, "stored_key", lambda key: key if len(key) <= 511 else b"\xff\xfesame")
    with filled([(b"\xff\xfesame", with_key(b"k" * 600, b"v")), (b"\xff\xff", b"")]) as env:
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
        probes: list[object] = []
        get, place = index._table.get, index._data

        def counting(key: bytes) -> memoryview | bytes | None:
            probes.append(key)
            return get(key)

        def counting_places(portal: str, path: str) -> Any:
            probes.append((portal, path))
            return place(portal, path)

        monkeypatch.setattr(index._table, "get", counting)
        monkeypatch.setattr(index, "_data", counting_places)
        index.find("langson", "/a", [(name, value) for value in "23" for name in "abcdefgh"] * 100, NOW)
        assert len(probes) == 1 + 8 * 2


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
