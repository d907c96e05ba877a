"""The signed identity header: what stands in it, and that others than python-jose understand it."""

import json
from base64 import urlsafe_b64decode

from hypothesis import given, settings
from hypothesis import strategies as st
from joserfc import jwk as joserfc_jwk
from joserfc import jwt as joserfc_jwt

from sso.adapters.assertion import HEADER, OURS, SECONDS, TYP, AssertionSigner
from sso.adapters.verify_kit import VerifyKit
from tests.sso.adapters.vectors import AUDIENCE, ISSUER, KEYS, NOW, jwk

KID = "test-key-1"
SIGNER = AssertionSigner(KEYS[KID], KID, issuer=ISSUER)
TOLD = {"sub": "pairwise", "acr": "urn:dvc-edge:level:2", "auth_time": NOW - 10, "name": "Nguyễn Văn An"}
PUBLIC = {"keys": [jwk(KID, KEYS[KID])]}


def made(told: dict[str, object] = TOLD, jti: str = "jti-1") -> str:
    return SIGNER.assertion(told, audience=AUDIENCE, sid="sid-1", now=NOW, jti=jti)


def test_it_fits_into_a_header_field() -> None:
    assert HEADER == "Portal-Identity"
    assert made().isascii()
    assert not set(made()) & set(" ,;\r\n")


def test_its_head_names_algorithm_key_and_kind_and_nothing_else() -> None:
    head = json.loads(urlsafe_b64decode(made().split(".")[0] + "=="))
    assert head == {"alg": "ES256", "kid": KID, "typ": TYP}


def test_it_is_for_one_system_and_for_a_minute() -> None:
    claims = VerifyKit(issuer=ISSUER, audience=AUDIENCE, keys=PUBLIC).verified([made()], now=NOW)
    assert claims == TOLD | {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "iat": NOW,
        "exp": NOW + SECONDS,
        "jti": "jti-1",
        "sid": "sid-1",
    }
    assert SECONDS == 60


def test_another_library_reads_it_too() -> None:
    read = joserfc_jwt.decode(made(), joserfc_jwk.ECKey.import_key({**PUBLIC["keys"][0]}), algorithms=["ES256"])
    assert read.claims["sub"] == "pairwise"
    assert read.header["typ"] == TYP


@settings(max_examples=25, deadline=None)
@given(st.dictionaries(st.sampled_from([*sorted(OURS), "sub", "name", "email"]), st.text(max_size=30)))
def test_nothing_told_about_a_person_changes_whom_it_is_for_or_how_long(told: dict[str, str]) -> None:
    claims = VerifyKit(issuer=ISSUER, audience=AUDIENCE, keys=PUBLIC).verified([made({**told, "sub": "x"})], now=NOW)
    assert {name: claims[name] for name in OURS} == {
        "iss": ISSUER, "aud": AUDIENCE, "iat": NOW, "exp": NOW + 60, "jti": "jti-1", "sid": "sid-1",
    }  # fmt: skip
    assert {name: value for name, value in claims.items() if name not in OURS} == {
        name: value for name, value in {**told, "sub": "x"}.items() if name not in OURS
    }
