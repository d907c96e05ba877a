"""What happens next to a checked request: sign in, step up, ask, give out a code, or refuse.

One function says it, from values alone; whoever did a step comes back here with its result, and no step leads to
another by itself.
"""

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TypeAlias

from sso import profiles, refusals
from sso.authorize import ReturnAddress
from sso.claims import allowed
from sso.consents import must_ask
from sso.effects import PostForm, Redirect
from sso.jws import LEEWAY_SECONDS
from sso.model import AuthorizationRequest, Client, Consent, Grant, Participation, Session
from sso.parameters import query
from sso.refusals import Cause
from sso.vocabulary import Claim, Level

Secrets: TypeAlias = Callable[[], str]


@dataclass(frozen=True, slots=True)
class SignIn:
    """Nobody who would do is signed in."""

    level: Level
    again: bool  # the upstream must ask anew, whoever it remembers


@dataclass(frozen=True, slots=True)
class StepUp:
    """The person is known, at too low a level."""

    level: Level


@dataclass(frozen=True, slots=True)
class AskConsent:
    """The person must say whether these may be told."""

    claims: frozenset[Claim]


@dataclass(frozen=True, slots=True)
class Proceed:
    """A code may be given out."""


@dataclass(frozen=True, slots=True)
class Refuse:
    """The client is told why not."""

    cause: Cause


Step: TypeAlias = SignIn | StepUp | AskConsent | Proceed | Refuse


def next_step(
    request: AuthorizationRequest,
    client: Client,
    session: Session | None,
    *,
    subject: str | None,
    now: int,
    signed_in_since: int | None = None,
    consents: Mapping[str, Consent] = MappingProxyType({}),
    agreed: bool = False,
) -> Step:
    """The next step.

    subject          the session's person as this client knows them
    signed_in_since  when the sign-in began that was made for this very request; None: none was made yet
    consents         what the person has agreed to for good, by client
    agreed           whether the person has just agreed
    """
    step: Step = _step(request, client, session, subject, now, signed_in_since)
    if isinstance(step, Proceed) and session is not None and not agreed:
        wanted = wanted_claims(request, client)
        if "consent" in request.prompts or must_ask(client, wanted, consents, now=now):
            step = AskConsent(wanted)
    if "none" in request.prompts:
        # OIDC Core §3.1.2.6: nobody is asked anything, and the client learns no more than that.
        match step:
            case SignIn():
                return Refuse(refusals.LOGIN_REQUIRED)
            case StepUp():
                return Refuse(refusals.INTERACTION_REQUIRED)
            case AskConsent():
                return Refuse(refusals.CONSENT_REQUIRED)
    return step


def _step(
    request: AuthorizationRequest,
    client: Client,
    session: Session | None,
    subject: str | None,
    now: int,
    since: int | None,
) -> SignIn | StepUp | Proceed | Refuse:
    if session is None:
        return SignIn(request.level, again=_asks_anew(request))
    identity = session.identity
    if since is None:
        if _asks_anew(request) or _too_old(request, identity.auth_time, now):
            return SignIn(request.level, again=True)
        if not _is_right_person(request, subject) or not _accepts(client, identity.upstream):
            return SignIn(request.level, again=True)
        if identity.level < request.level:
            return StepUp(request.level)
    elif refusal := _after_sign_in(request, client, session, subject, now, since):
        return refusal
    return Proceed()


def _after_sign_in(
    request: AuthorizationRequest, client: Client, session: Session, subject: str | None, now: int, since: int
) -> Refuse | None:
    """Hold the upstream's answer to what was asked: it may have answered from memory, lower, or for somebody else."""
    identity = session.identity
    if not _accepts(client, identity.upstream) or not _is_right_person(request, subject):
        return Refuse(refusals.OTHER_PERSON)
    if identity.level < request.level:
        # Also where it was asked for by acr_values: a level that is asked for is reached or refused, never lowered.
        return Refuse(refusals.UNMET)
    remembered = identity.auth_time < since - LEEWAY_SECONDS
    if remembered and (_asks_anew(request) or _too_old(request, identity.auth_time, now)):
        return Refuse(refusals.LOGIN_REQUIRED)
    return None


def _asks_anew(request: AuthorizationRequest) -> bool:
    return bool(request.prompts & {"login", "select_account"}) or request.max_age == 0


def _too_old(request: AuthorizationRequest, auth_time: int, now: int) -> bool:
    return request.max_age is not None and now - auth_time > request.max_age


def _is_right_person(request: AuthorizationRequest, subject: str | None) -> bool:
    return request.subject_hint is None or request.subject_hint == subject


def _accepts(client: Client, upstream: str) -> bool:
    return not client.upstreams or upstream in client.upstreams


def wanted_claims(request: AuthorizationRequest, client: Client) -> frozenset[Claim]:
    """What the client would be told, at most: what it asks for, within what its record allows."""
    return allowed(client, request.scopes, request.claims | request.id_token_claims)


def satisfied(request: AuthorizationRequest) -> AuthorizationRequest:
    """The request with what a sign-in has already answered taken out: nobody is asked twice for it."""
    return dataclasses.replace(request, prompts=request.prompts & {"none"}, max_age=None)


@dataclass(frozen=True, slots=True)
class Granted:
    """A code, and what it stands for."""

    code: str = field(repr=False)
    grant: Grant
    seconds: int


def participation(client: Client, session: Session, *, now: int, secrets: Secrets) -> Participation:
    """The client's part in a session: the one there is, or a new one with a `sid` that no other client knows."""
    return session.participations.get(client.id) or Participation(client.id, secrets(), now)


def joined(session: Session, part: Participation) -> Session:
    """The session with that part in it, for a session that is opened anyway."""
    return dataclasses.replace(session, participations={**session.participations, part.client: part})


def grant(
    request: AuthorizationRequest, client: Client, session: Session, sid: str, *, now: int, secrets: Secrets
) -> Granted:
    """What a person's sign-in gives this client, and the code for it."""
    made = Grant(
        id=secrets(),
        client=client.id,
        session=session.handle,
        sid=sid,
        identity=session.identity,
        scopes=request.scopes,
        claims=request.claims,
        id_token_claims=request.id_token_claims,
        nonce=request.nonce,
        redirect_uri=request.redirect_uri,
        code_challenge=request.code_challenge,
        created_at=now,
        jkt=request.jkt,
    )
    return Granted(secrets(), made, profiles.code_seconds(client))


def address_of(request: AuthorizationRequest) -> ReturnAddress:
    """Where a checked request is answered."""
    return ReturnAddress(request.client, request.redirect_uri, request.response_mode, request.state)


def code_answer(address: ReturnAddress, code: str, *, issuer: str, client_name: str = "") -> Redirect | PostForm:
    """A successful response (OIDC Core §3.1.2.5, with `iss` by RFC 9207)."""
    return _answer(address, {"code": code}, issuer, client_name)


def error_answer(address: ReturnAddress, cause: Cause, *, issuer: str, client_name: str = "") -> Redirect | PostForm:
    """An error response (RFC 6749 §4.1.2.1)."""
    fields = {"error": cause.error.value, "error_description": f"{cause.description} ({cause.speakable})"}
    return _answer(address, fields, issuer, client_name)


def _answer(address: ReturnAddress, fields: Mapping[str, str], issuer: str, client_name: str) -> Redirect | PostForm:
    told = {**fields, **({"state": address.state} if address.state is not None else {}), "iss": issuer}
    if address.mode == "form_post":
        return PostForm(address.uri, tuple(told.items()), client_name)
    return Redirect(f"{address.uri}{'&' if '?' in address.uri else '?'}{query(told.items())}")
