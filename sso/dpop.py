"""Proof of possession by DPoP (RFC 9449): a token is good only with the key that it was given to."""

import base64
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

from sso import jws
from sso.model import Digest, digest
from sso.refusals import DPOP, Cause, Refusal

ALGORITHMS: Final = ("ES256", "PS256")
WINDOW_SECONDS: Final = jws.LEEWAY_SECONDS
"""How far `iat` may lie from our clock, either way; a proof is remembered for longer than it is good."""

REMEMBER_SECONDS: Final = 2 * WINDOW_SECONDS + 10


@dataclass(frozen=True, slots=True)
class ProvenKey:
    """A key that the sender holds; `jti` must still be seen for the first time (RFC 9449 §11.1)."""

    jkt: str
    jti: Digest
    nonce: str | None = field(default=None, repr=False)  # to be held to `sso.dpop_nonces`, where the client must


def prove(
    proof: str, *, method: str, uri: str, now: int, access_token: str | None = None, cause: Cause = DPOP
) -> ProvenKey:
    """Check a proof (RFC 9449 §4.3).  Raises Refusal with `cause`.

    uri           the address that was asked, as configured, without query and fragment
    access_token  the token that comes with it; None at the token endpoint
    """
    try:
        signed, key = jws.read_self_signed(proof, algorithms=ALGORITHMS, types={"dpop+jwt"})
        jti = _jti(signed.claims, method, uri, now)
    except jws.BadToken as error:
        raise Refusal(cause, error.reason) from None
    if access_token is not None and not _fits(signed.claims.get("ath"), access_token):
        raise Refusal(cause, "ath")
    jkt, nonce = key.thumbprint(), signed.claims.get("nonce")
    return ProvenKey(jkt, digest(f"{jkt} {jti}"), nonce if isinstance(nonce, str) else None)


def _jti(claims: Mapping[str, object], method: str, uri: str, now: int) -> str:
    """The proof's own name, when it was made for this very request."""
    if claims.get("htm") != method:
        raise jws.BadToken("htm")
    if not _same_place(claims.get("htu"), uri):
        raise jws.BadToken("htu")
    jws.check_times(claims, now, required=("iat",), leeway=WINDOW_SECONDS)
    made_at, jti = claims["iat"], claims.get("jti")
    if not isinstance(made_at, int) or made_at < now - WINDOW_SECONDS:
        raise jws.BadToken("old")
    if not isinstance(jti, str) or not 1 <= len(jti) <= 256:
        raise jws.BadToken("jti")
    return jti


def _fits(ath: object, token: str) -> bool:
    expected = _base64url(hashlib.sha256(token.encode()).digest())
    return isinstance(ath, str) and hmac.compare_digest(ath.encode(), expected.encode())


def _same_place(htu: object, uri: str) -> bool:
    """RFC 9449 §4.3: without query and fragment, after the normalisation of RFC 3986 §6.2.2 and §6.2.3."""
    if not isinstance(htu, str):
        return False
    try:
        given, own = urlsplit(htu), urlsplit(uri)
        ports = {"https": 443, "http": 80}
        return (given.scheme.lower(), given.hostname, given.port or ports.get(given.scheme.lower()), given.path) == (
            own.scheme,
            own.hostname,
            own.port or ports.get(own.scheme),
            own.path,
        )
    except ValueError:
        return False


def _base64url(octets: bytes) -> str:
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()
