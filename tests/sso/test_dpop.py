"""Which proofs of possession are taken."""

from typing import Any

import pytest
from joserfc.jwk import ECKey, RSAKey

from sso import dpop
from sso.refusals import DPOP, TOKEN_DPOP, Refusal
from tests.sign_in_peers.issuer import NOW, RSA, proof, signed

KEY = ECKey.generate_key("P-256")
URI = "https://signin.example/token"


def proven(shown: str, **changes: Any) -> dpop.ProvenKey:
    return dpop.prove(shown, **{"method": "POST", "uri": URI, "now": NOW, **changes})


def test_a_proof_names_its_key() -> None:
    """RFC 7638: the thumbprint."""
    made = proven(proof(KEY, "POST", URI, NOW))
    assert made.jkt == KEY.thumbprint()
    assert made.jti != proven(proof(KEY, "POST", URI, NOW)).jti


def test_a_name_is_one_keys_own() -> None:
    other = ECKey.generate_key("P-256")
    one, two = (proven(proof(key, "POST", URI, NOW, jti="same")) for key in (KEY, other))
    assert one.jti != two.jti


# what is changed → whether it is taken
PROOFS: list[tuple[dict[str, Any], bool]] = [
    ({}, True),
    ({"htm": "GET"}, False),
    ({"htm": "post"}, False),
    ({"htu": "https://signin.example:443/token"}, True),
    ({"htu": "HTTPS://SIGNIN.EXAMPLE/token?x#y"}, True),
    ({"htu": "https://signin.example/TOKEN"}, False),
    ({"htu": "http://signin.example/token"}, False),
    ({"htu": "https://signin.example/token/"}, False),
    ({"htu": "https://signin.example:x/token"}, False),
    ({"htu": 1}, False),
    ({"iat": NOW - 30}, True),
    ({"iat": NOW - 31}, False),
    ({"iat": NOW + 30}, True),
    ({"iat": NOW + 31}, False),
    ({"iat": str(NOW)}, False),
    ({"iat": float("inf")}, False),
    ({"jti": ""}, False),
    ({"jti": 7}, False),
    ({"jti": "x" * 257}, False),
    ({"exp": NOW - 600}, False),
]  # fmt: skip


@pytest.mark.parametrize(("changes", "good"), PROOFS, ids=[str(changes) for changes, _ in PROOFS])
def test_a_proof_is_for_this_request(changes: dict[str, Any], good: bool) -> None:  # noqa: FBT001 - a column
    shown = proof(KEY, "POST", URI, NOW, **changes)
    if good:
        proven(shown)
    else:
        with pytest.raises(Refusal) as refused:
            proven(shown)
        assert refused.value.cause is DPOP


def test_with_a_token_the_proof_is_for_that_token() -> None:
    shown = proof(KEY, "GET", URI, NOW, token="mine")
    proven(shown, method="GET", access_token="mine")
    for other in (shown, proof(KEY, "GET", URI, NOW)):
        with pytest.raises(Refusal) as refused:
            proven(other, method="GET", access_token="yours", cause=TOKEN_DPOP)
        assert refused.value.cause is TOKEN_DPOP


@pytest.mark.parametrize(
    "header",
    [
        {"typ": "JWT"},
        {"typ": None},
        {"jwk": None},
        {"jwk": KEY.as_dict(private=True)},
        {"jwk": ECKey.generate_key("P-256").as_dict(private=False)},
        {"jwk": {"kty": "oct", "k": "AAAA"}},
        {"jku": "https://evil.example"},
    ],
    ids=["another typ", "no typ", "no key", "a private key", "another key", "a secret", "a link to keys"],
)
def test_a_proof_has_its_public_key_and_no_other(header: dict[str, Any]) -> None:
    claims = {"htm": "POST", "htu": URI, "iat": NOW, "jti": "1"}
    full = {"typ": "dpop+jwt", "jwk": KEY.as_dict(private=False), "kid": None, **header}
    with pytest.raises(Refusal):
        proven(signed(claims, KEY, header=full))


def test_ps256_is_taken_and_rs256_is_not() -> None:
    claims = {"htm": "POST", "htu": URI, "iat": NOW, "jti": "1"}
    header = {"typ": "dpop+jwt", "jwk": RSA.as_dict(private=False), "kid": None}
    assert proven(signed(claims, RSA, header=header, alg="PS256")).jkt == RSA.thumbprint()
    with pytest.raises(Refusal):
        proven(signed(claims, RSA, header=header, alg="RS256"))
    assert isinstance(RSA, RSAKey)
