"""Facets: whatever is written, in whatever order, their counts are those of the rules."""

import contextlib
from collections import Counter

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from redirect_rules.objects import NEW, Kind, Put, Ref, Remove, State, Write
from redirect_rules.rule_lists import RuleFilter
from redirect_rules.store import ObjectChanged, UndoRefused
from redirect_rules.stores.database import Database
from redirect_rules.stores.facets import ADDRESS, digest_of, facet_of, shares
from redirect_rules.stores.sql import SqlStore
from redirect_rules.stores.tables import FACETS, RULES
from tests.redirect_rules.kept import by, new, rule


def recounted(url: str) -> dict[object, tuple[int, int]]:
    """Facets whose count is not that of the rules: the count that is kept, and the true one."""
    database = Database(url)
    with database.reading() as connection:
        true = Counter(
            facet_of(row.scope, row.state, (row.match, row.key, row.action, row.destination, row.owner, row.tags))
            for row in connection.execute(select(RULES))
        )
        numbers = {row.id: tuple(row[1:7]) for row in connection.execute(select(FACETS))}
        kept = {tuple(row[1:7]): row[8] for row in connection.execute(select(FACETS))}
        strange = [
            row.id
            for row in connection.execute(select(RULES))
            if numbers.get(row.facet)
            != facet_of(row.scope, row.state, (row.match, row.key, row.action, row.destination, row.owner, row.tags))
        ]
    database.close()
    assert not strange, "rules that bear another facet's number"
    both = {*kept, *true}
    return {facet: (kept.get(facet, 0), true[facet]) for facet in both if kept.get(facet, 0) != true[facet]}


def test_an_address_of_its_own_is_no_facet_of_its_own() -> None:
    columns = ("/a", "/a", "notice", "https://dichvucong.gov.vn/1", "", "", None, None)
    assert facet_of("portal:hue", "on", columns)[3] == ADDRESS


def test_facets_of_other_words_have_other_digests() -> None:
    assert digest_of(("a", "", "", "", "", "")) != digest_of(("", "a", "", "", "", ""))


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["put", "remove", "undo", "apply"]),
        st.sampled_from(["a", "b", "c"]),
        st.sampled_from(["home", "procedure", "https://dichvucong.gov.vn/x"]),
        st.sampled_from([[], ["x"], ["x", "y"]]),
        st.sampled_from(State),
    ),
    max_size=12,
)


@settings(max_examples=25, deadline=None, database=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
def test_counts_hold_whatever_is_done(url: str, steps: list[tuple[str, str, str, list[str], State]]) -> None:
    store = SqlStore(url)
    batches: list[str] = []
    with store.reading() as workspace:
        begun = workspace.revision
    for step, (what, id_, goal, tags, state) in enumerate(steps):
        ref = Ref(Kind.RULE, "portal:langson", id_)
        there = store.get(ref)
        seen = there.version if there else NEW
        body = rule(id_, to=[goal] if "://" not in goal else [{"url": goal}], tags=tags)
        match what:
            case "put":
                store.put(ref, body, by("an"), seen_version=seen, state=state)
            case "remove" if there:
                store.remove(ref, by("an"), seen_version=seen)
            case "apply":
                writes: list[Write] = [Put(ref, body, seen, state)]
                other = store.get(Ref(Kind.RULE, "family:f", id_))
                writes.append(
                    Remove(other.ref, other.version) if other else Put(Ref(Kind.RULE, "family:f", id_), rule(id_))
                )
                batches.append(f"{begun}-{step}")
                store.apply(writes, by("an", batch=batches[-1]))
            case "undo" if batches:
                with contextlib.suppress(UndoRefused):
                    store.undo(batches.pop(), by("an"))
    store.close()
    assert recounted(url) == {}


def test_a_write_that_fails_counts_nothing(store: SqlStore, url: str) -> None:
    store.apply([new("a"), new("b")], by("an"))
    with pytest.raises(ObjectChanged):
        store.apply([new("c"), new("a")], by("an"))
    assert recounted(url) == {}
    with store.reading() as workspace:
        assert workspace.count(RuleFilter()) == 2


def test_what_fits_is_told_by_scope(store: SqlStore, url: str) -> None:
    store.apply([new("a", tags=["x"]), new("b"), new("c", scope="family:f")], by("an"))
    database = Database(url)
    with database.reading() as connection:
        everything = shares(connection, RuleFilter())
        tagged = shares(connection, RuleFilter(tag="x"))
        assert shares(connection, RuleFilter(scope="portal:hue")) == []
    database.close()
    assert everything is not None
    assert tagged is not None
    assert [(one.scope, one.fitting, one.whole, one.is_all) for one in everything] == [
        ("family:f", 1, 1, True),
        ("portal:langson", 2, 2, True),
    ]
    assert [(one.scope, one.fitting, one.whole, one.is_all) for one in tagged] == [("portal:langson", 1, 2, False)]
