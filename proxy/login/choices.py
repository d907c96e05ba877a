"""What people answer on our pages: with which account, whether to go on to a stronger sign-in, whether they agree."""

from typing import Final

from proxy.login import agreements, departures, steps, ticketing
from proxy.login.broker import Broker
from proxy.login.calls import Call
from sso import flow, refusals
from sso.authorize import Returned
from sso.effects import Effect
from sso.model import AuthorizationRequest, Client
from sso.parameters import Parameters
from sso.refusals import Refusal


async def choose(broker: Broker, call: Call) -> Effect:
    """POST /choose: an upstream was chosen."""
    parameters = call.own_form()
    request, client = await _kept(broker, call, "choose", parameters)
    again = bool(request.prompts & {"login", "select_account"}) or request.max_age == 0
    upstream = parameters.get("upstream") or ""
    return await departures.depart(broker, call, request, client, upstream, level=request.level, again=again)


async def step_up(broker: Broker, call: Call) -> Effect:
    """POST /step-up: the person goes on to a stronger sign-in, or does not."""
    parameters = call.own_form()
    request, client = await _kept(broker, call, "step-up", parameters)
    if parameters.get("answer") == "deny":
        raise Returned(flow.address_of(request), refusals.DENIED)
    return await departures.sign_in(broker, call, request, client, level=request.level, again=False)


async def consent(broker: Broker, call: Call) -> Effect:
    """POST /consent: the person agrees, or does not."""
    parameters = call.own_form()
    if (sealed := parameters.get("destination")) is not None:
        return await _consent_for_destination(broker, call, sealed, parameters.get("answer"))
    request, client = await _kept(broker, call, "consent", parameters)
    if parameters.get("answer") != "allow":
        broker.record("consent.refused", call, client=client, cause=refusals.DENIED)
        raise Returned(flow.address_of(request), refusals.DENIED)
    session = await broker.session_of(call)
    if session is not None:
        await agreements.keep(broker, call, client, session, flow.wanted_claims(request, client))
    return await steps.go_on(broker, call, request, client, session, agreed=True)


async def _consent_for_destination(broker: Broker, call: Call, sealed: str, answer: str | None) -> Effect:
    session = await broker.session_of(call)
    destination = agreements.answered_for(broker, sealed, session)
    client = broker.clients.get(destination.client)
    if session is None or client is None:
        raise Refusal(refusals.NO_REQUEST)
    if answer != "allow":
        broker.record("consent.refused", call, client=client, cause=refusals.DENIED)
        refusal = Refusal(refusals.DENIED)
        refusal.client = client.id
        raise refusal
    await agreements.keep(broker, call, client, session, agreements.wanted_at(client))
    broker.record("sign-in.done", call, client=client, session=session)
    return await ticketing.hand_over(broker, session, destination)


async def _kept(
    broker: Broker, call: Call, page: departures.Page, parameters: Parameters
) -> tuple[AuthorizationRequest, Client]:
    """What a choice was about, once.  Raises Refusal."""
    handle, mark = parameters.get("request"), call.cookies.get("flow")
    if handle is None or mark is None:
        raise Refusal(refusals.NO_REQUEST)
    reference = departures.reference(page, handle, mark, call.cookies.get("session", ""))
    request = await broker.store.pushed(reference)
    client = broker.clients.get(request.client) if request is not None else None
    if request is None or client is None:
        raise Refusal(refusals.NO_REQUEST)
    return request, client


ROUTES: Final = {
    ("POST", "/choose"): choose,
    ("POST", "/step-up"): step_up,
    ("POST", agreements.PATH): consent,
}
