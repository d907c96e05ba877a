"""Rules in any order become items in theirs, and what cannot be compiled is told."""

from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from redirect_rules.dict_index import DictIndex
from redirect_rules.exact import ExactRule
from redirect_rules.model import Lookup
from redirect_rules.packed_rules import LONGEST_ID_TAIL
from redirect_rules.sources import Problems
from redirect_rules.stores import lmdb_compiler, lmdb_layout, sorted_runs
from redirect_rules.stores.lmdb_compiler import NotThere, changed_items, exact_items, lookup_items
from redirect_rules.stores.lmdb_index import LmdbIndex
from redirect_rules.stores.lmdb_layout import Places
from tests.redirect_rules.mapped import filled, index_of, rule

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
    monkeypatch.setattr(lmdb_compiler, "_MOST_NUMBERS", 1)
    with pytest.raises(Problems, match="more than 1 portals"):
        list(exact_items([rule(portal="a"), rule(portal="b")], folder=tmp_path))


def test_progress_is_told(tmp_path: Path) -> None:
    told: list[tuple[str, int]] = []
    list(exact_items((rule(f"/{i}") for i in range(20_000)), folder=tmp_path, progress=lambda *at: told.append(at)))
    assert told == [("reading", 10_000), ("reading", 20_000)]


def test_many_rules_through_the_disk_give_the_same_items(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rules = [rule(f"/{i * 7_919 % 5_000}/y{'z' * (i % 700)}", ("id", str(i))) for i in range(5_000)]
    expected = list(exact_items(rules, folder=tmp_path))
    monkeypatch.setattr(sorted_runs, "MOST_HELD_BYTES", 100_000)
    assert list(exact_items(rules, folder=tmp_path)) == expected
    assert all(one[0] < other[0] for one, other in pairwise(expected))


def test_a_table_that_stands_twice_is_refused() -> None:
    with pytest.raises(Problems, match="hanoi/t: this table stands twice"):
        list(lookup_items([Lookup("hanoi", "t", {}), Lookup("hanoi", "t", {"a": "b"})]))


def test_progress_of_lookups_is_told() -> None:
    told: list[tuple[str, int]] = []
    table = Lookup("hanoi", "t", {str(i): "1.000001" for i in range(10_000)})
    assert len(list(lookup_items([table], progress=lambda *at: told.append(at)))) == 10_001
    assert told == [("writing", 10_000)]


PATHS = st.sampled_from(["/", "/a", "/a/b", "/" + "x" * 600])
NAMES = st.sampled_from(["id", "tab", "n" * 600])
VALUES = st.sampled_from(["1", "2", "v" * 700])
SOME = st.lists(
    st.builds(
        lambda portal, path, query, to: rule(path, *sorted(query.items()), portal=portal)._replace(destination=to),
        st.sampled_from(["langson", "hanoi", "hue"]),
        PATHS,
        st.dictionaries(NAMES, VALUES, max_size=2),
        st.sampled_from(["home", "help"]),
    ),
    max_size=12,
    unique_by=lambda one: one.address,
)


@settings(max_examples=60, deadline=None)
@given(SOME, SOME)
def test_a_changed_file_answers_as_one_that_was_made_of_what_is_left(
    before: list[ExactRule], after: list[ExactRule]
) -> None:
    gone, come = [one for one in before if one not in after], [one for one in after if one not in before]
    with TemporaryDirectory() as folder, index_of(before) as old:
        changed = changed_items(old, gone, come, folder=Path(folder))
        assert changed.removed.isdisjoint(key for key, _ in changed.items)
        items = {bytes(key): bytes(value) for key, value in old._table._txn.cursor()}
        for key in changed.removed:
            del items[key]
        items.update(changed.items)
        with filled(sorted(items.items())) as env:
            new = LmdbIndex(env, b"x")
            assert set(new) == set(after)
            assert len(new) == len(after)
            with index_of(after) as whole:
                for one in after:
                    assert new.at(one.address) == whole.at(one.address)
                    assert new.names_at(*one.address[:2]) == whole.names_at(*one.address[:2])
            new.close()


@settings(max_examples=40, deadline=None)
@given(SOME, SOME)
def test_a_file_of_the_former_format_is_read_and_changed_as_any_other(
    before: list[ExactRule], after: list[ExactRule]
) -> None:
    with TemporaryDirectory() as folder, index_of(before, places=Places((), None)) as old:
        assert not old.places.numbers_folders
        assert set(old) == set(before)
        for one in before:
            assert list(old.at(one.address)) == [one]
            alone = old.alone(one.portal).find(one.path.encode(), one.path.rfind("/"))
            told = bool(old.names_at(one.portal, one.path)) or len(one.id) > LONGEST_ID_TAIL
            assert (alone is None) is told
        gone = [one for one in before if one not in after]
        come = [one for one in after if one not in before]
        changed = changed_items(old, gone, come, folder=Path(folder))
        items = {bytes(key): bytes(value) for key, value in old._table._txn.cursor()}
        for key in changed.removed:
            del items[key]
        items.update(changed.items)
        with filled(sorted(items.items())) as env:
            new = LmdbIndex(env, b"x")
            assert set(new) == set(after)
            new.close()


@settings(max_examples=40, deadline=None)
@given(SOME)
def test_rules_whose_folders_have_no_numbers_are_found_as_others_are(rules: list[ExactRule]) -> None:
    with pytest.MonkeyPatch.context() as few:
        few.setattr(lmdb_layout, "MOST_FOLDERS", 1)
        with index_of(rules) as index:
            assert len(index.places.folders) <= 1
            assert set(index) == set(rules)
            for one in rules:
                assert list(index.at(one.address)) == [one]


def test_a_rule_that_is_not_there_cannot_go(tmp_path: Path) -> None:
    with index_of([rule("/a")]) as index:
        with pytest.raises(NotThere, match="langson/b"):
            changed_items(index, [rule("/b")], [], folder=tmp_path)
        with pytest.raises(NotThere):
            changed_items(index, [rule("/a"), rule("/a")], [], folder=tmp_path)


def test_what_comes_is_held_to_what_stands_there(tmp_path: Path) -> None:
    with index_of([rule("/a", id="one")]) as index, pytest.raises(Problems, match="known as well by"):
        changed_items(index, [], [rule("/a", id="two")], folder=tmp_path)
