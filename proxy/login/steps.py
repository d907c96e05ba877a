"""What comes next to a request: `sso.flow` says it, and here it is done.

Each endpoint does its part and comes back here with what it found; none leads to another by itself.
"""

from collections.abc import Mapping
from types import MappingProxyType

from proxy.login import agreements, departures
from proxy.login.broker import Broker
from proxy.login.calls import Call
from sso import flow
from sso.authorize import Returned
from sso.effects import Effect, ShowPage
from sso.flow import AskConsent, Granted, Proceed, Refuse, SignIn, StepUp
from sso.model import AuthorizationRequest, Client, Consent, Session, digest
from sso.vocabulary import Level

NOTHING_AGREED: Mapping[str, Consent] = MappingProxyType({})


async def go_on(
    broker: Broker,
    call: Call,
    request: AuthorizationRequest,
    client: Client,
    session: Session | None,
    *,
    agreed: bool = False,
) -> Effect:
    """Do the next step of a request for which no sign-in was made just now."""
    step = flow.next_step(
        request,
        client,
        session,
        subject=broker.subject(session.identity, client) if session is not None else None,
        now=broker.now(),
        consents=await agreements.kept(broker, client, session.identity) if session is not None else NOTHING_AGREED,
        agreed=agreed,
    )
    match step:
        case Refuse(cause):
            raise Returned(flow.address_of(request), cause)
        case SignIn(level, again):
            return await departures.sign_in(broker, call, request, client, level=level, again=again)
        case StepUp(level):
            return await _step_up_page(broker, call, request, client, level)
        case AskConsent(wanted) if session is not None:
            cookie = call.cookies.get("session", "")
            return await agreements.ask(broker, call, request, client, session, wanted, session_cookie=cookie)
        case Proceed() if session is not None:
            part = flow.participation(client, session, now=broker.now(), secrets=broker.secrets)
            if client.id not in session.participations:
                joined = await broker.store.join(session.id, part)
                if joined is None:
                    return await departures.sign_in(broker, call, request, client, level=request.level, again=False)
                part = joined
            granted = grant(broker, request, client, session, part.sid)
            await broker.store.issue(digest(granted.code), granted.grant, seconds=granted.seconds)
            return give(broker, call, request, client, session, granted)
    raise AssertionError("a step that needs a session, without one")


def grant(broker: Broker, request: AuthorizationRequest, client: Client, session: Session, sid: str) -> Granted:
    """A code, to be kept before it is given out."""
    return flow.grant(request, client, session, sid, now=broker.now(), secrets=broker.secrets)


def give(
    broker: Broker, call: Call, request: AuthorizationRequest, client: Client, session: Session, granted: Granted
) -> Effect:
    """Give a code out that is kept."""
    broker.record("sign-in.done", call, client=client, session=session)
    address = flow.address_of(request)
    return flow.code_answer(address, granted.code, issuer=broker.issuer, client_name=broker.name_of(client))


async def _step_up_page(
    broker: Broker, call: Call, request: AuthorizationRequest, client: Client, level: Level
) -> Effect:
    handle, cookie = await departures.keep(broker, call, "step-up", request)
    facts = {
        "client_name": broker.name_of(client),
        "level": level.value,
        "action": "/step-up",
        "fields": (("request", handle),),
    }
    return ShowPage("step_up", facts, cookies=(cookie,), languages=request.ui_locales)
