"""Whether two templates know a path in common: a table, and paths that are made to find out."""

import re
from itertools import combinations, product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from redirect_rules.canonical import canonical_key
from redirect_rules.captures import TYPES
from redirect_rules.matching import TemplateIndex
from redirect_rules.model import Action, Rule
from redirect_rules.overlaps import APART, overlap
from redirect_rules.parsing import parse_template
from tests.conftest import AUTUMN

# one                              other                            they know a path in common
TABLE = [
    ("/a/b",                       "/a/b",                          True),
    ("/a/b",                       "/A/b",                          True),
    ("/a/b",                       "/a/c",                          False),
    ("/a",                         "/a/b",                          False),
    ("/a/{id:number}",             "/a/12",                         True),
    ("/a/{id:number}",             "/a/x",                          False),
    ("/a/{id:number}",             "/a/{code:procedure}",           False),
    ("/a/{id:number}",             "/a/{code:procedure-or-number}", True),
    ("/a/{id:hex24}",              "/a/{id:number}",                False),
    ("/a/{id:word}",               "/a/{id:number}",                True),
    ("/a/{x:word}/c",              "/{y:word}/b/c",                 True),
    ("/a/{x:word}.html",           "/a/{x:word}.htm",               False),
    ("/a/{x:word}.html",           "/a/{x:word}",                   True),
    ("/a/tin-{x:number}",          "/a/{x:word}",                   True),
    ("/a/tin-{x:number}",          "/a/bai-{x:number}",             False),
    ("/a/{x:number}",              "/a/{x:word}payverify.cpx",      False),
    ("/a/{x:hex24}",               "/a/abc{x:word}",                True),
    ("/a/{rest:path}",             "/a",                            True),
    ("/a/{rest:path}",             "/a/b/c",                        True),
    ("/a/b/{rest:path}",           "/a",                            False),
    ("/a/b/{rest:path}",           "/a/{rest:path}",                True),
    ("/{rest:path}",               "/a/{id:number}",                True),
    ("/{lang:language}/x",         "/vi/x",                         True),
    ("/{lang:language}/x",         "/tin/x",                        False),
    ("/",                          "/{rest:path}",                  True),
]  # fmt: skip


@pytest.mark.parametrize(("one", "other", "known"), TABLE)
def test_two_templates(one: str, other: str, known: bool) -> None:  # noqa: FBT001
    assert overlap(parse_template(one), parse_template(other)) is known
    assert overlap(parse_template(other), parse_template(one)) is known


def test_letters_count_where_the_portal_does_not_fold() -> None:
    assert not overlap(parse_template("/A"), parse_template("/a"), fold_case=False)


SEGMENTS = [
    *("a", "B", "12", "{x:word}", "{x:number}", "{x:hex24}", "a-{x:number}", "{x:word}.html", "{x:number}.html"),
    *("{x:language}", "{x:procedure}", "{x:dossier}", "1{x:number}", "{x:procedure-or-number}", "ab{x:hex24}"),
]
SENT = [
    *("a", "b", "12", "vi", "a-1", "1.html", "x.html", "1.001193", "5f" * 12, "000.00.12.h06-240101-0001"),
    *("112", "a-1.html", "ab" + "0" * 24, "c08_xphcdb", "a.html"),
]
TEMPLATES = st.builds(
    lambda parts, tail: "/" + "/".join([*parts, *(["{rest:path}"] if tail else [])]),
    st.lists(st.sampled_from(SEGMENTS), max_size=3).map(
        lambda parts: [re.sub(r"\{x", "{x" + "_" * i, part) for i, part in enumerate(parts)]
    ),
    st.booleans(),
)


def knows(template: str, path: str) -> bool:
    rule = Rule("a", (parse_template(template),), Action.NOTICE)
    return TemplateIndex([[rule]], fold_case=True).best(canonical_key("a.vn", path), AUTUMN) is not None


@given(TEMPLATES, TEMPLATES, st.lists(st.sampled_from(SENT), max_size=4))
def test_no_path_fits_two_templates_that_do_not_overlap(one: str, other: str, sent: list[str]) -> None:
    path = "/" + "/".join(sent)
    if knows(one, path) and knows(other, path):
        assert overlap(parse_template(one), parse_template(other))


TEXTS = {
    "hex24": r"[0-9a-fA-F]{24}",
    "procedure": r"[0-9]\.[0-9]{6}[.][0-9A-Z.]{0,9}|[A-Z][0-9][-_.][A-Z]{1,5}",
    "dossier": r"([0-9A-Z]{1,4}[.\-_]){1,4}[0-9]{2,6}",
    "commune": r"[0-9]{5}",
    "agency": r"[0-9]\.[0-9]{6}\.H[0-9]{2}",
    "number": r"[0-9]{1,18}",
    "language": r"(vi|en|km)([-_][A-Za-z]{2})?",
    "numbered-procedure": r"[0-9]\.[0-9]{6}([.][0-9A-Z.]{0,9})?",
    "procedure-or-number": r"[0-9]\.[0-9]{6}|[0-9]{1,12}",
}


@given(st.data())
def test_no_text_is_of_two_types_that_are_apart(data: st.DataObject) -> None:
    name, pattern = data.draw(st.sampled_from(sorted(TEXTS.items())))
    text = data.draw(st.from_regex(rf"\A(?:{pattern})\Z"))
    read = {other for other in TYPES if TYPES[other].read(text) is not None}
    assert not [pair for pair in combinations(sorted(read), 2) if frozenset(pair) in APART], (name, text)


def test_types_that_are_apart_are_types() -> None:
    assert {name for pair in APART for name in pair} <= set(TYPES)
    assert all(len(pair) == 2 for pair in APART)
    assert not [pair for pair in product(("word", "text"), TYPES) if frozenset(pair) in APART]
