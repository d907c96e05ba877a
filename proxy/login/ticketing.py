"""Sign-in for a destination: a visitor comes back to a portal, or to a system that takes tickets, with a ticket.

GET  /portal?entry=…                        from a portal's host, which has sealed where to come back to
GET  /ticket?client_id=&return=&browser=    from a system that takes tickets (`formats = ["ticket"]`)
POST /ticket/redeem                         that system asks what its ticket stands for
"""

from collections.abc import Mapping
from typing import Final

from proxy.login import agreements, client_proofs
from proxy.login.broker import Broker, Handler
from proxy.login.calls import Call
from proxy.login.departures import sign_in_for
from sso import claims, refusals
from sso.adapters import ticket
from sso.adapters.ticket import ENTRY_PURPOSE, TICKET_SECONDS
from sso.effects import Effect, Json, Redirect
from sso.keys import Unsealable
from sso.model import Destination, Session, digest
from sso.refusals import Refusal
from sso.vocabulary import SCOPES


async def finish(broker: Broker, session: Session, destination: Destination) -> Effect:
    """Send the visitor on with a ticket; where the client's record wants them to be asked first, with a question."""
    client = broker.clients.get(destination.client)
    if client is None:
        raise Refusal(refusals.UNKNOWN_CLIENT)
    if await agreements.must_ask_for(broker, client, session):
        return agreements.ask_for(broker, client, session, destination)
    return await hand_over(broker, session, destination)


async def hand_over(broker: Broker, session: Session, destination: Destination) -> Redirect:
    """Send the visitor on with a ticket."""
    issued = ticket.issue(session, destination, now=broker.now(), secrets=broker.secrets)
    if destination.client not in session.participations:
        joined = await broker.store.join(session.id, issued.participation)
        if joined is None:
            raise Refusal(refusals.NO_REQUEST)
    await broker.store.put_ticket(issued.digest, issued.meaning, seconds=TICKET_SECONDS)
    return Redirect(issued.uri)


async def portal(broker: Broker, call: Call) -> Effect:
    """A portal's host sent somebody to sign in."""
    sealed = call.parameters().get("entry") or ""
    try:
        text = broker.signer.unseal(sealed, purpose=ENTRY_PURPOSE)
    except Unsealable:
        raise Refusal(refusals.ENTRY) from None
    destination = ticket.destination_of(text, now=broker.now())
    client = broker.clients.get(destination.client)
    if client is None or destination.portal not in client.portals:
        raise Refusal(refusals.UNKNOWN_CLIENT)
    return await sign_in_for(broker, call, destination, finish)


async def wanted(broker: Broker, call: Call) -> Effect:
    """A system that takes tickets sent somebody to sign in."""
    said = call.parameters()
    client = broker.clients.get(said.get("client_id") or "")
    if client is None:
        raise Refusal(refusals.UNKNOWN_CLIENT)
    destination = ticket.asked_for(
        client, return_uri=said.get("return") or "", browser=said.get("browser") or "", level=said.get("level") or ""
    )
    return await sign_in_for(broker, call, destination, finish)


async def redeem(broker: Broker, call: Call) -> Effect:
    """What a ticket stands for, told once, to the client that asked for it, with its browser's secret."""
    client, said = await client_proofs.client_of(broker, call)
    now = broker.now()
    broker.hold_off_guesser("ticket", client, call)
    taken = await broker.store.take_ticket(
        digest(said.get("ticket") or ""), client.id, digest(said.get("browser") or "")
    )
    session = (
        await broker.store.session_by_handle(taken.session)
        if taken is not None and not taken.destination.portal
        else None
    )
    # Of a part that was taken back meanwhile, as by withdrawing consent, nothing is told.
    part = session.participations.get(client.id) if session is not None else None
    if taken is None or session is None or part is None or part.sid != taken.sid:
        await broker.guessed("ticket", client, call)
        broker.record("ticket.refused", call, client=client, cause=refusals.TICKET)
        raise Refusal(refusals.TICKET)
    told = claims.told(session.identity, client, SCOPES, salts=broker.signer.salts, now=now)
    broker.record("ticket.redeemed", call, client=client, session=session)
    return Json(200, told | {"iss": broker.issuer, "aud": client.id, "iat": now, "sid": taken.sid})


ROUTES: Final[Mapping[tuple[str, str], Handler]] = {
    ("GET", "/portal"): portal,
    ("POST", "/portal"): portal,
    ("GET", "/ticket"): wanted,
    ("POST", "/ticket"): wanted,
    ("POST", "/ticket/redeem"): redeem,
}
