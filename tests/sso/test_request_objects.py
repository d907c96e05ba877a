"""Signed requests: what of them counts, and which are refused."""

from typing import Any

import pytest
from joserfc.jwk import KeySet

from sso import request_objects
from sso.refusals import REQUEST_OBJECT, REQUEST_OBJECT_UNSUPPORTED, Refusal
from tests.sign_in_peers.issuer import CLIENTS, EC, EC_FAPI, NOW, signed

ISSUER = "https://signin.example"
ZETA, GAMMA = CLIENTS["zeta"], CLIENTS["gamma"]


def read(client: str = "zeta", /, **changes: Any) -> dict[str, str]:
    claims = {"iss": client, "aud": ISSUER, "client_id": client, "exp": NOW + 60, "nbf": NOW, **changes}
    given = {name: value for name, value in claims.items() if value is not None}
    key = EC_FAPI if client == "gamma" else EC
    token = signed(given, key)
    return dict(request_objects.read(token, CLIENTS[client], KeySet([key]), issuer=ISSUER, now=NOW).values)


def test_what_is_inside_becomes_the_parameters() -> None:
    claims = {"userinfo": {"name": None}}
    inside = read(scope="openid", max_age=60, claims=claims, state="s", jti="1", extra=[1], flag=True, empty="")
    assert inside == {
        "client_id": "zeta",
        "scope": "openid",
        "max_age": "60",
        "claims": '{"userinfo": {"name": null}}',
        "state": "s",
    }


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "alpha"},
        {"aud": "https://evil.example"},
        {"client_id": "alpha"},
        {"client_id": None},
        {"exp": NOW - 60},
        {"nbf": NOW + 60},
        {"request": "x"},
        {"request_uri": "x"},
        {"client_secret": "x"},
        {"sub": "zeta"},
        {"state": "a\r\nb"},
    ],
    ids=str,
)
def test_what_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(Refusal) as refused:
        read(**changes)
    assert refused.value.cause is REQUEST_OBJECT


@pytest.mark.parametrize("name", ["iss", "aud", "exp", "nbf"])
def test_fapi2_wants_everything_basic_lets_it_out(name: str) -> None:
    assert read("zeta", **{name: None})
    with pytest.raises(Refusal):
        read("gamma", **{name: None})
    assert read("gamma")


def test_fapi2_wants_it_short_lived() -> None:
    with pytest.raises(Refusal):
        read("gamma", exp=NOW + 4_000)


def test_a_client_without_keys_signs_nothing() -> None:
    with pytest.raises(Refusal) as refused:
        request_objects.read("a.b.c", ZETA, None, issuer=ISSUER, now=NOW)
    assert refused.value.cause is REQUEST_OBJECT_UNSUPPORTED
