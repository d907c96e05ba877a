"""The index in memory holds what it was given, and refuses what a file would refuse."""

import pytest

from redirect_rules.dict_index import DictIndex
from redirect_rules.exact import MOST_NAME_SETS
from redirect_rules.sources import Problems
from tests.redirect_rules.exact_rules import rule

A, AB = rule("/a", ("id", "1")), rule("/a", ("id", "1"), ("tab", "x"))


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


def test_more_name_sets_than_a_look_up_may_cost_are_refused_with_the_path() -> None:
    rules = [rule("/index.php", (f"p{i}", "1")) for i in range(MOST_NAME_SETS + 1)]
    assert len(DictIndex(rules[1:])) == MOST_NAME_SETS
    with pytest.raises(Problems, match=r"/index\.php: .* more than 8 different sets of parameters \(p0, p1"):
        DictIndex(rules)


def test_two_rules_in_force_at_one_address_are_refused() -> None:
    with pytest.raises(Problems, match=r"two: /a\?id=1 is known as well by one"):
        DictIndex([A._replace(id="one"), A._replace(id="two")])


def test_of_a_rule_that_stands_alone_the_record_is_found() -> None:
    rules = [
        rule("/a", id="langson/i-1/7", url="https://dichvucong.gov.vn/tin/1"),
        rule("/b", ("id", "1")),
        rule("/c"),
        rule("/c", ("id", "1")),
    ]
    index = DictIndex(rules)
    find = index.alone("langson").find
    record = find(b"/a", 0)
    assert record is not None
    assert (record.id_tail, record.texts) == (b"7", ("1",))
    shape = index.shape(record.number)
    assert (shape.id_head, shape.url_head) == ("langson/i-1/", "https://dichvucong.gov.vn/tin/")
    assert [find(path, 0) for path in (b"/b", b"/c", b"/d")] == [None] * 3
    assert index.alone("hanoi").find(b"/a", 0) is None
