"""The browser's journey: from a client's request, by way of an upstream and our pages, back to the client with a code.

Each endpoint does its part and then asks `sso.flow` what comes next; none leads to another by itself.
"""

import dataclasses
from collections.abc import Mapping
from typing import Final

from proxy.login import departures, signing_out, ticketing
from proxy.login.broker import Broker
from proxy.login.calls import Call
from sso import authorize, callback, claims, flow, logout, profiles, refusals, request_objects
from sso.authorize import Returned
from sso.dpop import prove
from sso.effects import Cookie, Effect, Json, PostForm, Redirect, ShowPage, Text
from sso.flow import AskConsent, Proceed, Refuse, SignIn, StepUp
from sso.jws import BadToken
from sso.model import AuthorizationRequest, Client, Destination, LoginAttempt, Session, digest
from sso.parameters import Parameters
from sso.refusals import Refusal
from sso.upstreams.attempts import Identified
from sso.upstreams.failures import UpstreamRefused
from sso.vocabulary import Claim, Level


async def begin(broker: Broker, call: Call) -> Effect:
    """GET and POST /authorize (OIDC Core §3.1.2.1)."""
    parameters = call.parameters()
    client = authorize.client_of(parameters, broker.clients)
    if (uri := parameters.get("request_uri")) is not None or "request_uri" in parameters.repeated:
        request = await _pushed(broker, client, parameters.single(), uri or "")
    elif profiles.must_push(client):
        raise Returned(authorize.return_address(parameters, client), refusals.PUSH_REQUIRED)
    else:
        request = await _direct(broker, client, parameters)
    session = await broker.session_of(call)
    return await _go_on(broker, call, request, client, session)


async def push(broker: Broker, call: Call) -> Effect:
    """POST /par (RFC 9126 §2)."""
    client, parameters = await broker.client_of(call)
    if "request_uri" in parameters.values:
        raise Refusal(refusals.REQUEST_URI_FOREIGN)
    if parameters.get("client_id") not in {None, client.id}:
        raise Refusal(refusals.CLIENT_TWICE)
    request = await _direct(broker, client, parameters)
    if (proof := call.header("dpop")) is not None:
        key = prove(proof, method="POST", uri=f"{broker.issuer}/par", now=broker.now())
        await broker.once("dpop", key.jti)
        # RFC 9449 §10.1: named and proven, the two must agree.
        if request.jkt not in {None, key.jkt}:
            raise Refusal(refusals.JKT)
        request = dataclasses.replace(request, jkt=key.jkt)
    secret = broker.secrets()
    seconds = client.lifetimes.pushed_request
    await broker.store.push(digest(secret), request, seconds=seconds)
    return Json(201, {"request_uri": authorize.REQUEST_URI_PREFIX + secret, "expires_in": seconds})


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
        keys = await broker.keys_of(client)
        try:
            told = request_objects.read(signed, client, keys, issuer=broker.issuer, now=broker.now())
        except Refusal as refusal:
            raise _returned(parameters, client, refusal) from None
    address = authorize.return_address(told, client)
    if parameters.repeated:
        raise Returned(address, refusals.DUPLICATE)
    if signed is None and client.request_object_required:
        raise Returned(address, refusals.REQUEST_OBJECT_REQUIRED)
    return authorize.checked(told, client, address, subject_of_hint=_hints(broker, client))


def _returned(parameters: Parameters, client: Client, refusal: Refusal) -> Returned | Refusal:
    """The refusal for the address beside the request object, where that one is proven; else for a page."""
    try:
        return Returned(authorize.return_address(parameters, client), refusal.cause)
    except Refusal:
        return refusal


def _hints(broker: Broker, client: Client) -> "Hints":
    return Hints(broker, client)


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


# What comes next


async def _go_on(
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
            return await _consent_page(broker, call, request, client, session, wanted, session_cookie=cookie)
        case Proceed() if session is not None:
            part = flow.participation(client, session, now=broker.now(), secrets=broker.secrets)
            consent = flow.wanted_claims(request, client) if agreed and client.consent == "once" else None
            if client.id not in session.participations or consent is not None:
                joined = await broker.store.join(session.id, part, consent)
                if joined is None:
                    return await departures.sign_in(broker, call, request, client, level=request.level, again=False)
                part = joined
            return await _give_code(broker, call, request, client, session, part.sid)
    raise AssertionError("a step that needs a session, without one")


async def _give_code(
    broker: Broker, call: Call, request: AuthorizationRequest, client: Client, session: Session, sid: str
) -> Effect:
    granted = flow.grant(request, client, session, sid, now=broker.now(), secrets=broker.secrets)
    await broker.store.issue(digest(granted.code), granted.grant, seconds=granted.seconds)
    broker.record("sign-in.done", call, client=client, session=session)
    address = flow.address_of(request)
    return flow.code_answer(address, granted.code, issuer=broker.issuer, client_name=broker.name_of(client))


# Pages with a choice on them


def _own_form(call: Call) -> Parameters:
    """The fields of a form of ours.  Raises Refusal for one that another site has sent (Fetch Metadata §2.3)."""
    if call.query or call.headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"}:
        raise Refusal(refusals.CROSS_SITE)
    return call.parameters().single()


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


async def choose(broker: Broker, call: Call) -> Effect:
    """POST /choose: an upstream was chosen."""
    parameters = _own_form(call)
    request, client = await _kept(broker, call, "choose", parameters)
    again = bool(request.prompts & {"login", "select_account"}) or request.max_age == 0
    upstream = parameters.get("upstream") or ""
    return await departures.depart(broker, call, request, client, upstream, level=request.level, again=again)


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


async def step_up(broker: Broker, call: Call) -> Effect:
    """POST /step-up: the person goes on to a stronger sign-in, or does not."""
    parameters = _own_form(call)
    request, client = await _kept(broker, call, "step-up", parameters)
    if parameters.get("answer") == "deny":
        raise Returned(flow.address_of(request), refusals.DENIED)
    return await departures.sign_in(broker, call, request, client, level=request.level, again=False)


async def _consent_page(
    broker: Broker,
    call: Call,
    request: AuthorizationRequest,
    client: Client,
    session: Session,
    wanted: frozenset[Claim],
    *,
    session_cookie: str,
    cookies: tuple[Cookie, ...] = (),
) -> Effect:
    kept = flow.satisfied(request)
    handle, cookie = await departures.keep(broker, call, "consent", kept, session_cookie=session_cookie)
    shown = claims.released(session.identity, client, (), wanted)
    facts = {
        "client_name": broker.name_of(client),
        "legal_basis": client.legal_basis,
        "claims": tuple((name, _shown(value)) for name, value in shown.items()),
        "remembers": client.consent == "once",
        "action": "/consent",
        "fields": (("request", handle),),
    }
    return ShowPage("consent", facts, cookies=(*cookies, cookie), languages=request.ui_locales)


def _shown(value: object) -> str:
    return str(value.get("formatted", "")) if isinstance(value, Mapping) else str(value)


async def consent(broker: Broker, call: Call) -> Effect:
    """POST /consent: the person agrees, or does not."""
    parameters = _own_form(call)
    request, client = await _kept(broker, call, "consent", parameters)
    if parameters.get("answer") != "allow":
        broker.record("consent.refused", call, client=client, cause=refusals.DENIED)
        raise Returned(flow.address_of(request), refusals.DENIED)
    broker.record("consent.given", call, client=client)
    return await _go_on(broker, call, request, client, await broker.session_of(call), agreed=True)


# Back from an upstream


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
        if attempt is None or refused.page_only or isinstance(attempt.purpose, Destination):
            raise
        raise Returned(flow.address_of(attempt.purpose), refused.cause) from None
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
    return await _arrived(broker, call, attempt, opened)


def _sealed(broker: Broker, identified: Identified) -> Identified:
    """Their ID token is kept for their end-session endpoint, and is nobody's to read in the store."""
    if identified.id_token is None:
        return identified
    sealed = broker.signer.seal(identified.id_token, purpose=logout.UPSTREAM_ID_TOKEN)
    return dataclasses.replace(identified, id_token=sealed)


async def _arrived(broker: Broker, call: Call, attempt: LoginAttempt, opened: callback.Opened) -> Effect:
    """Somebody has signed in: open the session, with everything in it that the next step would have to add."""
    cookies = (Cookie("session", opened.cookie),)
    session, purpose = opened.session, attempt.purpose
    if isinstance(purpose, Destination):
        # With its part in it already: one round trip less.
        part = flow.participation(broker.clients[purpose.client], session, now=broker.now(), secrets=broker.secrets)
        session = flow.joined(session, part)
        await broker.store.open(session, idle_seconds=broker.lifetimes.idle, replaces=opened.replaces)
        broker.record("sign-in.done", call, client=broker.clients[purpose.client], session=session)
        return _with_cookies(await ticketing.finish(broker, session, purpose), cookies)
    client = broker.clients[purpose.client]
    step = flow.next_step(
        purpose,
        client,
        session,
        subject=broker.subject(session.identity, client),
        now=broker.now(),
        signed_in_since=attempt.created_at,
    )
    part = flow.participation(client, session, now=broker.now(), secrets=broker.secrets)
    if isinstance(step, Proceed):
        session = flow.joined(session, part)
    await broker.store.open(session, idle_seconds=broker.lifetimes.idle, replaces=opened.replaces)
    match step:
        case Proceed():
            effect = await _give_code(broker, call, purpose, client, session, part.sid)
        case AskConsent(wanted):
            effect = await _consent_page(broker, call, purpose, client, session, wanted, session_cookie=opened.cookie)
        case Refuse(cause):
            effect = broker.returned(Returned(flow.address_of(purpose), cause), call)
        case _:
            raise AssertionError("a sign-in that leads to another one")
    return _with_cookies(effect, cookies)


def _with_cookies(effect: Effect, cookies: tuple[Cookie, ...]) -> Effect:
    match effect:
        case Redirect() | PostForm() | ShowPage():
            return dataclasses.replace(effect, cookies=(*effect.cookies, *cookies))
        case Json() | Text():
            raise AssertionError("programs get no cookies")


ROUTES: Final = {
    ("GET", "/authorize"): begin,
    ("POST", "/authorize"): begin,
    ("POST", "/par"): push,
    ("POST", "/choose"): choose,
    ("POST", "/step-up"): step_up,
    ("POST", "/consent"): consent,
    ("GET", "/callback/"): return_from_upstream,
    ("POST", "/callback/"): return_from_upstream,
}
