"""The test vectors of the verify kit: `python tests/sso/adapters/vectors.py` writes docs/verify-kit/vectors.json anew.

Good and bad values of Portal-Identity, each with the word that every kit must refuse it with.  The keys are for tests
alone; their private halves stand here so that anybody can make more vectors.
"""

import base64
import hashlib
import hmac
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

ROOT = Path(__file__).resolve().parents[3]
FILE = ROOT / "docs" / "verify-kit" / "vectors.json"

NOW = 1_795_000_000
ISSUER = "https://signin.example.gov.vn"
AUDIENCE = "langson-motcua"
KEYS = {f"test-key-{number}": ec.derive_private_key(number + 10_000, ec.SECP256R1()) for number in (1, 2)}
STRANGER = ec.derive_private_key(77_777, ec.SECP256R1())
P384 = ec.derive_private_key(88_888, ec.SECP384R1())
HEADER = {"alg": "ES256", "kid": "test-key-1", "typ": "portal-identity+jwt"}
CLAIMS: dict[str, Any] = {
    "iss": ISSUER,
    "aud": AUDIENCE,
    "iat": NOW,
    "exp": NOW + 60,
    "jti": "Jf2cC0nRr0yW3l3xQw7b1k",
    "sid": "sid-1",
    "sub": "3q2-7wB5pairwise",
    "acr": "urn:dvc-edge:level:2",
    "auth_time": NOW - 10,
    "account_type": "citizen",
    "name": "Nguyễn Văn An",
}


def main() -> None:
    """Write the file."""
    FILE.write_text(json.dumps(document(), indent=1, ensure_ascii=False) + "\n", "utf-8")
    sys.stdout.write(f"{FILE}\n")


def document() -> dict[str, Any]:
    """All of it."""
    return {
        "about": "Values of all Portal-Identity fields of a request; `refused` is the word of the refusal, null: good.",
        "issuer": ISSUER,
        "audience": AUDIENCE,
        "now": NOW,
        "jwks": {"keys": [jwk(kid, key) for kid, key in KEYS.items()]},
        "vectors": [
            {"name": name, "values": values, "refused": refused} for name, values, refused in (*good(), *bad())
        ],
    }


def b64(octets: bytes) -> str:
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


def jwk(kid: str, key: ec.EllipticCurvePrivateKey) -> dict[str, str]:
    numbers = key.public_key().public_numbers()
    x, y = (b64(number.to_bytes(32, "big")) for number in (numbers.x, numbers.y))
    return {"kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": kid, "x": x, "y": y}


def token(
    header: dict[str, Any] | str, claims: dict[str, Any] | str, key: ec.EllipticCurvePrivateKey = KEYS["test-key-1"]
) -> str:
    """A token signed by a key, whatever its header says."""
    parts = [part if isinstance(part, str) else json.dumps(part, ensure_ascii=False) for part in (header, claims)]
    signed = ".".join(b64(part.encode("utf-8", "surrogateescape")) for part in parts)
    size = (key.curve.key_size + 7) // 8
    r, s = decode_dss_signature(key.sign(signed.encode(), ec.ECDSA(hashes.SHA256())))
    return f"{signed}.{b64(r.to_bytes(size, 'big') + s.to_bytes(size, 'big'))}"


def claims_with(**changes: Any) -> str:
    """A well-signed token whose claims differ; `...` takes a claim away."""
    return token(HEADER, {name: value for name, value in (CLAIMS | changes).items() if value is not ...})


def header_with(**changes: Any) -> str:
    return token({name: value for name, value in (HEADER | changes).items() if value is not ...}, CLAIMS)


Vector = tuple[str, list[str], str | None]


def good() -> Iterator[Vector]:
    yield "a plain one", [token(HEADER, CLAIMS)], None
    yield "signed by the other published key", [token(HEADER | {"kid": "test-key-2"}, CLAIMS, KEYS["test-key-2"])], None
    yield "made 20 seconds ahead of our clock", [claims_with(iat=NOW + 20, exp=NOW + 80)], None
    yield "ended 20 seconds ago by our clock", [claims_with(iat=NOW - 80, exp=NOW - 20)], None
    yield "with a claim nobody knows", [claims_with(colour={"a": [1, {"b": "c"}], "sub": "x"})], None
    yield "with escapes in a name", [token(HEADER, json.dumps(CLAIMS, ensure_ascii=True))], None
    yield "with white space between its members", [token(HEADER, json.dumps(CLAIMS, indent=2))], None


def bad() -> Iterator[Vector]:  # noqa: PLR0915 - a list, one line for each
    plain = token(HEADER, CLAIMS)
    head, body, signature = plain.split(".")
    yield "no field at all", [], "missing"
    yield "two fields", [plain, plain], "several"
    yield "two in one field", [f"{plain}, {plain}"], "form"
    yield "an empty field", [""], "form"
    yield "a name in place of a token", ["Nguyen Van An"], "form"
    yield "with a line end behind it", [f"{plain}\n"], "form"
    yield "with a blank before it", [f" {plain}"], "form"
    yield "two parts", [f"{head}.{body}"], "form"
    yield "four parts", [f"{plain}.{signature}"], "form"
    yield "five parts, as encrypted tokens have", [f"{head}.{body}.{body}.{body}.{signature}"], "form"
    yield "with padding", [f"{head}=.{body}.{signature}"], "form"
    yield "another spelling of its header", [f"{head[:-1]}{_next_letter(head)}.{body}.{signature}"], "form"
    yield "longer than 8 KiB", [claims_with(colour="x" * 9_000)], "size"
    yield "a header that is no JSON", [token("{", CLAIMS)], "json"
    yield "a header that is a list", [token('["ES256"]', CLAIMS)], "json"
    yield (
        "a header with a member twice",
        [token('{"alg":"none","alg":"ES256","kid":"test-key-1","typ":"portal-identity+jwt"}', CLAIMS)],
        "json",
    )
    for spelling in ("none", "None", "NONE", "nOnE", ""):
        yield f"alg {spelling!r}, unsigned", [f"{b64(json.dumps(HEADER | {'alg': spelling}).encode())}.{body}."], "form"
        yield f"alg {spelling!r}, with a signature", [header_with(alg=spelling)], "alg"
    yield "no alg", [header_with(alg=...)], "alg"
    yield "alg in small letters", [header_with(alg="es256")], "alg"
    yield "a MAC whose key is our public key", [_mac()], "form"
    yield "alg HS256", [header_with(alg="HS256")], "alg"
    yield "alg RS256", [header_with(alg="RS256")], "alg"
    yield "ES384, by another curve", [token(HEADER | {"alg": "ES384"}, CLAIMS, P384)], "form"
    yield "no typ", [header_with(typ=...)], "typ"
    yield "an ID token of the same issuer", [header_with(typ="JWT")], "typ"
    yield "an access token of the same issuer", [header_with(typ="at+jwt")], "typ"
    yield "typ as a list", [header_with(typ=["portal-identity+jwt"])], "typ"
    yield "a crit that nobody knows", [header_with(crit=["x"], x=1)], "header"
    yield "an empty crit", [header_with(crit=[])], "header"
    yield "b64: false", [header_with(b64=False, crit=["b64"])], "header"
    yield (
        "the stranger's key in jwk",
        [token(HEADER | {"jwk": jwk("test-key-1", STRANGER)}, CLAIMS, STRANGER)],
        "header",
    )
    yield (
        "the stranger's key behind jku",
        [token(HEADER | {"jku": "https://evil.example/jwks"}, CLAIMS, STRANGER)],
        "header",
    )
    yield "x5u", [header_with(x5u="https://evil.example/x.pem")], "header"
    yield "zip", [header_with(zip="DEF")], "header"
    yield "no kid", [header_with(kid=...)], "header"
    yield "a kid of nobody's", [header_with(kid="test-key-9")], "kid"
    yield "a kid that is a path", [header_with(kid="../../dev/null")], "kid"
    yield "a kid that is a number", [header_with(kid=1)], "kid"
    yield "a kid in small caps", [header_with(kid="TEST-KEY-1")], "kid"
    yield "signed by a stranger", [token(HEADER, CLAIMS, STRANGER)], "signature"
    yield "signed by the key of the other kid", [token(HEADER, CLAIMS, KEYS["test-key-2"])], "signature"
    yield "r and s zero", [f"{head}.{body}.{b64(bytes(64))}"], "signature"
    yield "r and s the order of the curve", [f"{head}.{body}.{b64(_ORDER * 2)}"], "signature"
    yield "a signature of 63 octets", [f"{head}.{body}.{b64(bytes(63))}"], "form"
    yield (
        "claims changed after signing",
        [f"{head}.{b64(json.dumps(CLAIMS | {'sub': 'other'}).encode())}.{signature}"],
        "signature",
    )
    yield "claims that are no JSON", [token(HEADER, "{")], "json"
    yield "claims that are a list", [token(HEADER, "[1]")], "json"
    yield "claims with a member twice", [token(HEADER, json.dumps(CLAIMS)[:-1] + ', "aud": "langson-motcua"}')], "json"
    yield (
        "a member twice, one of them in escapes",
        [token(HEADER, json.dumps(CLAIMS)[:-1] + ', "\\u0061ud": "langson-motcua"}')],
        "json",
    )
    yield "exp Infinity", [token(HEADER, json.dumps(CLAIMS | {"exp": 1e999}))], "json"
    yield "exp NaN", [token(HEADER, json.dumps(CLAIMS | {"exp": float("nan")}))], "json"
    yield "another issuer", [claims_with(iss="https://evil.example")], "iss"
    yield "our issuer with a slash", [claims_with(iss=f"{ISSUER}/")], "iss"
    yield "no issuer", [claims_with(iss=...)], "iss"
    yield "issuers in a list", [claims_with(iss=[ISSUER])], "iss"
    yield "for the system of another province", [claims_with(aud="caobang-motcua")], "aud"
    yield "no audience", [claims_with(aud=...)], "aud"
    yield "an audience among others", [claims_with(aud=[AUDIENCE, "caobang-motcua"])], "aud"
    yield "an audience in capitals", [claims_with(aud=AUDIENCE.upper())], "aud"
    yield "no sub", [claims_with(sub=...)], "sub"
    yield "an empty sub", [claims_with(sub="")], "sub"
    yield "a sub that is a number", [claims_with(sub=42)], "sub"
    yield "no jti", [claims_with(jti=...)], "jti"
    yield "no exp", [claims_with(exp=...)], "exp"
    yield "exp as text", [claims_with(exp=str(NOW + 60))], "exp"
    yield "exp with a fraction", [claims_with(exp=NOW + 60.5)], "exp"
    yield "exp true", [claims_with(exp=True)], "exp"
    yield "exp null", [claims_with(exp=None)], "exp"
    yield "ended a minute ago", [claims_with(iat=NOW - 120, exp=NOW - 60)], "exp"
    yield "ends in ten minutes", [claims_with(exp=NOW + 600)], "exp"
    yield "ends before it begins", [claims_with(iat=NOW + 10, exp=NOW + 5)], "exp"
    yield "no iat", [claims_with(iat=...)], "iat"
    yield "iat as text", [claims_with(iat=str(NOW))], "iat"
    yield "made in ten minutes", [claims_with(iat=NOW + 600, exp=NOW + 660)], "iat"


_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551.to_bytes(32, "big")
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


def _next_letter(part: str) -> str:
    """Another last letter for the same octets: its lowest bits say nothing."""
    if len(part) % 4 == 0:
        raise ValueError("every bit of this part counts")
    return _LETTERS[_LETTERS.index(part[-1]) + 1]


def _mac() -> str:
    """Algorithm confusion: the public key as the secret of a MAC."""
    signed = f"{b64(json.dumps(HEADER | {'alg': 'HS256'}).encode())}.{b64(json.dumps(CLAIMS).encode())}"
    secret = json.dumps(jwk("test-key-1", KEYS["test-key-1"])).encode()
    return f"{signed}.{b64(hmac.digest(secret, signed.encode(), hashlib.sha256))}"


if __name__ == "__main__":
    main()
