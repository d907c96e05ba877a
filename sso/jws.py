"""The one reader of signed tokens that come from outside: strict first, cryptography last.

joserfc verifies; here stands what it leaves to its callers: sizes, duplicate names, numbers that are none, headers that
point to keys, and which types of token may stand in for which (RFC 8725).
"""

import base64
import binascii
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from joserfc import jwk, jws
from joserfc.errors import JoseError

from sso import json_objects

LONGEST_TOKEN: Final = 16_384
LONGEST_HEADER: Final = 4_096
ASYMMETRIC: Final = frozenset({"ES256", "PS256", "RS256"})
STRONG: Final = frozenset({"ES256", "PS256"})
"""FAPI 2.0 Security Profile §5.4.1: no PKCS#1 v1.5."""
LEEWAY_SECONDS: Final = 30
"""How far two clocks may be apart."""

# Letters of an RSA key: 8,192 bits, and an exponent of 64.  A verification with one as long as the modulus costs as
# much as a signature, and whoever sends a DPoP proof chooses the key.
_LONGEST_MODULUS = 1_366
_LONGEST_EXPONENT = 11

# Keys, and places of keys, that a sender would like us to use: never looked at, never fetched (RFC 8725 §3.10).
_POINTERS = frozenset({"jku", "x5u", "x5c", "jwk"})


class BadToken(Exception):
    """A token is not acceptable.  `reason` is a fixed word, for logs."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Signed:
    """What a verified token says."""

    header: Mapping[str, Any]
    claims: Mapping[str, Any] = field(repr=False)


class _Registry(jws.JWSRegistry):
    max_header_length = LONGEST_HEADER
    max_payload_length = LONGEST_TOKEN


_REGISTRIES: Final = {name: _Registry(algorithms=[name]) for name in sorted(ASYMMETRIC)}


def read(token: str, keys: jwk.Key | jwk.KeySet, *, algorithms: Collection[str], types: Collection[str]) -> Signed:
    """Verify a compact JWS with a JSON object in it.  Raises BadToken.

    algorithms  of ASYMMETRIC
    types       what `typ` may be, in lower case and without "application/"; "" allows it to be missing
    """
    header = peek_header(token, types)
    if _POINTERS & header.keys():
        raise BadToken("key in the header")
    return _verified(token, header, _candidates(keys, header), algorithms)


def read_self_signed(token: str, *, algorithms: Collection[str], types: Collection[str]) -> tuple[Signed, jwk.Key]:
    """Verify a token by the public key in its own header, which proves possession and nothing else (RFC 9449 §4.2)."""
    header = peek_header(token, types)
    if (_POINTERS - {"jwk"}) & header.keys():
        raise BadToken("key in the header")
    described = header.get("jwk")
    if not isinstance(described, dict) or described.keys() & {"d", "k", "p", "q", "dp", "dq", "qi", "oth"}:
        raise BadToken("no public key")
    key = public_key({name: described[name] for name in ("kty", "crv", "x", "y", "n", "e") if name in described})
    return _verified(token, header, [key], algorithms), key


def peek_header(token: str, types: Collection[str]) -> Mapping[str, Any]:
    """The header of a token that may be anything, when it could belong to one of these types.  Raises BadToken."""
    if len(token) > LONGEST_TOKEN or not token.isascii():
        raise BadToken("size")
    parts = token.split(".")
    if len(parts) != 3:
        raise BadToken("form")
    if len(parts[0]) > LONGEST_HEADER:
        raise BadToken("size")
    header = _object(parts[0])
    # b64 (RFC 7797) would change what is signed; there is no extension that we understand.
    if header.keys() & {"crit", "b64", "zip", "enc", "p2c", "p2s"}:
        raise BadToken("header")
    kind = header.get("typ", "")
    if not isinstance(kind, str) or kind.lower().removeprefix("application/") not in types:
        raise BadToken("typ")
    return header


def unverified_claims(token: str) -> Mapping[str, Any]:
    """What a token says, before anything is proven: to find out by whose keys it must be proven.  Raises BadToken."""
    if len(token) > LONGEST_TOKEN:
        raise BadToken("size")
    parts = token.split(".")
    if len(parts) != 3:
        raise BadToken("form")
    return _object(parts[1])


def public_key(described: Mapping[str, Any]) -> jwk.Key:
    """A public key that may verify signatures (RFC 7517).  Raises BadToken for symmetric, weak or broken ones."""
    if described.get("kty") not in {"EC", "RSA"}:
        raise BadToken("key type")
    if len(str(described.get("e", ""))) > _LONGEST_EXPONENT or len(str(described.get("n", ""))) > _LONGEST_MODULUS:
        raise BadToken("key")  # not for what it says, but for what it would cost to try
    try:
        key = jwk.import_key(dict(described))
        strong = not isinstance(key, jwk.RSAKey) or key.raw_value.key_size >= 2_048
    except (JoseError, ValueError, TypeError, KeyError, binascii.Error):
        raise BadToken("key") from None
    if not strong:
        raise BadToken("key")
    return key


def key_set(described: Mapping[str, object]) -> jwk.KeySet:
    """The usable keys of a JWK set; those we cannot use are left out (RFC 7517 §5).  Raises BadToken when none is."""
    listed = described.get("keys")
    usable: list[jwk.Key] = []
    for one in listed if isinstance(listed, list) else ():
        if isinstance(one, dict) and one.get("use", "sig") == "sig":
            try:
                usable.append(public_key(one))
            except BadToken:
                continue
    if not usable:
        raise BadToken("no keys")
    return jwk.KeySet(usable)


def check_times(
    claims: Mapping[str, Any],
    now: int,
    *,
    required: Collection[str] = ("exp", "iat"),
    leeway: int = LEEWAY_SECONDS,
    most_seconds: int | None = None,
    expired: bool = False,
) -> None:
    """Hold exp, iat and nbf to the clock.  Raises BadToken.

    most_seconds  how far ahead exp may be at most
    expired       whether a past exp is no fault
    """
    instants = {name: claims[name] for name in ("exp", "iat", "nbf") if name in claims}
    if any(name not in instants for name in required):
        raise BadToken("times missing")
    # A float can be Infinity or lose whole seconds; bool is an int in Python.
    if any(not isinstance(value, int) or isinstance(value, bool) for value in instants.values()):
        raise BadToken("times")
    if not expired and "exp" in instants and instants["exp"] <= now - leeway:
        raise BadToken("expired")
    if any(instants.get(name, now) > now + leeway for name in ("iat", "nbf")):
        raise BadToken("not yet valid")
    if most_seconds is not None and "exp" in instants and instants["exp"] > now + most_seconds + leeway:
        raise BadToken("lives too long")


def _candidates(keys: jwk.Key | jwk.KeySet, header: Mapping[str, Any]) -> list[jwk.Key]:
    listed = list(keys.keys) if isinstance(keys, jwk.KeySet) else [keys]
    if "kid" in header:
        # A kid is a name to compare, never a path or a query.
        listed = [key for key in listed if key.kid == header["kid"]]
    fitting = {"ES256": "EC", "RS256": "RSA", "PS256": "RSA"}.get(str(header.get("alg")))
    return [key for key in listed if key.key_type == fitting]


def _verified(token: str, header: Mapping[str, Any], keys: Collection[jwk.Key], algorithms: Collection[str]) -> Signed:
    algorithm = header.get("alg")
    if not isinstance(algorithm, str) or algorithm not in algorithms or algorithm not in ASYMMETRIC:
        raise BadToken("alg")
    registry = _REGISTRIES[algorithm]
    for key in keys:
        try:
            jws.deserialize_compact(token, key, registry=registry)
        except (JoseError, ValueError):
            continue
        return Signed(header, _object(token.split(".")[1]))
    raise BadToken("signature" if keys else "kid")


def _object(segment: str) -> dict[str, Any]:
    try:
        raw = base64.b64decode(segment + "=" * (-len(segment) % 4), altchars="-_", validate=True)
        return json_objects.read(raw, limit=LONGEST_TOKEN)
    except ValueError:
        raise BadToken("JSON") from None
