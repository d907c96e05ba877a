"""Asking people what a client may be told, and keeping what they said."""

import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from proxy.login import departures
from proxy.login.broker import Broker
from proxy.login.calls import Call
from sso import claims, consents, flow, refusals
from sso.adapters.ticket import destination_facts, destination_from
from sso.effects import Cookie, ShowPage
from sso.keys import Unsealable
from sso.model import AuthorizationRequest, Client, Consent, Destination, Identity, Session
from sso.refusals import Refusal
from sso.vocabulary import SCOPES, Claim

PATH: Final = "/consent"
PAGE_SECONDS: Final = departures.PAGE_SECONDS

_NOTHING: Final[Mapping[str, Consent]] = MappingProxyType({})
_PURPOSE: Final = "consent for a destination"


async def kept(broker: Broker, client: Client, identity: Identity) -> Mapping[str, Consent]:
    """What a person has agreed to, by client.  A round trip only for a client that asks once."""
    if client.consent != "once":
        return _NOTHING
    return await broker.store.consents(identity.upstream, identity.subject)


async def keep(broker: Broker, call: Call, client: Client, session: Session, agreed: frozenset[Claim]) -> None:
    """Keep what a person has just agreed to, where the client's record says that it lasts; in the audit in any case."""
    if client.consent == "once":
        identity = session.identity
        before = await broker.store.consents(identity.upstream, identity.subject)
        given = consents.given(client, agreed, before.get(client.id), now=broker.now())
        await broker.store.agree(identity.upstream, identity.subject, given)
    broker.record("consent.given", call, client=client, session=session)


async def ask(
    broker: Broker,
    call: Call,
    request: AuthorizationRequest,
    client: Client,
    session: Session,
    wanted: frozenset[Claim],
    *,
    session_cookie: str,
    cookies: tuple[Cookie, ...] = (),
) -> ShowPage:
    """The page on which a person agrees, or does not, to what a request asks for."""
    satisfied = flow.satisfied(request)
    handle, cookie = await departures.keep(broker, call, "consent", satisfied, session_cookie=session_cookie)
    fields = (("request", handle),)
    return _page(broker, client, session, wanted, fields, (*cookies, cookie), request.ui_locales)


# For a destination, which is told everything that the client's record allows


def wanted_at(client: Client) -> frozenset[Claim]:
    """What a destination is told at the most."""
    return claims.allowed(client, SCOPES)


async def must_ask_for(broker: Broker, client: Client, session: Session) -> bool:
    """Whether the person must be asked before a destination is told who they are."""
    known = await kept(broker, client, session.identity)
    return consents.must_ask(client, wanted_at(client), known, now=broker.now())


def ask_for(broker: Broker, client: Client, session: Session, destination: Destination) -> ShowPage:
    """The page for a destination.  Nothing is kept: the page holds it sealed, and only this session can answer."""
    told = {"to": destination_facts(destination), "session": session.id, "until": broker.now() + PAGE_SECONDS}
    sealed = broker.signer.seal(json.dumps(told), purpose=_PURPOSE)
    return _page(broker, client, session, wanted_at(client), (("destination", sealed),), (), ())


def answered_for(broker: Broker, sealed: str, session: Session | None) -> Destination:
    """The destination that a page was about.  Raises Refusal for what is no page of ours, for this session."""
    try:
        said = json.loads(broker.signer.unseal(sealed, purpose=_PURPOSE))
    except Unsealable:
        raise Refusal(refusals.NO_REQUEST) from None
    if session is None or said["session"] != session.id or said["until"] < broker.now():
        raise Refusal(refusals.NO_REQUEST)
    return destination_from(said["to"])


def _page(
    broker: Broker,
    client: Client,
    session: Session,
    wanted: frozenset[Claim],
    fields: tuple[tuple[str, str], ...],
    cookies: tuple[Cookie, ...],
    languages: tuple[str, ...],
) -> ShowPage:
    shown = claims.released(session.identity, client, (), wanted)
    facts = {
        "client_name": broker.name_of(client),
        "legal_basis": client.legal_basis,
        "claims": tuple((name, _shown(value)) for name, value in shown.items()),
        "remembers": client.consent == "once",
        "days": client.consent_days,
        "action": PATH,
        "fields": fields,
    }
    return ShowPage("consent", facts, cookies=cookies, languages=languages)


def _shown(value: object) -> str:
    return str(value.get("formatted", "")) if isinstance(value, Mapping) else str(value)
