"""Free expressions agree with trying them in turn, and cannot be made to hold a worker."""

import time
from datetime import datetime, timedelta
from random import Random
from typing import Any

import pytest
import re2
from hypothesis import given, settings
from hypothesis import strategies as st

from redirect_rules.canonical import canonical_key
from redirect_rules.model import HO_CHI_MINH, Action, Condition, QueryCapture, Rule
from redirect_rules.regexes import HEAVIEST, LONGEST_PATH, MOST_EXPRESSIONS, Expression, RegexSet, _folder_of
from redirect_rules.sources import Problems

NOW = datetime(2026, 11, 1, tzinfo=HO_CHI_MINH)


def expression(pattern: str, **more: Any) -> Expression:
    return Expression(pattern, Rule(more.pop("id", pattern), (), Action.PASS, **more))


def found(patterns: list[str], target: str, *, fold_case: bool = True) -> dict[str, dict[str, str]]:
    kept = RegexSet([expression(pattern) for pattern in patterns], fold_case=fold_case)
    key = canonical_key("h", target, fold_case=fold_case)
    return {match.rule.id: dict(match.captured) for match in kept.candidates(key, NOW)}


# expressions                                     target                    what is found, with its captures
FOUND = [
    ([r"^/a/(\d+)$"], "/a/12", {r"^/a/(\d+)$": {"first": "12"}}),
    ([r"^/a/(?P<code>\w+)$"], "/A/xY", {r"^/a/(?P<code>\w+)$": {"first": "xY", "code": "xY"}}),
    ([r"^/a/(\d+)$"], "/b/12", {}),
    ([r"(\d)$", "^/a/", "/1"], "/a/1", {r"(\d)$": {"first": "1"}, "^/a/": {}, "/1": {}}),
    ([r"^/a/(x)?(.+)"], "/a/b%20c", {r"^/a/(x)?(.+)": {"second": "b c"}}),
    (["^/a/x|^/b/y"], "/b/y", {"^/a/x|^/b/y": {}}),
    (["^/a/?b"], "/ab", {"^/a/?b": {}}),
    (["^/a/b$"], "/a/b/", {"^/a/b$": {}}),
    (["."], "/" + "a" * LONGEST_PATH, {}),
    ([], "/a", {}),
]  # fmt: skip


@pytest.mark.parametrize(("patterns", "target", "expected"), FOUND)
def test_expressions_are_found_in_their_order(
    patterns: list[str], target: str, expected: dict[str, dict[str, str]]
) -> None:
    assert found(patterns, target) == expected
    assert list(found(patterns, target)) == list(expected)


def test_case_matters_where_the_portal_says_so() -> None:
    assert found(["^/A/b"], "/a/B") == {"^/A/b": {}}
    assert found(["^/A/b"], "/a/B", fold_case=False) == {}
    assert found(["^/A/b"], "/A/b", fold_case=False) == {"^/A/b": {}}


def test_validity_conditions_and_query_captures_hold_as_for_templates() -> None:
    capture = QueryCapture("code", "procedure", ("ma",))
    one = expression(r"^/a/(\d)", conditions=(Condition("x", "1"),), captures=(capture,), valid_from=NOW)
    kept = RegexSet([one], fold_case=True)
    assert len(kept) == 1
    match = kept.best(canonical_key("h", "/a/7?x=1&Ma=1.001193.000.00.00.H37"), NOW)
    assert match is not None
    assert match.captured == {"first": "7", "code": "1.001193"}
    assert match.template.text == one.pattern
    assert kept.best(canonical_key("h", "/a/7"), NOW) is None
    assert kept.best(canonical_key("h", "/a/7?x=1"), NOW - timedelta(1)) is None


# expressions                                         what is said
REFUSED = [
    (["^/(a"], r"\^/\(a: '\^/\(a' is no RE2 expression: missing \)"),
    ([r"(a)\1"], "no RE2 expression"),
    (["(?=a)"], "no RE2 expression"),
    (["a" * 501], "longer than 500"),
    (["a{300}"], "/: 1 regular expressions can be asked about one path here, and weigh"),
    ([f"^/{c}" for c in "abcdefgh"] + ["x{240}"], "weigh"),
    (["^/x/a{100}", "^/x/y/b{100}", "^/x/y/c{100}"], "/x/y: 3 regular expressions"),
    (["a"] * (MOST_EXPRESSIONS + 1), "501 regular expressions: 500 at most"),
]  # fmt: skip


@pytest.mark.parametrize(("patterns", "said"), REFUSED)
def test_what_costs_too_much_is_refused_in_words(patterns: list[str], said: str) -> None:
    with pytest.raises(Problems, match=said):
        RegexSet([expression(pattern) for pattern in patterns], fold_case=True)


def test_many_expressions_find_room_in_folders_of_their_own() -> None:
    patterns = [rf"^/f{i}/(\d+)\.html$" for i in range(MOST_EXPRESSIONS)]
    assert found(patterns, "/F7/12.html") == {patterns[7]: {"first": "12"}}


# pattern                      the folders without which it cannot match
FOLDERS = [
    ("^/a/b/c", ("a", "b")),
    ("^/A/x", ("a",)),
    ("^/a/b/c/d/e", ("a", "b", "c")),
    ("^/a", ()),
    ("/a/", ()),
    ("^/a*/b", ()),
    ("^/a/*b", ()),
    ("^/a/b{0}/", ("a",)),
    ("^/a/(b|c)", ("a",)),
    (r"^/a/\|[|(]", ("a",)),
    (r"^/a/[]|]", ("a",)),
    ("^/a/b|c", ()),
    ("^/a/(b)|(c)", ()),
    (r"^/a/\Q|\E", ()),
    ("(?i)^/a/b", ()),
]  # fmt: skip


@pytest.mark.parametrize(("pattern", "folder"), FOLDERS)
def test_the_folder_of_an_expression(pattern: str, folder: tuple[str, ...]) -> None:
    assert _folder_of(pattern, fold_case=True) == folder


PIECES = st.sampled_from(
    ["a", "b", "/", "x", "(", ")", "|", "[", "]", "^", "?", "*", "{0}", "\\", "|", ".", "/a/", "/b/"]
)
PATTERNS = st.lists(PIECES, max_size=7).map(lambda pieces: "^/" + "".join(pieces))


QUIET = re2.Options()
QUIET.log_errors = False


def understood(pattern: str) -> bool:
    try:
        return bool(re2.compile(pattern, QUIET))
    except re2.error:
        return False


@settings(deadline=None)
@given(st.lists(PATTERNS.filter(understood), max_size=4), st.text("abx/", max_size=6))
def test_folders_lose_no_match(patterns: list[str], path: str) -> None:
    key = canonical_key("h", "/" + path)
    expected = {pattern for pattern in patterns if re2.search(pattern, key.path)}
    assert found(patterns, "/" + path).keys() == expected


@pytest.mark.parametrize(
    "pattern", ["^/[ab]*a[ab]{20}c", "a.{25}b", "(a|b)*a(a|b){12}", "^/((a*)*)*$", "^/(a+)+$", "a[^/]{1,9}b.{1,9}c"]
)
def test_no_admitted_expressions_hold_a_worker(pattern: str) -> None:
    """As many as are admitted, on paths that they never met; the bound leaves room for a slow machine."""
    weight = re2.compile(pattern + "00").programsize
    copies = [expression(f"{pattern}{i:02}") for i in range(HEAVIEST // (weight + 8))]
    kept = RegexSet(copies, fold_case=True)
    random, spent = Random(5), []
    for _ in range(21):
        key = canonical_key("h", "/" + "".join(random.choices("ab", k=LONGEST_PATH - 1)))
        begun = time.thread_time()
        kept.best(key, NOW)
        spent.append((time.thread_time() - begun) * 1_000)
    assert sorted(spent)[10] < 4  # milliseconds
