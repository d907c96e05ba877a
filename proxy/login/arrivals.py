"""Back from an upstream: who it is, the session that follows, and on to what they came for."""

import asyncio
import dataclasses
from typing import Final

from proxy.login import agreements, permissions, signing_out, steps, ticketing
from proxy.login.broker import Broker
from proxy.login.calls import Call
from proxy.login.permissions import OURSELVES
from sso import callback, flow, logout, refusals
from sso.authorize import Returned
from sso.callback import Opened
from sso.effects import Cookie, Effect, Json, PostForm, Redirect, ShowPage, Text
from sso.flow import AskConsent, Proceed, Refuse
from sso.model import AuthorizationRequest, Destination, LoginAttempt, Session, digest
from sso.refusals import Refusal
from sso.upstreams.attempts import Identified
from sso.upstreams.failures import UpstreamRefused


async def return_from_upstream(broker: Broker, call: Call) -> Effect:
    """GET and POST /callback/{upstream}."""
    parameters = call.parameters()
    state = parameters.get("state")
    attempt = await broker.store.attempt(digest(state)) if state is not None else None
    try:
        identified = await broker.upstreams.finish(
            attempt,
            parameters,
            arrived_at=call.path.rpartition("/")[2],
            browser=call.cookies.get("browser"),
            now=broker.now(),
            secrets=broker.secrets,
        )
    except UpstreamRefused as refused:
        broker.record("sign-in.refused", call, cause=refused.cause)
        if attempt is not None and not refused.page_only:
            if isinstance(attempt.purpose, AuthorizationRequest):
                raise Returned(flow.address_of(attempt.purpose), refused.cause) from None
            refused.client = attempt.purpose.client
        raise
    if attempt is None:
        raise Refusal(refusals.NO_REQUEST)
    opened = callback.open_session(
        _sealed(broker, identified),
        previous=await broker.session_of(call),
        absolute_seconds=broker.lifetimes.absolute,
        now=broker.now(),
        secrets=broker.secrets,
    )
    if opened.displaced is not None:
        await signing_out.tell_clients(broker, opened.displaced)
    cookies = (Cookie("session", opened.cookie),)
    if isinstance(attempt.purpose, Destination):
        return _with_cookies(await _at_destination(broker, call, attempt.purpose, opened), cookies)
    return _with_cookies(await _at_request(broker, call, attempt, attempt.purpose, opened), cookies)


def _sealed(broker: Broker, identified: Identified) -> Identified:
    """Their ID token is kept for their end-session endpoint, and is nobody's to read in the store."""
    if identified.id_token is None:
        return identified
    sealed = broker.signer.seal(identified.id_token, purpose=logout.UPSTREAM_ID_TOKEN)
    return dataclasses.replace(identified, id_token=sealed)


async def _at_destination(broker: Broker, call: Call, destination: Destination, opened: Opened) -> Effect:
    client, session = broker.clients.get(destination.client), opened.session
    if destination.client == OURSELVES.id:
        await _open(broker, opened, session)
        broker.record("sign-in.done", call, session=session)
        return permissions.arrived(broker)
    if client is None:
        raise Refusal(refusals.UNKNOWN_CLIENT)
    if await agreements.must_ask_for(broker, client, session):
        await _open(broker, opened, session)
        return agreements.ask_for(broker, client, session, destination)
    # With its part in it already: one round trip less.
    session = flow.joined(session, flow.participation(client, session, now=broker.now(), secrets=broker.secrets))
    # Asked for in one turn of the loop, the two go to the store together.  A ticket for a session that was not kept is
    # worth nothing.
    _, effect = await asyncio.gather(_open(broker, opened, session), ticketing.hand_over(broker, session, destination))
    broker.record("sign-in.done", call, client=client, session=session)
    return effect


async def _at_request(
    broker: Broker, call: Call, attempt: LoginAttempt, request: AuthorizationRequest, opened: Opened
) -> Effect:
    """Open the session, with everything in the same step that the next one would have to add."""
    client, session = broker.clients.get(request.client), opened.session
    if client is None:
        raise Refusal(refusals.UNKNOWN_CLIENT)
    step = flow.next_step(
        request,
        client,
        session,
        subject=broker.subject(session.identity, client),
        now=broker.now(),
        signed_in_since=attempt.created_at,
        consents=await agreements.kept(broker, client, session.identity),
    )
    match step:
        case Proceed():
            part = flow.participation(client, session, now=broker.now(), secrets=broker.secrets)
            session = flow.joined(session, part)
            granted = steps.grant(broker, request, client, session, part.sid)
            await broker.store.open(
                session,
                idle_seconds=broker.lifetimes.idle,
                replaces=opened.replaces,
                code=(digest(granted.code), granted.grant, granted.seconds),
            )
            return steps.give(broker, call, request, client, session, granted)
        case AskConsent(wanted):
            await _open(broker, opened, session)
            return await agreements.ask(broker, call, request, client, session, wanted, session_cookie=opened.cookie)
        case Refuse(cause):
            await _open(broker, opened, session)
            return broker.returned(Returned(flow.address_of(request), cause), call)
    raise AssertionError("a sign-in that leads to another one")


async def _open(broker: Broker, opened: Opened, session: Session) -> None:
    await broker.store.open(session, idle_seconds=broker.lifetimes.idle, replaces=opened.replaces)


def _with_cookies(effect: Effect, cookies: tuple[Cookie, ...]) -> Effect:
    match effect:
        case Redirect() | PostForm() | ShowPage():
            return dataclasses.replace(effect, cookies=(*effect.cookies, *cookies))
        case Json() | Text():
            raise AssertionError("programs get no cookies")


ROUTES: Final = {
    ("GET", "/callback/"): return_from_upstream,
    ("POST", "/callback/"): return_from_upstream,
}
