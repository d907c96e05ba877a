"""The token endpoint's rules: what a code or a refresh token is exchanged for, and when it is not.

The store decides which of many askers gets a code (`Store.redeem`); here stands what is checked before and after, and
what is then given out.  A code that fails a check has been used up by failing it (RFC 6749 §4.1.2).
"""

import base64
import hashlib
import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, Protocol

from authlib.oauth2.rfc7636 import create_s256_code_challenge
from authlib.oauth2.rfc7636.challenge import CODE_VERIFIER_PATTERN

from sso import profiles, refusals
from sso.model import Client, Digest, Grant, TokenTerms, digest
from sso.parameters import Parameters
from sso.refusals import Refusal
from sso.store import Shown

GRANT_TYPES: Final = ("authorization_code", "refresh_token")


class Signs(Protocol):
    """Who signs in the issuer's name."""

    def sign(self, claims: Mapping[str, object], *, typ: str, alg: Literal["ES256", "RS256"] = "ES256") -> str:
        """A compact JWS."""


@dataclass(frozen=True, slots=True)
class CodeExchange:
    """A code comes back (RFC 6749 §4.1.3)."""

    code: Digest
    redirect_uri: str
    verifier: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class RefreshExchange:
    """A refresh token comes back (RFC 6749 §6)."""

    token: Digest
    scopes: frozenset[str] | None  # None: as before


@dataclass(frozen=True, slots=True)
class Fresh:
    """New tokens: what they are, and what is kept of them."""

    access_token: str = field(repr=False)
    refresh_token: str | None = field(repr=False)
    terms: TokenTerms

    @property
    def access(self) -> Digest:
        """What is kept of the access token."""
        return digest(self.access_token)

    @property
    def refresh(self) -> Digest | None:
        """What is kept of the refresh token."""
        return digest(self.refresh_token) if self.refresh_token is not None else None


def asked(parameters: Parameters, client: Client) -> CodeExchange | RefreshExchange:
    """What a request at the token endpoint wants.  Raises Refusal."""
    match parameters.get("grant_type"):
        case None:
            raise Refusal(refusals.GRANT_TYPE_MISSING)
        case "authorization_code":
            code = parameters.get("code")
            if code is None:
                raise Refusal(refusals.CODE_MISSING)
            uri, verifier = parameters.get("redirect_uri"), parameters.get("code_verifier")
            return CodeExchange(digest(code), uri or "", verifier or "")
        case "refresh_token":
            if not client.refresh_tokens:
                raise Refusal(refusals.GRANT_NOT_ALLOWED)
            token = parameters.get("refresh_token")
            if token is None:
                raise Refusal(refusals.REFRESH_MISSING)
            scopes = frozenset(parameters.words("scope")) if parameters.get("scope") else None
            return RefreshExchange(digest(token), scopes)
        case _:
            raise Refusal(refusals.GRANT_TYPE)


def check_code(exchange: CodeExchange, grant: Grant, jkt: str | None) -> None:
    """Hold the exchange to the authorization request.  Raises Refusal."""
    if not hmac.compare_digest(exchange.redirect_uri.encode(), grant.redirect_uri.encode()):
        raise Refusal(refusals.CODE_REDIRECT)
    if not verifier_fits(exchange.verifier, grant.code_challenge):
        raise Refusal(refusals.VERIFIER)
    check_key(grant, jkt)


def check_refresh(exchange: RefreshExchange, grant: Grant, client: Client, jkt: str | None) -> None:
    """Hold a refresh to its grant.  Raises Refusal."""
    if grant.client != client.id:
        raise Refusal(refusals.REFRESH_TOKEN)
    if exchange.scopes is not None and not exchange.scopes <= grant.scopes:
        raise Refusal(refusals.SCOPE_WIDER)
    check_key(grant, jkt)


def check_key(grant: Grant, jkt: str | None) -> None:
    """What was bound to a key is good with that key alone (RFC 9449 §5 and §10).  Raises Refusal."""
    if grant.jkt is not None and grant.jkt != jkt:
        raise Refusal(refusals.DPOP_KEY)


def shown(exchange: CodeExchange, client: Client, jkt: str | None) -> Shown:
    """What the store holds a code to.

    Refresh tokens of a public client are good with its key alone; others prove who they are by their own
    authentication, and may change their keys (RFC 9449 §5).
    """
    return Shown(
        exchange.redirect_uri,
        challenge_of(exchange.verifier),
        jkt,
        bound_jkt=jkt if client.authentication == "none" else None,
    )


def check_bound(client: Client, jkt: str | None) -> None:
    """Raises Refusal for a client that must prove a key and does not."""
    if jkt is None and profiles.must_bind(client):
        raise Refusal(refusals.DPOP_MISSING)


def challenge_of(verifier: str) -> str:
    """What a verifier answers (RFC 7636 §4.6, S256); "": it is none."""
    if not CODE_VERIFIER_PATTERN.fullmatch(verifier):
        return ""
    made: str = create_s256_code_challenge(verifier)
    return made


def verifier_fits(verifier: str, challenge: str) -> bool:
    """RFC 7636 §4.6."""
    made = challenge_of(verifier)
    return bool(made) and hmac.compare_digest(made.encode(), challenge.encode())


def fresh(
    client: Client,
    *,
    now: int,
    secrets: Callable[[], str],
    jkt: str | None,
    scopes: frozenset[str] | None = None,
) -> Fresh:
    """New tokens for a client; scopes: fewer than its grant's, at a refresh."""
    terms = TokenTerms(issued_at=now, expires_at=now + client.lifetimes.access_token, jkt=jkt, scopes=scopes)
    return Fresh(secrets(), secrets() if client.refresh_tokens else None, terms)


def answer(
    grant: Grant, client: Client, made: Fresh, *, told: Mapping[str, object], issuer: str, signer: Signs
) -> dict[str, object]:
    """What a client is told of its new tokens (OIDC Core §3.1.3.3 and §12.2).

    told    what the ID token says of the person: `sub`, `acr`, `auth_time`, `amr` and what was asked for
    """
    terms = made.terms
    granted = grant.scopes if terms.scopes is None else terms.scopes
    body: dict[str, object] = {
        "access_token": made.access_token,
        "token_type": "Bearer" if terms.jkt is None else "DPoP",
        "expires_in": client.lifetimes.access_token,
        "scope": " ".join(sorted(granted)),
    }
    if "openid" in granted:
        claims = id_token(grant, client, told=told, issuer=issuer, access=made.access_token, now=terms.issued_at)
        body["id_token"] = signer.sign(claims, typ="JWT", alg=client.signing_algorithm)
    if made.refresh_token is not None and "offline_access" in grant.scopes:
        body["refresh_token"] = made.refresh_token
    return body


def id_token(
    grant: Grant, client: Client, *, told: Mapping[str, object], issuer: str, access: str, now: int
) -> dict[str, object]:
    """The claims of an ID token (OIDC Core §2).  One audience, hence no `azp`."""
    claims: dict[str, object] = {
        **told,
        "iss": issuer,
        "aud": client.id,
        "iat": now,
        "exp": now + client.lifetimes.id_token,
        "sid": grant.sid,
        "at_hash": at_hash(access),
    }
    if grant.nonce is not None:
        claims["nonce"] = grant.nonce
    return claims


def at_hash(access: str) -> str:
    """The left half of the access token's SHA-256 (OIDC Core §3.1.3.6); ES256 and RS256 share that hash."""
    return base64.urlsafe_b64encode(hashlib.sha256(access.encode()).digest()[:16]).rstrip(b"=").decode()


def answer_headers() -> dict[str, str]:
    """What the token endpoint's answers carry besides `Cache-Control: no-store` (RFC 6749 §5.1)."""
    return {"Pragma": "no-cache"}
