"""The issuer's host: which endpoint answers a request, with what everything at hand, and how a refusal is told.

An endpoint is a function `(Broker, Call) -> Effect`; it raises Refusal, and here that becomes a page for people, JSON
for programs, or an answer to a client at an address that is proven.
"""

import logging
import traceback
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias

from aiohttp.web import BaseRequest, StreamResponse

from proxy.client_key_sets import ClientKeys
from proxy.login import calls, refusal_answers
from proxy.login.calls import Call
from proxy.login.responding import Responder
from sso import claims, flow, refusals
from sso.authorize import Returned
from sso.dpop import REMEMBER_SECONDS
from sso.effects import Effect, Text
from sso.events import AuditEvent
from sso.keys import Signer
from sso.model import Client, Digest, Identity, Session, digest
from sso.refusals import Cause, Refusal
from sso.store import Store, StoreUnavailable
from sso.upstreams.directory import Upstreams

Handler: TypeAlias = Callable[["Broker", Call], Awaitable[Effect]]
Routes: TypeAlias = Mapping[tuple[str, str], Handler]
"""(method, path) → endpoint; a path that ends in "/" stands for everything below it."""


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
        if refusal.cause.status >= 500:
            logging.getLogger(__name__).warning("sign-in request %s: %s", call.request_id, refusal.cause.speakable)
        return refusal_answers.answer(refusal, call, self.clients.get(refusal.client))

    def returned(self, returned: Returned, call: Call) -> Effect:
        """A refusal to the client that asked, at its proven address; at PAR, to the program itself."""
        if refusal_answers.is_program(call):
            return self.told(Refusal(returned.cause), call)
        client = self.clients.get(returned.address.client)
        if client is None:  # out of service since: its address is proven no more
            return self.told(Refusal(refusals.UNKNOWN_CLIENT), call)
        self.record("sign-in.refused", call, client=client, cause=returned.cause)
        return flow.error_answer(returned.address, returned.cause, issuer=self.issuer, client_name=self.name_of(client))

    def name_of(self, client: Client | None) -> str:
        """What people call a client."""
        return refusal_answers.name_of(client)

    # What is known

    async def session_of(self, call: Call) -> Session | None:
        """Who is signed in at this browser; being asked for renews the session's idle time."""
        cookie = call.cookies.get("session")
        if cookie is None:
            return None
        session = await self.store.session(digest(cookie), now=self.now(), idle_seconds=self.lifetimes.idle)
        return session if session is not None and session.absolute_end > self.now() else None

    def subject(self, identity: Identity, client: Client) -> str:
        """The `sub` that this client knows somebody by."""
        return claims.subject_for(identity, client, self.signer.salts)

    # Limits

    def admit(self, kind: str, client: str, call: Call) -> None:
        """Count a request.  Raises Refusal when there are too many from one address; no round trip.

        kind    one of sso.limits.RATES
        client  as it was named, which need not be one
        """
        if self.limiter is not None and (seconds := self.limiter.crowded(kind, client, call.peer, self.now())):
            raise Refusal(refusals.CROWDED if kind == "sign-in" else refusals.TOO_OFTEN, retry_after=seconds)

    def hold_off(self, kind: str, client: str, call: Call) -> None:
        """Raises Refusal while somebody is locked out; no round trip.  `kind`: one of sso.limits.LIMITS."""
        if self.limiter is not None and (seconds := self.limiter.locked(kind, client, call.peer, self.now())):
            raise Refusal(refusals.CLIENT_LOCKED, retry_after=seconds)

    async def failed(self, kind: str, client: str, call: Call) -> None:
        """Count a failure; one round trip."""
        if self.limiter is not None:
            await self.limiter.failed(kind, client, call.peer, self.now())

    # A system that has proven who it is hands on what browsers bring it.  Were it locked out for wrong codes, anybody
    # could lock a province out, by opening its return address twenty times; and 256 bits are not guessed.

    def hold_off_guesser(self, kind: str, client: Client, call: Call) -> None:
        """Raises Refusal while somebody is locked out who speaks for a client that can prove nothing."""
        if client.authentication == "none":
            self.hold_off(kind, client.id, call)

    async def guessed(self, kind: str, client: Client, call: Call) -> None:
        """Count something wrong that such a client has shown; one round trip, for others none."""
        if client.authentication == "none":
            await self.failed(kind, client.id, call)

    # What is kept

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


def _nothing_read(request: BaseRequest, peer: str, request_id: str) -> Call:
    """A call of which only the path is known, to answer what could not be read."""
    path = request.raw_path.partition("?")[0]
    return Call(request.method, path, "", "", "", {}, frozenset(), {}, peer, request_id)
