"""A pasted URL → the visit a browser would make, and the decision in words."""

import json
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.packs import Packs
from redirect_rules.canonical import BadHost
from redirect_rules.clients import Crawlers
from redirect_rules.explaining import Explanation, Question, explain, visit_to
from redirect_rules.model import HO_CHI_MINH, ClientClass
from redirect_rules.units import Era, LocalityCode
from tests.conftest import AUTUMN

MODEL = "dichvucong.langson.gov.vn"
NOBODY = Crawlers.listed([], [])
KEYS = ["url", "portal", "phase", "client_class", "key", "rule", "outcome", "destination", "target", "trace"]

# pasted                                       host    target                           why
PASTED = [
    (f"https://{MODEL}/vi?a=1",                MODEL,  "/vi?a=1",                       "whole"),
    (f"http://{MODEL}/vi",                     MODEL,  "/vi",                           "from an old QR code"),
    (f"{MODEL}/vi",                            MODEL,  "/vi",                           "without a scheme, as printed"),
    (MODEL,                                    MODEL,  "/",                             "the host alone"),
    (f"https://{MODEL}?keyword=a",             MODEL,  "/?keyword=a",                   "a query right after the host"),
    (f"https://{MODEL}#/ke-khai/2.000987",     MODEL,  "/",                             "a fragment stays in the browser"),
    (f"https://{MODEL}/vi#a?b=c",              MODEL,  "/vi",                           "whatever it looks like"),
    (f"  https://{MODEL}/vi\n",                MODEL,  "/vi",                           "with blanks around it"),
    (f"https://{MODEL.upper()}:443/VI",        MODEL,  "/VI",                           "the path keeps its letters"),
    (f"https://{MODEL}./vi",                   MODEL,  "/vi",                           "the root's dot"),
    (f"http://{MODEL}.localhost:8080/vi",      MODEL,  "/vi",                           "from the preview"),
    (f"https://{MODEL}/tra-cứu?q=đất đai",     MODEL,  "/tra-c%E1%BB%A9u?q=%C4%91%E1%BA%A5t%20%C4%91ai", "as a browser encodes it"),
    (f"https://{MODEL}/a%2Fb%20c",             MODEL,  "/a%2Fb%20c",                    "never encoded twice"),
    (f'https://{MODEL}/a"b<c>',                MODEL,  "/a%22b%3Cc%3E",                 "what may not stand in a URL"),
    (f"https://{MODEL}/a\\b",                  MODEL,  "/a\\b",                         "a backslash is looked at as it is"),
    (f"https://{MODEL}//a//b",                 MODEL,  "//a//b",                        "slashes stay"),
    ("https://[::1]/x",                        "[::1]", "/x",                           "nobody's, but a host"),
]  # fmt: skip


@pytest.mark.parametrize(("url", "host", "target", "why"), PASTED, ids=[why for *_, why in PASTED])
def test_a_pasted_url_is_the_visit_a_browser_would_make(url: str, host: str, target: str, why: str) -> None:
    visit = visit_to(url, Question(AUTUMN), suffixes=("localhost",), crawlers=NOBODY)
    assert (visit.host, visit.raw_target) == (host, target)


@pytest.mark.parametrize(
    "url",
    ["", " ", "/vi", "//", "https://", "ftp://a.vn/", "javascript://a.vn/%0a", "https://a b/", "https://x@a.vn/", "https://a.vn:99999/", "https://[::1/"],
)  # fmt: skip
def test_what_names_no_host_is_said_so(packs: Packs, url: str) -> None:
    with pytest.raises(BadHost):
        visit_to(url, Question(AUTUMN), suffixes=(), crawlers=NOBODY)
    found = explained(packs, url)
    assert found["outcome"] == "refuse"
    assert found["portal"] is None
    assert found["trace"]


def explained(packs: Packs, url: str, **asked: Any) -> Explanation:
    question = Question(asked.pop("at", AUTUMN), **asked)
    return explain(url, question, packs.snapshot, suffixes=("localhost",), crawlers=packs.crawlers)


def test_an_explanation_has_its_ten_keys_whatever_comes_of_it(packs: Packs) -> None:
    for url in (f"https://{MODEL}/vi", f"https://{MODEL}/%zz", "https://evil.example/", "nonsense//", f"{MODEL}/api"):
        found = explained(packs, url)
        assert list(found) == KEYS
        assert found["url"] == url
        assert json.loads(json.dumps(found)) == found


def test_an_explanation_says_all_there_is(packs: Packs) -> None:
    url = f"http://{MODEL}/Vi/thu-tuc-hanh-chinh/chi-tiet?MA=1.001193.000.00.00.H37&x=1"
    found = explained(packs, url)
    assert found["trace"][-1].startswith("answer: ")
    assert found | {"trace": []} == {
        "url": url,
        "portal": "langson",
        "phase": "notice",
        "client_class": "navigation",
        "key": f"{MODEL}/vi/thu-tuc-hanh-chinh/chi-tiet?ma=1.001193.000.00.00.H37",
        "rule": "igate2/procedure-by-code",
        "outcome": "notice",
        "destination": "procedure",
        "target": "https://dichvucong.gov.vn/thu-tuc-hanh-chinh/019d2bfd-3fe0-70ac-b9d6-5e9e20d6eef7",
        "trace": [],
    }


# url                                   asked                                       outcome     destination   why
ASKED: list[tuple[str, dict[str, Any], str, str | None, str]] = [
    (f"{MODEL}/khong-co",               {},                                         "notice",   "home",       "no rule, no name for it"),
    (f"{MODEL}/nop-ho-so/7",            {},                                         "pass",     None,         "leads nowhere: it lives on"),
    (f"{MODEL}/%zz",                    {},                                         "refuse",   None,         "unreadable, but on a portal of ours"),
    (f"{MODEL}/vi",                     {"client": ClientClass.BOT},                "redirect", "home",       "a crawler"),
    (f"{MODEL}/vi",                     {"client": ClientClass.API},                "gone",     "home",       "a program"),
    (f"{MODEL}/vi",                     {"method": "POST"},                         "gone",     "home",       "a form"),
    (f"{MODEL}/vi",                     {"at": datetime(2025, 6, 30, tzinfo=HO_CHI_MINH)}, "pass", None,      "before it closed"),
    (f"{MODEL}/a.pdf",                  {},                                         "pass",     None,         "a document, as a browser asks for it"),
    (f"{MODEL}/nop-ho-so?ma=1.001193",  {"place": LocalityCode(Era.NEW, "00004")},  "notice",   "procedure",  "a commune was chosen"),
]  # fmt: skip


@pytest.mark.parametrize(("url", "asked", "outcome", "destination", "why"), ASKED, ids=[why for *_, why in ASKED])
def test_the_question_says_who_asks_and_when(
    packs: Packs, url: str, asked: dict[str, Any], outcome: str, destination: str | None, why: str
) -> None:
    found = explained(packs, url, **asked)
    assert (found["outcome"], found["destination"]) == (outcome, destination)


def test_an_unreadable_address_still_says_whose_it_is(packs: Packs) -> None:
    assert explained(packs, f"{MODEL}/%zz")["portal"] == "langson"


def test_a_page_no_rule_knows_names_no_rule(packs: Packs) -> None:
    assert explained(packs, f"{MODEL}/khong-co")["rule"] is None


@settings(deadline=None)
@given(st.one_of(st.text(max_size=120), st.builds(f"https://{MODEL}/{{}}".format, st.text(max_size=120))))
def test_whatever_is_pasted_is_explained(packs: Packs, url: str) -> None:
    found = explained(packs, url)
    assert found["outcome"] in {"notice", "redirect", "pass", "ask", "gone", "refuse"}
    assert found["target"] is None or found["target"].startswith("https://dichvucong.gov.vn/")
