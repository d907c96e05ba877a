"""Signing out: by a person's wish (OIDC RP-Initiated Logout 1.0), told to every client of the session by our own call
(Back-Channel Logout 1.0) and by frames (Front-Channel Logout 1.0), and on the upstream's word.

Nobody is signed out by a link alone: only a hint that belongs to this very session saves the question.  Nobody is sent
on to an address that is not registered for the client that asked, and was shown to be that client or named by it.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from sso.claims import subject_for
from sso.effects import Cookie, PostForm, Redirect, ShowPage
from sso.jws import LEEWAY_SECONDS, BadToken
from sso.keys import Salt, Signer, Unsealable
from sso.model import Client, LogoutDelivery, Session
from sso.parameters import Parameters
from sso.refusals import LOGOUT_ADDRESS, LOGOUT_CLIENT, LOGOUT_EXPIRED, LOGOUT_HINT, LOGOUT_TOKEN, Refusal

EVENT: Final = "http://schemas.openid.net/event/backchannel-logout"
TOKEN_TYPE: Final = "logout+jwt"  # noqa: S105 - a type's name (Back-Channel Logout §2.4)
TOKEN_TYPES: Final = frozenset({TOKEN_TYPE, "jwt", ""})
"""What an upstream's logout token may say that it is: the type was added late, and many still leave it out."""
TOKEN_SECONDS: Final = 120
"""How long a logout token is good for (Back-Channel Logout §2.4: two minutes at most)."""
UPSTREAM_ID_TOKEN: Final = "upstream-id-token"  # noqa: S105 - the name of a purpose
"""What a session's `upstream_id_token` is sealed for."""
ANSWER_PATH: Final = "/logout/answer"
DONE_PATH: Final = "/logout/done"
PAGE_SECONDS: Final = 900
"""How long a question stays open, and a way back from an upstream."""

FIRST_PAUSE_SECONDS: Final = 2
LONGEST_PAUSE_SECONDS: Final = 600
GIVE_UP_SECONDS: Final = 86_400
"""A client that was down for a day has ended its own sessions."""

_ANSWERS: Final = "sign-out answer"
_RETURNS: Final = "sign-out return"
_FORGET: Final = (Cookie("session", ""),)


@dataclass(frozen=True, slots=True)
class Wish:
    """A request to sign out, after every check."""

    client: str = ""  # its id; "": nobody said
    back_to: str = field(default="", repr=False)  # a registered address with the state; "": people stay with us
    proven: bool = False  # by a hint that belongs to the session in question, or to none that is left
    languages: tuple[str, ...] = ()


# The person's wish


def asked(
    parameters: Parameters, session: Session | None, *, clients: Mapping[str, Client], signer: Signer, issuer: str
) -> Wish:
    """Judge a request to the end-session endpoint (RP-Initiated Logout §2, §3).  Raises Refusal: nothing has ended."""
    parameters.single()
    hint = _hint(parameters.get("id_token_hint"), signer, issuer)
    client = _client(parameters.get("client_id"), hint, clients)
    back_to = parameters.get("post_logout_redirect_uri") or ""
    if back_to and client is not None:
        if back_to not in client.post_logout_redirect_uris:
            raise Refusal(LOGOUT_ADDRESS)
        back_to = _with_query(back_to, {"state": parameters.get("state")})
    return Wish(
        client=client.id if client else "",
        # Without a client there is nobody for whom the address could be registered: it is not followed (§3).
        back_to=back_to if client else "",
        proven=hint is not None and client is not None and _belongs(hint, client, session),
        languages=parameters.words("ui_locales"),
    )


def _hint(text: str | None, signer: Signer, issuer: str) -> Mapping[str, Any] | None:
    if text is None:
        return None
    try:
        # Of whatever age (§2): the session may be much older than its last ID token.
        return signer.verify(text, typ="JWT", issuer=issuer, now=None)
    except BadToken as error:
        raise Refusal(LOGOUT_HINT, error.reason) from None


def _client(named: str | None, hint: Mapping[str, Any] | None, clients: Mapping[str, Client]) -> Client | None:
    audience = hint.get("aud") if hint is not None else None
    if named is None and hint is None:
        return None
    if hint is not None and (not isinstance(audience, str) or named not in {None, audience}):
        raise Refusal(LOGOUT_CLIENT)
    client = clients.get(named or str(audience))
    if client is None:
        raise Refusal(LOGOUT_CLIENT)
    return client


def _belongs(hint: Mapping[str, Any], client: Client, session: Session | None) -> bool:
    """Whether the hint is of this session; of none at all there is nothing to end."""
    if session is None:
        return True
    part = session.participations.get(client.id)
    return part is not None and part.sid == hint.get("sid")


def question(wish: Wish, session: Session, *, name: str, signer: Signer, now: int) -> ShowPage:
    """Ask the person (§2: a request without a proof may be anybody's).  Only this session's own page can answer."""
    sealed = signer.seal(
        json.dumps({"session": session.id, "client": wish.client, "back": wish.back_to, "until": now + PAGE_SECONDS}),
        purpose=_ANSWERS,
    )
    facts = {"client_name": name, "action": ANSWER_PATH, "fields": (("wish", sealed),)}
    return ShowPage("confirm_sign_out", facts, languages=wish.languages)


def answered(parameters: Parameters, session: Session | None, *, signer: Signer, now: int) -> Wish | None:
    """The wish that a person has answered yes to; None: no.  Raises Refusal for what is not our page's answer."""
    parameters.single()
    try:
        said = json.loads(signer.unseal(parameters.get("wish") or "", purpose=_ANSWERS))
    except Unsealable:
        raise Refusal(LOGOUT_EXPIRED) from None
    if said["until"] < now or (session is not None and said["session"] != session.id):
        raise Refusal(LOGOUT_EXPIRED)
    if parameters.get("answer") != "yes":
        return None
    return Wish(said["client"], said["back"], proven=True)


def done(
    wish: Wish,
    session: Session | None,
    *,
    clients: Mapping[str, Client],
    issuer: str,
    upstream: str | None = None,
    id_token: str | None = None,
) -> Redirect | PostForm | ShowPage:
    """What the person gets once the session has ended: clients told by frames, the upstream, then the way back.

    upstream  where they end the upstream's own session (and come back to `return_state`); None: nowhere
    id_token  that upstream's, which goes there by a form and never by an address: it tells who the person is
    """
    frames = tuple(_frames(session, clients, issuer)) if session is not None else ()
    if frames:
        facts = {"frames": frames, "continue_to": upstream or wish.back_to}
        return ShowPage("front_channel_sign_out", facts, cookies=_FORGET, languages=wish.languages)
    if upstream and id_token:
        address, _, query = upstream.partition("?")
        return PostForm(address, (*parse_qsl(query), ("id_token_hint", id_token)), cookies=_FORGET)
    if upstream:
        return Redirect(upstream, _FORGET)
    return ended_page(wish, names=_told_later(session, clients), cookies=_FORGET)


def ended_page(wish: Wish, *, names: tuple[str, ...] = (), cookies: tuple[Cookie, ...] = ()) -> Redirect | ShowPage:
    """Back to the client, or a page that says it is done."""
    if wish.back_to:
        return Redirect(wish.back_to, cookies)
    return ShowPage("signed_out", {"clients": names, "back": ""}, cookies=cookies, languages=wish.languages)


def return_state(wish: Wish, *, signer: Signer, now: int) -> str:
    """The `state` that an upstream gives back: where the person wanted to go in the end."""
    return signer.seal(json.dumps({"back": wish.back_to, "until": now + PAGE_SECONDS}), purpose=_RETURNS)


def returned(state: str | None, *, signer: Signer, now: int) -> Wish:
    """The wish of a person who comes back from an upstream; whatever came with them, nothing is ended by it."""
    try:
        said = json.loads(signer.unseal(state or "", purpose=_RETURNS))
    except Unsealable:
        return Wish()
    return Wish(back_to=said["back"]) if said["until"] >= now else Wish()


def _frames(session: Session, clients: Mapping[str, Client], issuer: str) -> Iterator[str]:
    """Front-Channel Logout §2: an address for each client that has one, with `iss` and `sid`."""
    for part in session.participations.values():
        client = clients.get(part.client)
        if client is not None and client.frontchannel_logout_uri is not None:
            told = {"iss": issuer, "sid": part.sid} if client.frontchannel_session_required else {}
            yield _with_query(client.frontchannel_logout_uri, told)


def _told_later(session: Session | None, clients: Mapping[str, Client]) -> tuple[str, ...]:
    parts = session.participations if session is not None else {}
    told = (clients[name] for name in parts if name in clients and clients[name].backchannel_logout_uri)
    return tuple(client.name.get("vi") or client.id for client in told)


def _with_query(uri: str, parameters: Mapping[str, str | None]) -> str:
    """With parameters added behind those that are registered (RP-Initiated Logout §3)."""
    added = urlencode({name: value for name, value in parameters.items() if value}, quote_via=quote)
    if not added:
        return uri
    return f"{uri}{'&' if urlsplit(uri).query else '?'}{added}"


# Clients are told


def deliveries_for(
    session: Session,
    clients: Mapping[str, Client],
    *,
    salts: Mapping[int, Salt],
    now: int,
    secrets: Callable[[], str],
    besides: Iterable[str] = (),
) -> tuple[LogoutDelivery, ...]:
    """What must be delivered when a session ends: to each client of it that wants to hear.

    besides  clients that are told already
    """
    known = set(besides)
    return tuple(
        LogoutDelivery(
            id=secrets(),
            client=client.id,
            uri=client.backchannel_logout_uri,
            sid=part.sid,
            subject=subject_for(session.identity, client, salts),
            created_at=now,
            next_at=now,
        )
        for part in session.participations.values()
        if (client := clients.get(part.client)) and client.backchannel_logout_uri and client.id not in known
    )


def token_claims(delivery: LogoutDelivery, *, issuer: str, now: int, jti: str) -> dict[str, object]:
    """The claims of a logout token (Back-Channel Logout §2.4), to be signed as TOKEN_TYPE.  Never a nonce."""
    return {
        "iss": issuer,
        "aud": delivery.client,
        "sub": delivery.subject,
        "sid": delivery.sid,
        "iat": now,
        "exp": now + TOKEN_SECONDS,
        "jti": jti,
        "events": {EVENT: {}},
    }


def tried(delivery: LogoutDelivery, error: str, now: int) -> LogoutDelivery:
    """What becomes of a delivery after an attempt.

    error  "": the client has it; else a fixed word, "HTTP 500" or "timeout"
    """
    attempts = delivery.attempts + 1
    if not error:
        return replace(delivery, attempts=attempts, state="delivered", last_error="")
    pause = min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2 ** min(delivery.attempts, 20))
    over = now + pause >= delivery.created_at + GIVE_UP_SECONDS
    return replace(
        delivery, attempts=attempts, next_at=now + pause, state="given-up" if over else "waiting", last_error=error
    )


# An upstream's word


@dataclass(frozen=True, slots=True)
class UpstreamLogout:
    """Whom an upstream has signed out."""

    jti: str
    subject: str | None = field(repr=False)
    sid: str | None = field(repr=False)

    def concerns(self, session: Session) -> bool:
        """Whether a session that was found by one of the two is meant."""
        return self.subject is None or session.identity.subject == self.subject or session.upstream_sid == self.sid


def judged(claims: Mapping[str, Any], now: int) -> UpstreamLogout:
    """What a logout token says, whose signature, issuer and audience are proven (Back-Channel Logout §2.6).

    Raises Refusal.
    """
    events, subject, sid = claims.get("events"), claims.get("sub"), claims.get("sid")
    issued, expires, jti = claims.get("iat"), claims.get("exp", now + 1), claims.get("jti")
    faults = {
        "event": not isinstance(events, dict) or not isinstance(events.get(EVENT), dict),
        "nonce": "nonce" in claims,  # an ID token must not pass for one
        "whom": not (subject or sid) or not all(isinstance(one, str | None) for one in (subject, sid)),
        "jti": not isinstance(jti, str) or not 0 < len(jti) <= 255,
        "times": not all(isinstance(one, int) and not isinstance(one, bool) for one in (issued, expires)),
    }
    if not any(faults.values()):
        faults["iat"] = not now - TOKEN_SECONDS - LEEWAY_SECONDS <= int(issued or 0) <= now + LEEWAY_SECONDS
        faults["exp"] = int(expires) <= now - LEEWAY_SECONDS
    if fault := next((name for name, wrong in faults.items() if wrong), None):
        raise Refusal(LOGOUT_TOKEN, fault)
    return UpstreamLogout(str(jti), subject or None, sid or None)
