"""Searching rules."""

from datetime import timedelta
from typing import Any

import pytest

from redirect_rules.objects import NEW, Kind, Put, Ref, Remove, State, Stored
from redirect_rules.rule_lists import RuleFilter
from redirect_rules.stores.sql import SqlStore
from tests.redirect_rules.kept import LANGSON, NEWS, NOON, by, new, rule

RULES: dict[str, dict[str, Any]] = {
    "a": {"exact": ["/tin-tuc/1"], "owner": "an", "tags": ["x", "y"]},
    "b": {"exact": ["/tin-tuc/2"], "to": [{"destination": "procedure"}, "home"], "tags": ["xy"]},
    "c": {"exact": ["/Tin-Tuc/10"], "action": "gone", "to": [], "tags": ["%"]},
    "d": {"exact": [], "paths": ["/tin-tuc/{n:number}"], "valid_until": (NOON + timedelta(days=3)).isoformat()},
}


@pytest.fixture
def searched(store: SqlStore) -> SqlStore:
    bodies = {id_: rule(id_) | more for id_, more in RULES.items()}
    puts = [Put(Ref(Kind.RULE, "portal:langson", id_), body) for id_, body in bodies.items()]
    store.apply([*puts, Put(Ref(Kind.RULE, "family:f", "e"), rule("e"), NEW, State.OFF)], by("an"))
    return store


# what is asked for                                       what is found, by scope and id or address
FOUND = [
    (RuleFilter(),                                        "eabcd"),
    (RuleFilter(scope="portal:langson"),                  "abcd"),
    (RuleFilter(scope="portal:hue"),                      ""),
    (RuleFilter(key="/tin-tuc/2"),                        "b"),
    (RuleFilter(key="/tin-tuc/10"),                       "c"),
    (RuleFilter(key_prefix="/tin-tuc/1"),                 "ac"),
    (RuleFilter(key_prefix="/"),                          "eacb"),
    (RuleFilter(action="gone"),                           "c"),
    (RuleFilter(destination="procedure"),                 "b"),
    (RuleFilter(destination="home"),                      "ead"),
    (RuleFilter(owner="an"),                              "a"),
    (RuleFilter(tag="x"),                                 "a"),
    (RuleFilter(tag="%"),                                 "c"),
    (RuleFilter(state=State.OFF),                         "e"),
    (RuleFilter(state=State.ON, key_prefix="/tin-tuc/1"), "ac"),
    (RuleFilter(ends_before=NOON + timedelta(days=4)),    "d"),
    (RuleFilter(ends_before=NOON),                        ""),
]  # fmt: skip


@pytest.mark.parametrize(("wanted", "ids"), FOUND)
def test_rules_are_found(searched: SqlStore, wanted: RuleFilter, ids: str) -> None:
    with searched.reading() as workspace:
        assert "".join(one.ref.id for one in workspace.find(wanted)) == ids
        assert workspace.count(wanted) == len(ids)


def test_pages_follow_one_another(searched: SqlStore) -> None:
    pages: list[str] = []
    page: list[Stored] = []
    with searched.reading() as workspace:
        while page := workspace.find(RuleFilter(), after=page[-1].ref if page else None, limit=2):
            pages.append("".join(one.ref.id for one in page))
    assert pages == ["ea", "bc", "d"]


def test_many_objects_are_looked_up_at_once(searched: SqlStore) -> None:
    searched.put(LANGSON, {"id": "langson"}, by("an"), seen_version=NEW)
    asked = [Ref(Kind.RULE, "portal:langson", "a"), NEWS, LANGSON, Ref(Kind.RULE, "family:f", "e")]
    with searched.reading() as workspace:
        assert workspace.many(asked).keys() == set(asked) - {NEWS}
        assert [one.ref for one in workspace.objects(Kind.PORTAL)] == [LANGSON]
        assert workspace.history(NEWS) == []


def test_what_changed_since_is_told_once(store: SqlStore) -> None:
    first = store.apply([new("a"), new("b"), new("c")], by("an"))
    second = store.apply([Put(new("a").ref, rule("a", "/a", "/x"), first), Remove(new("b").ref, first)], by("an"))
    store.apply([Put(new("a").ref, rule("a", "/a", "/y"), second), new("d")], by("an"))
    store.put(LANGSON, {"id": "langson"}, by("an"), seen_version=NEW)
    with store.reading() as workspace:
        everything = frozenset(new(id_).ref for id_ in "abcd") | {LANGSON}
        assert workspace.changed_since(0, most=5) == everything
        assert workspace.changed_since(first, most=5) == everything - {new("c").ref}
        assert workspace.changed_since(second, most=5) == frozenset({new("a").ref, new("d").ref, LANGSON})
        assert workspace.changed_since(workspace.revision, most=5) == frozenset()
        assert workspace.changed_since(0, most=4) is None


def test_objects_are_seen_as_they_stood(store: SqlStore) -> None:
    first = store.apply([new("a"), new("b")], by("an"))
    second = store.apply([Put(new("a").ref, rule("a", "/x"), first), Remove(new("b").ref, first)], by("an"))
    third = store.apply([new("b", note="again"), new("c")], by("an"))
    refs = [new(id_).ref for id_ in "abc"]

    def texts(revision: int) -> dict[str, object]:
        with store.reading() as workspace:
            found = workspace.as_of(refs, revision)
            assert all(one.version <= revision for one in found.values())
            return {ref.id: one.body.get("note") or one.body["exact"] for ref, one in found.items()}

    assert texts(0) == {}
    assert texts(first) == {"a": ["/a"], "b": ["/b"]}
    assert texts(second) == {"a": ["/x"]}
    assert texts(third) == {"a": ["/x"], "b": "again", "c": ["/c"]}
