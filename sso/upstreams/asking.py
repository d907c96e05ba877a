"""What we say to an upstream: the address that people are sent to, and the forms of the token endpoint."""

import base64
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import quote_plus

from joserfc import jwt
from joserfc.jwk import RSAKey

from sso.parameters import query
from sso.upstreams.discovery import Metadata
from sso.upstreams.model import Upstream
from sso.vocabulary import Level

_ASSERTION: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_ASSERTION_SECONDS: Final = 60


@dataclass(frozen=True, slots=True)
class Wish:
    """How somebody is to be signed in."""

    redirect_uri: str
    state: str = field(repr=False)
    level: Level
    nonce: str | None = field(default=None, repr=False)
    code_verifier: str | None = field(default=None, repr=False)
    max_age: int | None = None
    force: bool = False  # ask the person again, whatever session the upstream has
    login_hint: str | None = field(default=None, repr=False)
    ui_locales: tuple[str, ...] = ()


def authorization_uri(upstream: Upstream, metadata: Metadata, wish: Wish) -> str:
    """Where the person goes (OpenID Connect Core §3.1.2.1)."""
    wanted: dict[str, str | None] = {
        "response_type": "code",
        "client_id": upstream.client_id,
        "redirect_uri": wish.redirect_uri,
        "scope": " ".join(upstream.scopes),
        "state": wish.state,
        "nonce": wish.nonce,
        "code_challenge": s256(wish.code_verifier) if wish.code_verifier else None,
        "code_challenge_method": "S256" if wish.code_verifier else None,
        "acr_values": upstream.ask_level.get(wish.level),
        "max_age": str(wish.max_age) if wish.max_age is not None else None,
        "prompt": "login" if wish.force else None,
        "login_hint": wish.login_hint,
        "ui_locales": " ".join(wish.ui_locales) or None,
    }
    return with_query(metadata.authorization_endpoint, wanted)


def end_session_uri(
    metadata: Metadata, *, client_id: str, id_token: str | None, back_to: str, state: str
) -> str | None:
    """Where the person ends the upstream's own session (RP-Initiated Logout §2); None: it has no such place."""
    if metadata.end_session_endpoint is None:
        return None
    wanted = {
        "id_token_hint": id_token,
        "client_id": client_id,
        "post_logout_redirect_uri": back_to or None,
        "state": state or None,
    }
    return with_query(metadata.end_session_endpoint, wanted)


def token_request(
    upstream: Upstream, *, code: str, redirect_uri: str, code_verifier: str | None, now: int, jti: str
) -> tuple[Sequence[tuple[str, str]], Mapping[str, str]]:
    """Form and headers that exchange a code (RFC 6749 §4.1.3), with the proof of who we are (§2.3, RFC 7523 §2.2)."""
    form = [("grant_type", "authorization_code"), ("code", code), ("redirect_uri", redirect_uri)]
    if code_verifier is not None:
        form.append(("code_verifier", code_verifier))
    match upstream.client_authentication:
        case "client_secret_basic":
            pair = f"{quote_plus(upstream.client_id)}:{quote_plus(upstream.client_secret)}"
            return form, {"Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}
        case "client_secret_post":
            form += [("client_id", upstream.client_id), ("client_secret", upstream.client_secret)]
        case "private_key_jwt":
            assertion = _assertion(upstream, now=now, jti=jti)
            form += [
                ("client_id", upstream.client_id),
                ("client_assertion_type", _ASSERTION),
                ("client_assertion", assertion),
            ]
    return form, {}


def _assertion(upstream: Upstream, *, now: int, jti: str) -> str:
    key = upstream.signing_key
    if key is None:
        raise LookupError("private_key_jwt without a key")  # configuration allows no such upstream
    claims = {
        "iss": upstream.client_id,
        "sub": upstream.client_id,
        "aud": upstream.issuer,
        "jti": jti,
        "iat": now,
        "exp": now + _ASSERTION_SECONDS,
    }
    algorithm = "RS256" if isinstance(key, RSAKey) else "ES256"
    header = {"alg": algorithm} | ({"kid": str(kid)} if (kid := key.get("kid")) else {})
    return jwt.encode(header, claims, key, algorithms=[algorithm])


def s256(code_verifier: str) -> str:
    """code_challenge (RFC 7636 §4.2)."""
    return base64.urlsafe_b64encode(hashlib.sha256(code_verifier.encode()).digest()).rstrip(b"=").decode()


def with_query(uri: str, values: Mapping[str, str | None]) -> str:
    """A URI with more parameters; those it has stay (RFC 6749 §3.1)."""
    told = query((name, value) for name, value in values.items() if value is not None)
    return f"{uri}{'&' if '?' in uri else '?'}{told}"
