"""Paths that templates know, and templates that take all paths of others."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from redirect_rules.canonical import canonical_key
from redirect_rules.captures import TYPES
from redirect_rules.matching import TemplateIndex
from redirect_rules.model import Action, Condition, Rule
from redirect_rules.parsing import parse_template
from redirect_rules.specimens import VALUES, covers, may_lie_under, specimen
from tests.conftest import AUTUMN


def test_each_type_has_a_value_that_it_reads() -> None:
    assert VALUES.keys() == TYPES.keys()
    assert all(TYPES[name].read(value) is not None for name, value in VALUES.items())


_PARTS = st.sampled_from(
    ["a", "B", "1", "{w:word}", "{n:number}", "{t:text}", "{l:language}", "{w:word}.x", "p-{n:number}", "{h:hex24}"]
)
_TEMPLATES = st.builds(
    lambda parts, tail: "/" + "/".join([*parts, *tail]),
    st.lists(_PARTS, max_size=3),
    st.sampled_from([[], ["{rest:path}"]]),
)
_WORDS = st.lists(st.sampled_from(["a", "b", "B", "1", "vi", "q.x", "p-1", "a%2Fb", "0" * 24]), max_size=4)


def knows(text: str, path: str) -> bool:
    rule = Rule("r", (parse_template(text),), Action.PASS)
    return TemplateIndex([[rule]], fold_case=True).best(canonical_key("h", path), AUTUMN) is not None


@given(_TEMPLATES)
def test_a_template_knows_its_specimen(text: str) -> None:
    template = parse_template(text)
    rule = Rule("r", (template,), Action.PASS, conditions=(Condition("_*_x", "begins*"), Condition("y", None)))
    key = specimen("h", rule, template, fold_case=True)
    assert TemplateIndex([[rule]], fold_case=True).best(key, AUTUMN) is not None


@given(_TEMPLATES, _TEMPLATES, _WORDS)
def test_what_covers_another_knows_all_that_the_other_knows(one: str, other: str, words: list[str]) -> None:
    path = "/" + "/".join(words)
    if covers(parse_template(one), parse_template(other), fold_case=True) and knows(other, path):
        assert knows(one, path)


# one                   other                   covers   why
COVERS = [
    ("/{rest:path}",    "/a/{x:number}",        True,    "a tail takes everything"),
    ("/a/{rest:path}",  "/a",                   True,    "and nothing at all"),
    ("/a",              "/a/{rest:path}",       False,   "a tail takes more than a path"),
    ("/{x:word}",       "/{y:number}",          True,    "a number is a word"),
    ("/{x:number}",     "/{y:word}",            False,   "a word is no number"),
    ("/{x:word}",       "/{y:text}",            False,   "a text may have an escaped slash in it"),
    ("/{x:number}",     "/17",                  True,    "a literal that the hole reads"),
    ("/A",              "/a",                   True,    "case is folded"),
    ("/{x:word}.html",  "/{y:word}.html",       True,    "the same letters around it"),
    ("/{x:word}.html",  "/{y:word}",            False,   "other letters around it"),
]  # fmt: skip


@pytest.mark.parametrize(("one", "other", "expected", "why"), COVERS, ids=[why for *_, why in COVERS])
def test_covering(one: str, other: str, *, expected: bool, why: str) -> None:
    assert covers(parse_template(one), parse_template(other), fold_case=True) is expected


# template              prefixes            may lie there
UNDER = [
    ("/p/a",            [("p",)],           True),
    ("/P",              [("p",)],           True),
    ("/{x:word}/a",     [("p",)],           True),
    ("/{rest:path}",    [("p", "q")],       True),
    ("/",               [("p",)],           False),
    ("/pq",             [("p",)],           False),
    ("/q",              [("p",), ("q",)],   True),
    ("/q",              [],                 True),
]  # fmt: skip


@pytest.mark.parametrize(("text", "prefixes", "expected"), UNDER)
def test_whether_a_template_can_lie_under_a_prefix(
    text: str, prefixes: list[tuple[str, ...]], *, expected: bool
) -> None:
    assert may_lie_under(parse_template(text), prefixes, fold_case=True) is expected
