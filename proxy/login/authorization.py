"""What a client asks for: by a browser, or pushed beforehand, in parameters or in an object that it has signed."""

import dataclasses
from typing import Final

from proxy.login import client_proofs, steps
from proxy.login.broker import Broker
from proxy.login.calls import Call
from sso import authorize, profiles, refusals, request_objects
from sso.authorize import Returned
from sso.discovery import PATHS
from sso.effects import Effect, Json, PostForm
from sso.jws import BadToken
from sso.model import AuthorizationRequest, Client, digest
from sso.parameters import Parameters
from sso.refusals import Refusal

_PATH: Final = PATHS["authorization_endpoint"]
_PAR: Final = PATHS["pushed_authorization_request_endpoint"]
_RESENT: Final = "resent"


async def begin(broker: Broker, call: Call) -> Effect:
    """GET and POST /authorize (OIDC Core §3.1.2.1)."""
    parameters = call.parameters()
    client = authorize.client_of(parameters, broker.clients)
    try:
        broker.admit("authorize", client.id, call)
        if _came_without_cookies(call, parameters):
            return _sent_once_more(broker, client, parameters)
        request = await _asked(broker, client, parameters)
        session = await broker.session_of(call)
        return await steps.go_on(broker, call, request, client, session)
    except Refusal as refusal:
        refusal.client = client.id
        raise


def _came_without_cookies(call: Call, parameters: Parameters) -> bool:
    """Whether this is a form that a client's own site has sent: no cookie of ours comes with it (SameSite=Lax)."""
    from_elsewhere = call.headers.get("sec-fetch-site", "cross-site") == "cross-site"
    fresh = _RESENT not in parameters.values and not parameters.repeated
    return call.method == "POST" and not call.cookies and from_elsewhere and fresh


def _sent_once_more(broker: Broker, client: Client, parameters: Parameters) -> PostForm:
    """A page of ours that sends the same to ourselves, with our cookies: who is signed in is not asked again.

    It carries what a request may consist of and nothing else, for a client that is known and an address of it.
    Raises Refusal.
    """
    if "request" not in parameters.values and "request_uri" not in parameters.values:
        authorize.return_address(parameters, client)
    fields = [(name, value) for name, value in parameters.values.items() if name in authorize.PARAMETERS]
    return PostForm(broker.issuer + _PATH, (*fields, (_RESENT, "1")), broker.name_of(client))


async def push(broker: Broker, call: Call) -> Effect:
    """POST /par (RFC 9126 §2)."""
    client, parameters = await client_proofs.client_of(broker, call)
    if "request_uri" in parameters.values:
        raise Refusal(refusals.REQUEST_URI_FOREIGN)
    if parameters.get("client_id") not in {None, client.id}:
        raise Refusal(refusals.CLIENT_TWICE)
    request = await _direct(broker, client, parameters)
    jkt = await client_proofs.take_key(broker, client, client_proofs.shown_key(broker, call, _PAR))
    if jkt is not None:
        # RFC 9449 §10.1: named and proven, the two must agree.
        if request.jkt not in {None, jkt}:
            raise Refusal(refusals.JKT)
        request = dataclasses.replace(request, jkt=jkt)
    secret = broker.secrets()
    seconds = client.lifetimes.pushed_request
    await broker.store.push(digest(secret), request, seconds=seconds)
    body = {"request_uri": authorize.REQUEST_URI_PREFIX + secret, "expires_in": seconds}
    return Json(201, body, client_proofs.next_nonce(broker, client))


async def _asked(broker: Broker, client: Client, parameters: Parameters) -> AuthorizationRequest:
    if (uri := parameters.get("request_uri")) is not None or "request_uri" in parameters.repeated:
        return await _pushed(broker, client, parameters.single(), uri or "")
    if profiles.must_push(client):
        raise Returned(authorize.return_address(parameters, client), refusals.PUSH_REQUIRED)
    return await _direct(broker, client, parameters)


async def _pushed(broker: Broker, client: Client, parameters: Parameters, uri: str) -> AuthorizationRequest:
    """A request of our own PAR endpoint, once."""
    try:
        secret = authorize.request_uri_secret(uri)
    except Refusal as refusal:
        raise _returned(parameters, client, refusal) from None
    request = await broker.store.pushed(digest(secret))
    if request is None or request.client != client.id:
        raise Refusal(refusals.REQUEST_URI)
    return request


async def _direct(broker: Broker, client: Client, parameters: Parameters) -> AuthorizationRequest:
    """A request by parameters, or by a signed object that then counts alone (RFC 9101 §6.3)."""
    told = parameters
    if (signed := parameters.get("request")) is not None:
        try:
            told = await client_proofs.with_keys(
                broker,
                client,
                lambda keys: request_objects.read(signed, client, keys, issuer=broker.issuer, now=broker.now()),
            )
        except Refusal as refusal:
            raise _returned(parameters, client, refusal) from None
    address = authorize.return_address(told, client)
    if parameters.repeated:
        raise Returned(address, refusals.DUPLICATE)
    if signed is None and client.request_object_required:
        raise Returned(address, refusals.REQUEST_OBJECT_REQUIRED)
    return authorize.checked(told, client, address, subject_of_hint=Hints(broker, client))


def _returned(parameters: Parameters, client: Client, refusal: Refusal) -> Returned | Refusal:
    """The refusal for the address beside the request object, where that one is proven; else for a page."""
    try:
        return Returned(authorize.return_address(parameters, client), refusal.cause)
    except Refusal:
        return refusal


@dataclasses.dataclass(frozen=True, slots=True)
class Hints:
    """Reads id_token_hints of one client."""

    broker: Broker
    client: Client

    def __call__(self, hint: str) -> str | None:
        """The `sub` of an ID token of ours for this client, however old; None: it is none."""
        try:
            said = self.broker.signer.verify(
                hint, typ="JWT", issuer=self.broker.issuer, audience=self.client.id, now=None
            )
        except BadToken:
            return None
        subject = said.get("sub")
        return subject if isinstance(subject, str) else None


ROUTES: Final = {
    ("GET", _PATH): begin,
    ("POST", _PATH): begin,
    ("POST", _PAR): push,
}
