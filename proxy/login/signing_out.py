"""Signing out over HTTP: the person's wish, their confirmation, and what their clients and the upstream are told.

Clients are told before the session ends: were the process to die between the two, somebody would be signed out at a
client too early, and never stay signed in there for good.
"""

from collections.abc import Iterable
from typing import Final

from proxy.login import refusal_answers
from proxy.login.broker import Broker, Handler
from proxy.login.calls import Call
from sso import logout
from sso.discovery import PATHS
from sso.effects import Effect, PostForm, ShowPage, Text
from sso.jws import LEEWAY_SECONDS
from sso.keys import Unsealable
from sso.logout import Wish
from sso.model import Session, digest
from sso.refusals import LOGOUT_STAYED, LOGOUT_TOKEN, Refusal
from sso.upstreams.failures import UpstreamRefused

BACKCHANNEL_PATH: Final = "/backchannel-logout/"
_PATH: Final = PATHS["end_session_endpoint"]
_RESENT: Final = "resent"


async def tell_clients(broker: Broker, session: Session, *, besides: Iterable[str] = ()) -> None:
    """See to it that every client of a session hears of its end, besides those that need not or have been told."""
    deliveries = logout.deliveries_for(
        session,
        broker.clients,
        salts=broker.signer.salts,
        now=broker.now(),
        secrets=broker.secrets,
        besides=besides,
    )
    if deliveries:
        await broker.store.enqueue(deliveries)


async def end(broker: Broker, session: Session) -> Session:
    """End a session, durably for all its clients; as it was in the end."""
    await tell_clients(broker, session)
    last = await broker.store.end(session.id)
    if last is None:
        return session
    await tell_clients(broker, last, besides=session.participations)  # who joined in between
    return last


async def sign_out(broker: Broker, call: Call) -> Effect:
    """GET and POST /logout: the end-session endpoint (RP-Initiated Logout §2)."""
    session = await broker.session_of(call)
    parameters = call.parameters()
    wish = logout.asked(parameters, session, clients=broker.clients, signer=broker.signer, issuer=broker.issuer)
    if call.method == "POST" and "session" not in call.cookies and parameters.get(_RESENT) is None:
        # A form that a client's own site has sent brings no cookie of ours (SameSite=Lax): our page sends it once more.
        name = broker.name_of(broker.clients.get(wish.client))
        return PostForm(broker.issuer + _PATH, (*parameters.values.items(), (_RESENT, "1")), name)
    if session is None:
        return logout.done(wish, None, clients=broker.clients, issuer=broker.issuer)
    if wish.proven:
        return await _signed_out(broker, call, session, wish)
    name = broker.name_of(broker.clients.get(wish.client))
    return logout.question(wish, session, name=name, signer=broker.signer, now=broker.now())


async def answer(broker: Broker, call: Call) -> Effect:
    """POST /logout/answer: what the person said to our question."""
    session = await broker.session_of(call)
    wish = logout.answered(call.form_parameters(), session, signer=broker.signer, now=broker.now())
    if wish is None:
        return _stayed()
    if session is None:
        return logout.done(wish, None, clients=broker.clients, issuer=broker.issuer)
    return await _signed_out(broker, call, session, wish)


async def back(broker: Broker, call: Call) -> Effect:
    """GET /logout/done: back from the upstream's own end of session."""
    state = call.parameters().get("state")
    return logout.ended_page(logout.returned(state, signer=broker.signer, now=broker.now()))


async def told_by_upstream(broker: Broker, call: Call) -> Effect:
    """POST /backchannel-logout/UPSTREAM: an upstream has signed somebody out (Back-Channel Logout §2.5, §2.7)."""
    upstream = call.path.removeprefix(BACKCHANNEL_PATH)
    token = call.form_parameters().single().get("logout_token")
    if token is None:
        raise Refusal(LOGOUT_TOKEN, "missing")
    try:
        claims = await broker.upstreams.signed_claims(upstream, token, logout.TOKEN_TYPES, broker.now())
    except UpstreamRefused as error:
        raise Refusal(LOGOUT_TOKEN, error.fault.value) from None
    meant = logout.judged(claims, broker.now())
    seconds = logout.TOKEN_SECONDS + 2 * LEEWAY_SECONDS
    await broker.once("upstream-logout", digest(f"{upstream}\n{meant.jti}"), seconds, LOGOUT_TOKEN)
    for session in await _meant(broker, upstream, meant):
        last = await end(broker, session)
        broker.record("logout.by-upstream", call, session=last)
    return Text(200)


async def _meant(broker: Broker, upstream: str, meant: logout.UpstreamLogout) -> list[Session]:
    if meant.sid is not None:
        found = await broker.store.sessions_by_upstream_sid(upstream, meant.sid)
    else:
        found = await broker.store.sessions_of(upstream, meant.subject or "")
    return [session for session in found if meant.concerns(session)]


async def _signed_out(broker: Broker, call: Call, session: Session, wish: Wish) -> Effect:
    last = await end(broker, session)
    broker.record("logout.begun", call, client=broker.clients.get(wish.client), session=last)
    upstream = await broker.upstreams.end_session_uri(
        last.identity.upstream,
        id_token=None,
        back_to=broker.issuer + logout.DONE_PATH,
        state=logout.return_state(wish, signer=broker.signer, now=broker.now()),
        now=broker.now(),
    )
    return logout.done(
        wish, last, clients=broker.clients, issuer=broker.issuer, upstream=upstream, id_token=_id_token(broker, last)
    )


def _id_token(broker: Broker, session: Session) -> str | None:
    if session.upstream_id_token is None:
        return None
    try:
        return broker.signer.unseal(session.upstream_id_token, purpose=logout.UPSTREAM_ID_TOKEN)
    except Unsealable:
        return None  # the keys have been made anew: the upstream asks the person then


def _stayed() -> ShowPage:
    return refusal_answers.trouble(LOGOUT_STAYED)


ROUTES: Final[dict[tuple[str, str], Handler]] = {
    ("GET", _PATH): sign_out,
    ("POST", _PATH): sign_out,
    ("POST", logout.ANSWER_PATH): answer,
    ("GET", logout.DONE_PATH): back,
    ("POST", BACKCHANNEL_PATH): told_by_upstream,
}
