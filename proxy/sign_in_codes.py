"""What a speakable code means, in one place: for the help desk that a citizen reads it out to, for the command line and
for the console.

Causes stand in `sso.refusals` and `sso.upstreams.failures`; their words for people in `templates/sign_in/codes.toml`;
what somebody saw is the title of the page that was shown to them.
"""

import importlib.resources
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Any, Final

from proxy import messages
from proxy.sign_in_views import SignInTrouble
from sso import refusals
from sso.refusals import Cause
from sso.upstreams import failures

LANGUAGES: Final = ("vi", "en")

_NO_PAGE: Final[Mapping[str, Mapping[str, str]]] = MappingProxyType(
    {
        "client": {
            "vi": "Trang của hệ thống nơi người dân bắt đầu: hệ thống đó được báo và tự hiển thị lỗi.",
            "en": "A page of the system that they came from: it was told, and says it in its own words.",
        },
        "program": {
            "vi": "Không thấy gì của chúng tôi: một phần mềm được trả lời, không phải người dân.",
            "en": "Nothing of ours: a program was answered, and not a person.",
        },
    }
)


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a code means.  Mappings are by language: "vi", "en"."""

    code: str  # "DN-134"
    error: str  # the protocol's word
    status: int  # of the answer
    description: str  # the fixed English sentence on the wire
    what: Mapping[str, str]  # what has happened
    sees: Mapping[str, str]  # what the citizen has before them
    say: Mapping[str, str]  # what the help desk says and does


def meaning(code: str) -> Meaning | None:
    """What a code means, however it was written down ("dn-134", " DN 134 "); None: there is no such code."""
    letters = "".join(code.split()).upper()
    if letters.startswith("DN") and not letters.startswith("DN-"):
        letters = f"DN-{letters.removeprefix('DN')}"
    return meanings().get(letters)


@cache
def meanings() -> Mapping[str, Meaning]:
    """Every code there is, in the order of their numbers."""
    words = _read("sign_in/codes.toml")
    titles = {language: messages.read("", _text(f"messages/{language}.toml")).messages for language in LANGUAGES}
    made = {code: _meaning(cause, words, titles) for code, cause in sorted(causes().items())}
    return MappingProxyType(made)


def causes() -> Mapping[str, Cause]:
    """Every cause of a refusal by its code: ours, and those of the way to an upstream and back."""
    return MappingProxyType({**refusals.CAUSES, **failures.CAUSES})


def _meaning(cause: Cause, words: Mapping[str, Any], titles: Mapping[str, Mapping[str, messages.Message]]) -> Meaning:
    own = words[cause.speakable]
    sees = _NO_PAGE.get(own["seen"]) or {
        language: f"«{titles[language][f'sign-in.trouble.{_page_of(cause)}.title'].source}»" for language in LANGUAGES
    }
    return Meaning(
        code=cause.speakable,
        error=cause.error.value,
        status=cause.status,
        description=cause.description,
        what=MappingProxyType({language: own[language] for language in LANGUAGES}),
        sees=MappingProxyType(dict(sees)),
        say=MappingProxyType(dict(words["advice"][own["advice"]])),
    )


def _page_of(cause: Cause) -> str:
    """Which of the texts of the trouble page says it."""
    fault = failures.FAULTS.get(cause.speakable)
    return SignInTrouble(code=cause.speakable, reason=fault.value if fault else cause.error.value).words


def _read(name: str) -> dict[str, Any]:
    return tomllib.loads(_text(name))


def _text(name: str) -> str:
    return (importlib.resources.files("templates") / name).read_text("utf-8")
