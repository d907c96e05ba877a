"""Searching rules."""

from datetime import timedelta
from typing import Any

import pytest

from redirect_rules.store import NEW, Kind, Put, Ref, RuleFilter, State, Stored
from redirect_rules.stores.sql import SqlStore
from tests.redirect_rules.kept import LANGSON, NEWS, NOON, by, rule

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


# what is asked for                                       what is found, by scope and id
FOUND = [
    (RuleFilter(),                                        "eabcd"),
    (RuleFilter(scope="portal:langson"),                  "abcd"),
    (RuleFilter(scope="portal:hue"),                      ""),
    (RuleFilter(key="/tin-tuc/2"),                        "b"),
    (RuleFilter(key="/tin-tuc/10"),                       "c"),
    (RuleFilter(key_prefix="/tin-tuc/1"),                 "ac"),
    (RuleFilter(key_prefix="/"),                          "eabc"),
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
