"""The Store on Valkey 7.2 or newer, or Redis 7 or newer.

Every method is one round trip.  What must be all or nothing is a script.  Everything has a time to live.  The store
must not throw keys away by itself (`maxmemory-policy noeviction`): a used code that is forgotten could be used again.
"""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from hmac import compare_digest
from typing import Any, Final, TypeVar

from redis.exceptions import NoScriptError, RedisError

from sso.claims import person_reference
from sso.model import (
    AccessToken,
    AuthorizationRequest,
    Binding,
    Digest,
    Grant,
    LoginAttempt,
    LogoutDelivery,
    Participation,
    Session,
)
from sso.store import Backlog, Redeemed, Replayed, Rotated, SignInRecord, StoreUnavailable, Ticket, Unknown
from sso.stores import encoding, scripts
from sso.stores.connections import MOST_CONNECTIONS, Connected, connected
from sso.stores.encoding import Damaged, Form
from sso.stores.scripts import Script
from sso.vocabulary import Claim

T = TypeVar("T")

NAMESPACE: Final = "dvc-sign-in"
TIMEOUT_SECONDS: Final = 1.0
_NEEDED: Final = {
    "maxmemory-policy": ("noeviction", "a used code that is thrown away could be used again"),
    "appendonly": ("yes", "a restart would sign everybody out, and forget which codes were used"),
}


def open_store(
    url: str,
    *,
    person_key: bytes = b"",
    timeout_seconds: float = TIMEOUT_SECONDS,
    namespace: str = NAMESPACE,
    on_damage: Callable[[str], None] | None = None,
) -> "ValkeyStore":
    """The store at an address (sso.stores.connections); nothing is sent yet.  Raises BadAddress.

    person_key  what references of persons are made with, the same for all who share the store
    on_damage   called with the kind of each value that could not be read
    """
    return ValkeyStore(
        connected(url, timeout_seconds=timeout_seconds),
        person_key=person_key,
        timeout_seconds=timeout_seconds,
        namespace=namespace,
        on_damage=on_damage,
    )


class ValkeyStore:
    """Where sign-in keeps its state."""

    def __init__(
        self,
        there: Connected,
        *,
        person_key: bytes = b"",
        timeout_seconds: float = TIMEOUT_SECONDS,
        namespace: str = NAMESPACE,
        on_damage: Callable[[str], None] | None = None,
    ) -> None:
        self._there = there
        self._client = there.client
        # A pool that blocks by itself costs half as much again for each step.
        self._turns = asyncio.Semaphore(MOST_CONNECTIONS)
        self._replicas = there.replicas
        self._wait_milliseconds = max(1, int(timeout_seconds * 500))  # the client's own patience must be longer
        self._person_key = person_key
        self._prefix = f"{{{namespace}}}:"
        self._on_damage = on_damage or (lambda _: None)

    # Requests pushed and attempts under way

    async def push(self, reference: Digest, request: AuthorizationRequest, *, seconds: int) -> None:
        """Keep a pushed request under the digest of its request_uri."""
        await self._set(f"par:{reference}", encoding.REQUEST.text(request), seconds)

    async def pushed(self, reference: Digest) -> AuthorizationRequest | None:
        """Take it: the second time there is none."""
        return self._read(encoding.REQUEST, await self._take(f"par:{reference}"))

    async def begin(self, attempt: LoginAttempt, *, seconds: int) -> None:
        """Remember a visitor sent to an upstream."""
        await self._set(f"try:{attempt.state}", encoding.ATTEMPT.text(attempt), seconds)

    async def attempt(self, state: Digest) -> LoginAttempt | None:
        """Take the attempt that a state belongs to: the second time there is none."""
        return self._read(encoding.ATTEMPT, await self._take(f"try:{state}"))

    # Sessions

    async def open(self, session: Session, *, idle_seconds: int, replaces: Digest | None = None) -> None:
        """Keep a session; the one it replaces ends in the same step."""
        identity = session.identity
        line = SignInRecord(
            at=session.seen_at,
            event="step-up" if replaces else "sign-in",
            session=session.handle,
            upstream=identity.upstream,
            level=int(identity.level),
        )
        fields = [part for pair in encoding.session_fields(session).items() for part in pair]
        await self._run(
            scripts.OPEN,
            session.id,
            session.handle,
            replaces or "",
            self._person(identity.upstream, identity.subject),
            _of_upstream(identity.upstream, session.upstream_sid) if session.upstream_sid else "",
            session.seen_at,
            session.absolute_end,
            idle_seconds,
            encoding.RECORD.text(line),
            *fields,
        )

    async def session(self, session: Digest, *, now: int, idle_seconds: int) -> Session | None:
        """The session of a cookie; None when it ended.  Being asked for renews its idle time."""
        return self._read_session(await self._run(scripts.SESSION, session, now, idle_seconds))

    async def session_by_handle(self, handle: str) -> Session | None:
        """The same, for those who know it by its handle; renews nothing."""
        return self._read_session(await self._run(scripts.BY_HANDLE, handle))

    async def join(
        self, session: Digest, participation: Participation, consent: frozenset[Claim] | None = None
    ) -> Participation | None:
        """Add a client to a session: the participation in force; None: it ended."""
        line = SignInRecord(at=participation.since, event="client", session="", client=participation.client)
        found = await self._run(
            scripts.JOIN,
            session,
            participation.client,
            encoding.PARTICIPATION.text(participation),
            "" if consent is None else encoding.CONSENT.text(consent),
            encoding.RECORD.text(line),
        )
        return self._read(encoding.PARTICIPATION, found)

    async def end(self, session: Digest) -> Session | None:
        """End a session and revoke every grant of it; what it was, for the logout of its clients."""
        return self._read_session(await self._run(scripts.END, session))

    async def sessions_of(self, upstream: str, subject: str) -> Sequence[Session]:
        """A person's sessions."""
        return await self.sessions_by_reference(self._person(upstream, subject))

    async def sessions_by_reference(self, reference: str) -> Sequence[Session]:
        """The same, by what stands for a person in audit events and commands."""
        return self._read_sessions(await self._run(scripts.BY_PERSON, reference))

    async def history(self, reference: str) -> Sequence[SignInRecord]:
        """What became of a person's sign-ins lately, the newest first."""
        found = [self._read(encoding.RECORD, text) for text in await self._run(scripts.HISTORY, reference)]
        return [record for record in found if record is not None]

    async def sessions_by_upstream_sid(self, upstream: str, sid: str) -> Sequence[Session]:
        """Those that an upstream's back-channel logout names."""
        return self._read_sessions(await self._run(scripts.BY_UPSTREAM_SID, _of_upstream(upstream, sid)))

    # Codes and tokens

    async def issue(self, code: Digest, grant: Grant, *, seconds: int) -> None:
        """Keep a code for one use; nothing is kept where the grant's session has been ended meanwhile."""
        await self._run(scripts.ISSUE, code, grant.id, encoding.GRANT.text(grant), grant.client, grant.session, seconds)

    async def redeem(
        self,
        code: Digest,
        client: str,
        *,
        access: Digest,
        token: AccessToken | None,
        refresh: Digest | None,
        refresh_seconds: int = 0,
    ) -> Redeemed | Replayed | Unknown:
        """Use a code up and keep what is issued for it, in one step."""
        answer = await self._run(
            scripts.REDEEM, code, client, *_issued(access, token), refresh if token and refresh else "", refresh_seconds
        )
        match answer:
            case ["redeemed", value]:
                grant = self._read(encoding.GRANT, value)
                return Unknown() if grant is None else Redeemed(grant)
            case ["replayed", grant_id, owner]:
                return Replayed(grant_id, owner)
        return Unknown()

    async def keep_tokens(
        self, grant: Grant, *, access: Digest, token: AccessToken, refresh: Digest | None, refresh_seconds: int
    ) -> bool:
        """Keep what a redeemed code's checks allowed; False: the grant was revoked meanwhile (a replay)."""
        text = encoding.GRANT.text(grant)
        kept = await self._run(
            scripts.KEEP_TOKENS, grant.id, *_issued(access, token), refresh or "", refresh_seconds, text
        )
        return bool(kept)

    async def rotate(
        self,
        refresh: Digest,
        client: str,
        *,
        successor: Digest,
        access: Digest,
        now: int,
        seconds: int,
        grace: int,
        token: AccessToken | None = None,
    ) -> Rotated | Replayed | Unknown:
        """Exchange a refresh token for its successor, and keep the access token if one is given."""
        answer = await self._run(
            scripts.ROTATE, refresh, client, successor, *_issued(access, token), now, seconds, grace
        )
        match answer:
            case ["rotated", value, repeated]:
                grant = self._read(encoding.GRANT, value)
                return Unknown() if grant is None else Rotated(grant, repeated=repeated == "1")
            case ["replayed", grant_id, owner]:
                return Replayed(grant_id, owner)
        return Unknown()

    async def access_token(self, access: Digest) -> AccessToken | None:
        """What a token means; None: never issued, expired or revoked."""
        return self._read(encoding.TOKEN, await self._run(scripts.ACCESS, access))

    async def refresh_grant(self, refresh: Digest, *, now: int = 0, grace: int = 0) -> Grant | None:
        """The grant of a refresh token in force; within the grace also of the one before."""
        return self._read(encoding.GRANT, await self._run(scripts.REFRESH_GRANT, refresh, now, grace))

    async def revoke_token(self, token: Digest, client: str) -> None:
        """Revoke an access or refresh token of this client; a refresh token takes its grant along."""
        await self._run(scripts.REVOKE_TOKEN, token, client)

    async def revoke_grant(self, grant: str) -> None:
        """Revoke everything issued from one code."""
        await self._run(scripts.REVOKE_GRANT, grant)

    # Once-only values, tickets, limits

    async def first_use(self, kind: str, value: Digest, *, seconds: int) -> bool:
        """Whether this jti, nonce or assertion is seen for the first time within its life."""
        return bool(await self._command("SET", self._prefix + f"once:{kind}:{value}", "1", "NX", "EX", max(1, seconds)))

    async def put_ticket(self, ticket: Digest, meaning: Ticket, *, seconds: int) -> None:
        """Keep a login ticket for one use."""
        await self._set(f"ticket:{ticket}", encoding.TICKET.text(meaning), seconds)

    async def take_ticket(self, ticket: Digest, client: str, browser: Digest) -> Ticket | None:
        """Use it up, whoever asks; the meaning only to its client and browser."""
        found = self._read(encoding.TICKET, await self._take(f"ticket:{ticket}"))
        if found is None or found.client != client or not compare_digest(found.browser.encode(), browser.encode()):
            return None
        return found

    async def bind(self, cookie: Digest, binding: Binding, *, seconds: int) -> None:
        """Keep what a portal host's own cookie stands for."""
        await self._set(f"b:{cookie}", f"{binding.session}\n{encoding.BINDING.text(binding)}", seconds)

    async def bound(self, cookie: Digest, *, now: int, idle_seconds: int) -> tuple[Binding, Session] | None:
        """What such a cookie stands for, with its session; None when either ended.  Renews the session's idle time."""
        found = await self._run(scripts.BOUND, cookie, now, idle_seconds)
        binding = self._read(encoding.BINDING, found[0]) if found else None
        session = self._read_session(found[1]) if found else None
        return None if binding is None or session is None else (binding, session)

    async def unbind(self, cookie: Digest) -> None:
        """Forget such a cookie."""
        await self._command("DEL", self._prefix + f"b:{cookie}")

    async def count(self, kind: str, key: Digest, *, window_seconds: int) -> int:
        """Count one event and how many there were within the window that the first of them began."""
        return int(await self._run(scripts.COUNT, f"count:{kind}:{key}", window_seconds))

    # Logout deliveries

    async def enqueue(self, deliveries: Sequence[LogoutDelivery]) -> None:
        """Keep what must be delivered, durably."""
        if deliveries:
            rows = (
                (one.id, one.client, one.next_at, one.created_at, encoding.DELIVERY.text(one)) for one in deliveries
            )
            await self._run(scripts.ENQUEUE, *(value for row in rows for value in row))

    async def due(self, *, now: int, limit: int, lease_seconds: int) -> Sequence[LogoutDelivery]:
        """Take what is due, for so long: a worker that dies loses its lease, not the delivery."""
        return self._read_deliveries(await self._run(scripts.DUE, now, limit, lease_seconds))

    async def settled(self, delivery: LogoutDelivery) -> None:
        """Put back what was tried; what was delivered meanwhile by another stays delivered."""
        await self._run(
            scripts.SETTLED, delivery.id, delivery.state, delivery.next_at, encoding.DELIVERY.text(delivery)
        )

    async def deliveries(self, client: str | None = None) -> Mapping[str, Sequence[LogoutDelivery]]:
        """What waits, was delivered lately or given up, by client, the newest first."""
        by_client: dict[str, list[LogoutDelivery]] = {}
        for delivery in self._read_deliveries(await self._run(scripts.DELIVERIES, client or "")):
            by_client.setdefault(delivery.client, []).append(delivery)
        return by_client

    async def backlog(self) -> Backlog:
        """How many wait, and how many were given up in the last eight days."""
        waiting, given_up = await self._run(scripts.BACKLOG)
        return Backlog(int(waiting), int(given_up))

    # Whole

    async def ping(self) -> None:
        """Raise StoreUnavailable unless the store answers."""
        await self._plain("PING")

    async def advice(self) -> tuple[str, ...]:
        """What is set otherwise than sign-in relies on, in words for operators; nothing where we may not look."""
        try:
            found = {name: await self._setting(name) for name in _NEEDED}
        except StoreUnavailable:
            return ()  # managed servers keep their settings to themselves
        return tuple(f"set {name} to {need}: {why}" for name, (need, why) in _NEEDED.items() if found[name] != need)

    async def _setting(self, name: str) -> str | None:
        answer = await self._plain("CONFIG", "GET", name)
        pairs = answer if isinstance(answer, dict) else dict(zip(answer[::2], answer[1::2], strict=True))
        return pairs.get(name)

    async def close(self) -> None:
        """Let the connections go."""
        await self._there.close()

    # How it is asked

    async def _set(self, key: str, text: str, seconds: int) -> None:
        await self._command("SET", self._prefix + key, text, "EX", max(1, seconds))

    async def _take(self, key: str) -> str | None:
        found = await self._command("GETDEL", self._prefix + key)
        return None if found is None else str(found)

    async def _run(self, script: Script, *arguments: str | int) -> Any:
        rest = (0, self._prefix, *arguments)
        send = self._command if script.must_last else self._plain
        try:
            return await send("EVALSHA", script.sha, *rest)
        except _Unloaded:
            return await send("EVAL", script.text, *rest)

    async def _command(self, *words: str | int) -> Any:
        """One command that changes something, and counts only when enough replicas have it."""
        if not self._replicas:
            return await self._plain(*words)
        async with self._client.pipeline(transaction=False) as pipe:
            pipe.execute_command(*words)
            pipe.execute_command("WAIT", self._replicas, self._wait_milliseconds)
            answer, copies = await self._asking(lambda: pipe.execute(raise_on_error=False))
        for one in (answer, copies):
            if isinstance(one, NoScriptError):
                raise _Unloaded
            if isinstance(one, Exception):
                raise StoreUnavailable(type(one).__name__)
        if int(copies) < self._replicas:
            raise StoreUnavailable("too few replicas have it")
        return answer

    async def _plain(self, *words: str | int) -> Any:
        def ask() -> Awaitable[Any]:
            question: Awaitable[Any] = self._client.execute_command(*words)  # type: ignore[no-untyped-call]
            return question

        return await self._asking(ask)

    async def _asking(self, ask: Callable[[], Awaitable[T]]) -> T:
        try:
            async with self._turns:
                answer = await ask()
        except NoScriptError:
            raise _Unloaded from None
        except (RedisError, OSError, TimeoutError) as error:
            _stop_if_cancelled()
            # The kind alone: a message could hold what was sent.
            raise StoreUnavailable(type(error).__name__) from None
        _stop_if_cancelled()
        return answer

    # What it says

    def _read(self, form: Form[T], text: str | None) -> T | None:
        if text is None:
            return None
        try:
            return form.value(text)
        except Damaged as error:
            self._on_damage(str(error))
            return None

    def _read_session(self, text: str | None) -> Session | None:
        if text is None:
            return None
        try:
            return encoding.session_of_text(text)
        except Damaged as error:
            self._on_damage(str(error))
            return None

    def _read_sessions(self, found: list[str]) -> list[Session]:
        sessions = (self._read_session(text) for text in found)
        return [session for session in sessions if session is not None]

    def _read_deliveries(self, texts: list[str]) -> list[LogoutDelivery]:
        found = (self._read(encoding.DELIVERY, text) for text in texts)
        return [delivery for delivery in found if delivery is not None]

    def _person(self, upstream: str, subject: str) -> str:
        return person_reference(upstream, subject, self._person_key)


class _Unloaded(Exception):
    """The store does not know the script yet, or any more."""


def _of_upstream(upstream: str, sid: str) -> str:
    # As a digest, so that keys stay short whatever an upstream sends.
    return hashlib.sha256(f"{upstream}\n{sid}".encode()).hexdigest()


def _issued(access: Digest, token: AccessToken | None) -> tuple[str, str, int]:
    if token is None:
        return "", "", 0
    return access, encoding.TOKEN.text(token), max(1, token.expires_at - token.issued_at)


def _stop_if_cancelled() -> None:
    """redis-py loses a cancellation that comes while it greets the server: who is to stop must stop all the same."""
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError
