"""A row made ready says what the row says, in the one spelling that a store keeps."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from redirect_rules.audit import canonical_json
from redirect_rules.exchange.candidates import Candidate, candidate
from redirect_rules.exchange.rows import ImportedRow, ImportProblem
from redirect_rules.stores.columns import columns_of

Read = Callable[..., list[ImportedRow | ImportProblem]]

# an old address, where it leads, and more                                     what of the rule is kept
LINES = [
    ("/a,https://dichvucong.gov.vn/", "", {"exact": ["/a"], "to": ["home"]}),
    ("/a?ID=7&b=x,https://dichvucong.gov.vn/", "", {"exact": ["/a?b=x&id=7"], "to": ["home"]}),
    ("/a?n=a%26b,https://dichvucong.gov.vn/", "", {"exact": ["/a?n=a%26b"], "to": ["home"]}),
    ("/a,https://dichvucong.gov.vn/chưa-có", "", {"exact": ["/a"], "to": [{"url": "https://dichvucong.gov.vn/ch%C6%B0a-c%C3%B3"}]}),
    ("/{x:word}/y,https://dichvucong.gov.vn/", "", {"paths": ["/{x:word}/y"], "to": ["home"]}),
    ("~^/a+$,https://dichvucong.gov.vn/", "", {"regex": "(?i)^/a+$", "to": ["home"]}),
    ('/a,https://dichvucong.gov.vn/,"ghi ""chú"""', ",note", {"note": 'ghi "chú"', "exact": ["/a"], "to": ["home"]}),
    ("/a,https://dichvucong.gov.vn/,cau-hoi-1", ",id", {"id": "cau-hoi-1", "exact": ["/a"], "to": ["home"]}),
]  # fmt: skip


@pytest.mark.parametrize(("line", "columns", "kept"), LINES)
def test_a_line_is_made_ready(line: str, columns: str, kept: dict[str, object], read: Read) -> None:
    (row,) = read(f"old_url,new_url{columns}\n{line}\n")
    assert isinstance(row, ImportedRow)
    ready = candidate(row)
    assert ready.rule == {"id": ready.id, "action": "notice", **kept}
    assert (ready.line, ready.portal, ready.key) == (row.line, row.portal, row.key)


words = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
rules = st.fixed_dictionaries(
    {
        "id": words,
        "action": st.sampled_from(["notice", "redirect"]),
        "to": st.lists(words | st.dictionaries(st.sampled_from(["url", "destination"]), words, min_size=1), max_size=2),
    },
    optional={
        "exact": st.lists(words.map("/".__add__), min_size=1, max_size=2),
        "paths": st.lists(words.map("/".__add__), min_size=1, max_size=2),
        "note": words,
        "tags": st.lists(words, max_size=2),
        "valid_from": st.just("2026-01-01T00:00:00+07:00"),
        "action_of_later": words,
        "zone": words,
    },
)


def made(rule: dict[str, Any], line: int = 1) -> Candidate:
    return candidate(ImportedRow(line, "langson", "langson/a", rule))


@given(rules)
def test_a_rule_is_spelt_as_the_store_would_spell_it(rule: dict[str, Any]) -> None:
    ready = made(rule)
    assert ready.text == canonical_json(rule)
    assert ready.columns == columns_of(rule)
    assert ready.id == rule["id"]


@given(rules, rules, words)
def test_marks_are_equal_for_what_says_the_same(one: dict[str, Any], other: dict[str, Any], id_: str) -> None:
    assert made(one).mark == made(one | {"id": id_}).mark
    same = {**one, "id": ""} == {**other, "id": ""}
    assert (made(one).mark == made(other).mark) is same


@given(rules, rules)
def test_a_line_may_become_another_rule(one: dict[str, Any], other: dict[str, Any]) -> None:
    assert made(one, 7).with_rule(other) == made(other, 7)
