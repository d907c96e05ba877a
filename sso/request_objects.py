"""Signed authorization requests (RFC 9101, JAR): a JWT becomes the parameters, and nothing beside it counts."""

import json
from typing import Any

from joserfc.jwk import KeySet

from sso import jws, profiles
from sso.model import Client
from sso.parameters import Parameters
from sso.refusals import REQUEST_OBJECT, REQUEST_OBJECT_UNSUPPORTED, Refusal

TYPES = frozenset({"oauth-authz-req+jwt", "jwt", ""})
"""RFC 9101 §4 wants the first; OpenID Connect Core §6.1 never named one."""

_LIFE_SECONDS = 3_600
_ABOUT_THE_TOKEN = frozenset({"iss", "aud", "exp", "iat", "nbf", "jti", "sub"})
_NEVER_INSIDE = frozenset({"request", "request_uri", "client_secret", "client_assertion"})


def read(token: str, client: Client, keys: KeySet | None, *, issuer: str, now: int) -> Parameters:
    """The parameters that a client signed.  Raises Refusal.

    keys  its public keys; None: it has none, so that nothing it says can be proven
    """
    if keys is None:
        raise Refusal(REQUEST_OBJECT_UNSUPPORTED)
    try:
        claims = jws.read(token, keys, algorithms=profiles.algorithms(client), types=TYPES).claims
        strict = client.profile == "fapi2"
        required = ("exp", "nbf") if strict else ()
        jws.check_times(claims, now, required=required, most_seconds=_LIFE_SECONDS if strict else None)
    except jws.BadToken as error:
        raise Refusal(REQUEST_OBJECT, error.reason) from None
    _check_parties(claims, client, issuer, strict=strict)
    return Parameters(_parameters(claims))


def _check_parties(claims: Any, client: Client, issuer: str, *, strict: bool) -> None:
    audience = claims.get("aud", None if strict else issuer)
    audiences = audience if isinstance(audience, list) else [audience]
    if issuer not in audiences:
        raise Refusal(REQUEST_OBJECT, "aud")
    if claims.get("iss", None if strict else client.id) != client.id:
        raise Refusal(REQUEST_OBJECT, "iss")
    # RFC 9101 §5: the client that asks is the client that signed.
    if claims.get("client_id") != client.id:
        raise Refusal(REQUEST_OBJECT, "client_id")
    # A client assertion is signed by the same key: its `sub` tells it apart (RFC 9101 §10.8).
    if claims.get("sub") == client.id or _NEVER_INSIDE & claims.keys():
        raise Refusal(REQUEST_OBJECT, "contents")


def _parameters(claims: Any) -> dict[str, str]:
    made: dict[str, str] = {}
    for name, value in claims.items():
        if name in _ABOUT_THE_TOKEN:
            continue
        match value:
            case str():
                made[name] = value
            case bool():
                continue
            case int() if name == "max_age":
                made[name] = str(value)
            case dict() if name == "claims":
                made[name] = json.dumps(value)
            case _:
                continue  # an extension that we do not know
    if any(ord(letter) < 0x20 or letter == "\x7f" for name, value in made.items() for letter in name + value):
        raise Refusal(REQUEST_OBJECT, "controls")
    return {name: value for name, value in made.items() if value}
