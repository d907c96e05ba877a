"""Which client speaks: secrets in the header or the body (RFC 6749 §2.3.1), or a signed assertion (RFC 7523).

A client has one way, that of its record, and a request may use one only.  Who is not known is answered as slowly and
in the same words as who gives a wrong secret.
"""

import base64
import binascii
import hmac
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Final, Literal
from urllib.parse import unquote_plus

from joserfc.jwk import KeySet

from sso import jws, profiles
from sso.model import Client, Digest, digest
from sso.parameters import Parameters
from sso.refusals import CLIENT, CLIENT_TWICE, Refusal

ASSERTION_TYPE: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ASSERTION_SECONDS: Final = 300
"""How long an assertion may live; so long each `jti` is remembered."""

METHODS: Final = ("client_secret_basic", "client_secret_post", "private_key_jwt", "none")
_TYPES = frozenset({"jwt", "client-authentication+jwt", ""})
_NOBODY = (digest("nobody's secret"),)

Method = Literal["client_secret_basic", "client_secret_post", "private_key_jwt", "none"]


@dataclass(frozen=True, slots=True)
class Presented:
    """What a request shows."""

    method: Method
    client_id: str
    secret: str = field(default="", repr=False)
    assertion: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Proven:
    """The client is who it says; an assertion's `jti` must still be seen for the first time."""

    client: Client
    jti: Digest | None = None
    remember_seconds: int = 0


def presented(parameters: Parameters, authorization: str | None) -> Presented:
    """What a request shows of its client.  Raises Refusal.

    authorization  the value of the Authorization header
    """
    client_id = parameters.get("client_id") or ""
    ways = [authorization is not None, "client_secret" in parameters.values, "client_assertion" in parameters.values]
    if sum(ways) > 1:
        raise Refusal(CLIENT_TWICE)
    if authorization is not None:
        named, secret = _basic(authorization)
        if client_id and client_id != named:
            raise Refusal(CLIENT_TWICE)
        return Presented("client_secret_basic", named, secret)
    if assertion := parameters.get("client_assertion"):
        if parameters.get("client_assertion_type") != ASSERTION_TYPE:
            raise Refusal(CLIENT, "client_assertion_type")
        named = _issuer_of(assertion)
        if client_id and client_id != named:
            raise Refusal(CLIENT, "client_id")
        return Presented("private_key_jwt", named, assertion=assertion)
    if secret := parameters.get("client_secret") or "":
        return Presented("client_secret_post", client_id, secret)
    if not client_id:
        raise Refusal(CLIENT, "nothing presented")
    return Presented("none", client_id)


def prove(
    shown: Presented,
    client: Client | None,
    keys: KeySet | None,
    *,
    issuer: str,
    endpoints: Collection[str],
    now: int,
) -> Proven:
    """Hold what was shown against the client's record.  Raises Refusal.

    keys       the client's public keys, where it signs
    endpoints  addresses of ours that a `basic` client may name as the audience instead of the issuer
    """
    if shown.method in {"client_secret_basic", "client_secret_post"}:
        # Compared even for nobody, so that time does not tell who is a client.
        right = _matches(shown.secret, client.secret_digests if client is not None else ())
        if client is None or not right:
            raise Refusal(CLIENT, "secret")
    if client is None or client.authentication != shown.method:
        raise Refusal(CLIENT, "method")
    if shown.method != "private_key_jwt":
        return Proven(client)
    if keys is None:
        raise Refusal(CLIENT, "no keys")
    try:
        return _proven_by_assertion(shown.assertion, client, keys, issuer, endpoints, now)
    except jws.BadToken as error:
        raise Refusal(CLIENT, error.reason) from None


def _proven_by_assertion(
    assertion: str, client: Client, keys: KeySet, issuer: str, endpoints: Collection[str], now: int
) -> Proven:
    claims = jws.read(assertion, keys, algorithms=profiles.algorithms(client), types=_TYPES).claims
    jws.check_times(claims, now, required=("exp",), most_seconds=ASSERTION_SECONDS)
    if claims.get("iss") != client.id or claims.get("sub") != client.id:
        raise jws.BadToken("iss or sub")
    if not _is_for_us(claims.get("aud"), client, issuer, endpoints):
        raise jws.BadToken("aud")
    jti = claims.get("jti")
    if not isinstance(jti, str) or not jti:
        raise jws.BadToken("jti")
    return Proven(client, digest(f"{client.id} {jti}"), ASSERTION_SECONDS + 2 * jws.LEEWAY_SECONDS)


def _is_for_us(audience: object, client: Client, issuer: str, endpoints: Collection[str]) -> bool:
    if client.profile == "fapi2":
        # The issuer as a string and nothing else (FAPI 2.0 §5.3.2.1): an assertion made for another place, or for
        # several, could have been taken from there.
        return audience == issuer
    listed = audience if isinstance(audience, list) else [audience]
    return bool(listed) and all(isinstance(one, str) and one in {issuer, *endpoints} for one in listed)


def _matches(secret: str, digests: tuple[Digest, ...]) -> bool:
    shown = digest(secret)
    found = False
    for kept in digests or _NOBODY:
        found |= hmac.compare_digest(shown, kept)
    return found and bool(digests)


def _basic(authorization: str) -> tuple[str, str]:
    """RFC 6749 §2.3.1: both parts are form-encoded before they are joined, which RFC 7617 alone does not do."""
    scheme, _, encoded = authorization.partition(" ")
    try:
        text = base64.b64decode(encoded.strip(), validate=True).decode()
    except (ValueError, binascii.Error):
        raise Refusal(CLIENT, "Authorization") from None
    name, colon, secret = text.partition(":")
    if scheme.lower() != "basic" or not colon:
        raise Refusal(CLIENT, "Authorization")
    return unquote_plus(name), unquote_plus(secret)


def _issuer_of(assertion: str) -> str:
    try:
        named = jws.unverified_claims(assertion).get("iss")
    except jws.BadToken as error:
        raise Refusal(CLIENT, error.reason) from None
    if not isinstance(named, str):
        raise Refusal(CLIENT, "iss")
    return named
