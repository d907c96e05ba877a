"""Sentences of the library are said in the language of the page, all of them, with the same facts."""

import json

import pytest

from proxy.console.pages import ConsolePages
from proxy.console.spoken import heard, places_of, spoken, told_of
from redirect_rules.answers import Asker, Situation
from redirect_rules.model import Action, Life, Phase, PortalKind
from redirect_rules.sayings import SAYINGS, Said, say

TEXTS = ConsolePages().texts


@pytest.mark.parametrize("language", ["vi", "en"])
@pytest.mark.parametrize("code", SAYINGS)
def test_each_sentence_can_be_said_with_its_facts_and_no_others(code: str, language: str) -> None:
    assert TEXTS[language].messages[f"said.{code}"].names == places_of(code)


def test_nothing_is_said_that_neither_the_library_nor_the_form_of_a_rule_says() -> None:
    assert {key.removeprefix("said.") for key in TEXTS["vi"].messages if key.startswith("said.")} == {
        *SAYINGS,
        *(f"form.{name}" for name in ("host", "begin", "toml", "only", "field", "quotes", "pairs")),
    }


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("phase", Phase),
        ("asker", Asker),
        ("situation", Situation),
        ("kind", PortalKind),
        ("life", Life),
        ("action", Action),
    ],
)
def test_words_of_the_domain_are_said_as_people_say_them(name: str, words: list[str]) -> None:
    for word in words:
        assert spoken(TEXTS["vi"], {name: str(word)})[name] != word


def test_a_fact_that_somebody_typed_is_no_markup() -> None:
    t = TEXTS["vi"]
    said = say("rule.id", id="<b>")
    assert t("said.rule.id", **spoken(t, said.facts)).startswith("“&lt;b&gt;” không dùng làm tên được")


def test_where_files_lie_on_the_machine_is_nobodys_business() -> None:
    assert spoken(TEXTS["vi"], {"source": "/opt/edge/conf/families/igate2.toml:5"}) == {
        "source": "families/igate2.toml:5"
    }


def test_a_reason_in_a_sentence_is_said_in_the_same_language() -> None:
    t = TEXTS["vi"]
    said = say("finding.no-visit", path="/x", why=say("address.long"))
    assert "địa chỉ quá dài" in t(f"said.{said.code}", **spoken(t, said.facts))


def test_what_is_written_down_is_read_back_with_all_that_it_is_made_of() -> None:
    said = say("finding.no-visit", path="/x", why=say("address.long"))
    again = heard(json.loads(json.dumps(told_of(said))))
    assert isinstance(again, Said)
    assert (again, again.code, again.facts) == (said, said.code, said.facts)
    assert heard(told_of("a plain text")) == "a plain text"


@pytest.mark.parametrize(
    "told",
    [
        {"say": "old", "severity": "error"},
        {"say": "old", "code": "finding.of-another-release", "facts": {}},
        {"say": "old", "code": "finding.over", "facts": {"other": "x"}},
    ],
)
def test_what_another_release_wrote_is_shown_as_it_stands(told: dict[str, object]) -> None:
    found = heard(told)
    assert found == "old"
    assert not isinstance(found, Said)
