"""Pages of rules: on either database, by whichever way they are found, what a plain search of all rules would find."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from redirect_rules.audit import utc_text
from redirect_rules.objects import Kind, Put, Ref, Remove, State, Stored
from redirect_rules.rule_lists import Mark, Order, RuleFilter
from redirect_rules.stores import facets, listing
from redirect_rules.stores.columns import columns_of
from redirect_rules.stores.sql import SqlStore
from tests.redirect_rules.kept import NOON, by, rule

SCOPES = ("family:f", "portal:hue", "portal:langson")
GOALS: tuple[Any, ...] = ("home", "procedure", {"url": "https://dichvucong.gov.vn/x"})


def many(scope: str) -> Iterator[Put]:
    """Rules in which everything that is searched comes in several mixtures."""
    for number in range(40):
        # Of two in a row the addresses stand the other way round than the ids.
        body: dict[str, Any] = rule(f"r{number:02}", f"/{'ab'[number % 2]}/{number ^ 1:02}")
        body["to"] = [GOALS[number % 3]] if number % 5 else []
        body["action"] = "notice" if number % 5 else "gone"
        body["tags"] = [f"t{one}" for one in range(3) if number % (one + 2) == 0]
        body["owner"] = "an" if number % 7 == 0 else ""
        if number % 4 == 0:
            body["valid_until"] = (NOON + timedelta(days=number % 9)).isoformat()
        if number % 10 == 9:
            body |= {"exact": [], "paths": [f"/p/{number}/{{n:number}}"]}
        yield Put(Ref(Kind.RULE, scope, body["id"]), body, 0, State.OFF if number % 6 == 5 else State.ON)


@pytest.fixture
def filled(store: SqlStore) -> SqlStore:
    """Three scopes; some rules were changed later, and some removed."""
    for scope in SCOPES:
        store.apply([*many(scope)], by("an"))
    with store.reading() as workspace:
        there = workspace.find(RuleFilter(), limit=1_000)
    changed = [Put(one.ref, one.body | {"note": "later"}, one.version, one.state) for one in there[::7]]
    removed = [Remove(one.ref, one.version) for one in there[3::13] if one not in there[::7]]
    store.apply([*changed[::-1], *removed], by("binh"))
    return store


Place = Callable[[Stored], Any]


def fits(stored: Stored, wanted: RuleFilter) -> bool:
    """The filter in a few lines, for one rule."""
    _, key, action, destination, owner, tags, _, until = columns_of(stored.body)
    checks = [
        (wanted.scope, stored.ref.scope),
        (wanted.key, key),
        (wanted.action, action),
        (wanted.destination, destination),
        (wanted.owner, owner),
        (wanted.state, stored.state),
    ]
    return (
        all(asked is None or asked == there for asked, there in checks)
        and (wanted.tag is None or f"\t{wanted.tag}\t" in tags)
        and (wanted.key_prefix is None or (key is not None and key.startswith(wanted.key_prefix)))
        and (wanted.ends_before is None or (until is not None and until < utc_text(wanted.ends_before)))
    )


def expected(store: SqlStore, wanted: RuleFilter, order: Order) -> list[Ref]:
    with store.reading() as workspace:
        found = [one for one in workspace.objects(Kind.RULE) if fits(one, wanted)]
        if listing.order_of(wanted, order) is Order.CHANGED:
            found.sort(key=lambda one: -one.version)  # within a change the position decides, which nobody else knows
    by_order: dict[Order, Place] = {
        Order.NAME: lambda one: one.ref,
        Order.ADDRESS: lambda one: (one.ref.scope, columns_of(one.body)[1], one.ref.id),
        Order.END: lambda one: (columns_of(one.body)[7], one.ref.scope, one.ref.id),
        Order.CHANGED: lambda one: -one.version,
    }
    return [one.ref for one in sorted(found, key=by_order[listing.order_of(wanted, order)])]


def paged(store: SqlStore, wanted: RuleFilter, order: Order, limit: int) -> list[Stored]:
    found: list[Stored] = []
    with store.reading() as workspace:
        while page := workspace.find(wanted, after=Mark.of(found[-1]) if found else None, limit=limit, order=order):
            assert len(page) <= limit
            found += page
    return found


FILTERS = st.builds(
    RuleFilter,
    scope=st.sampled_from([None, None, *SCOPES, "portal:none"]),
    key=st.sampled_from([None, None, None, "/a/01", "/b/02", "/none"]),
    key_prefix=st.sampled_from([None, None, "/", "/a", "/b/1"]),
    action=st.sampled_from([None, "notice", "gone"]),
    destination=st.sampled_from([None, None, "home", "procedure", "https://dichvucong.gov.vn/x", "https://none.vn"]),
    owner=st.sampled_from([None, None, "an", "nobody"]),
    tag=st.sampled_from([None, "t0", "t2", "t", "%"]),
    state=st.sampled_from([None, *State]),
    ends_before=st.sampled_from([None, None, NOON + timedelta(days=4)]),
)
WAYS = {
    "fetched and sorted": {},
    "heads of facets merged": {"FEW": 0},
    "indexes walked": {"FEW": 0, "MOST_HEADS": 0},
    "more facets than can be asked": {"MOST_FACETS": 1},
}


@pytest.mark.parametrize("way", WAYS)
def test_every_way_finds_what_a_plain_search_finds(filled: SqlStore, monkeypatch: pytest.MonkeyPatch, way: str) -> None:
    for name, bound in WAYS[way].items():
        monkeypatch.setattr(facets if name == "MOST_FACETS" else listing, name, bound)

    @settings(max_examples=30, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(wanted=FILTERS, order=st.sampled_from([Order.NAME, Order.CHANGED]), limit=st.integers(3, 60))
    def found(wanted: RuleFilter, order: Order, limit: int) -> None:
        there = expected(filled, wanted, order)
        listed = paged(filled, wanted, order, limit)
        if listing.order_of(wanted, order) is Order.CHANGED:
            assert {one.ref for one in listed} == set(there)
            assert [one.version for one in listed] == sorted((one.version for one in listed), reverse=True)
        else:
            assert [one.ref for one in listed] == there
        assert len(listed) == len(there)
        with filled.reading() as workspace:
            assert workspace.count(wanted) == len(there)
            counted = workspace.count(wanted, most=5)
            assert counted == len(there) if len(there) <= 5 else counted > 5

    found()


@pytest.mark.parametrize("order", [Order.NAME, Order.CHANGED])
@pytest.mark.parametrize(
    "wanted",
    [RuleFilter(), RuleFilter(key_prefix="/"), RuleFilter(ends_before=NOON + timedelta(days=9))],
    ids=["all", "by address", "by end"],
)
def test_a_page_goes_on_where_the_one_before_ended_though_its_last_rule_was_changed(
    filled: SqlStore, wanted: RuleFilter, order: Order
) -> None:
    with filled.reading() as workspace:
        whole = workspace.find(wanted, limit=100, order=order)
    last = whole[9]
    filled.put(last.ref, rule(last.ref.id, "/zzz"), by("chi"), seen_version=last.version)
    with filled.reading() as workspace:
        following = workspace.find(wanted, after=Mark.of(last), limit=5, order=order)
    assert [one.ref for one in following] == [one.ref for one in whole[10:15]]


def test_a_page_after_a_rule_that_was_removed_is_the_same(filled: SqlStore) -> None:
    for order in (Order.NAME, Order.CHANGED):
        with filled.reading() as workspace:
            whole = workspace.find(RuleFilter(), limit=30, order=order)
        filled.remove(whole[19].ref, by("chi"), seen_version=whole[19].version)
        with filled.reading() as workspace:
            following = workspace.find(RuleFilter(), after=Mark.of(whole[19]), limit=5, order=order)
        assert [one.ref for one in following] == [one.ref for one in whole[20:25]]


def test_behind_a_rule_that_never_was_there_is_nothing(filled: SqlStore) -> None:
    nowhere = Mark(Ref(Kind.RULE, "portal:hue", "never"), 99)
    with filled.reading() as workspace:
        assert workspace.find(RuleFilter(), after=nowhere, order=Order.CHANGED) == []
        assert workspace.find(RuleFilter(key_prefix="/"), after=nowhere) == []
