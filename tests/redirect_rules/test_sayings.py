"""Every sentence of the table is said somewhere, and carries what it is made of wherever it goes."""

import copy
import pickle
import re
from pathlib import Path
from string import Formatter

import pytest

from redirect_rules.answers import Asker, Situation
from redirect_rules.decision import Decision, Visit, decide
from redirect_rules.explaining import Question, explain, reasons
from redirect_rules.packs import Packs
from redirect_rules.parsing import parse_portal_rules
from redirect_rules.sayings import SAYINGS, Said, say
from redirect_rules.sources import Document, Problems
from tests.conftest import AUTUMN

SOURCES = [path.read_text("utf-8") for path in (Path(__file__).parents[2] / "redirect_rules").glob("*.py")]


def test_a_sentence_is_its_english_text_and_knows_its_code_and_facts() -> None:
    said = say("rule.id", id="Ä b")
    assert said == "'Ä b' is no id: write small letters, digits and hyphens"
    assert (said.code, said.facts) == ("rule.id", {"id": "Ä b"})


@pytest.mark.parametrize("again", [copy.copy, copy.deepcopy, lambda said: pickle.loads(pickle.dumps(said))])
def test_copies_know_it_too(again: object) -> None:
    said = say("rule.address", text="/x", why=say("address.long"))
    other = again(said)  # type: ignore[operator]
    assert (other, other.code, other.facts) == (said, said.code, said.facts)
    assert other.facts["why"].code == "address.long"


@pytest.mark.parametrize("code", [code for code in SAYINGS if not code.startswith("trace.")])
def test_each_sentence_is_said_somewhere(code: str) -> None:
    assert any(f'"{code}"' in text for text in SOURCES if "SAYINGS: Final" not in text)


@pytest.mark.parametrize("code", [code for code in SAYINGS if code.startswith("trace.")])
def test_each_step_of_a_trace_is_noted_somewhere(code: str) -> None:
    about = code.split(".")[1]
    bare = "".join(before + ("{}" if name else "") for before, name, _, _ in Formatter().parse(SAYINGS[code]))
    noted = [f'"{about}", "{bare}"', f'_passing("{bare}"', f'"{code}"']
    assert any(one in re.sub(r"\(\s+", "(", text) for text in SOURCES for one in noted)


def test_what_is_not_in_the_table_cannot_be_said() -> None:
    with pytest.raises(KeyError):
        say("rule.nonsense")
    with pytest.raises(KeyError):
        say("rule.id")


@pytest.mark.parametrize(
    "url",
    [
        "https://dichvucong.langson.gov.vn/vi/trangchu",
        "https://dichvucong.langson.gov.vn/vi/khong-ai-biet",
        "https://dichvucong.langson.gov.vn/a%ZZ",
        "https://nobody.example/",
        "ftp://nothing",
    ],
)
def test_every_step_that_explains_a_visit_has_a_code(packs: Packs, url: str) -> None:
    asked = Question(AUTUMN)
    steps = reasons(url, asked, packs.snapshot, suffixes=(), crawlers=packs.crawlers)
    found = explain(url, asked, packs.snapshot, suffixes=(), crawlers=packs.crawlers)
    assert [str(step) for step in steps] == found["trace"]
    assert all(isinstance(step.found, Said) for step in steps)


def test_facts_are_words_of_the_domain(packs: Packs) -> None:
    decision = decide(Visit("dichvucong.langson.gov.vn", "/vi/trangchu"), packs.snapshot, AUTUMN)
    assert isinstance(decision, Decision)
    facts = {step.about: step.found.facts for step in decision.trace if isinstance(step.found, Said)}
    assert facts["situation"] == {"asker": Asker.NAVIGATION, "situation": Situation.NOTICE}
    assert facts["answer"] == {"answer": "ShowNotice"}


def test_mistakes_of_a_rule_carry_their_codes_where_the_row_is_named_too() -> None:
    text = '{"portal": "langson", "rule": [{"id": "A b", "exact": ["/a?x"], "action": "notice", "to": ["nowhere"]}]}'
    with pytest.raises(Problems) as caught:
        parse_portal_rules(Document("rule.json", text), destinations=["home"])
    codes = {problem.text.code for problem in caught.value.problems if isinstance(problem.text, Said)}
    assert codes == {"rule.id", "rule.pairs", "rule.destination"}
    assert all(problem.text.startswith("A b: ") for problem in caught.value.problems)
