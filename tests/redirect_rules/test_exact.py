"""Which exact rule wins, and that a look-up agrees with reading every rule."""

from collections.abc import Sequence
from datetime import datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from redirect_rules.canonical import canonical_key
from redirect_rules.dict_index import DictIndex
from redirect_rules.exact import MOST_PAIRS_READ, ExactRule, Pairs, address, asking_order
from redirect_rules.model import Action, Argument, Goal, Literal
from tests.redirect_rules.exact_rules import DAY, NOW, rule


def naive(rules: Sequence[ExactRule], portal: str, path: str, pairs: Pairs, now: datetime) -> list[ExactRule]:
    """The same answer by reading every rule: what `candidates` promises, in its own words."""
    read = pairs[:MOST_PAIRS_READ]
    first: dict[str, str] = {}
    for name, value in read:
        first.setdefault(name.lower(), value)
    last = {name.lower(): value for name, value in read}
    by_first = [r for r in rules if set(r.query) <= set(first.items())]
    by_last = [r for r in rules if set(r.query) <= set(last.items())]
    fitting = [
        r for r in rules if (r in by_first or r in by_last) and (r.portal, r.path) == (portal, path) and r.valid_at(now)
    ]
    return sorted(
        fitting,
        key=lambda r: (
            r.action not in {Action.PASS, Action.REFUSE},
            asking_order(tuple(name for name, _ in r.query)),
            r not in by_first,
        ),
    )


# rules (any order)                                          pairs of the visit                         winner
A, AB = rule("/a", ("id", "1")), rule("/a", ("id", "1"), ("tab", "x"))
PLAIN, PIN = rule("/a"), rule("/a", ("tab", "x"), action=Action.PASS)
WINNERS = [
    ([PLAIN], [], PLAIN),
    ([PLAIN], [("utm_source", "x")], PLAIN),
    ([A], [], None),
    ([A], [("id", "1")], A),
    ([A], [("ID", "1")], A),
    ([A], [("id", "2")], None),
    ([A, PLAIN], [("id", "2")], PLAIN),
    ([A, PLAIN], [("id", "1")], A),
    ([A, AB, PLAIN], [("tab", "x"), ("id", "1")], AB),
    ([A, AB, PLAIN], [("tab", "X"), ("id", "1")], A),
    ([A], [("id", "1"), ("id", "2")], A),
    ([A], [("id", "2"), ("id", "1")], A),
    ([A], [("id", "2"), ("id", "1"), ("id", "3")], None),
    ([A, PIN, PLAIN], [("id", "1"), ("tab", "x")], PIN),
    ([A, AB, PIN], [("id", "1"), ("tab", "x")], PIN),
    ([A], [("x", "")] * MOST_PAIRS_READ + [("id", "1")], None),
]  # fmt: skip


@pytest.mark.parametrize(("rules", "pairs", "wins"), WINNERS)
def test_the_rule_that_asks_for_more_wins(rules: list[ExactRule], pairs: Pairs, wins: ExactRule | None) -> None:
    assert DictIndex(rules).find("langson", "/a", pairs, NOW) == wins
    assert DictIndex(rules[::-1]).find("langson", "/a", pairs, NOW) == wins


def test_other_portals_and_other_paths_are_not_meant() -> None:
    index = DictIndex([PLAIN])
    assert index.find("hanoi", "/a", (), NOW) is None
    assert index.find("langson", "/a/b", (), NOW) is None


def test_of_rules_that_follow_each_other_the_one_in_force_decides() -> None:
    until, since = rule("/a", id="old", valid_until=NOW), rule("/a", id="new", valid_from=NOW)
    index = DictIndex([since, until])
    assert index.find("langson", "/a", (), NOW) == since
    assert index.find("langson", "/a", (), NOW - DAY) == until
    assert set(index.at(until.address)) == {until, since}


def test_a_rule_out_of_force_leaves_the_field_to_one_that_asks_for_less() -> None:
    assert DictIndex([A._replace(valid_until=NOW), PLAIN]).find("langson", "/a", A.query, NOW) == PLAIN


def test_an_exact_rule_speaks_the_words_of_the_decision() -> None:
    made = rule("/vi/x", ("id", "1"), destination="procedure", arguments=(("code", "1.001193"),)).as_rule()
    assert made.exact
    assert made.goals == (Goal("procedure", (Argument("code", text="1.001193"),)),)
    assert made.templates[0].segments == (Literal("vi"), Literal("x"))
    assert made.templates[0].text == "/vi/x?id=1"
    assert rule(action=Action.PASS).as_rule().goals == ()
    assert rule(url="https://x.vn/").as_rule().goals == (Goal("", (), "https://x.vn/"),)


def test_an_address_comes_from_a_key() -> None:
    key = canonical_key("h", "/Vi/Index.php?b=2&A=1&a=3&token=x&empty=")
    assert address(key.path, key.pairs) == ("/vi", (("a", "1"), ("b", "2")))


NAMES, VALUES = st.sampled_from(["id", "tab", "p"]), st.sampled_from(["1", "2", ""])
QUERIES = st.dictionaries(NAMES, VALUES, max_size=3).map(lambda query: tuple(sorted(query.items())))
SETS = st.lists(
    st.builds(
        lambda path, query, action: rule(path, *query, action=action),
        st.sampled_from(["/a", "/a/b"]),
        QUERIES,
        st.sampled_from([Action.NOTICE, Action.PASS]),
    ),
    max_size=12,
    unique_by=lambda one: one.address,
)
PATHS = st.sampled_from(["/a", "/a/b", "/c"])
SENT = st.lists(st.tuples(st.sampled_from(["id", "ID", "tab", "p", "q"]), VALUES), max_size=5)


@settings(deadline=None)
@given(SETS, PATHS, SENT)
def test_a_look_up_agrees_with_reading_every_rule(rules: list[ExactRule], path: str, pairs: Pairs) -> None:
    index = DictIndex(rules)
    expected = naive(rules, "langson", path, pairs, NOW)
    assert index.candidates("langson", path, pairs, NOW) == expected
    assert index.find("langson", path, pairs, NOW) == (expected[0] if expected else None)
