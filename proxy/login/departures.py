"""Off to an upstream: the one there is, or the one that is chosen on a page; and how a page's choice is kept."""

from collections.abc import Awaitable, Callable
from typing import Final, Literal, TypeAlias

from proxy.login.broker import Broker
from proxy.login.calls import Call
from sso import refusals
from sso.effects import Cookie, Effect, ShowPage
from sso.model import AuthorizationRequest, Client, Destination, Digest, Session, digest
from sso.refusals import Refusal
from sso.upstreams.attempts import ATTEMPT_SECONDS
from sso.vocabulary import Level

PAGE_SECONDS: Final = 600
"""How long a page with a choice on it stays good."""

Page: TypeAlias = Literal["choose", "step-up", "consent"]
Finish: TypeAlias = Callable[[Broker, Session, Destination], Awaitable[Effect]]


async def sign_in(
    broker: Broker, call: Call, request: AuthorizationRequest, client: Client, *, level: Level, again: bool
) -> Effect:
    """On to the one upstream there is, or to the page on which to choose."""
    offered = broker.upstreams.offered(client, level)
    if len(offered) == 1:
        return await depart(broker, call, request, client, offered[0].id, level=level, again=again)
    handle, cookie = await keep(broker, call, "choose", request)
    return choices(broker, client, level, "/choose", (("request", handle),), (cookie,), request.ui_locales)


async def sign_in_for(broker: Broker, call: Call, destination: Destination, finish: Finish) -> Effect:
    """Somebody is to come to a destination: at once, when who is signed in is good enough, else by an upstream.

    Where several would do, the page's form posts the parameters of this call again, and `upstream` with them.
    """
    client = broker.clients.get(destination.client)
    if client is None:
        raise Refusal(refusals.UNKNOWN_CLIENT)
    level = max(destination.level, client.level)
    session = await broker.session_of(call)
    offered = broker.upstreams.offered(client, level)
    if session is not None and session.identity.level >= level and _accepts(client, session):
        return await finish(broker, session, destination)
    parameters = call.parameters()
    chosen = parameters.get("upstream") or destination.upstream
    if len(offered) == 1:
        chosen = offered[0].id
    if chosen in {one.id for one in offered}:
        return await depart(broker, call, destination, client, chosen, level=level, again=False)
    fields = tuple((name, value) for name, value in parameters.values.items() if name != "upstream")
    return choices(broker, client, level, call.path, fields)


def _accepts(client: Client, session: Session) -> bool:
    return not client.upstreams or session.identity.upstream in client.upstreams


def choices(
    broker: Broker,
    client: Client,
    level: Level,
    action: str,
    fields: tuple[tuple[str, str], ...] = (),
    cookies: tuple[Cookie, ...] = (),
    languages: tuple[str, ...] = (),
) -> ShowPage:
    """The page on which to choose an account.  Raises Refusal where none would do."""
    offered = broker.upstreams.offered(client, level)
    if not offered:
        raise Refusal(refusals.LEVEL_UNKNOWN)
    facts = {
        "client_name": broker.name_of(client),
        "level": level.value,
        "upstreams": tuple((one.id, one.names.get("vi") or one.id) for one in offered),
        "action": action,
        "fields": fields,
    }
    return ShowPage("choose", facts, cookies=cookies, languages=languages)


async def depart(
    broker: Broker,
    call: Call,
    purpose: AuthorizationRequest | Destination,
    client: Client,
    upstream: str,
    *,
    level: Level,
    again: bool,
) -> Effect:
    """Send the visitor to an upstream, and remember why they went."""
    if upstream not in {one.id for one in broker.upstreams.offered(client, level)}:
        raise Refusal(refusals.LEVEL_UNKNOWN)
    broker.admit("sign-in", client.id, call)
    asked = purpose if isinstance(purpose, AuthorizationRequest) else None
    cookie = call.cookies.get("session")
    # No login_hint: what a client knows somebody by means nothing to an upstream, and may be personal.
    attempt, departure = await broker.upstreams.begin(
        upstream,
        purpose,
        level=level,
        browser=call.cookies.get("browser"),
        now=broker.now(),
        secrets=broker.secrets,
        max_age=asked.max_age if asked is not None else None,
        force=again,
        ui_locales=asked.ui_locales if asked is not None else (),
        session=digest(cookie) if cookie is not None else None,
    )
    await broker.store.begin(attempt, seconds=ATTEMPT_SECONDS)
    return departure


def reference(page: Page, handle: str, flow_cookie: str, session_cookie: str) -> Digest:
    """What a page's choice is kept under: good only in the browser, and for the session, that the page was shown to.

    So a form that somebody else has prepared, and a page of before a sign-out, lead to nothing (CSRF).
    """
    return digest(f"{page} {handle} {flow_cookie} {session_cookie}")


async def keep(
    broker: Broker, call: Call, page: Page, request: AuthorizationRequest, *, session_cookie: str | None = None
) -> tuple[str, Cookie]:
    """Keep a request while somebody looks at a page: the handle for its form, and the cookie that goes with it.

    session_cookie  the one that the page's answer will come with, where it is not that of this call
    """
    handle = broker.secrets()
    mark = call.cookies.get("flow") or broker.secrets()
    own = call.cookies.get("session", "") if session_cookie is None else session_cookie
    await broker.store.push(reference(page, handle, mark, own), request, seconds=PAGE_SECONDS)
    return handle, Cookie("flow", mark)
