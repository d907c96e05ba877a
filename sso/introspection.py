"""Introspection (RFC 7662) and revocation (RFC 7009): each client may ask about its own tokens, and no other's."""

from collections.abc import Mapping

from sso import refusals
from sso.model import AccessToken, Client, Digest, Grant, digest
from sso.parameters import Parameters
from sso.refusals import Refusal

INACTIVE: Mapping[str, object] = {"active": False}
"""The whole answer for what is unknown, expired, revoked or another's (RFC 7662 §2.2)."""


def token_asked(parameters: Parameters) -> Digest:
    """The token that a request is about.  Raises Refusal.  `token_type_hint` may be wrong, and so is not needed."""
    token = parameters.get("token")
    if token is None:
        raise Refusal(refusals.TOKEN_MISSING)
    return digest(token)


def of_access_token(
    token: AccessToken | None, client: Client, *, subject: str, issuer: str, now: int
) -> Mapping[str, object] | None:
    """What an access token of this client means; None: it is none."""
    if token is None or token.client != client.id or token.expires_at <= now:
        return None
    told: dict[str, object] = {
        "active": True,
        "iss": issuer,
        "client_id": client.id,
        "aud": client.id,
        "sub": subject,
        "scope": " ".join(sorted(token.scopes)),
        "token_type": "Bearer" if token.jkt is None else "DPoP",
        "iat": token.issued_at,
        "exp": token.expires_at,
        "acr": token.identity.level.acr,
        "auth_time": token.identity.auth_time,
    }
    if token.jkt is not None:
        told["cnf"] = {"jkt": token.jkt}  # RFC 9449 §6.2
    return told


def of_refresh_token(grant: Grant | None, client: Client, *, subject: str, issuer: str) -> Mapping[str, object] | None:
    """What a refresh token of this client means; None: it is none."""
    if grant is None or grant.client != client.id:
        return None
    return {
        "active": True,
        "iss": issuer,
        "client_id": client.id,
        "sub": subject,
        "scope": " ".join(sorted(grant.scopes)),
        "token_type": "refresh_token",
        "iat": grant.created_at,
    }
