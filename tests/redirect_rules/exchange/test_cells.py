"""The words people write in cells."""

from collections.abc import Mapping
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from redirect_rules.exchange.cells import action_of, day_of, json_of, tags_of, tags_text
from redirect_rules.exchange.rows import Refused
from redirect_rules.model import HO_CHI_MINH, Action

# cells                                              action
ACTIONS = [
    ({}, "notice"),
    ({"action": "Chuyển hướng"}, "redirect"),
    ({"action": "CHUYEN HUONG"}, "redirect"),
    ({"action": " gone "}, "gone"),
    ({"action": "hỏi địa phương"}, "ask"),
    ({"status": "301"}, "notice"),
    ({"status": "410"}, "gone"),
    ({"status": "403"}, "refuse"),
    ({"status": "301", "action": "redirect"}, "redirect"),
    ({"status": "410", "action": "pass"}, "pass"),
]


@pytest.mark.parametrize(("cells", "action"), ACTIONS)
def test_an_action_goes_by_several_words(cells: Mapping[str, str], action: str) -> None:
    assert action_of(cells, Action.NOTICE) == action


@pytest.mark.parametrize("cells", [{"action": "xoá"}, {"status": "200"}, {"status": "abc"}])
def test_other_words_are_refused(cells: Mapping[str, str]) -> None:
    with pytest.raises(Refused, match="write one of"):
        action_of(cells, Action.NOTICE)


# cell                               instant in Viet Nam
DAYS = [
    ("2025-07-01", (2025, 7, 1)),
    ("2025-07-01 08:30", (2025, 7, 1, 8, 30)),
    ("2025-07-01T01:30Z", (2025, 7, 1, 8, 30)),
    ("01/07/2025", (2025, 7, 1)),
    ("1-7-2025 8:30", (2025, 7, 1, 8, 30)),
    ("1.7.2025, 8:30:15", (2025, 7, 1, 8, 30, 15)),
]


@pytest.mark.parametrize(("text", "parts"), DAYS)
def test_a_day_is_viet_nams(text: str, parts: tuple[int, ...]) -> None:
    assert day_of("valid_from", text) == datetime(*parts, tzinfo=HO_CHI_MINH)  # type: ignore[arg-type,misc]


@pytest.mark.parametrize("text", ["31/02/2025", "07/13/2025", "mai", "2025", "1/7/25"])
def test_what_is_no_day_is_refused(text: str) -> None:
    with pytest.raises(Refused, match=r"valid_from: .* is no day"):
        day_of("valid_from", text)


@pytest.mark.parametrize(
    ("text", "tags"),
    [
        ("a|b", ["a", "b"]),
        ("a, b;c", ["a", "b", "c"]),
        ("", []),
        ("|", []),
        ('["a,b"]', ["a,b"]),
        ("hộ tịch", ["hộ tịch"]),
    ],
)
def test_tags_stand_between_bars(text: str, tags: list[str]) -> None:
    assert tags_of(text) == tags


@pytest.mark.parametrize("text", ["[", "[1]", '["\\ud800"]', "[" * 100_000])
def test_what_is_no_list_of_tags_is_refused(text: str) -> None:
    with pytest.raises(Refused):
        tags_of(text)


def test_a_number_that_is_none_is_no_json() -> None:
    with pytest.raises(Refused):
        json_of("to", "[NaN]")


@given(st.lists(st.text(st.characters(codec="utf-8"), max_size=8), min_size=1, max_size=5))
def test_tags_come_back(tags: list[str]) -> None:
    assert tags_of(tags_text(tags)) == tags
