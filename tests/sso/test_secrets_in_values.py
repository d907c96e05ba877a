"""Nothing that opens a door, and nothing of a person, stands in the text of a value: such texts end up in logs, in error
messages, and on the screens of whoever looks for a mistake.
"""

import dataclasses
import importlib
import inspect
import pkgutil
import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Final

import pytest

import sso
from sso.model import Identity, LoginAttempt, Session
from sso.store import Ticket
from tests.sso.specimens import (
    ATTEMPT,
    DELIVERY,
    DESTINATION,
    GRANT,
    IDENTITY,
    REQUEST,
    SESSION,
    TICKET,
    TOKEN,
)

SECRET: Final = re.compile(
    r"secret|password|cookie|token|verifier|nonce|assertion|private_key|signing_key|sealing|ticket|\bcode\b|\bstate\b"
)
PERSONAL: Final = re.compile(r"\b(subject|subject_hint|login_hint|person|facts|body|fields|values|target|claims)\b")

HARMLESS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "Lifetimes.code": "seconds",
        "Lifetimes.access_token": "seconds",
        "Lifetimes.id_token": "seconds",
        "Lifetimes.refresh_token": "seconds",
        "Client.refresh_tokens": "whether it gets any",
        "Client.dpop_nonce_required": "whether they are asked for",
        "CodeExchange.code": "a digest",
        "RefreshExchange.token": "a digest",
        "AuditEvent.code": "what people read out",
        "LoginAttempt.state": "a digest",
        "SigningKey.state": "next, current or retired",
        "LogoutDelivery.state": "waiting, delivered or given up",
        "Metadata.token_endpoint": "an address that the upstream publishes",
        "Upstream.nonce": "whether it takes one",
        "Upstream.id_token": "whether it gives one",
        "ClaimMapping.subject": "the name of a claim",
        "ClaimMapping.claims": "names of claims",
        "Redirect.cookies": "each hides its value",
        "PostForm.cookies": "each hides its value",
        "ShowPage.cookies": "each hides its value",
        "Consent.claims": "names of claims",
        "AskConsent.claims": "names of claims",
        "AuthorizationRequest.claims": "names of claims",
        "AuthorizationRequest.id_token_claims": "names of claims",
        "Grant.claims": "names of claims",
        "Grant.id_token_claims": "names of claims",
        "AccessToken.claims": "names of claims",
    }
)
"""Fields that are called like something secret or personal, and are not."""


HIDDEN_ALL_THE_SAME: Final = frozenset(
    {
        *(
            "Redirect.uri",
            "Issued.uri",
            "Wish.back_to",
            "ConfidentialDocument.text",
            "UpstreamLogout.sid",
            "Session.upstream_sid",
        ),
        *("Client.secret_digests", "KeyRing.sealing", "KeyRing.person"),
    }
)
"""Fields that are called something harmless, and hold addresses with codes in them, or what else should not be read."""


def values() -> Iterator[type]:
    """Every dataclass of sign-in."""
    for module in pkgutil.walk_packages(sso.__path__, "sso."):
        loaded = importlib.import_module(module.name)
        for kind in vars(loaded).values():
            if inspect.isclass(kind) and dataclasses.is_dataclass(kind) and kind.__module__ == module.name:
                yield kind


ALL: Final = sorted(set(values()), key=lambda kind: f"{kind.__module__}.{kind.__name__}")


@pytest.mark.parametrize("kind", ALL, ids=lambda kind: f"{kind.__module__}.{kind.__name__}")
def test_what_is_called_secret_or_personal_is_not_shown(kind: type) -> None:
    shown = [own.name for own in dataclasses.fields(kind) if own.repr]
    suspicious = [name for name in shown if SECRET.search(name) or PERSONAL.search(name)]
    assert [name for name in suspicious if f"{kind.__name__}.{name}" not in HARMLESS] == []


def test_what_is_called_something_harmless_and_is_not_is_hidden_as_well() -> None:
    hidden = {f"{kind.__name__}.{own.name}" for kind in ALL for own in dataclasses.fields(kind) if not own.repr}
    assert hidden >= HIDDEN_ALL_THE_SAME


def test_every_exception_is_one() -> None:
    names = {f"{kind.__name__}.{own.name}" for kind in ALL for own in dataclasses.fields(kind)}
    assert set(HARMLESS) <= names


PEOPLE = [*IDENTITY.claims.values(), IDENTITY.subject]
SECRETS = ["the-state", "the-nonce", "the-verifier", "the-token", "the-hint"]
FULL_REQUEST = dataclasses.replace(REQUEST, state="the-state", nonce="the-nonce", login_hint="the-hint")
FULL_SESSION: Session = dataclasses.replace(SESSION, upstream_id_token="the-token", upstream_sid="the-hint")
FULL_ATTEMPT: LoginAttempt = dataclasses.replace(
    ATTEMPT, nonce="the-nonce", code_verifier="the-verifier", purpose=FULL_REQUEST
)
WHOLE = [
    IDENTITY,
    FULL_REQUEST,
    FULL_SESSION,
    FULL_ATTEMPT,
    dataclasses.replace(ATTEMPT, purpose=DESTINATION),
    dataclasses.replace(GRANT, nonce="the-nonce"),
    TOKEN,
    DELIVERY,
    TICKET,
]


@pytest.mark.parametrize("value", WHOLE, ids=lambda value: type(value).__name__)
def test_whole_values_show_nobody_and_nothing(value: Identity | Session | LoginAttempt | Ticket) -> None:
    text = f"{value!r} {value}"
    assert not [part for part in [*PEOPLE, *SECRETS, "MaTTHC=1.001193"] if part in text]
