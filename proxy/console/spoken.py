"""Sentences of the library in the language of a page: facts that are words of ours are said as people say them.

A sentence stands in the texts under `said.` and its code; `redirect_rules.sayings` lists them all.
"""

from collections.abc import Mapping
from string import Formatter
from typing import Any, Final

from markupsafe import Markup

from proxy.messages import Texts
from redirect_rules.sayings import SAYINGS, Said

_VOCABULARY: Final[Mapping[str, str]] = {
    "phase": "phase.",
    "client": "client.",
    "asker": "trace.asker.",
    "situation": "trace.situation.",
    "answer": "trace.answer.",
    "kind": "trace.kind.",
    "life": "trace.life.",
    "action": "outcome.",
}
"""By the name of a fact: under what its words stand, where it is one of ours."""


def spoken(t: Texts, facts: Mapping[str, str]) -> dict[str, object]:
    """Facts as they are filled into a sentence."""
    return {name: _spoken_fact(t, name, fact) for name, fact in facts.items()}


def _spoken_fact(t: Texts, name: str, fact: str) -> object:
    if isinstance(fact, Said) and f"said.{fact.code}" in t:
        return t(f"said.{fact.code}", **spoken(t, fact.facts))
    if name == "source":
        fact = "/".join(fact.split("/")[-2:])  # families/igate2.toml:5, wherever the files lie on this machine
    key = f"{_VOCABULARY[name]}{fact}" if name in _VOCABULARY else ""
    return t(key) if key and key in t else Markup("{}").format(fact)


def places_of(code: str) -> set[str]:
    """The names of a sentence's facts."""
    return {name.partition("!")[0] for _, name, _, _ in Formatter().parse(SAYINGS[code]) if name}


def told_of(text: str) -> dict[str, Any]:
    """A sentence as JSON holds it: `say` for everybody, `code` and `facts` for whoever says it in another language."""
    if not isinstance(text, Said):
        return {"say": text}
    return {
        "say": str(text),
        "code": text.code,
        "facts": {name: told_of(fact) if isinstance(fact, Said) else fact for name, fact in text.facts.items()},
    }


def heard(told: Mapping[str, Any]) -> str:
    """The same, read back; what another release wrote, who knew other sentences, is a plain text."""
    if told.get("code") not in SAYINGS or places_of(told["code"]) != set(told["facts"]):
        return str(told["say"])
    facts = {name: heard(fact) if isinstance(fact, dict) else str(fact) for name, fact in told["facts"].items()}
    return Said.again(told["say"], told["code"], facts)
