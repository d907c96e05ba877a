"""The issuer's host: which endpoint answers a request, with what everything at hand, and how a refusal is told.

An endpoint is a function `(Broker, Call) -> Effect`; it raises Refusal, and here that becomes a page for people, JSON
for programs, or an answer to a client at an address that is proven.
"""

import logging
import traceback
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, Protocol, TypeAlias

from aiohttp.web import BaseRequest, StreamResponse
from joserfc.jwk import KeySet

from proxy.login import calls
from proxy.login.calls import Call
from proxy.login.client_keys import ClientKeys
from proxy.login.responding import Responder
from sso import claims, client_authentication, flow, refusals, userinfo
from sso.authorize import Returned
from sso.client_authentication import Presented, Proven
from sso.discovery import PATHS
from sso.dpop import REMEMBER_SECONDS
from sso.effects import Effect, Json, ShowPage, Text
from sso.events import AuditEvent
from sso.keys import Signer
from sso.model import Client, Digest, Identity, Session, digest
from sso.parameters import Parameters
from sso.refusals import Cause, Refusal
from sso.store import Store, StoreUnavailable
from sso.upstreams.directory import Upstreams
from sso.upstreams.failures import UpstreamRefused, UpstreamUnavailable

Handler: TypeAlias = Callable[["Broker", Call], Awaitable[Effect]]
Routes: TypeAlias = Mapping[tuple[str, str], Handler]
"""(method, path) → endpoint; a path that ends in "/" stands for everything below it."""

RETRY_SECONDS: Final = 5
"""How soon a store that does not answer is worth another try: it fails over within seconds."""

_ASSERTED_AT = (
    "token_endpoint",
    "pushed_authorization_request_endpoint",
    "introspection_endpoint",
    "revocation_endpoint",
)


class Limiter(Protocol):
    """Who has failed too often."""

    def locked(self, kind: str, client: str, address: str, now: int) -> int:
        """For how many seconds more; 0: not at all.  Costs no round trip."""

    def crowded(self, kind: str, client: str, address: str, now: int) -> int:
        """Count a beginning; for how many seconds there are too many.  Costs no round trip."""

    async def failed(self, kind: str, client: str, address: str, now: int) -> int:
        """Count a failure; for how many seconds it locks whoever failed out."""


@dataclass(frozen=True, slots=True)
class SessionLifetimes:
    """How long somebody stays signed in, in seconds."""

    idle: int = 30 * 60
    absolute: int = 8 * 3600


def _nobody_writes(event: AuditEvent) -> None:
    """Where no audit is kept."""


def _nobody_counts(upstream: str, client: str, outcome: str, level: int = 0) -> None:
    """Where nothing is counted."""


@dataclass(slots=True)
class Broker:
    """Everything that the endpoints need, chosen by `proxy.login.opening`."""

    issuer: str  # without a slash at its end
    store: Store
    clients: Mapping[str, Client]
    current_signer: Callable[[], Signer]
    upstreams: Upstreams
    responder: Responder
    routes: Routes
    clock: Callable[[], int]
    secrets: Callable[[], str]
    lifetimes: SessionLifetimes = SessionLifetimes()
    limiter: Limiter | None = None  # None: nothing is limited
    audit: Callable[[AuditEvent], None] = _nobody_writes
    on_login: Callable[[str, str, str, int], None] = _nobody_counts  # upstream, client, outcome, level
    client_keys: ClientKeys = field(default_factory=ClientKeys)

    @property
    def signer(self) -> Signer:
        """Who signs now."""
        return self.current_signer()

    @property
    def secure(self) -> bool:
        """Whether the issuer is https; if not, this is development."""
        return self.issuer.startswith("https:")

    def now(self) -> int:
        """Seconds since 1970."""
        return self.clock()

    # Requests

    async def answer(self, request: BaseRequest, *, peer: str, request_id: str) -> StreamResponse:
        """Answer a request to the issuer's host.

        No address is ever made of what the request says of its host or scheme: the issuer is configured.
        peer  the visitor's address, for limits
        """
        call = _nothing_read(request, peer, request_id)
        try:
            call = await calls.read(request, secure=self.secure, peer=peer, request_id=request_id)
            handler = self._handler(call)
            effect = handler if isinstance(handler, Text) else await handler(self, call)
        except Refusal as refusal:
            effect = self.told(refusal, call)
        except Returned as returned:
            effect = self.returned(returned, call)
        except StoreUnavailable:
            effect = self.told(Refusal(refusals.UNAVAILABLE), call)
        except Exception as error:  # noqa: BLE001 - whatever is our fault is told as that
            # Its sort and place are enough to mend it; its message might quote what was sent.
            place = "".join(traceback.format_tb(error.__traceback__))
            logging.getLogger(__name__).error(  # noqa: TRY400 - as above
                "sign-in request %s failed: %s\n%s", request_id, type(error).__name__, place
            )
            effect = self.told(Refusal(refusals.FAILED), call)
        return self.responder.respond(effect, call)

    def _handler(self, call: Call) -> Handler | Text:
        parent = call.path[: call.path.rfind("/") + 1]
        for path in (call.path, parent if parent != "/" else call.path):
            if handler := self.routes.get((call.method, path)):
                return handler
            if others := sorted({method for method, known in self.routes if known == path}):
                return Text(405, "This method is not answered here.\n", headers={"Allow": ", ".join(others)})
        return Text(404, "Nothing is here.\n")

    def told(self, refusal: Refusal, call: Call) -> Effect:
        """A refusal to whoever asked: in words for people, by the protocol's word for programs."""
        cause = refusal.cause
        if cause.status >= 500:
            logging.getLogger(__name__).warning("sign-in request %s: %s", call.request_id, cause.speakable)
        retry = _retry_after(refusal)
        if not _asks_as_program(call):
            reason = refusal.fault.value if isinstance(refusal, UpstreamRefused) else ""
            return self.trouble(cause, retry=retry, reason=reason)
        headers = {"Retry-After": str(retry)} if retry is not None else {}
        if call.path == PATHS["userinfo_endpoint"]:
            headers |= userinfo.challenge(cause, _scheme(call))
        elif cause.status == 401:
            headers["WWW-Authenticate"] = 'Basic realm="client"'
        description = f"{cause.description} ({cause.speakable})"
        return Json(cause.status, {"error": cause.error.value, "error_description": description}, headers)

    def trouble(
        self, cause: Cause, *, client: Client | None = None, retry: int | None = None, reason: str = ""
    ) -> ShowPage:
        """The page that says what is wrong, with a code to read out."""
        facts = {
            "code": cause.speakable,
            "reason": reason or cause.error.value,
            "status": cause.status,
            "client_name": self.name_of(client),
            "retry_after": retry,
        }
        return ShowPage("trouble", facts, cause.status, retry_after=retry)

    def returned(self, returned: Returned, call: Call) -> Effect:
        """A refusal to the client that asked, at its proven address; at PAR, to the program itself."""
        if _asks_as_program(call):
            return self.told(Refusal(returned.cause), call)
        client = self.clients[returned.address.client]
        self.record("sign-in.refused", call, client=client, cause=returned.cause)
        return flow.error_answer(returned.address, returned.cause, issuer=self.issuer, client_name=self.name_of(client))

    def name_of(self, client: Client | None) -> str:
        """What people call a client."""
        return "" if client is None else client.name.get("vi") or client.id

    # What is known

    async def session_of(self, call: Call) -> Session | None:
        """Who is signed in at this browser; being asked for renews the session's idle time."""
        cookie = call.cookies.get("session")
        if cookie is None:
            return None
        session = await self.store.session(digest(cookie), now=self.now(), idle_seconds=self.lifetimes.idle)
        return session if session is not None and session.absolute_end > self.now() else None

    async def keys_of(self, client: Client) -> KeySet | None:
        """A client's public keys; None: it has none that could be used."""
        return await self.client_keys.of(client, self.now())

    def subject(self, identity: Identity, client: Client) -> str:
        """The `sub` that this client knows somebody by."""
        return claims.subject_for(identity, client, self.signer.salts)

    # Clients

    async def client_of(self, call: Call) -> tuple[Client, Parameters]:
        """Who speaks at an endpoint for programs, proven.  Raises Refusal."""
        parameters = call.form_parameters()
        shown = client_authentication.presented(parameters, call.header("authorization"))
        now = self.now()
        if self.limiter is not None and self.limiter.locked("client-secret", shown.client_id, call.peer, now):
            raise Refusal(refusals.CLIENT_LOCKED)
        try:
            proven = await self._proven(shown, now)
            if proven.jti is not None:
                await self.once("assertion", proven.jti, proven.remember_seconds, refusals.CLIENT)
        except Refusal as refusal:
            known = self.clients.get(shown.client_id)
            self.record("client.refused", call, client=known, cause=refusal.cause)
            if self.limiter is not None:
                await self.limiter.failed("client-secret", shown.client_id, call.peer, now)
            raise
        return proven.client, parameters

    async def _proven(self, shown: Presented, now: int) -> Proven:
        client = self.clients.get(shown.client_id)
        return client_authentication.prove(
            shown,
            client,
            await self.keys_of(client) if client is not None else None,
            issuer=self.issuer,
            endpoints=[self.issuer + PATHS[name] for name in _ASSERTED_AT],
            now=now,
        )

    async def once(
        self, kind: str, value: Digest, seconds: int = REMEMBER_SECONDS, cause: Cause = refusals.DPOP
    ) -> None:
        """Take a value that may be used once.  Raises Refusal for the second time."""
        if not await self.store.first_use(kind, value, seconds=seconds):
            raise Refusal(cause, "replayed")

    def record(
        self,
        event: str,
        call: Call,
        *,
        client: Client | None = None,
        cause: Cause | None = None,
        session: Session | None = None,
    ) -> None:
        """Write down what happened: ids of our own, fixed words, no value that somebody sent."""
        if event in {"sign-in.done", "sign-in.refused"}:
            upstream, level = (session.identity.upstream, session.identity.level) if session is not None else ("", 0)
            outcome = "ok" if cause is None else cause.error.value
            self.on_login(upstream, client.id if client is not None else "", outcome, int(level))
        self.audit(
            AuditEvent(
                at=self.now(),
                event=event,
                outcome="ok" if cause is None else cause.error.value,
                client=client.id if client is not None else "",
                upstream=session.identity.upstream if session is not None else "",
                level=session.identity.level.value if session is not None else 0,
                code=call.request_id,
                cause=cause.speakable if cause is not None else "",
                session=session.handle if session is not None else "",
            )
        )


_PROGRAMS = frozenset(
    {
        *(path for name, path in PATHS.items() if name not in {"authorization_endpoint", "end_session_endpoint"}),
        "/ticket/redeem",
    }
)


def _asks_as_program(call: Call) -> bool:
    return call.path in _PROGRAMS or call.path.startswith(("/.well-known/", "/backchannel-logout"))


def _scheme(call: Call) -> str:
    return "DPoP" if call.headers.get("authorization", "").lower().startswith("dpop ") else "Bearer"


def _retry_after(refusal: Refusal) -> int | None:
    if isinstance(refusal, UpstreamUnavailable):
        return refusal.retry_after_seconds
    if refusal.cause.status == 503:
        return RETRY_SECONDS
    return 60 if refusal.cause.status == 429 else None


def _nothing_read(request: BaseRequest, peer: str, request_id: str) -> Call:
    """A call of which only the path is known, to answer what could not be read."""
    path = request.raw_path.partition("?")[0]
    return Call(request.method, path, "", "", "", {}, frozenset(), {}, peer, request_id)
