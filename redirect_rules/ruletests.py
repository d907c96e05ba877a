"""`.ruletest` files: rules above a dashed line, one example a line below it.

    portal = "langson"
    [[rule]]
    id = "news"
    paths = ["/tin-tuc/{id:number}"]
    action = "notice"
    to = ["home"]
    ----------
    dichvucong.langson.gov.vn/tin-tuc/5            notice  home
    dichvucong.langson.gov.vn/tin-tuc/5            redirect  home   client=bot

Above the line stands what a file of conf/rules/ would hold, or nothing; an example is a URL, the outcome expected, then
perhaps a destination or a piece of the target, and settings: at= method= client= place=.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from redirect_rules.clients import Crawlers
from redirect_rules.explaining import Explanation, Question, explain
from redirect_rules.model import Action, ClientClass
from redirect_rules.schedules import instant
from redirect_rules.snapshot import Snapshot
from redirect_rules.sources import Document, Problem, Problems
from redirect_rules.units import LocalityCode

_DASHES = re.compile(r"-{3,}\s*\Z")


@dataclass(frozen=True, slots=True)
class Example:
    """One line below the dashes."""

    line: int
    url: str
    outcome: Action
    expected: tuple[str, ...]  # a destination, or pieces of the target
    question: Question


@dataclass(frozen=True, slots=True)
class RuleTest:
    """A whole file."""

    rules: Document | None
    examples: tuple[Example, ...]


@dataclass(frozen=True, slots=True)
class Failure:
    """An example that does not hold."""

    example: Example
    found: Explanation

    def __str__(self) -> str:
        wanted = " ".join((self.example.outcome, *self.example.expected))
        got = " ".join(
            part for part in (self.found["outcome"], self.found["destination"], self.found["target"]) if part
        )
        return f"line {self.example.line}: {self.example.url}\n  expected {wanted}\n  but got  {got}"


def parse_ruletest(source: str, text: str, *, at: datetime) -> RuleTest:
    """Read a file; `at` holds for examples that name no instant.  Raises Problems."""
    lines = text.removeprefix("\ufeff").splitlines()
    dashes = next((i for i, line in enumerate(lines) if _DASHES.match(line)), None)
    if dashes is None:
        raise Problems([Problem(source, len(lines), "draw a line of dashes (----------) between rules and examples")])
    above = "\n".join(lines[:dashes])
    examples: list[Example] = []
    problems: list[Problem] = []
    for number, line in enumerate(lines[dashes + 1 :], start=dashes + 2):
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        try:
            examples.append(_example(number, words, at))
        except ValueError as error:
            problems.append(Problem(source, number, str(error)))
    if problems:
        raise Problems(problems)
    has_rules = any(line.strip() and not line.lstrip().startswith("#") for line in lines[:dashes])
    return RuleTest(Document(source, above) if has_rules else None, tuple(examples))


def _example(number: int, words: Sequence[str], at: datetime) -> Example:
    if len(words) < 2:
        raise ValueError("write a URL and the outcome expected, for example: dichvucong.langson.gov.vn/ notice home")
    url, outcome, *rest = words
    settings: dict[str, str] = {}
    expected: list[str] = []
    for word in rest:
        name, equals, value = word.partition("=")
        if equals and name in {"at", "method", "client", "place"}:
            settings[name] = value
        else:
            expected.append(word)
    question = Question(
        at=instant(settings["at"]) if "at" in settings else at,
        method=settings.get("method", "GET").upper(),
        client=ClientClass(settings["client"]) if "client" in settings else None,
        place=LocalityCode.parse(settings["place"]) if "place" in settings else None,
    )
    return Example(number, url, Action(outcome), tuple(expected), question)


def run(test: RuleTest, snapshot: Snapshot, *, suffixes: Sequence[str], crawlers: Crawlers) -> list[Failure]:
    """Try every example; return those that do not hold."""
    failures = []
    for example in test.examples:
        found = explain(example.url, example.question, snapshot, suffixes=suffixes, crawlers=crawlers)
        if not holds(example, found):
            failures.append(Failure(example, found))
    return failures


def holds(example: Example, found: Explanation) -> bool:
    """Whether outcome, destination and every piece of the target are as expected."""
    target = found["target"] or ""
    return found["outcome"] == example.outcome and all(
        piece == found["destination"] or piece in target for piece in example.expected
    )
