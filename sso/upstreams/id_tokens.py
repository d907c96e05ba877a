"""An upstream's ID token, judged line by line (OpenID Connect Core §3.1.3.7).

The order is cheap before dear: form, key, signature, then what it says.  Each check has a fault of its own.
"""

import base64
import hashlib
import hmac
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NoReturn

from sso import jws
from sso.upstreams.failures import Fault, UpstreamRefused
from sso.upstreams.key_sets import KeySet

LEEWAY_SECONDS: Final = 60
"""How far an upstream's clock may be from ours."""

OLDEST_SECONDS: Final = 300
"""A token comes fresh from the token endpoint: one that is older was kept by somebody."""

_FAULTS: Final = {
    "alg": Fault.ALGORITHM,
    "kid": Fault.KEY_UNKNOWN,
    "signature": Fault.SIGNATURE,
}


class KeyMissing(Exception):
    """No key of the set is the one that the token names: the set may be old."""


@dataclass(frozen=True, slots=True)
class Expected:
    """What a token must say."""

    upstream: str  # id, for faults
    issuer: str
    audience: str  # our client id there
    algorithms: Collection[str]
    now: int
    nonce: str | None = field(default=None, repr=False)
    access_token: str | None = field(default=None, repr=False)
    max_age: int | None = None  # seconds


def signed_claims(
    token: str, keys: KeySet, *, upstream: str, algorithms: Collection[str], types: Collection[str]
) -> Mapping[str, Any]:
    """What a token says that one of these keys has signed, and nothing more.

    Raises UpstreamRefused, and KeyMissing when a newer set of keys may know better.
    types  of `typ`, in lower case, "" where it may be missing
    """
    try:
        header = jws.peek_header(token, types)
    except jws.BadToken:
        raise UpstreamRefused(upstream, Fault.TOKEN_FORM) from None
    algorithm, kid = header.get("alg"), header.get("kid")
    if not isinstance(algorithm, str) or algorithm not in algorithms:
        raise UpstreamRefused(upstream, Fault.ALGORITHM)
    key = keys.find(algorithm, kid)
    if key is None:
        raise KeyMissing
    try:
        return jws.read(token, key, algorithms=algorithms, types=types).claims
    except jws.BadToken as bad:
        raise UpstreamRefused(upstream, _FAULTS.get(bad.reason, Fault.TOKEN_FORM)) from None


def judged(token: str, keys: KeySet, expected: Expected) -> Mapping[str, Any]:
    """The claims of an ID token that is what it should be.  Raises UpstreamRefused and KeyMissing."""
    claims = signed_claims(token, keys, upstream=expected.upstream, algorithms=expected.algorithms, types=("", "jwt"))
    _check_parties(claims, expected)
    _check_times(claims, expected)
    _check_bindings(token, claims, expected)
    return claims


def _check_parties(claims: Mapping[str, Any], expected: Expected) -> None:
    check_issuer_and_audience(claims, expected)
    if claims.get("azp", expected.audience) != expected.audience:
        _refuse(expected, Fault.AUDIENCE)
    subject = claims.get("sub")
    if not isinstance(subject, str) or not 0 < len(subject) <= 255:
        _refuse(expected, Fault.SUBJECT)


def check_issuer_and_audience(claims: Mapping[str, Any], expected: Expected) -> None:
    """Whose word it is and for whom.  A second audience is nobody whom we trust: refused.  Raises UpstreamRefused."""
    if claims.get("iss") != expected.issuer:
        _refuse(expected, Fault.ISSUER)
    if claims.get("aud") not in (expected.audience, [expected.audience]):
        _refuse(expected, Fault.AUDIENCE)


def _check_times(claims: Mapping[str, Any], expected: Expected) -> None:
    now, leeway = expected.now, LEEWAY_SECONDS
    try:
        jws.check_times(claims, now, leeway=leeway)
    except jws.BadToken:
        _refuse(expected, Fault.TIME)
    if claims["iat"] < now - OLDEST_SECONDS - leeway:
        _refuse(expected, Fault.TIME)
    check_authentication_age(claims, expected)


def check_authentication_age(claims: Mapping[str, Any], expected: Expected) -> None:
    """When the person was last seen, as an upstream says it: required where an age was asked for, and never later
    than now (OpenID Connect Core §3.1.3.7, 13).  Raises UpstreamRefused.
    """
    told = claims.get("auth_time")
    if told is None and expected.max_age is None:
        return
    if not isinstance(told, int) or isinstance(told, bool) or told > expected.now + LEEWAY_SECONDS:
        _refuse(expected, Fault.AUTHENTICATION_AGE)
    if expected.max_age is not None and told < expected.now - expected.max_age - LEEWAY_SECONDS:
        _refuse(expected, Fault.AUTHENTICATION_AGE)


def _check_bindings(token: str, claims: Mapping[str, Any], expected: Expected) -> None:
    if expected.nonce is not None and not _same(claims.get("nonce"), expected.nonce):
        _refuse(expected, Fault.NONCE)
    if "at_hash" in claims and expected.access_token is not None:
        wanted = half_hash(expected.access_token, str(jws.peek_header(token, ("", "jwt"))["alg"]))
        if not _same(claims["at_hash"], wanted):
            _refuse(expected, Fault.ACCESS_TOKEN_HASH)


def half_hash(value: str, algorithm: str) -> str:
    """at_hash (OpenID Connect Core §3.1.3.6): the left half of the hash that the algorithm names."""
    name = {"EdDSA": "sha512"}.get(algorithm, "sha256")
    digest = hashlib.new(name, value.encode()).digest()
    return base64.urlsafe_b64encode(digest[: len(digest) // 2]).rstrip(b"=").decode()


def _same(one: object, other: str) -> bool:
    return isinstance(one, str) and hmac.compare_digest(one.encode(), other.encode())


def _refuse(expected: Expected, fault: Fault) -> NoReturn:
    raise UpstreamRefused(expected.upstream, fault)
