"""What cannot be compiled is refused in words that say what to write instead."""

from datetime import datetime

import pytest

from redirect_rules.canonical import canonical_key
from redirect_rules.dict_index import DictIndex
from redirect_rules.exact import ExactRule
from redirect_rules.exact_complaints import complaint, complaint_about_neighbours
from redirect_rules.model import Action
from redirect_rules.sources import Problems
from tests.redirect_rules.exact_rules import DAY, NOW, rule

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


def test_rules_of_one_address_are_bounded() -> None:
    rules = [rule(id=str(i), valid_from=NOW + i * DAY, valid_until=NOW + (i + 1) * DAY) for i in range(17)]
    assert complaint_about_neighbours(rules[1:]) is None
    assert "17 rules at /a" in str(complaint_about_neighbours(rules))
