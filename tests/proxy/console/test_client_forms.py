"""The guided form: what is typed becomes a record, and a record what was typed; the rest of it stays."""

import ast
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import sso.clients
from proxy.console.calls import Fields
from proxy.console.client_forms import (
    ATTRIBUTES,
    FORMATS,
    NAMES,
    STEPS,
    Typed,
    differences,
    in_words,
    reached,
    record_of,
    shown,
    step_of,
    typed_in,
    until,
)
from proxy.console.pages import ConsolePages
from sso.client_folder import record_of as record_of_file
from sso.client_folder import text_of, without_defaults
from sso.clients import parse, secret_digest
from sso.sources import ConfidentialDocument, documents
from tests.conftest import CONF

FILES = documents(CONF / "clients")


@pytest.mark.parametrize("document", FILES, ids=lambda one: one.source)
def test_a_file_that_is_opened_and_sent_again_is_the_same(document: ConfidentialDocument) -> None:
    record = without_defaults(record_of_file(document))
    again = record_of(shown(record, "20"), record)
    assert parse(ConfidentialDocument("again", text_of(again))) == parse(document)
    assert differences(record, again) == []


words = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Zl", "Zp"]), max_size=20).map(str.strip)
records = st.fixed_dictionaries(
    {"id": st.just("a"), "name": st.fixed_dictionaries({"vi": words.filter(bool)}), "sector": st.just("a")},
    optional={
        "formats": st.lists(st.sampled_from(FORMATS), unique=True, min_size=1),
        "attributes": st.lists(st.sampled_from(ATTRIBUTES), unique=True, min_size=1),
        "redirect_uris": st.lists(st.just("https://a.example/cb"), min_size=1),
        "legal_basis": words.filter(bool),
        "level": st.just(1),
        "consent": st.sampled_from(["once", "always"]),
        "dpop_required": st.just(True),
        "jwks": st.just({"keys": [{"kty": "EC"}]}),
        "secret_digests": st.just([secret_digest("x")]),
        "aliases": st.just([{"sector": "b", "since": "2025-07-01"}]),
    },
)


@given(records)
def test_what_is_shown_and_sent_back_says_what_it_said(record: dict[str, Any]) -> None:
    again = record_of(shown(record, "20"), record)
    again.setdefault("formats", ["oidc"])
    assert without_defaults({"formats": ["oidc"], **record}) == again


def test_the_steps_hand_on_what_they_do_not_show() -> None:
    typed = shown(record_of_file(FILES[0]), "")
    every = {name for name in NAMES if any(typed.all(name))}
    for step in STEPS:
        travelling = {name for name, _ in typed.hidden(step)}
        assert travelling | {name for name in every if step_of(name) == step} == every


@pytest.mark.parametrize(
    ("step", "go", "goal"),
    [
        ("speaks", "next", "addresses"),
        ("speaks", "back", "speaks"),
        ("send", "next", "send"),
        ("told", "back", "proof"),
        ("told", "check", "told"),
        ("speaks", "send", "send"),
        ("nonsense", "next", "addresses"),
    ],
)
def test_where_a_button_leads(step: str, go: str, goal: str) -> None:
    assert reached(step, go) == goal


def test_what_a_later_step_mends_is_not_told_before() -> None:
    wrong = (("formats", "client-redirect"), ("legal_basis", "client-law"), ("id", "client-id"))
    assert until("speaks", wrong) == (("id", "client-id"),)
    assert until("send", wrong) == wrong


def sentences() -> set[str]:
    """What `sso.clients` says of a file, found in its source: texts of several words that are no docstrings."""
    tree = ast.parse(Path(sso.clients.__file__).read_text("utf-8"))
    judges = [
        one for one in tree.body if getattr(one, "name", "") in {"_Checks", "_authentication", "_jwks", "_telling"}
    ]
    found: set[str] = set()
    for node in (inner for judge in judges for inner in ast.walk(judge)):
        match node:
            case ast.Expr(value=ast.Constant()):  # a docstring
                continue
            case ast.Return(value=ast.Constant(value=str() as text)):
                found.add(text)
            case ast.Tuple(elts=[_, ast.Constant(value=str() as text)]) if text.count(" ") > 1:
                found.add(text.partition(": ")[2] or text)
    return found


def test_every_sentence_of_sign_in_about_a_clients_file_has_words_here() -> None:
    texts = ConsolePages().texts["vi"]
    # Secrets are made by the last step, never typed: what is said of them nobody can bring about.
    said = {one for one in sentences() if "secret" not in one and "digest" not in one}
    assert {one for one in said if f"mistake.{in_words([('id', one)])[0][1]}" not in texts} == set()
    assert len(said) > 20, "the sentences were not found: look at the function above"


@pytest.mark.parametrize("jwks", ["", "nonsense", "[]", "{", '{"keys": 1}', "[" * 10_000])
def test_no_pasted_key_set_is_too_strange_to_be_told(jwks: str) -> None:
    typed = typed_in(Fields([("id", "a"), ("jwks", jwks)]))
    assert isinstance(record_of(typed, {}).get("jwks", {}), dict)


def test_a_form_sets_no_key_that_it_has_no_field_for() -> None:
    fields = [("id", "a"), ("secret_digests", "0" * 64), ("aliases", "b"), ("salt_version", "9"), ("lifetimes", "9")]
    record = record_of(typed_in(Fields(fields)), {})
    assert not record.keys() & {"secret_digests", "aliases", "salt_version", "lifetimes"}


def test_a_secret_goes_when_keys_come() -> None:
    record = {"id": "a", "secret_digests": ["0" * 64]}
    typed = Typed({**shown(record, "").values, "authentication": ("private_key_jwt",)})
    assert "secret_digests" not in record_of(typed, record)


def test_of_secrets_and_keys_only_names_are_shown() -> None:
    (digests, keys) = differences(
        {"id": "a"}, {"id": "a", "secret_digests": ["ab" * 32], "jwks": {"keys": [{"kid": "k1", "x": "…"}]}}
    )
    assert digests.after == ("abababab…",)
    assert keys.after == ("k1",)
