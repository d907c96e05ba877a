"""How a refusal is told: in words and with a code to read out to people, by the protocol's word to programs."""

from typing import Final
from urllib.parse import urlsplit

from proxy.login.calls import Call
from sso import userinfo
from sso.discovery import PATHS
from sso.effects import Effect, Json, ShowPage
from sso.model import Client
from sso.refusals import Cause, Refusal
from sso.upstreams.failures import UpstreamRefused

RETRY_SECONDS: Final = 5
"""How soon a store that does not answer is worth another try: it fails over within seconds."""

_PATIENCE_SECONDS: Final = 60
_PROGRAMS: Final = frozenset(
    {
        *(path for name, path in PATHS.items() if name not in {"authorization_endpoint", "end_session_endpoint"}),
        "/ticket/redeem",
    }
)


def is_program(call: Call) -> bool:
    """Whether an endpoint is for programs."""
    return call.path in _PROGRAMS or call.path.startswith(("/.well-known/", "/backchannel-logout"))


def answer(refusal: Refusal, call: Call, client: Client | None) -> Effect:
    """A refusal to whoever asked.  `client`: whose request it was, where that is proven."""
    cause, retry = refusal.cause, _retry_after(refusal)
    if not is_program(call):
        reason = refusal.fault.value if isinstance(refusal, UpstreamRefused) else ""
        return trouble(cause, client=client, retry=retry, reason=reason)
    headers = {"Retry-After": str(retry)} if retry is not None else {}
    if call.path == PATHS["userinfo_endpoint"]:
        headers |= userinfo.challenge(cause, _scheme(call))
    elif cause.status == 401:
        headers["WWW-Authenticate"] = 'Basic realm="client"'
    description = f"{cause.description} ({cause.speakable})"
    body = {"error": cause.error.value, "error_description": description}
    return Json(cause.status, body, {**headers, **refusal.headers})


def trouble(cause: Cause, *, client: Client | None = None, retry: int | None = None, reason: str = "") -> ShowPage:
    """The page that says what is wrong, with a code to read out, and a way back to the client that asked."""
    facts = {
        "code": cause.speakable,
        "reason": reason or cause.error.value,
        "status": cause.status,
        "client_name": name_of(client),
        "back": _home_of(client),
        "retry_after": retry,
    }
    return ShowPage("trouble", facts, cause.status, retry_after=retry)


def name_of(client: Client | None) -> str:
    """What people call a client."""
    return "" if client is None else client.name.get("vi") or client.id


def _home_of(client: Client | None) -> str:
    """Where people begin again: a registered address for people, else the front page of a registered host."""
    if client is None or not client.redirect_uris:
        return ""
    if client.post_logout_redirect_uris:
        return client.post_logout_redirect_uris[0]
    parts = urlsplit(client.redirect_uris[0])
    return f"{parts.scheme}://{parts.netloc}/"


def _scheme(call: Call) -> str:
    return "DPoP" if call.headers.get("authorization", "").lower().startswith("dpop ") else "Bearer"


def _retry_after(refusal: Refusal) -> int | None:
    if refusal.retry_after is not None:
        return refusal.retry_after
    return {503: RETRY_SECONDS, 429: _PATIENCE_SECONDS}.get(refusal.cause.status)
