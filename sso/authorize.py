"""The authorization endpoint's ear: parameters become a checked AuthorizationRequest, or a refusal (OIDC Core §3.1.2).

Two kinds of refusal, and the difference is what keeps us from being an open redirector: as long as client and redirect
URI are not proven, a `Refusal` becomes a page; from then on a `Returned` refusal goes back to where it was asked.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal, cast

from sso import json_objects, refusals
from sso.model import AuthorizationRequest, Client
from sso.parameters import Parameters
from sso.refusals import Cause, Refusal
from sso.vocabulary import SCOPES, Claim, Level

REQUEST_URI_PREFIX: Final = "urn:ietf:params:oauth:request_uri:"
PROMPTS: Final = frozenset({"none", "login", "consent", "select_account"})
PARAMETERS: Final = frozenset(
    {
        *(
            "client_id",
            "redirect_uri",
            "response_type",
            "response_mode",
            "scope",
            "state",
            "nonce",
            "prompt",
            "max_age",
        ),
        *("code_challenge", "code_challenge_method", "acr_values", "claims", "claims_locales", "display", "dpop_jkt"),
        *("id_token_hint", "login_hint", "ui_locales", "request", "request_uri"),
    }
)
"""What a request may consist of; others are ignored (RFC 6749 §3.1)."""
CLAIMS_ANSWERED: Final = frozenset(claim.value for claim in Claim)

_LONGEST_VALUE: Final = 2_048  # of state and nonce, which we keep and send back
_S256 = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)  # BASE64URL(SHA256()), RFC 7636 §4.2; also RFC 7638 §3
_DIGITS = re.compile(r"[0-9]{1,9}", re.ASCII)


@dataclass(frozen=True, slots=True)
class ReturnAddress:
    """Where an answer goes: a redirect URI that is registered, letter by letter, for the client that asked."""

    client: str
    uri: str
    mode: Literal["query", "form_post"] = "query"
    state: str | None = field(default=None, repr=False)


class Returned(Exception):
    """A refusal that may be told to the client, at an address that is proven."""

    def __init__(self, address: ReturnAddress, cause: Cause) -> None:
        super().__init__(cause.speakable)
        self.address = address
        self.cause = cause


def client_of(parameters: Parameters, clients: Mapping[str, Client]) -> Client:
    """Who asks.  Raises Refusal: a page, never a redirect."""
    if "client_id" in parameters.repeated:
        raise Refusal(refusals.DUPLICATE)
    client = clients.get(parameters.get("client_id") or "")
    if client is None or "oidc" not in client.formats:
        raise Refusal(refusals.UNKNOWN_CLIENT)
    return client


def return_address(parameters: Parameters, client: Client) -> ReturnAddress:
    """Where the answer goes (RFC 9700 §2.1: compared letter by letter).  Raises Refusal: a page, never a redirect."""
    if "redirect_uri" in parameters.repeated:
        raise Refusal(refusals.DUPLICATE)
    uri = parameters.get("redirect_uri")
    if uri is None or uri not in client.redirect_uris:
        raise Refusal(refusals.REDIRECT_URI)
    state = parameters.get("state")
    mode: Literal["query", "form_post"] = "form_post" if parameters.get("response_mode") == "form_post" else "query"
    return ReturnAddress(client.id, uri, mode, state if state is None or len(state) <= _LONGEST_VALUE else None)


def request_uri_secret(uri: str) -> str:
    """What we gave out within a request_uri (RFC 9126 §2.2).  Raises Refusal for one that is not ours."""
    if not uri.startswith(REQUEST_URI_PREFIX):
        # Never fetched: a request_uri of a stranger is a request that we make for him (RFC 9101 §10.4).
        raise Refusal(refusals.REQUEST_URI_FOREIGN)
    return uri.removeprefix(REQUEST_URI_PREFIX)


def checked(
    parameters: Parameters, client: Client, address: ReturnAddress, *, subject_of_hint: Callable[[str], str | None]
) -> AuthorizationRequest:
    """A request in which everything is as it must be.  Raises Returned.

    subject_of_hint  the `sub` of an ID token of ours for this client; None: it is no such token
    """
    try:
        return _checked(parameters, client, address, subject_of_hint)
    except Refusal as refusal:
        raise Returned(address, refusal.cause) from None


def _checked(
    parameters: Parameters, client: Client, address: ReturnAddress, subject_of_hint: Callable[[str], str | None]
) -> AuthorizationRequest:
    parameters.single()
    _check_response(parameters)
    scopes = _scopes(parameters, client)
    asked = _claims_asked(parameters)
    level, essential = _level(parameters, asked, client)
    hint = parameters.get("id_token_hint")
    subject = _subject_asked(asked)
    if hint is not None:
        subject = subject_of_hint(hint)
        if subject is None:
            raise Refusal(refusals.HINT)
    nonce = parameters.get("nonce")
    if len(nonce or "") > _LONGEST_VALUE or len(parameters.get("state") or "") > _LONGEST_VALUE:
        raise Refusal(refusals.RESPONSE_VALUE)
    return AuthorizationRequest(
        client=client.id,
        redirect_uri=address.uri,
        scopes=scopes,
        code_challenge=_challenge(parameters),
        state=address.state,
        nonce=nonce,
        response_mode=address.mode,
        prompts=_prompts(parameters),
        max_age=_max_age(parameters),
        level=level,
        level_essential=essential,
        claims=_known(asked.get("userinfo")) & client.attributes,
        id_token_claims=_known(asked.get("id_token")) & client.attributes,
        subject_hint=subject,
        login_hint=parameters.get("login_hint"),
        ui_locales=parameters.words("ui_locales")[:8],
        jkt=_jkt(parameters),
    )


def _check_response(parameters: Parameters) -> None:
    response_type = parameters.get("response_type")
    if response_type is None:
        raise Refusal(refusals.RESPONSE_TYPE_MISSING)
    if response_type != "code":
        raise Refusal(refusals.RESPONSE_TYPE)
    if parameters.get("response_mode") not in {None, "query", "form_post"}:
        raise Refusal(refusals.RESPONSE_MODE)


def _scopes(parameters: Parameters, client: Client) -> frozenset[str]:
    """Those we know (OIDC Core §3.1.2.1: others are ignored), and no refresh where the client's record gives none."""
    asked = frozenset(scope for scope in parameters.words("scope") if scope in SCOPES)
    if "openid" not in asked:
        raise Refusal(refusals.SCOPE)
    return asked if client.refresh_tokens else asked - {"offline_access"}


def _challenge(parameters: Parameters) -> str:
    """RFC 7636 §4.3, for every client and by S256 alone (RFC 9700 §2.1.1)."""
    challenge = parameters.get("code_challenge")
    if challenge is None:
        raise Refusal(refusals.PKCE_MISSING)
    # An absent method means `plain`: what a downgrade looks like.
    if parameters.get("code_challenge_method") != "S256" or not _S256.fullmatch(challenge):
        raise Refusal(refusals.PKCE_METHOD)
    return challenge


def _prompts(parameters: Parameters) -> frozenset[str]:
    prompts = frozenset(parameters.words("prompt"))
    if not prompts <= PROMPTS or ("none" in prompts and len(prompts) > 1):
        raise Refusal(refusals.PROMPT)
    return prompts


def _max_age(parameters: Parameters) -> int | None:
    text = parameters.get("max_age")
    if text is None:
        return None
    if not _DIGITS.fullmatch(text):
        raise Refusal(refusals.MAX_AGE)
    return int(text)


def _jkt(parameters: Parameters) -> str | None:
    jkt = parameters.get("dpop_jkt")
    if jkt is not None and not _S256.fullmatch(jkt):
        raise Refusal(refusals.JKT)
    return jkt


def _claims_asked(parameters: Parameters) -> Mapping[str, Mapping[str, Any]]:
    """The `claims` parameter (OIDC Core §5.5)."""
    text = parameters.get("claims")
    if text is None:
        return {}
    try:
        asked = json_objects.read(text, limit=16_384)
    except json_objects.NotAnObject:
        raise Refusal(refusals.CLAIMS) from None
    places = {place: asked[place] for place in ("userinfo", "id_token") if asked.get(place) is not None}
    if not all(isinstance(place, dict) for place in places.values()):
        raise Refusal(refusals.CLAIMS)
    wishes = [wish for place in places.values() for wish in cast("dict[str, object]", place).values()]
    if not all(wish is None or isinstance(wish, dict) for wish in wishes):
        raise Refusal(refusals.CLAIMS)
    return cast("Mapping[str, Mapping[str, Any]]", places)


def _known(place: Mapping[str, Any] | None) -> frozenset[Claim]:
    return frozenset(Claim(name) for name in (place or {}) if name in CLAIMS_ANSWERED)


def _subject_asked(asked: Mapping[str, Mapping[str, Any]]) -> str | None:
    """A `sub` by value: only that person will do (OIDC Core §5.5.1)."""
    for place in asked.values():
        value = (place.get("sub") or {}).get("value")
        if isinstance(value, str):
            return value
    return None


def _level(parameters: Parameters, asked: Mapping[str, Mapping[str, Any]], client: Client) -> tuple[Level, bool]:
    """The level to reach, and whether nothing less will do.  A request can raise the client's least, never lower it."""
    wish = (asked.get("id_token") or {}).get("acr") or {}
    values = wish.get("values", [wish["value"]] if "value" in wish else [])
    essential = wish.get("essential") is True
    if not isinstance(values, list):
        raise Refusal(refusals.CLAIMS)
    wanted = [level for value in values if isinstance(value, str) and (level := Level.of_acr(value))]
    if essential and values:
        if not wanted:
            raise Refusal(refusals.ACR_UNKNOWN)
        return max(client.level, min(wanted)), True
    # Voluntary, in order of preference (OIDC Core §3.1.2.1).
    wanted += [level for value in parameters.words("acr_values") if (level := Level.of_acr(value))]
    return max(client.level, wanted[0] if wanted else client.level), False
