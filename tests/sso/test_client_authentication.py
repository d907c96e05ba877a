"""Which client speaks, and by what it proves it."""

import base64
from dataclasses import replace
from typing import Any

import pytest
from joserfc.jwk import KeySet

from sso import client_authentication
from sso.client_authentication import ASSERTION_TYPE, Presented, presented, prove
from sso.model import Client, digest
from sso.parameters import Parameters
from sso.refusals import CLIENT, CLIENT_TWICE, Refusal
from tests.sign_in_peers.issuer import CLIENTS, EC, EC_FAPI, NOW, SECRET, basic, signed

ISSUER = "https://signin.example"
TOKEN = f"{ISSUER}/token"
ALPHA, BETA, EPSILON, ZETA, GAMMA = (CLIENTS[name] for name in ("alpha", "beta", "epsilon", "zeta", "gamma"))


def test_what_is_presented() -> None:
    assert presented(Parameters({}), basic("alpha", SECRET)) == Presented("client_secret_basic", "alpha", SECRET)
    assert presented(Parameters({"client_id": "epsilon"}), None) == Presented("none", "epsilon")
    body = Parameters({"client_id": "beta", "client_secret": SECRET})
    assert presented(body, None) == Presented("client_secret_post", "beta", SECRET)


def test_basic_is_form_encoded_first() -> None:
    """RFC 6749 §2.3.1"""
    header = basic("a%3Ab", "p%25+%C4%91")
    assert presented(Parameters({}), header) == Presented("client_secret_basic", "a:b", "p% đ")


@pytest.mark.parametrize(
    ("form", "authorization", "cause"),
    [
        ({}, None, CLIENT),
        ({}, "Basic", CLIENT),
        ({}, "Basic !!!", CLIENT),
        ({}, "Bearer abc", CLIENT),
        ({}, "Basic " + base64.b64encode(b"no colon").decode(), CLIENT),
        ({}, "Basic " + base64.b64encode(b"\xff:\xff").decode(), CLIENT),
        ({"client_id": "beta"}, basic("alpha", SECRET), CLIENT_TWICE),
        ({"client_secret": SECRET}, basic("alpha", SECRET), CLIENT_TWICE),
        ({"client_assertion": "x", "client_secret": SECRET}, None, CLIENT_TWICE),
        ({"client_assertion": "x"}, None, CLIENT),
        ({"client_assertion": "x", "client_assertion_type": ASSERTION_TYPE}, None, CLIENT),
    ],
)
def test_what_cannot_be_understood_is_refused(form: dict[str, str], authorization: str | None, cause: object) -> None:
    with pytest.raises(Refusal) as refused:
        presented(Parameters(form), authorization)
    assert refused.value.cause is cause


def proven(shown: Presented, client: Client | None, keys: KeySet | None = None) -> client_authentication.Proven:
    return prove(shown, client, keys, issuer=ISSUER, endpoints=[TOKEN], now=NOW)


def is_refused(shown: Presented, client: Client | None, keys: KeySet | None = None) -> bool:
    try:
        proven(shown, client, keys)
    except Refusal as refused:
        return refused.cause is CLIENT
    return False


def test_a_secret_must_be_the_clients_own() -> None:
    assert proven(Presented("client_secret_basic", "alpha", SECRET), ALPHA).client is ALPHA
    assert is_refused(Presented("client_secret_basic", "alpha", "wrong"), ALPHA)
    assert is_refused(Presented("client_secret_basic", "alpha", ""), ALPHA)
    assert is_refused(Presented("client_secret_basic", "nobody", "nobody's secret"), None)


def test_while_a_secret_is_exchanged_both_are_good() -> None:
    both = replace(ALPHA, secret_digests=(digest("old"), digest("new")))
    for secret in ("old", "new"):
        assert proven(Presented("client_secret_basic", "alpha", secret), both).client is both
    assert is_refused(Presented("client_secret_basic", "alpha", "older"), both)


@pytest.mark.parametrize("client", [ALPHA, BETA, EPSILON, ZETA], ids=lambda client: client.authentication)
def test_a_client_has_one_way(client: Client) -> None:
    for method in ("client_secret_basic", "client_secret_post", "none"):
        shown = Presented(method, client.id, SECRET)
        assert is_refused(shown, client) is (method != client.authentication)


def assertion(client: str = "zeta", **changes: Any) -> Presented:
    claims = {"iss": client, "sub": client, "aud": ISSUER, "exp": NOW + 60, "jti": "1", **changes}
    given = {name: value for name, value in claims.items() if value is not None}
    token = signed(given, EC_FAPI if client == "gamma" else EC)
    return presented(Parameters({"client_assertion": token, "client_assertion_type": ASSERTION_TYPE}), None)


KEYS = KeySet([EC])

# what it says → whether a client of the basic profile, and one of fapi2, is taken by it
AUDIENCES: list[tuple[object, bool, bool]] = [
    (ISSUER, True, True),
    (TOKEN, True, False),
    ([ISSUER], True, False),
    ([ISSUER, TOKEN], True, False),
    ([ISSUER, "https://evil.example"], False, False),
    ([], False, False),
    (None, False, False),
    ("https://evil.example", False, False),
    (ISSUER + "/", False, False),
    ({"x": ISSUER}, False, False),
]


@pytest.mark.parametrize(("audience", "basic_", "fapi2"), AUDIENCES)
def test_an_assertion_is_for_us(audience: object, basic_: bool, fapi2: bool) -> None:  # noqa: FBT001 - columns
    assert is_refused(assertion("zeta", aud=audience), ZETA, KEYS) is not basic_
    assert is_refused(assertion("gamma", aud=audience), GAMMA, KeySet([EC_FAPI])) is not fapi2


def test_an_assertion_is_remembered_for_longer_than_it_lives() -> None:
    made = proven(assertion(), ZETA, KEYS)
    assert made.jti is not None
    assert made.remember_seconds >= client_authentication.ASSERTION_SECONDS + 60
    assert proven(assertion(jti="2"), ZETA, KEYS).jti != made.jti
    assert proven(assertion("gamma"), GAMMA, KeySet([EC_FAPI])).jti != made.jti


@pytest.mark.parametrize(
    "changes", [{"exp": None}, {"exp": NOW - 60}, {"exp": NOW + 3_600}, {"iat": NOW + 60}, {"jti": None}, {"jti": 1}]
)
def test_an_assertion_is_short_lived_and_has_a_name(changes: dict[str, Any]) -> None:
    assert is_refused(assertion(**changes), ZETA, KEYS)


def test_an_assertion_of_a_client_without_keys_or_of_another_is_refused() -> None:
    assert is_refused(assertion(), ZETA, None)
    assert is_refused(assertion(), replace(ZETA, id="other"), KEYS)
    assert is_refused(assertion(sub="other"), ZETA, KEYS)
