"""What a person has allowed, on a page of their own: who is told what, where they are signed in, and taking it back.

GET  /allowed           the page; who is not signed in signs in first
POST /allowed/sign-in   with which account
POST /allowed/withdraw  the client is told nothing more, and what it still has to ask with is worth nothing
"""

import json
from datetime import date, datetime
from typing import Final, Literal
from urllib.parse import urlsplit

from proxy.login import departures, signing_out
from proxy.login.broker import Broker
from proxy.login.calls import Call
from proxy.sign_in_views import Agreed
from sso import refusals
from sso.clients import VIET_NAM
from sso.effects import Effect, Redirect, ShowPage
from sso.keys import Unsealable
from sso.model import Client, Destination, Session
from sso.refusals import Refusal
from sso.vocabulary import Claim, Level

PATH: Final = "/allowed"
OURSELVES: Final = Client(id="", name={"vi": ""}, sector="", level=Level.ONE, formats=frozenset())
"""Who asks for a sign-in that no client has asked for; no record can have this id."""

_SIGN_IN: Final = f"{PATH}/sign-in"
_WITHDRAW: Final = f"{PATH}/withdraw"
_PURPOSE: Final = "withdraw consent"
_PAGE_SECONDS: Final = 900


async def allowed(broker: Broker, call: Call) -> Effect:
    """The page."""
    session = await broker.session_of(call)
    if session is None:
        return await _sign_in(broker, call, "")
    return await _page(broker, session)


async def sign_in(broker: Broker, call: Call) -> Effect:
    """With which account."""
    return await _sign_in(broker, call, call.own_form().get("upstream") or "")


async def withdraw(broker: Broker, call: Call) -> Effect:
    """Take a consent back."""
    said, session = call.own_form(), await broker.session_of(call)
    if session is None:
        raise Refusal(refusals.NO_REQUEST)
    client = _meant(broker, said.get("consent") or "", session)
    identity = session.identity
    # Told before it is done, as at a sign-out: nobody stays signed in at a system that must not know them any more.
    for one in await broker.store.sessions_of(identity.upstream, identity.subject):
        if client in one.participations:
            await signing_out.tell_clients(broker, one, besides=one.participations.keys() - {client})
    if await broker.store.withdraw(identity.upstream, identity.subject, client):
        broker.record("consent.withdrawn", call, client=broker.clients.get(client), session=session)
    return Redirect(broker.issuer + PATH)


def arrived(broker: Broker) -> Redirect:
    """Where somebody goes who has signed in for this page."""
    return Redirect(broker.issuer + PATH)


async def _sign_in(broker: Broker, call: Call, chosen: str) -> Effect:
    offered = broker.upstreams.offered(OURSELVES)
    if len(offered) == 1:
        chosen = offered[0].id
    if not chosen:
        return departures.choices(broker, OURSELVES, OURSELVES.level, _SIGN_IN)
    parts = urlsplit(broker.issuer)
    scheme: Literal["https", "http"] = "https" if broker.secure else "http"
    here = Destination("", "", parts.netloc, PATH, OURSELVES.level, scheme)
    return await departures.depart(broker, call, here, OURSELVES, chosen, level=OURSELVES.level, again=False)


async def _page(broker: Broker, session: Session) -> ShowPage:
    identity, now = session.identity, broker.now()
    consents = await broker.store.consents(identity.upstream, identity.subject)
    rows = tuple(
        Agreed(
            name=broker.name_of(broker.clients.get(one.client)) or one.client,
            told=tuple(claim.value for claim in Claim if claim in one.claims),
            since=_day(one.since),
            until=_day(one.until),
            mark=_mark(broker, one.client, session),
        )
        for one in sorted(consents.values(), key=lambda one: one.since, reverse=True)
        if one.until > now
    )
    known = (broker.clients.get(name) for name in session.participations)
    facts = {
        "consents": rows,
        "systems": tuple(broker.name_of(client) for client in known if client is not None),
        "action": _WITHDRAW,
    }
    return ShowPage("allowed", facts)


def _day(instant: int) -> date:
    return datetime.fromtimestamp(instant, VIET_NAM).date()


def _mark(broker: Broker, client: str, session: Session) -> str:
    """What the button of a consent sends: only this session's own page has it."""
    told = {"client": client, "session": session.id, "until": broker.now() + _PAGE_SECONDS}
    return broker.signer.seal(json.dumps(told), purpose=_PURPOSE)


def _meant(broker: Broker, sealed: str, session: Session) -> str:
    try:
        said = json.loads(broker.signer.unseal(sealed, purpose=_PURPOSE))
    except Unsealable:
        raise Refusal(refusals.NO_REQUEST) from None
    if said["session"] != session.id or said["until"] < broker.now():
        raise Refusal(refusals.NO_REQUEST)
    return str(said["client"])


ROUTES: Final = {
    ("GET", PATH): allowed,
    ("POST", _SIGN_IN): sign_in,
    ("POST", _WITHDRAW): withdraw,
}
