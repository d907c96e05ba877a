"""Expressions become templates where these say the same, RE2 otherwise, and are refused with a reason."""

import pytest
import re2

from redirect_rules.exchange.patterns import LONGEST_PATTERN, pattern_of
from redirect_rules.exchange.rows import Refused

# expression                             path, "" where only the expression says it
PATHS = [
    ("^/a/b$", "/a/b"),
    ("^/a/?$", "/a"),
    ("^/a/$", "/a/"),
    (r"^/a\.html$", "/a.html"),
    ("^/a/", "/a/{rest:path}"),
    ("^/a/.*", "/a/{rest:path}"),
    ("^/a/(.*)$", "/a/{first:path}"),
    ("^/([^/]+)/b/([0-9]+)$", "/{first:word}/b/{second:number}"),
    (r"^/tin-(\d+)\.html$", r"/tin-{first:number}.html"),
    ("^/([0-9a-f]{24})$", "/{first:hex24}"),
    ("^/(?<ma>[^/]+)$", "/{first:word}"),
    ("^/(?P<ma>[^/]+)$", "/{first:word}"),
    ("^/tra-cứu$", "/tra-cứu"),
    ("^/$", "/"),
    ("/a$", ""),  # anywhere
    ("^/a", ""),  # "/ab" too
    ("^/a.html$", ""),  # any letter
    ("^/a(.*)$", ""),  # "/ab" too
    ("^/(a|b)$", ""),
    ("^/(.*)/b$", ""),
    ("^/([^/]+)-([^/]+)$", ""),
    (r"^/a\$", ""),
    ("^/a//b$", ""),
    ("^/../b$", ""),
    ("^/a%2Fb$", ""),
    (r"^/\.\./b$", ""),
    ("^/a/.*b$", ""),
]


@pytest.mark.parametrize(("text", "path"), PATHS)
def test_an_expression_is_a_template_where_one_says_the_same(text: str, path: str) -> None:
    assert pattern_of(text, ignore_case=False).path == path


@pytest.mark.parametrize(("text", "path"), [("^/a$", True), ("^/([^/]+)$", False), ("/a", False)])
def test_some_mean_one_path_only(text: str, path: bool) -> None:  # noqa: FBT001 - a column of the table
    assert pattern_of(text, ignore_case=False).exact is path


def test_groups_have_names_of_letters() -> None:
    assert pattern_of("/(a+)/(?<ma>b)", ignore_case=False).groups == {"1": "first", "2": "second", "ma": "second"}


def test_case_is_in_the_expression() -> None:
    pattern = pattern_of("/(?:a|b)", ignore_case=True)
    assert re2.search(pattern.regex, "/B")
    assert not re2.search(pattern_of("/(?:a|b)", ignore_case=False).regex, "/B")


# expression                 said
REFUSED = [
    ("(?=a)", "bounded time"),
    (r"(a)\1", "bounded time"),
    ("(?<!a)b", "bounded time"),
    ("(?>a)", "bounded time"),
    ("a++", "bounded time"),
    ("(", "bounded time"),
    ("[", "bounded time"),
    ("a{1001}", "bounded time"),
    ("(((a{100}){100}){100})", "bounded time"),
    ("x" * (LONGEST_PATTERN + 1), "longer than 500"),
    ("(a)" * 10, "10 groups: capture 9 at most"),
    ("\ud800", "half of a letter"),
]


@pytest.mark.parametrize(("text", "say"), REFUSED)
def test_what_cannot_run_in_bounded_time_is_refused_with_what_to_write(text: str, say: str) -> None:
    with pytest.raises(Refused, match=say):
        pattern_of(text, ignore_case=False)


@pytest.mark.parametrize(
    ("text", "path", "found"),
    [("^/(a|cứu)$", "/c%E1%BB%A9u", True), ("^/a (b|c)", "/a%20b", True), ("^/(a|cứu)$", "/cuu", False)],
)
def test_letters_with_marks_are_looked_for_as_they_are_encoded(text: str, path: str, found: bool) -> None:  # noqa: FBT001
    assert bool(re2.search(pattern_of(text, ignore_case=True).regex, path)) is found


def test_letters_with_marks_in_brackets_are_refused() -> None:
    with pytest.raises(Refused, match="in place of"):
        pattern_of("/[ăâ]b", ignore_case=False)


def test_what_stops_other_engines_does_not_stop_this_one() -> None:
    assert not re2.search(pattern_of("^/(?:a+)+$", ignore_case=False).regex, "/" + "a" * 5_000 + "!")
