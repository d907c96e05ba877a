"""28: tokens that are made to be expensive.  Each is refused for less than ten milliseconds of a processor.

Measured is the time of this very thread on a processor, so that a machine at work changes little; of some tries the
cheapest counts, because a cache that is cold is no work of ours.
"""

import base64
import json
import time
from collections.abc import Callable
from typing import Any, Final
from urllib.parse import urlencode

import pytest
from joserfc import jws as joserfc_jws
from joserfc.jwk import ECKey

from sso import client_authentication, dpop, jws, request_objects
from sso.clients import MOST_KEYS
from sso.jws import BadToken
from sso.parameters import Parameters
from sso.refusals import Refusal
from tests.sign_in_peers.issuer import CLIENTS, EC, NOW, Desk, signer

MOST_SECONDS: Final = 0.010
TRIES: Final = 5
ISSUER: Final = "https://signin.example.vn"


def letters(octets: bytes) -> str:
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


def token(header: dict[str, Any] | bytes, body: bytes = b"{}", signature: str = "A" * 86) -> str:
    told = header if isinstance(header, bytes) else json.dumps(header).encode()
    return f"{letters(told)}.{letters(body)}.{signature}"


def nested(opening: bytes, depth: int, closing: bytes) -> bytes:
    return b'{"a":' + opening * depth + b"1" + closing * depth + b"}"


PLAIN: Final = {"alg": "ES256", "kid": EC.kid}
BOMBS: Final[dict[str, str]] = {
    "a header of 200 kB": token({**PLAIN, "x": "a" * 200_000}),
    "a header that is just too long": token({**PLAIN, "x": "a" * jws.LONGEST_HEADER}),
    "a body of 200 kB": token(PLAIN, b'{"x":"' + b"a" * 200_000 + b'"}'),
    "deep objects in the body": token(PLAIN, nested(b'{"a":', 1_500, b"}")),
    "deep lists in the body": token(PLAIN, nested(b"[", 6_000, b"]")),
    "deep objects in the header": token(nested(b'{"a":', 400, b"}")),
    "deep lists in the header": token(nested(b"[", 1_400, b"]")),
    "many names": token(PLAIN, json.dumps({f"k{i}": 1 for i in range(1_100)}).encode()),
    "many names in the header": token({**PLAIN, **{f"k{i}": 1 for i in range(250)}}),
    "one name many times": token(PLAIN, b"{" + b",".join([b'"a":1'] * 2_000) + b"}"),
    "a number of 12,000 digits": token(PLAIN, b'{"exp":' + b"9" * 12_000 + b"}"),
    "a number of 4,300 digits": token(PLAIN, b'{"exp":' + b"9" * 4_300 + b"}"),
    "a fraction of 11,000 digits": token(PLAIN, b'{"exp":1.' + b"9" * 11_000 + b"e308}"),
    "escapes": token(PLAIN, b'{"a":"' + b"\\u0041" * 1_900 + b'"}'),
    "p2c": token({"alg": "PBES2-HS256+A128KW", "enc": "A128GCM", "p2c": 2_000_000_000, "p2s": "a"}),
    "p2c in a signed one": token({**PLAIN, "p2c": 2_000_000_000}),
    "zip": token({"alg": "dir", "enc": "A128GCM", "zip": "DEF"}),
    "zip in a signed one": token({**PLAIN, "zip": "DEF"}),
    "a signature of 10 kB": token(PLAIN, b"{}", "A" * 10_000),
    "five parts": "a.b.c.d.e",
    "many dots": "." * 10_000,
    "many dots and more": "." * 1_000_000,
}


def rsa(modulus_bits: int, exponent_bits: int) -> dict[str, str]:
    exponent = b"\x7f" + b"\xff" * (exponent_bits // 8 - 1)
    return {"kty": "RSA", "n": letters(b"\xff" * (modulus_bits // 8)), "e": letters(exponent)}


def proof_of(key: dict[str, str], alg: str) -> str:
    claims = json.dumps({"htm": "POST", "htu": f"{ISSUER}/token", "iat": NOW, "jti": "a"}).encode()
    signature = letters(b"\1" * (len(key.get("n", "")) * 3 // 4 or 64))
    return token({"alg": alg, "typ": "dpop+jwt", "jwk": key}, claims, signature)


PROOFS: Final[dict[str, str]] = {
    "an exponent as long as the modulus": proof_of(rsa(2_048, 2_048), "PS256"),
    "an exponent as long as a longer modulus": proof_of(rsa(3_072, 3_072), "PS256"),
    "a modulus of 16,384 bits": proof_of(rsa(16_384, 64), "PS256"),
    "the longest that is tried": proof_of(rsa(8_192, 64), "PS256"),
    "a point that is on no curve": proof_of({"kty": "EC", "crv": "P-256", "x": "AQ", "y": "AQ"}, "ES256"),
    "a longer curve": proof_of({"kty": "EC", "crv": "P-521", "x": letters(b"\1" * 66), "y": "AQ"}, "ES256"),
}


def cheapest(work: Callable[[], object]) -> float:
    """Seconds of the processor of the cheapest of some tries; each must be refused."""
    taken = []
    for _ in range(TRIES):
        began = time.thread_time()
        with pytest.raises((BadToken, Refusal)):
            work()
        taken.append(time.thread_time() - began)
    return min(taken)


READERS: Final[dict[str, Callable[[str], object]]] = {
    "a signed token": lambda bomb: jws.read(bomb, EC, algorithms=jws.ASYMMETRIC, types={"jwt", ""}),
    "a client assertion": lambda bomb: client_authentication.prove(
        client_authentication.presented(
            Parameters(
                {
                    "client_assertion": bomb,
                    "client_assertion_type": client_authentication.ASSERTION_TYPE,
                    "client_id": "zeta",
                }
            ),
            None,
        ),
        CLIENTS["zeta"],
        jws.key_set(CLIENTS["zeta"].jwks or {}),
        issuer=ISSUER,
        endpoints=(),
        now=NOW,
    ),
    "a request object": lambda bomb: request_objects.read(
        bomb, CLIENTS["zeta"], jws.key_set(CLIENTS["zeta"].jwks or {}), issuer=ISSUER, now=NOW
    ),
    "a DPoP proof": lambda bomb: dpop.prove(bomb, method="POST", uri=f"{ISSUER}/token", now=NOW),
    "an ID token as a hint": lambda bomb: signer().verify(bomb, typ="JWT", issuer=ISSUER, now=None),
}


@pytest.mark.parametrize("kind", BOMBS)
@pytest.mark.parametrize("reader", READERS)
def test_28_a_bomb_is_refused_within_ten_milliseconds(reader: str, kind: str) -> None:
    assert cheapest(lambda: READERS[reader](BOMBS[kind])) < MOST_SECONDS


@pytest.mark.parametrize("kind", PROOFS)
def test_28_a_key_that_is_expensive_to_try_is_not_tried(kind: str) -> None:
    assert cheapest(lambda: dpop.prove(PROOFS[kind], method="POST", uri=f"{ISSUER}/token", now=NOW)) < MOST_SECONDS


def test_28_a_token_without_a_name_is_held_against_all_keys_of_a_client() -> None:
    """The most that a record may have."""
    keys = jws.key_set({"keys": [ECKey.generate_key("P-256").as_dict(private=False) for _ in range(MOST_KEYS)]})
    stranger = joserfc_jws.serialize_compact({"alg": "ES256"}, b"{}", ECKey.generate_key("P-256"))
    assert cheapest(lambda: jws.read(stranger, keys, algorithms=jws.ASYMMETRIC, types={""})) < MOST_SECONDS


@pytest.mark.parametrize("kind", ["a header of 200 kB", "deep objects in the body", "p2c", "many dots"])
async def test_28_over_http_it_is_a_refusal_like_any_other(desk: Desk, kind: str) -> None:
    form = {"grant_type": "authorization_code", "code": "x", "client_assertion": BOMBS[kind]}
    form["client_assertion_type"] = client_authentication.ASSERTION_TYPE
    answer = await desk.ask("POST", "/token", body=urlencode(form))
    assert (answer.status, answer.json()["error"]) in {(401, "invalid_client"), (413, "invalid_request")}
