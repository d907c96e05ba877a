"""Old addresses as they circulate, and where the shipped rules lead them.

tests/data/url_cases.csv holds real addresses; tests/cases/*.ruletest go through every family path by path.  A mistake
that somebody reports becomes a line there.
"""

import csv
from functools import cache
from pathlib import Path

import pytest

from proxy.packs import Packs, load_packs
from redirect_rules.explaining import Question, explain
from redirect_rules.ruletests import Example, Failure, holds, parse_ruletest
from redirect_rules.sources import Document
from tests.conftest import AUTUMN, settings_with

TESTS = Path(__file__).parents[1]
SUFFIXES = ("localhost",)
FILES = {
    path: parse_ruletest(path.name, path.read_text("utf-8"), at=AUTUMN)
    for path in sorted((TESTS / "cases").glob("*.ruletest"))
}
EXAMPLES = [
    pytest.param(file.rules, example, id=f"{path.name}:{example.line}:{example.url}")
    for path, file in FILES.items()
    for example in file.examples
]
with (TESTS / "data" / "url_cases.csv").open(encoding="utf-8", newline="") as lines:
    REAL = list(csv.DictReader(lines))


@cache
def packs_with(rules: Document) -> Packs:
    """The shipped rules and those above a file's dashes."""
    return load_packs(settings_with(), extra_rules=(rules,))


@pytest.mark.parametrize("row", REAL, ids=[row["url"][:100] for row in REAL])
def test_a_real_address_leads_where_it_should(packs: Packs, row: dict[str, str]) -> None:
    found = explain(row["url"], Question(AUTUMN), packs.snapshot, suffixes=SUFFIXES, crawlers=packs.crawlers)
    assert found["outcome"] == row["outcome"], found["trace"]
    assert found["destination"] == (row["destination"] or None), found["trace"]
    assert row["target_contains"] in (found["target"] or "")


@pytest.mark.parametrize(("rules", "example"), EXAMPLES)
def test_an_example_holds(packs: Packs, rules: Document | None, example: Example) -> None:
    tried = packs_with(rules) if rules else packs
    found = explain(example.url, example.question, tried.snapshot, suffixes=SUFFIXES, crawlers=tried.crawlers)
    assert holds(example, found), str(Failure(example, found))


def test_every_family_has_examples_that_its_own_rules_decide(packs: Packs) -> None:
    """Each rule of each family must be the one that decides at least one example: else nothing here would notice it."""
    undecided = {rule.id for index in packs.snapshot.indexes.values() for rule in index.rules}
    for file in FILES.values():
        for example in file.examples:
            found = explain(example.url, example.question, packs.snapshot, suffixes=SUFFIXES, crawlers=packs.crawlers)
            undecided.discard(found["rule"] or "")
    assert not undecided


def test_every_portal_answers_on_each_of_its_hosts(packs: Packs) -> None:
    for host, portal in packs.snapshot.portals.items():
        url = f"https://{host}/p/home" if portal.scope else f"https://{host}/"
        found = explain(url, Question(AUTUMN), packs.snapshot, suffixes=SUFFIXES, crawlers=packs.crawlers)
        assert found["portal"] == portal.id
        assert found["outcome"] == ("pass" if host in portal.office_hosts else "notice"), host
