"""Rules as they are listed: what narrows a list, and the mark from which it goes on."""

from dataclasses import fields

import pytest
from hypothesis import given
from hypothesis import strategies as st

from redirect_rules.objects import Kind, Ref, State, Stored
from redirect_rules.rule_lists import Mark, RuleFilter
from tests.redirect_rules.kept import NOON

SCOPES = ("portal:langson", "family:igate2")


@given(scope=st.sampled_from(SCOPES), id_=st.text("ab|c 1", min_size=1, max_size=9), version=st.integers(1, 10**9))
def test_a_mark_is_read_as_it_was_written(scope: str, id_: str, version: int) -> None:
    mark = Mark(Ref(Kind.RULE, scope, id_), version)
    assert Mark.read(mark.text) == mark


@pytest.mark.parametrize("text", ["", "x", "portal:hue|a", "portal:hue|a|", "portal:hue|a|x", "||1", "a|b|-1"])
def test_what_is_no_mark_is_none(text: str) -> None:
    assert Mark.read(text) is None


def test_a_page_ends_with_its_last_rule_as_it_stood() -> None:
    ref = Ref(Kind.RULE, "portal:langson", "news")
    assert Mark.of(Stored(ref, 41, State.ON, "{}")) == Mark(ref, 41)
    assert Mark(ref, 41).text == "portal:langson|news|41"


# what a filter may ask for, and whether many rules have it in common
ASKED = {
    "scope": ("portal:langson", True),
    "key": ("/vi", False),
    "key_prefix": ("/vi/", False),
    "action": ("notice", True),
    "destination": ("home", True),
    "owner": ("langson", True),
    "tag": ("moved", True),
    "state": (State.OFF, True),
    "ends_before": (NOON, False),
}


def test_every_field_of_a_filter_is_in_the_table() -> None:
    assert {field.name for field in fields(RuleFilter)} == set(ASKED)


@pytest.mark.parametrize("field", ASKED)
def test_what_many_rules_have_in_common_is_counted_by_facets(field: str) -> None:
    value, in_common = ASKED[field]
    assert RuleFilter(**{field: value}).narrows_facets is in_common  # type: ignore[arg-type]  # of its own type each
    assert not RuleFilter().narrows_facets
