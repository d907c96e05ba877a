""".ruletest files: how they are read, and what is said of an example that does not hold."""

import pytest

from proxy.packs import Packs
from redirect_rules.explaining import explain
from redirect_rules.model import Action, ClientClass
from redirect_rules.ruletests import Example, Failure, RuleTest, holds, parse_ruletest, run
from redirect_rules.schedules import instant
from redirect_rules.sources import Problems
from redirect_rules.units import Era, LocalityCode
from tests.conftest import AUTUMN

MODEL = "dichvucong.langson.gov.vn"
RULES = """\
portal = "langson"
[[rule]]
id = "news"
paths = ["/tin-tuc/{id:number}"]
action = "notice"
to = ["help"]
"""


def read(text: str) -> RuleTest:
    return parse_ruletest("a.ruletest", text, at=AUTUMN)


def example(line: str) -> Example:
    (only,) = read(f"---\n{line}\n").examples
    return only


def failures(packs: Packs, *lines: str) -> list[Failure]:
    examples = "\n".join(lines)
    return run(read(f"---\n{examples}\n"), packs.snapshot, suffixes=(), crawlers=packs.crawlers)


def test_rules_stand_above_the_dashes_and_examples_below() -> None:
    test = read(f"{RULES}----------\n# a comment\n\n{MODEL}/tin-tuc/5   notice  help\n{MODEL}/  notice\n")
    assert test.rules is not None
    assert test.rules.data["portal"] == "langson"
    assert [(e.line, e.url, e.outcome, e.expected) for e in test.examples] == [
        (10, f"{MODEL}/tin-tuc/5", Action.NOTICE, ("help",)),
        (11, f"{MODEL}/", Action.NOTICE, ()),
    ]


# text                                             rules?   why
ABOVE = [
    ("---\na/ notice\n",                           False,   "nothing above"),
    ("# why this file is here\n\n---\na/ notice\n", False,  "a comment is no rule"),
    ("portal = 'langson'\n---\n",                  True,    "a rule file without rules is one"),
    ("\ufeff---\na/ notice\n",                     False,   "a mark that an editor left"),
    ("---\r\na/ notice\r\n",                       False,   "lines of another system"),
    ("---   \na/ notice\n",                        False,   "blanks after the dashes"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "has_rules", "why"), ABOVE, ids=[why for *_, why in ABOVE])
def test_rules_are_optional(text: str, has_rules: bool, why: str) -> None:  # noqa: FBT001 - a column
    assert (read(text).rules is not None) == has_rules


def test_the_first_line_of_dashes_divides() -> None:
    assert len(read("---\na/ notice\n# ---\n").examples) == 1


# line                                                     the question it asks
SETTINGS = [
    ("a/ notice",                                          (AUTUMN, "GET", None, None)),
    ("a/ notice at=2025-07-01",                            (instant("2025-07-01"), "GET", None, None)),
    ("a/ notice at=2025-06-30T17:00:00+00:00",             (instant("2025-06-30T17:00:00+00:00"), "GET", None, None)),
    ("a/ gone method=post",                                (AUTUMN, "POST", None, None)),
    ("a/ redirect client=bot",                             (AUTUMN, "GET", ClientClass.BOT, None)),
    ("a/ notice place=new:00004 home",                     (AUTUMN, "GET", None, LocalityCode(Era.NEW, "00004"))),
]  # fmt: skip


@pytest.mark.parametrize(("line", "asked"), SETTINGS)
def test_settings_stand_anywhere_after_the_outcome(line: str, asked: tuple[object, ...]) -> None:
    question = example(line).question
    assert (question.at, question.method, question.client, question.place) == asked


def test_a_piece_of_a_target_may_have_an_equals_sign() -> None:
    assert example("a/ notice keyword=a&b wardCode=00004").expected == ("keyword=a&b", "wardCode=00004")


# text                                       line   what is said
MISTAKES = [
    ("a/ notice\n",                          1,     "dashes"),
    ("",                                     0,     "dashes"),
    ("---\na/\n",                            2,     "write a URL and the outcome expected"),
    ("---\n\na/ notise\n",                   3,     "notise"),
    ("---\na/ notice at=yesterday\n",        2,     "yesterday"),
    ("---\na/ notice client=human\n",        2,     "human"),
    ("---\na/ notice place=00004\n",         2,     "00004"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "line", "said"), MISTAKES)
def test_a_mistake_is_told_with_its_line(text: str, line: int, said: str) -> None:
    with pytest.raises(Problems) as caught:
        read(text)
    (problem,) = caught.value.problems
    assert (problem.source, problem.line) == ("a.ruletest", line)
    assert said in problem.text


def test_every_mistake_is_told_at_once() -> None:
    with pytest.raises(Problems) as caught:
        read("---\na/ notise\na/\na/ notice at=x\n")
    assert [problem.line for problem in caught.value.problems] == [2, 3, 4]


# line                                                   holds?  why
HOLDING = [
    (f"{MODEL}/vi notice",                               True,   "the outcome alone"),
    (f"{MODEL}/vi notice home",                          True,   "the destination"),
    (f"{MODEL}/vi notice https://dichvucong.gov.vn/",    True,   "a piece of the target"),
    (f"{MODEL}/?keyword=a notice procedure-search keyword=a", True, "both"),
    (f"{MODEL}/vi pass",                                 False,  "another outcome"),
    (f"{MODEL}/vi notice help",                          False,  "another destination"),
    (f"{MODEL}/vi notice home keyword=a",                False,  "one of two does not hold"),
    (f"{MODEL}/nop-ho-so/7 pass",                        True,   "nothing more is expected of what passes"),
    (f"{MODEL}/nop-ho-so/7 pass home",                   False,  "it leads nowhere"),
]  # fmt: skip


@pytest.mark.parametrize(("line", "good", "why"), HOLDING, ids=[why for *_, why in HOLDING])
def test_an_example_holds_when_everything_it_says_is_true(packs: Packs, line: str, good: bool, why: str) -> None:  # noqa: FBT001 - a column
    asked = example(line)
    found = explain(asked.url, asked.question, packs.snapshot, suffixes=(), crawlers=packs.crawlers)
    assert holds(asked, found) == good
    assert len(failures(packs, line)) == (not good)


def test_a_failure_says_what_was_expected_and_what_came(packs: Packs) -> None:
    (failure,) = failures(packs, f"{MODEL}/vi  notice  help", f"{MODEL}/vi notice home")
    assert str(failure) == (
        f"line 2: {MODEL}/vi\n  expected notice help\n  but got  notice home https://dichvucong.gov.vn/"
    )


def test_a_failure_of_what_is_refused_has_no_target_to_show(packs: Packs) -> None:
    (failure,) = failures(packs, "evil.example/  notice  home")
    assert str(failure).endswith("but got  refuse")
