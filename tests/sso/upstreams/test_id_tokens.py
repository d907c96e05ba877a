"""What an ID token must say; the cases over a real provider are in tests/conformance/test_relying_party.py."""

import base64
import hmac
import json
import time
from typing import Any

import pytest
from authlib.oidc.core.util import create_half_hash
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jws

from sso.upstreams.failures import Fault, UpstreamRefused
from sso.upstreams.id_tokens import Expected, KeyMissing, check_authentication_age, half_hash, judged
from sso.upstreams.key_sets import KeySet
from sso.upstreams.key_sets import read as read_keys
from tests.sso.upstreams.provider import EC, EC_NEXT, NOW, RSA, b64, signed

KEYS = read_keys(json.dumps({"keys": [EC.as_dict(private=False), RSA.as_dict(private=False)]}).encode())
EXPECTED = Expected("vneid", "https://sso.example", "dvc-edge", frozenset({"ES256", "RS256"}), NOW, nonce="n")
CLAIMS = {"iss": "https://sso.example", "aud": "dvc-edge", "sub": "s", "exp": NOW + 300, "iat": NOW, "nonce": "n"}


def token(claims: dict[str, Any] | None = None, **header: Any) -> str:
    return signed({"alg": "ES256", "kid": "ec-1", "typ": "JWT", **header}, claims or CLAIMS, EC)


def fault_of(text: str, keys: KeySet = KEYS, expected: Expected = EXPECTED) -> Fault | None:
    try:
        judged(text, keys, expected)
    except UpstreamRefused as refused:
        return refused.fault
    return None


@given(st.text())
def test_at_hash_is_what_authlib_says_it_is(access_token: str) -> None:
    assert half_hash(access_token, "ES256").encode() == create_half_hash(access_token, "ES256")
    assert half_hash(access_token, "RS256").encode() == create_half_hash(access_token, "RS256")


def test_a_good_token_is_believed() -> None:
    assert fault_of(token()) is None


@given(st.text(alphabet="abcXYZ0189-_.{}=", max_size=200))
def test_rubbish_is_refused_in_words(text: str) -> None:
    assert fault_of(text) in {Fault.TOKEN_FORM, Fault.ALGORITHM}


@pytest.mark.parametrize(
    "algorithm", ["none", "None", "NONE", "nOnE", "HS256", "HS512", "ES256K", "", None, 7, ["ES256"]]
)
def test_no_spelling_of_an_algorithm_that_is_not_allowed_is_taken(algorithm: object) -> None:
    text = f"{b64({'alg': algorithm, 'kid': 'ec-1'})}.{b64(CLAIMS)}."
    assert fault_of(text) is Fault.ALGORITHM


def test_a_public_key_is_no_secret_for_signing() -> None:
    """RS256 → HS256: signed with the public key's octets, in any form, as if they were a secret."""
    head = f"{b64({'alg': 'HS256', 'kid': 'rsa-1'})}.{b64(CLAIMS)}"
    for form in (RSA.as_pem(private=False), RSA.as_der(private=False), json.dumps(RSA.as_dict(private=False)).encode()):
        signature = hmac.digest(form, head.encode(), "sha256")
        assert fault_of(f"{head}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}") is Fault.ALGORITHM


@pytest.mark.parametrize(
    "header", [{"crit": ["x"], "x": 1}, {"b64": False, "crit": ["b64"]}, {"zip": "DEF"}, {"enc": "A128GCM"}]
)
def test_an_extension_that_we_do_not_know_is_refused(header: dict[str, Any]) -> None:
    assert fault_of(f"{b64({'alg': 'ES256', 'kid': 'ec-1', **header})}.{b64(CLAIMS)}.{'A' * 86}") is Fault.TOKEN_FORM


@pytest.mark.parametrize("kid", ["../../etc/passwd", "' OR 1=1 --", "ec-1\x00", "", 7, ["ec-1"]])
def test_a_kid_is_a_name_to_compare_and_nothing_else(kid: object) -> None:
    with pytest.raises(KeyMissing):
        judged(f"{b64({'alg': 'ES256', 'kid': kid})}.{b64(CLAIMS)}.{'A' * 86}", KEYS, EXPECTED)


def test_a_thumbprint_of_a_certificate_is_no_harm() -> None:
    """Real providers send it; nothing is looked up by it."""
    assert fault_of(token(x5t="abcd")) is None


def test_the_key_that_signed_must_be_the_one_that_is_named() -> None:
    with pytest.raises(KeyMissing):
        judged(signed({"alg": "ES256", "kid": "ec-2"}, CLAIMS, EC_NEXT), KEYS, EXPECTED)
    assert fault_of(signed({"alg": "ES256", "kid": "ec-1"}, CLAIMS, EC_NEXT)) is Fault.SIGNATURE


def test_a_signature_of_zeros_is_none() -> None:
    head = token().rpartition(".")[0]
    assert fault_of(f"{head}.{'A' * 86}") is Fault.SIGNATURE


@pytest.mark.parametrize(
    "text", ["a" * 200_000, f"{'a' * 200_000}.b.c", f"{b64({'alg': 'ES256', 'a': {'a': [1] * 2_000}})}.b.c"]
)
def test_a_bomb_is_refused_without_being_opened(text: str) -> None:
    started = time.process_time()
    assert fault_of(text) in {Fault.TOKEN_FORM, Fault.ALGORITHM}
    assert time.process_time() - started < 0.5


@pytest.mark.parametrize("value", ["1", 1.5, True, None, [], {}, 10**30])
@pytest.mark.parametrize("name", ["exp", "iat"])
def test_an_instant_is_a_whole_number(name: str, value: object) -> None:
    if (name, value) == ("exp", 10**30):
        return  # far away, and nobody's concern: `iat` bounds the age
    assert fault_of(token(CLAIMS | {name: value})) is Fault.TIME


def test_two_names_in_a_token_are_refused() -> None:
    payload = json.dumps(CLAIMS)[:-1] + ', "sub": "somebody-else"}'
    middle = base64.urlsafe_b64encode(payload.encode()).rstrip(b"=").decode()
    head = b64({"alg": "ES256", "kid": "ec-1"})
    signature = jws.JWSRegistry.algorithms["ES256"].sign(f"{head}.{middle}".encode(), EC)
    text = f"{head}.{middle}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"
    assert fault_of(text) is Fault.TOKEN_FORM


AGES = [
    # max_age  auth_time    refused
    (None,     None,        False),
    (None,     NOW - 9_999, False),
    (60,       None,        True),
    (60,       NOW - 60,    False),
    (60,       NOW - 600,   True),
    (0,        NOW,         False),
    (None,     NOW + 600,   True),
    (60,       "now",       True),
    (60,       True,        True),
]  # fmt: skip


@pytest.mark.parametrize(("max_age", "auth_time", "refused"), AGES)
def test_when_the_person_was_last_seen_is_held_to_max_age(
    max_age: int | None, auth_time: object, *, refused: bool
) -> None:
    expected = Expected("vneid", "i", "a", (), NOW, max_age=max_age)
    claims = {} if auth_time is None else {"auth_time": auth_time}
    if refused:
        with pytest.raises(UpstreamRefused) as caught:
            check_authentication_age(claims, expected)
        assert caught.value.fault is Fault.AUTHENTICATION_AGE
    else:
        check_authentication_age(claims, expected)
