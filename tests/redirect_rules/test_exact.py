"""Which exact rule wins, what may be compiled, and that the index agrees with reading every rule."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgpack
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from redirect_rules.canonical import canonical_key
from redirect_rules.exact import (
    MOST_NAME_SETS,
    MOST_PAIRS_READ,
    MOST_SHAPES,
    DictIndex,
    ExactRule,
    Pairs,
    Records,
    Shape,
    address,
    asking_order,
    complaint,
    complaint_about_neighbours,
)
from redirect_rules.model import HO_CHI_MINH, Action, Argument, Goal, Literal
from redirect_rules.sources import Problems

NOW = datetime(2026, 11, 1, tzinfo=HO_CHI_MINH)
DAY = timedelta(days=1)


def rule(path: str = "/a", *query: tuple[str, str], action: Action = Action.NOTICE, **more: Any) -> ExactRule:
    portal = more.pop("portal", "langson")
    name = more.pop("id", f"{portal}{path}{query}")
    leads = {} if action in {Action.PASS, Action.REFUSE} or "url" in more else {"destination": "home"}
    return ExactRule(portal, path, query, action, name, **{**leads, **more})


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


def test_the_index_says_which_parameters_matter() -> None:
    index = DictIndex([A, AB, rule("/b")])
    assert index.names_at("langson", "/a") == {"id", "tab"}
    assert index.names_at("langson", "/b") == index.names_at("langson", "/c") == frozenset()
    assert len(index) == len(list(index)) == 3


@pytest.mark.parametrize(
    "wanted", [(A.address), ("langson", "/a", ()), ("x", "/a", ()), ("langson", "/a", (("q", "1"),))]
)
def test_an_address_that_holds_no_rule_is_empty(wanted: tuple[str, str, tuple[tuple[str, str], ...]]) -> None:
    assert DictIndex([AB]).at(wanted) == ()


# what is wrong                                             a word of the complaint
REFUSED = [
    (rule(""), "canonical path"),
    (rule("a"), "canonical path"),
    (rule("/a/"), "canonical path"),
    (rule("/a//b"), "canonical path"),
    (rule("/à"), "canonical path"),
    (rule("/\ud800"), "canonical path"),
    (rule("/a b"), "canonical path"),
    (rule("/a?b"), "canonical path"),
    (rule("/a\x00"), "canonical path"),
    (rule("/" + "a" * 8_190), "canonical path"),
    (rule("/a", ("b", "1"), ("a", "1")), "sorted"),
    (rule("/a", ("a", "1"), ("a", "2")), "each named once"),
    (rule("/a", ("", "1")), "each named once"),
    (rule("/a", ("ID", "1")), "lower case"),
    (rule("/a", ("token", "1")), "token"),
    (rule("/a", ("id", "1" * 8_190)), "longer than"),
    (rule("/a", *((f"n{i}", "") for i in range(9))), "9 parameters"),
    (rule(id=""), "needs an id"),
    (rule(portal="", id="x"), "needs an id"),
    (rule(destination=""), "where does it lead"),
    (rule(url="https://x/", destination="home"), "where does it lead"),
    (rule(action=Action.GONE, url="https://x/", destination="home"), "not both"),
    (rule(action=Action.PASS, destination="home"), "leads nowhere"),
    (rule(url="http://x/"), "not https"),
    (rule(url="https://x/" + "y" * 2_048), "longer than 2048"),
    (rule(valid_from=datetime(2026, 1, 1)), "time zone"),  # noqa: DTZ001 - that is the mistake
    (rule(valid_from=NOW, valid_until=NOW), "later than"),
]  # fmt: skip


@pytest.mark.parametrize(("wrong", "word"), REFUSED)
def test_what_cannot_be_compiled_is_refused_in_words(wrong: ExactRule, word: str) -> None:
    assert word in str(complaint(wrong))
    with pytest.raises(Problems, match=word):
        DictIndex([wrong])


@pytest.mark.parametrize("path", ["/", "/a", "/%C3%A0", "/a-b_c.d~e/!$'()*,:@"])
def test_every_path_of_a_key_can_be_compiled(path: str) -> None:
    assert canonical_key("h", path, fold_case=False).path == path
    assert complaint(rule(path)) is None


def test_more_name_sets_than_a_look_up_may_cost_are_refused_with_the_path() -> None:
    rules = [rule("/index.php", (f"p{i}", "1")) for i in range(MOST_NAME_SETS + 1)]
    assert len(DictIndex(rules[1:])) == MOST_NAME_SETS
    with pytest.raises(Problems, match=r"/index\.php: .* more than 8 different sets of parameters \(p0, p1"):
        DictIndex(rules)


def test_two_rules_in_force_at_one_address_are_refused() -> None:
    with pytest.raises(Problems, match=r"two: /a\?id=1 is known as well by one"):
        DictIndex([A._replace(id="one"), A._replace(id="two")])


def test_rules_of_one_address_are_bounded() -> None:
    rules = [rule(id=str(i), valid_from=NOW + i * DAY, valid_until=NOW + (i + 1) * DAY) for i in range(17)]
    assert complaint_about_neighbours(rules[1:]) is None
    assert "17 rules at /a" in str(complaint_about_neighbours(rules))


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


TEXTS = st.text(max_size=12)
INSTANTS = st.none() | st.datetimes(timezones=st.just(UTC))
RULES = st.builds(
    ExactRule,
    st.just("p"),
    st.just("/a"),
    st.just(()),
    st.sampled_from(Action),
    TEXTS,
    TEXTS,
    st.lists(st.tuples(TEXTS, TEXTS), max_size=3).map(tuple),
    st.just("") | TEXTS.map(lambda text: "https://" + text),
    INSTANTS,
    INSTANTS,
    st.sampled_from(["", "home"]),
)


FULL = [Shape(Action.GONE, str(i), (), "", "", None, None, "") for i in range(MOST_SHAPES)]


@settings(deadline=None)  # the full dictionary takes its time
@given(st.lists(RULES, max_size=8), st.sampled_from([[], FULL]))
def test_a_record_gives_its_rule_back(rules: list[ExactRule], dictionary: list[Shape]) -> None:
    records = Records(dictionary)
    good = [one for one in rules if complaint(one._replace(id="x")) is None]
    packed = [records.pack(one) for one in good]
    again = Records.from_data(records.as_data())
    assert [again.rule("p", "/a", (), msgpack.unpackb(record)) for record in packed] == good


def test_the_dictionary_is_bounded() -> None:
    records = Records()
    sizes = [len(records.pack(rule(destination=str(i)))) for i in range(MOST_SHAPES + 1)]
    assert len(records.as_data()) == MOST_SHAPES
    assert sizes[-1] > sizes[0]


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


def test_of_a_rule_that_stands_alone_the_record_is_found() -> None:
    rules = [
        rule("/a", id="langson/i-1/7", url="https://dichvucong.gov.vn/tin/1"),
        rule("/b", ("id", "1")),
        rule("/c"),
        rule("/c", ("id", "1")),
    ]
    index = DictIndex(rules)
    find = index.alone("langson")
    record = find(b"/a")
    assert record is not None
    assert list(record[1:]) == ["7", "1"]
    shape = index.shape(record[0])
    assert (shape.id_head, shape.url_head) == ("langson/i-1/", "https://dichvucong.gov.vn/tin/")
    assert [find(path) for path in (b"/b", b"/c", b"/d")] == [None] * 3
    assert index.alone("hanoi")(b"/a") is None
