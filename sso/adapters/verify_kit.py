"""Checks the `Portal-Identity` header: one file, to be copied into the system that stands behind the edge.

It needs Python 3.9 or newer and python-jose[cryptography], nothing else of this project.

    kit = VerifyKit(issuer="https://signin.example.gov.vn", audience="khanhhoa", keys=json.load(open("jwks.json")))
    try:
        person = kit.verified(request.headers.getlist("Portal-Identity"), now=int(time.time()))
    except Refused:
        ...  # 401: nobody has signed in, or somebody pretends to

`keys` is the JWK Set at `jwks_uri` of the issuer's discovery document.  Fetch it when the program starts, and once
again when `Refused.reason` is "kid" (not more often than every minute).

Everything that is not said to be right is wrong: one header, ES256 and no other algorithm, the key that `kid` names,
`typ` portal-identity+jwt, no further header parameters (`crit`, `jku`, `jwk` …), no member twice, whole numbers for
`exp` and `iat`, `aud` exactly this system.  Claims are only looked at once the signature has been checked.
"""

from __future__ import annotations  # Python 3.9 reads it

import base64
import binascii
import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from jose import jwk
from jose.exceptions import JOSEError

TYP = "portal-identity+jwt"
LONGEST = 8192
"""Octets of a header that are looked at."""

LONGEST_LIFE = 300
"""Seconds between `iat` and `exp`; the edge gives 60."""

_COMPACT = re.compile(r"([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]{86})", re.ASCII)
_STRINGS = ("sub", "jti")


class Refused(Exception):
    """The header proves nothing.  `reason` is one fixed word, fit for a log; nothing of the header is in it."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class VerifyKit:
    """Checks assertions for one system."""

    def __init__(
        self,
        *,
        issuer: str,
        audience: str,
        keys: Mapping[str, Any],
        leeway_seconds: int = 30,
        first_use: Callable[[str, int], bool] | None = None,
    ) -> None:
        """`audience`: this system's client id; `keys`: the JWK Set (RFC 7517 §5); `leeway_seconds`: how far clocks
        may differ; `first_use`: takes a `jti` and the instant after which it may be forgotten, and says whether it is
        new: give one where an assertion must not be used twice.
        """
        self._issuer = issuer
        self._audience = audience
        self._leeway = leeway_seconds
        self._first_use = first_use
        self._keys: dict[str, Any] = {}
        self.adopt(keys)

    def adopt(self, keys: Mapping[str, Any]) -> None:
        """Take another JWK Set.  Keys that are not for ES256 are left out.  Raises ValueError for two of one `kid`."""
        found = {}
        for key in keys["keys"]:
            if key.get("kty") == "EC" and key.get("crv") == "P-256" and key.get("use", "sig") == "sig" and "kid" in key:
                if key["kid"] in found:
                    raise ValueError("two keys of one kid")
                found[key["kid"]] = jwk.construct({n: key[n] for n in ("kty", "crv", "x", "y")}, "ES256")
        self._keys = found

    def verified(self, values: Sequence[str], *, now: int) -> dict[str, Any]:
        """The claims of the one assertion among the values of all `Portal-Identity` fields.  Raises Refused.

        `now`: seconds since 1970.
        """
        if len(values) != 1:
            raise Refused("missing" if not values else "several")
        header, payload, signed, signature = _parts(values[0])
        if header.get("alg") != "ES256":
            raise Refused("alg")
        if header.get("typ") != TYP:
            raise Refused("typ")
        if set(header) != {"alg", "typ", "kid"}:
            raise Refused("header")
        key = self._keys.get(header["kid"]) if isinstance(header["kid"], str) else None
        if key is None:
            raise Refused("kid")
        try:
            good = key.verify(signed, signature)
        except (JOSEError, ValueError):
            good = False
        if not good:
            raise Refused("signature")
        claims = _json_object(payload)
        self._judge(claims, now)
        return claims

    def _judge(self, claims: Mapping[str, Any], now: int) -> None:
        if claims.get("iss") != self._issuer:
            raise Refused("iss")
        if claims.get("aud") != self._audience:
            raise Refused("aud")
        for name in _STRINGS:
            if not isinstance(claims.get(name), str) or not claims[name]:
                raise Refused(name)
        issued, ends = _instant(claims, "iat"), _instant(claims, "exp")
        if not issued <= now + self._leeway:
            raise Refused("iat")
        if not (now - self._leeway < ends and 0 < ends - issued <= LONGEST_LIFE):
            raise Refused("exp")
        if self._first_use is not None and not self._first_use(claims["jti"], ends + self._leeway):
            raise Refused("replayed")


def _parts(value: str) -> tuple[dict[str, Any], bytes, bytes, bytes]:
    """Header, payload as it was signed, signing input and signature.  Raises Refused."""
    if len(value) > LONGEST:
        raise Refused("size")
    found = _COMPACT.fullmatch(value)
    if found is None:
        raise Refused("form")
    header, payload, signature = found.groups()
    return _json_object(_octets(header)), _octets(payload), (header + "." + payload).encode(), _octets(signature)


def _octets(text: str) -> bytes:
    """Base64url without padding (RFC 7515 §2); one spelling for one value."""
    try:
        octets = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (binascii.Error, ValueError):
        raise Refused("form") from None
    if base64.urlsafe_b64encode(octets).rstrip(b"=").decode() != text:
        raise Refused("form")
    return octets


def _json_object(octets: bytes) -> dict[str, Any]:
    """An object without a member twice, without NaN and Infinity.  Raises Refused."""
    try:
        value = json.loads(octets.decode("utf-8"), object_pairs_hook=_members, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise Refused("json") from None
    if not isinstance(value, dict):
        raise Refused("json")
    return value


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a member twice")
    return members


def _no_constant(text: str) -> None:
    raise ValueError(text)


def _instant(claims: Mapping[str, Any], name: str) -> int:
    value = claims.get(name)
    if type(value) is not int or not 0 < value < 1 << 53:
        raise Refused(name)
    return value
