"""What sign-in remembers, as promises that every store keeps; `tests/sso/stores/test_store.py` holds each to them.

Each method is one round trip: one command or one script, all or nothing.  Whatever is taken, redeemed or used is so
exactly once, however many ask at the same instant and on however many nodes.  A store that cannot answer raises
StoreUnavailable; the caller then refuses (503 with Retry-After), and never guesses.

Digests are computed by the caller: no store ever sees a code, token, secret or cookie.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from sso.model import (
    AccessToken,
    AuthorizationRequest,
    Binding,
    Consent,
    Destination,
    Digest,
    Grant,
    LoginAttempt,
    LogoutDelivery,
    Participation,
    Session,
    TokenTerms,
)


class StoreUnavailable(Exception):
    """The store did not answer, or not in time: nothing is known, so nothing is allowed."""


@dataclass(frozen=True, slots=True)
class Shown:
    """What comes with a code, and must be what the code was given out for."""

    redirect_uri: str
    code_challenge: str  # made of the verifier that is shown (RFC 7636 §4.6)
    jkt: str | None = None  # of the key whose possession is proven (RFC 9449 §10)
    bound_jkt: str | None = None  # what the grant is bound to from now on


@dataclass(frozen=True, slots=True)
class Redeemed:
    """The code was good, and is used up now."""

    grant: Grant


@dataclass(frozen=True, slots=True)
class Unfit:
    """The code is used up, and nothing was issued: what was shown with it is not what it was given out for."""

    grant: Grant


@dataclass(frozen=True, slots=True)
class Replayed:
    """The code or refresh token had been used before: everything of its grant has been revoked in the same step."""

    grant: str
    client: str


@dataclass(frozen=True, slots=True)
class Rotated:
    """The refresh token was good; the new one is in force."""

    grant: Grant
    repeated: bool = False  # within the grace: the answer before this one may have been lost


@dataclass(frozen=True, slots=True)
class Unknown:
    """No such code or token: never issued, expired, revoked, or another client's (a stolen code is burned by that)."""


@dataclass(frozen=True, slots=True)
class SignInRecord:
    """One line of a person's sign-in history: no address, no browser, no number."""

    at: int
    event: Literal["sign-in", "step-up", "client", "sign-out"]
    session: str  # handle
    upstream: str = ""
    client: str = ""  # who was told, for "client"
    level: int = 0


@dataclass(frozen=True, slots=True)
class Backlog:
    """How things stand with sign-outs that clients must hear of."""

    waiting: int
    given_up: int


@dataclass(frozen=True, slots=True)
class Ticket:
    """What a login ticket stands for: a session's identity for one client in one browser."""

    client: str
    session: str  # handle
    sid: str
    browser: Digest
    destination: Destination


class Store(Protocol):
    """Where sign-in keeps its state."""

    # Requests pushed (RFC 9126) and attempts under way

    async def push(self, reference: Digest, request: AuthorizationRequest, *, seconds: int) -> None:
        """Keep a pushed request under the digest of its request_uri."""

    async def pushed(self, reference: Digest) -> AuthorizationRequest | None:
        """Take it: the second time there is none."""

    async def begin(self, attempt: LoginAttempt, *, seconds: int) -> None:
        """Remember a visitor sent to an upstream."""

    async def attempt(self, state: Digest) -> LoginAttempt | None:
        """Take the attempt that a state belongs to: the second time there is none."""

    # Sessions

    async def open(
        self,
        session: Session,
        *,
        idle_seconds: int,
        replaces: Digest | None = None,
        code: tuple[Digest, Grant, int] | None = None,
    ) -> None:
        """Keep a session; the one it replaces (step-up, new sign-in) ends in the same step, its participations kept
        as `session` says.

        code  to be issued in the same round trip: its digest, what it stands for, and for how many seconds
        """

    async def session(self, session: Digest, *, now: int, idle_seconds: int) -> Session | None:
        """The session of a cookie; None when it ended.  Being asked for renews its idle time, to a sixtieth of it."""

    async def session_by_handle(self, handle: str) -> Session | None:
        """The same, for those who know it by its handle; renews nothing."""

    async def join(self, session: Digest, participation: Participation) -> Participation | None:
        """Add a client to a session: the participation in force, which may be an earlier one; None: it ended."""

    async def end(self, session: Digest) -> Session | None:
        """End a session and revoke every grant of it; what it was, for the logout of its clients."""

    async def sessions_of(self, upstream: str, subject: str) -> Sequence[Session]:
        """A person's sessions."""

    async def sessions_by_reference(self, reference: str) -> Sequence[Session]:
        """The same, by what stands for a person in audit events and commands (sso.claims.person_reference)."""

    async def history(self, reference: str) -> Sequence[SignInRecord]:
        """What became of a person's sign-ins lately, the newest first.  Kept in the same step as what it tells."""

    async def sessions_by_upstream_sid(self, upstream: str, sid: str) -> Sequence[Session]:
        """Those that an upstream's back-channel logout names."""

    # Consent that lasts

    async def consents(self, upstream: str, subject: str) -> Mapping[str, Consent]:
        """What a person has agreed to, by client; what has become old may be among it."""

    async def agree(self, upstream: str, subject: str, consent: Consent) -> None:
        """Keep a consent, until it is old; it takes the place of the one before."""

    async def withdraw(self, upstream: str, subject: str, client: str) -> bool:
        """Forget a consent, and revoke what the client still has of the person's sessions; whether there was one."""

    # Codes and tokens

    async def issue(self, code: Digest, grant: Grant, *, seconds: int) -> None:
        """Keep a code for one use; nothing is kept where the grant's session has been ended meanwhile."""

    async def redeem(
        self,
        code: Digest,
        client: str,
        *,
        shown: Shown,
        access: Digest,
        terms: TokenTerms,
        refresh: Digest | None = None,
        refresh_seconds: int = 0,
    ) -> Redeemed | Unfit | Replayed | Unknown:
        """Use a code up, hold it to what is shown with it, and keep what is issued for it, in one step.

        A code of another client is burned.  The refresh token is kept where the grant's scopes have offline_access.
        """

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
        terms: TokenTerms | None = None,
    ) -> Rotated | Replayed | Unknown:
        """Exchange a refresh token for its successor, and keep the access token if terms are given.

        Used again after the grace, its whole grant is revoked.  Used again within it, it gets a second successor: of
        the two the one that is used first goes on, and the other is then as good as used.  Another client's is revoked.
        """

    async def access_token(self, access: Digest) -> AccessToken | None:
        """What a token means; None: never issued, expired or revoked."""

    async def refresh_grant(self, refresh: Digest, *, now: int = 0, grace: int = 0) -> Grant | None:
        """The grant of a refresh token in force (introspection, RFC 7662); within the grace also of the one before."""

    async def revoke_token(self, token: Digest, client: str) -> None:
        """Revoke an access or refresh token of this client; a refresh token takes its grant along (RFC 7009 §2.1)."""

    async def revoke_grant(self, grant: str) -> None:
        """Revoke everything issued from one code."""

    # Once-only values, tickets, limits

    async def first_use(self, kind: str, value: Digest, *, seconds: int) -> bool:
        """Whether this jti, nonce or assertion is seen for the first time within its life."""

    async def put_ticket(self, ticket: Digest, meaning: Ticket, *, seconds: int) -> None:
        """Keep a login ticket for one use."""

    async def take_ticket(self, ticket: Digest, client: str, browser: Digest) -> Ticket | None:
        """Use it up, whoever asks; the meaning only to its client and browser."""

    async def bind(self, cookie: Digest, binding: Binding, *, seconds: int) -> None:
        """Keep what a portal host's own cookie stands for."""

    async def bound(self, cookie: Digest, *, now: int, idle_seconds: int) -> tuple[Binding, Session] | None:
        """What such a cookie stands for, with its session; None when either ended.  Renews the session's idle time."""

    async def unbind(self, cookie: Digest) -> None:
        """Forget such a cookie."""

    async def count(self, kind: str, key: Digest, *, window_seconds: int) -> int:
        """Count one event (a failed secret, a sign-in) and how many there were within the window."""

    # Logout deliveries

    async def enqueue(self, deliveries: Sequence[LogoutDelivery]) -> None:
        """Keep what must be delivered, durably."""

    async def due(self, *, now: int, limit: int, lease_seconds: int) -> Sequence[LogoutDelivery]:
        """Take what is due, for so long: a worker that dies loses its lease, not the delivery."""

    async def settled(self, delivery: LogoutDelivery) -> None:
        """Put back what was tried: delivered, waiting until `next_at`, or given up."""

    async def deliveries(self, client: str | None = None) -> Mapping[str, Sequence[LogoutDelivery]]:
        """What waits, was delivered lately or given up, by client."""

    async def backlog(self) -> Backlog:
        """How many wait, and how many were given up in the last eight days."""

    # Whole

    async def ping(self) -> None:
        """Raise StoreUnavailable unless the store answers."""

    async def close(self) -> None:
        """Let the connections go."""
