"""The userinfo endpoint: who an access token is about (OIDC Core §5.3), and how the token must be shown (RFC 6750)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from sso import refusals
from sso.effects import Json, Text
from sso.model import AccessToken, Client
from sso.parameters import Parameters
from sso.refusals import Cause, Refusal
from sso.tokens import Signs


@dataclass(frozen=True, slots=True)
class ShownToken:
    """An access token as it was sent."""

    scheme: Literal["Bearer", "DPoP"]
    value: str = field(repr=False)


def shown_token(authorization: str | None, query: Parameters, body: Parameters) -> ShownToken:
    """The token of a request: in the header, or in the body of a POST (RFC 6750 §2.1, §2.2).  Raises Refusal."""
    if "access_token" in query.values:
        # RFC 6750 §2.3 allows the URL; it ends up in logs and histories (RFC 9700 §4.3.2).
        raise Refusal(refusals.TOKEN_TWICE)
    in_body = body.get("access_token")
    if authorization is None:
        if in_body is None:
            raise Refusal(refusals.NO_TOKEN)
        return ShownToken("Bearer", in_body)
    if in_body is not None:
        raise Refusal(refusals.TOKEN_TWICE)
    scheme, _, value = authorization.partition(" ")
    match scheme.lower():
        case "bearer" if value.strip():
            return ShownToken("Bearer", value.strip())
        case "dpop" if value.strip():
            return ShownToken("DPoP", value.strip())
    raise Refusal(refusals.NO_TOKEN)


def check(token: AccessToken | None, shown: ShownToken, jkt: str | None, now: int) -> AccessToken:
    """The token's meaning, when it may be used as it was shown (RFC 9449 §7.1).  Raises Refusal.

    jkt  of the key that the request's proof was made with; None: no proof
    """
    if token is None or token.expires_at <= now:
        raise Refusal(refusals.TOKEN)
    if token.jkt is not None and (shown.scheme != "DPoP" or token.jkt != jkt):
        # A bound token as a bearer token is a stolen one.
        raise Refusal(refusals.TOKEN_DPOP if shown.scheme == "DPoP" else refusals.TOKEN)
    if token.jkt is None and shown.scheme == "DPoP":
        raise Refusal(refusals.TOKEN)
    if "openid" not in token.scopes:
        raise Refusal(refusals.SCOPE_MISSING)
    return token


def answer(told: Mapping[str, object], client: Client, *, issuer: str, signer: Signs, now: int) -> Json | Text:
    """What is told of the person: plain, or signed where the client's record says so (OIDC Core §5.3.2)."""
    if not client.userinfo_signed:
        return Json(200, told)
    claims = {**told, "iss": issuer, "aud": client.id, "iat": now, "exp": now + client.lifetimes.id_token}
    token = signer.sign(claims, typ="userinfo+jwt", alg=client.signing_algorithm)
    return Text(200, token, "application/jwt")


def challenge(cause: Cause, scheme: str) -> dict[str, str]:
    """The WWW-Authenticate header of a refusal (RFC 6750 §3, RFC 9449 §7.1)."""
    told = ""
    if cause is not refusals.NO_TOKEN:
        told = f', error="{cause.error.value}", error_description="{cause.description}"'
    algorithms = ', algs="ES256 PS256"' if scheme == "DPoP" else ""
    return {"WWW-Authenticate": f'{scheme} realm="userinfo"{told}{algorithms}'}
