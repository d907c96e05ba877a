"""What a page's function is given: fields read without surprises, links that keep the filters, rights asked for."""

from datetime import UTC, datetime
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.console.calls import Call, Fields, Mistake
from proxy.console.desk import Desk
from redirect_rules.rights import Deed, Grant, NotAllowed, Person, Role

NOW = datetime(2026, 11, 1, tzinfo=UTC)
NO_DESK = cast("Desk", None)  # none of this asks for one


def call_by(*grants: Grant, query: tuple[tuple[str, str], ...] = ()) -> Call:
    return Call(Person("an", frozenset(grants)), NO_DESK, "/rules", NOW, query=Fields(query))


def test_the_first_of_several_values_counts_and_blanks_around_it_do_not() -> None:
    fields = Fields([("a", " one "), ("a", "two"), ("b", "")])
    assert (fields.get("a"), fields.raw("a"), fields.all("a")) == ("one", " one ", (" one ", "two"))
    assert (fields.get("b", "x"), fields.get("c", "x")) == ("", "x")
    assert "b" in fields
    assert "c" not in fields


NUMBERS = [
    ("7", 7),
    (" 7 ", 7),
    ("0", 1),
    ("99999", 50),
    ("999999999", 3),
    ("-1", 3),
    ("7.5", 3),
    ("٧", 3),
    ("²", 3),
    ("", 3),
    ("seven", 3),
]


@pytest.mark.parametrize(("text", "number"), NUMBERS)
def test_a_number_stays_within_its_bounds_and_what_is_none_is_the_default(text: str, number: int) -> None:
    assert Fields([("n", text)]).number("n", 3, least=1, most=50) == number


@given(st.text())
def test_no_text_breaks_a_number(text: str) -> None:
    assert 1 <= Fields([("n", text)]).number("n", 3, least=1, most=50) <= 50


LINKS = [
    ({"portal": "langson", "page": "2"}, {"page": 3}, "/rules?portal=langson&page=3"),
    ({"portal": "langson", "page": "2"}, {"portal": ""}, "/rules?page=2"),
    ({"portal": "langson"}, {"portal": ""}, "/rules"),
    ({}, {"from_": "a&b=c"}, "/rules?from=a%26b%3Dc"),
    ({"tag": "khai sinh"}, {}, "/rules?tag=khai+sinh"),
]


@pytest.mark.parametrize(("there", "changed", "link"), LINKS)
def test_a_link_keeps_the_filters_that_it_does_not_change(
    there: dict[str, str], changed: dict[str, str | int], link: str
) -> None:
    assert call_by(query=tuple(there.items())).link(**changed) == link


def test_whoever_may_not_is_told_so() -> None:
    call = call_by(Grant(Role.EDITOR, "20"))
    call.must(Deed.EDIT, "20")
    with pytest.raises(NotAllowed):
        call.must(Deed.EDIT, "20", "24")
    with pytest.raises(NotAllowed):
        call.must(Deed.EDIT)


def test_a_change_is_signed_by_whoever_asks_at_the_time_they_asked() -> None:
    change = call_by().change("corrected", batch="b1")
    assert (change.actor, change.reason, change.at, change.batch) == ("an", "corrected", NOW, "b1")


def test_a_mistake_names_its_fields() -> None:
    mistake = Mistake(("id", "required"), ("leads", "close the quotes"))
    assert mistake.wrong == (("id", "required"), ("leads", "close the quotes"))
    assert str(mistake) == "required; close the quotes"
