"""GET and POST /rehearsal?for=…: somebody with an invitation sees what a client would be told about them.

They sign in as for that client (its upstreams, its level, its consent), and come back here; the client hears nothing of
it but, if they sign out, that a session has ended.
"""

from typing import Final, Literal
from urllib.parse import urlencode, urlsplit

from proxy.login.broker import Broker
from proxy.login.calls import Call
from proxy.login.departures import sign_in_for
from sso import claims, refusals, rehearsal
from sso.effects import Effect, ShowPage
from sso.keys import Unsealable
from sso.model import Destination, Session
from sso.refusals import Refusal
from sso.vocabulary import SCOPES

_NOBODYS: Final = "0" * 64
"""In place of the digest of a browser's secret: the ticket that comes back with people is nobody's to redeem."""


async def rehearse(broker: Broker, call: Call) -> Effect:
    """Sign in as for a client, and see."""
    sealed = call.parameters().get("for") or ""
    try:
        id_ = rehearsal.invited(broker.signer.unseal(sealed, purpose=rehearsal.PURPOSE), now=broker.now())
    except Unsealable:
        raise Refusal(refusals.ENTRY) from None
    client = broker.clients.get(id_)
    if client is None:
        raise Refusal(refusals.UNKNOWN_CLIENT)
    parts = urlsplit(broker.issuer)
    scheme: Literal["https", "http"] = "https" if broker.secure else "http"
    target = f"{rehearsal.PATH}?{urlencode({'for': sealed})}"
    here = Destination(client.id, "", parts.netloc, target, client.level, scheme, _NOBODYS)
    return await sign_in_for(broker, call, here, finish)


async def finish(broker: Broker, session: Session, destination: Destination) -> ShowPage:
    """The page."""
    client = broker.clients.get(destination.client)
    if client is None:
        raise Refusal(refusals.UNKNOWN_CLIENT)
    told = claims.told(session.identity, client, SCOPES, salts=broker.signer.salts, now=broker.now())
    facts = {
        "client_name": broker.name_of(client),
        "level": int(session.identity.level),
        "told": rehearsal.covered(told),
        "lacking": rehearsal.lacking(told, client),
    }
    return ShowPage("rehearsal", facts)


ROUTES: Final = {("GET", rehearsal.PATH): rehearse, ("POST", rehearsal.PATH): rehearse}
