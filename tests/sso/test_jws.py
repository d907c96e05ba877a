"""The one reader of tokens from outside: what it takes, and everything that it does not."""

import base64
import json
import warnings
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jose import jwt as python_jose
from joserfc.jwk import ECKey, KeySet, OctKey, RSAKey

from sso import jws
from sso.jws import BadToken
from tests.sign_in_peers.issuer import signed, signer

EC = ECKey.generate_key("P-256", {"kid": "one"})
RSA = RSAKey.generate_key(2048, {"kid": "two"})
BOTH = KeySet([EC, RSA])
NOW = 1_795_000_000


def read(token: str, **changes: Any) -> dict[str, Any]:
    arguments: dict[str, Any] = {"algorithms": jws.ASYMMETRIC, "types": {"jwt"}, **changes}
    return dict(jws.read(token, BOTH, **arguments).claims)


def reason(token: str, **changes: Any) -> str:
    with pytest.raises(BadToken) as bad:
        read(token, **changes)
    return bad.value.reason


@pytest.mark.parametrize(("key", "alg"), [(EC, "ES256"), (RSA, "RS256"), (RSA, "PS256")])
def test_a_good_token_is_read(key: Any, alg: str) -> None:
    assert read(signed({"a": 1}, key, alg=alg)) == {"a": 1}


def test_without_a_kid_every_key_of_the_sort_is_tried() -> None:
    assert read(signed({"a": 1}, EC, header={"kid": None})) == {"a": 1}


def test_typ_may_be_written_as_a_media_type_in_any_case() -> None:
    assert read(signed({}, EC, header={"typ": "application/JWT"})) == {}


HEADERS: dict[str, tuple[dict[str, Any], str]] = {
    "kid of nobody": ({"kid": "three"}, "kid"),
    "kid of the other key": ({"kid": "two"}, "kid"),
    "another type": ({"typ": "at+jwt"}, "typ"),
    "no type": ({"typ": None}, "typ"),
    "type that is no text": ({"typ": 1}, "typ"),
    "crit": ({"crit": ["exp"]}, "header"),
    "b64": ({"b64": False}, "header"),
    "jku": ({"jku": "https://evil.example"}, "key in the header"),
    "x5u": ({"x5u": "https://evil.example"}, "key in the header"),
    "jwk": ({"jwk": {"kty": "EC"}}, "key in the header"),
    "x5c": ({"x5c": ["MII"]}, "key in the header"),
}


@pytest.mark.parametrize("case", HEADERS)
def test_headers_that_are_refused(case: str) -> None:
    changes, expected = HEADERS[case]
    header = {
        name: value
        for name, value in {"alg": "ES256", "kid": "one", "typ": "JWT", **changes}.items()
        if value is not None
    }
    head = base64.urlsafe_b64encode(json.dumps(header).encode()).rstrip(b"=").decode()
    _, body, signature = signed({}, EC).split(".")
    assert reason(f"{head}.{body}.{signature}") == expected


def test_a_thumbprint_of_a_certificate_is_no_key_and_is_passed_over() -> None:
    assert read(signed({}, EC, header={"x5t": "abc"})) == {}


def test_an_algorithm_that_is_not_asked_for_is_refused() -> None:
    assert reason(signed({}, RSA), algorithms=jws.STRONG) == "alg"


def test_a_changed_token_is_refused() -> None:
    head, body, signature = signed({"a": 1}, EC).split(".")
    other = base64.urlsafe_b64encode(b'{"a":2}').rstrip(b"=").decode()
    assert reason(f"{head}.{other}.{signature}") == "signature"
    assert reason(f"{head}.{body}.") == "signature"


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=200))
def test_nothing_that_is_no_token_is_read_or_breaks_the_reader(text: str) -> None:
    with pytest.raises(BadToken):
        read(text)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 400), st.integers(0, 255))
def test_a_token_with_one_other_octet_is_refused(place: int, octet: int) -> None:
    token = signed({"a": 1}, EC)
    changed = token[: place % len(token)] + chr(octet) + token[place % len(token) + 1 :]
    if changed == token:
        return
    try:
        assert read(changed) == {"a": 1}  # the last letter of a segment has bits that mean nothing
        assert changed[:-1].rsplit(".", 1)[0] == token[:-1].rsplit(".", 1)[0]
    except BadToken:
        pass


KEYS: dict[str, dict[str, Any]] = {
    "symmetric": OctKey.generate_key(256).as_dict(),
    "of no sort": {"kty": "XX"},
    "without a sort": {},
    "not on the curve": {**EC.as_dict(private=False), "y": EC.as_dict(private=False)["x"]},
    "too short": {"kty": "RSA", "n": "AQAB", "e": "AQAB"},
}


@pytest.mark.parametrize("case", KEYS)
def test_keys_that_prove_nothing_are_refused(case: str) -> None:
    with pytest.raises(BadToken):
        jws.public_key(KEYS[case])
    with pytest.raises(BadToken):
        jws.key_set({"keys": [KEYS[case]]})


def test_a_set_keeps_what_can_be_used() -> None:
    assert len(jws.key_set({"keys": [EC.as_dict(private=False), KEYS["symmetric"], "x", 1]}).keys) == 1


# times → whether they are taken; seconds from now
TIMES: dict[str, tuple[dict[str, Any], bool]] = {
    "good": ({"exp": 60, "iat": 0}, True),
    "no exp": ({"iat": 0}, False),
    "no iat": ({"exp": 60}, False),
    "just expired": ({"exp": -29, "iat": -60}, True),
    "expired": ({"exp": -30, "iat": -60}, False),
    "a little ahead": ({"exp": 60, "iat": 30}, True),
    "ahead": ({"exp": 60, "iat": 31}, False),
    "not before later": ({"exp": 60, "iat": 0, "nbf": 31}, False),
    "too long a life": ({"exp": 3_700, "iat": 0}, False),
}


@pytest.mark.parametrize("case", TIMES)
def test_times(case: str) -> None:
    given_times, good = TIMES[case]
    claims = {name: NOW + seconds for name, seconds in given_times.items()}
    if good:
        jws.check_times(claims, NOW, most_seconds=3_600)
    else:
        with pytest.raises(BadToken):
            jws.check_times(claims, NOW, most_seconds=3_600)


@pytest.mark.parametrize("value", [True, 1.5, float("inf"), "1795000060", None, [1]])
def test_a_time_is_a_whole_number(value: object) -> None:
    with pytest.raises(BadToken):
        jws.check_times({"exp": value, "iat": NOW}, NOW)


@settings(max_examples=10, deadline=None)
@given(
    st.dictionaries(st.text(min_size=1, max_size=10), st.text(max_size=20) | st.integers() | st.booleans(), max_size=5)
)
@pytest.mark.parametrize("alg", ["ES256", "RS256"])
def test_python_jose_verifies_what_we_sign(alg: Any, claims: dict[str, Any]) -> None:
    """Another implementation, with another reading of the same standards."""
    own = {f"x-{name}": value for name, value in claims.items()}
    token = signer().sign(own, typ="JWT", alg=alg)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # python-jose's own use of the clock
        kid = python_jose.get_unverified_header(token)["kid"]
        published: Any = signer().jwks()["keys"]
        key = next(key for key in published if key["kid"] == kid)  # it does not look for itself
        assert python_jose.decode(token, key, algorithms=[alg], options={"verify_aud": False}) == own
