"""Where a mistake was made: lines of tables, keys and arrays, and what is said of it."""

import pytest
from pydantic import ValidationError

from redirect_rules.parsing import StrictModel
from redirect_rules.sources import Document, Place, Problem, Problems

TEXT = """\
# a comment
title = "a"

[table]
key = 1
nested.key = 2

[table.inner] # with a comment
key = 3

[[rule]]
id = "one"
query = { code = { type = "procedure", from = ["ma"] } }

[[rule]]
id = "two"
"quoted key" = 1
  indented = true

[rule.inner]
x = 1

[[rule.sub]]
y = 1

[[rule.sub]]
y = 2
"""
DOCUMENT = Document("a.toml", TEXT)

# place                              line   why
LINES: list[tuple[Place, int, str]] = [
    (("title",),                     2,     "a key of the file"),
    (("table",),                     4,     "a table"),
    (("table", "key"),               5,     "a key of it"),
    (("table", "nested"),            6,     "a dotted key"),
    (("table", "nested", "key"),     6,     "to its end"),
    (("table", "inner"),             8,     "a table in a table"),
    (("table", "inner", "key"),      9,     "and its key"),
    (("rule", 0),                    11,    "the first of an array"),
    (("rule", 0, "id"),              12,    "its key"),
    (("rule", 0, "query"),           13,    "an inline table"),
    (("rule", 0, "query", "code", "type"), 13, "within a line it is that line"),
    (("rule", 1),                    15,    "the second"),
    (("rule", 1, "id"),              16,    "its key"),
    (("rule", 1, "quoted key"),      17,    "in quotes"),
    (("rule", 1, "indented"),        18,    "indented"),
    (("rule", 1, "inner"),           20,    "a table of the latest"),
    (("rule", 1, "inner", "x"),      21,    "and its key"),
    (("rule", 1, "sub", 0, "y"),     24,    "an array in an array"),
    (("rule", 1, "sub", 1, "y"),     27,    "its second"),
    (("rule", 1, "missing"),         15,    "a key that is not there: its table"),
    (("rule", 7, "id"),              0,     "nowhere"),
    (("nothing",),                   0,     "nowhere"),
    ((),                             0,     "the whole file"),
]  # fmt: skip


@pytest.mark.parametrize(("place", "line", "why"), LINES, ids=[why for *_, why in LINES])
def test_a_place_has_a_line(place: Place, line: int, why: str) -> None:
    assert DOCUMENT.line(place) == line


def test_the_document_is_its_tables() -> None:
    assert DOCUMENT.data["rule"][1]["sub"][1]["y"] == 2


# text                     line   why
NOT_TOML = [
    ("a = \n",             1,     "no value"),
    ("a = 1\nb = = 2\n",   2,     "two signs"),
    ("a = 1\na = 2\n",     2,     "a key twice"),
    ('a = """\n\n',        3,     "a text without end: the end of the file"),
    ("[[a]]\n[a]\n",       2,     "an array that is a table"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "line", "why"), NOT_TOML, ids=[why for *_, why in NOT_TOML])
def test_what_is_no_toml_is_told_with_its_line(text: str, line: int, why: str) -> None:
    with pytest.raises(Problems) as caught:
        _ = Document("a.toml", text).data
    (problem,) = caught.value.problems
    assert problem.line == line
    assert str(problem).startswith(f"a.toml:{line}: not TOML: ")
    assert "(at line" not in problem.text


def test_a_problem_of_a_whole_file_names_no_line() -> None:
    assert str(Problem("a.toml", 0, "cannot be read")) == "a.toml: cannot be read"
    assert str(Problem("a.toml", 3, "no id")) == "a.toml:3: no id"


def test_problems_are_told_once_each_in_the_order_of_the_files() -> None:
    later, earlier, other = Problem("b.toml", 1, "x"), Problem("a.toml", 9, "x"), Problem("a.toml", 10, "x")
    problems = Problems([later, other, earlier, later])
    assert problems.problems == (earlier, other, later)
    assert str(problems) == "a.toml:9: x\na.toml:10: x\nb.toml:1: x"


class Inner(StrictModel):
    number: int
    flag: bool = False


class Outer(StrictModel):
    name: str
    rule: list[Inner] = []


# text                                            line   what is said
WORDS = [
    ("name = 5\n",                                1,     "name: write a text in quotes (not 5)"),
    ('name = "a"\n[[rule]]\nnumber = "5"\n',      3,     "rule.0.number: write a whole number (not '5')"),
    ('name = "a"\n[[rule]]\nnumber = 1\nflag = 1\n', 4,  "rule.0.flag: write true or false (not 1)"),
    ('name = "a"\n[[rule]]\n',                    2,     "rule.0.number: this key is missing: add it"),
    ("rule = []\n",                               0,     "name: this key is missing: add it"),
    ('name = "a"\nnmae = "b"\n',                  2,     "nmae: unknown key: remove it, or correct its spelling (not 'b')"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "line", "said"), WORDS)
def test_a_mistake_is_told_in_words_with_its_line(text: str, line: int, said: str) -> None:
    document = Document("a.toml", text)
    with pytest.raises(ValidationError) as caught:
        Outer.model_validate(document.data)
    assert document.problems_of(caught.value) == [Problem("a.toml", line, said)]
