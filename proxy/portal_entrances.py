"""The way from a portal's host to the issuer's and back: `/_edge/sign-in/begin`, `done` and `out`.

    protected path ─303▶ issuer/portal?entry=… ─▶ (sign-in) ─303▶ portal/_edge/sign-in/done?ticket=… ─303▶ that path

What the visitor wanted waits in a cookie of the portal's host, with the secret that the ticket must be redeemed with:
the issuer learns which portal it was and nothing of the form, and a ticket that was stolen on the way, or begun in
another browser, opens nothing (login CSRF).
"""

import base64
import binascii
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qsl

from proxy import portal_cookies
from proxy.gate_answers import GoTo, TurnedAway
from proxy.limiting import Limiter
from proxy.passing.fields import Fields
from proxy.portal_cookies import WAY
from proxy.portal_sessions import PortalSessions
from redirect_rules.decision import OUR_PREFIX
from sso.adapters.ticket import ENTRY_PURPOSE, entry_text
from sso.events import AuditEvent, AuditSink
from sso.keys import Signer
from sso.model import Client, Destination, digest
from sso.store import StoreUnavailable
from sso.vocabulary import Level

DONE: Final = f"/{OUR_PREFIX}/sign-in/done"
BEGIN: Final = f"/{OUR_PREFIX}/sign-in/begin"
OUT: Final = f"/{OUR_PREFIX}/sign-in/out"

RETRY_SECONDS: Final = 5
"""How soon a store that did not answer is worth another try."""

LONGEST_TARGET: Final = 2_000
"""Characters of an address that fit into a cookie: the longest link into a form has a fifth of it."""

_WAY_SECONDS: Final = 900
_MOST_WAYS: Final = 5  # sign-ins that one browser has begun at a portal and not ended


DOWN: Final = TurnedAway(503, "sign-in-down", retry_seconds=RETRY_SECONDS)


@dataclass(frozen=True, slots=True)
class Caller:
    """Whoever stands at a portal's host."""

    portal: str  # its id
    host: str  # as `PortalSessions.host_of` gives it
    fields: Fields  # of the request, as received
    address: str  # for limits only; "" where nobody knows
    request_id: str


class PortalEntrances:
    """Sends people to sign in, and takes them in when they come back."""

    def __init__(
        self,
        sessions: PortalSessions,
        *,
        signer: Callable[[], Signer],
        clients: Callable[[], Mapping[str, Client]],
        limiter: Limiter,
        audit: AuditSink,
    ) -> None:
        """`signer`, `clients`: those in force now."""
        self._sessions = sessions
        self._signer = signer
        self._clients = clients
        self._limiter = limiter
        self._audit = audit

    def begin(self, caller: Caller, target: str, *, client: str, level: Level, upstream: str = "") -> GoTo | TurnedAway:
        """To the issuer, for a session that opens `target` (origin-form, as sent).  `upstream`: "" is any."""
        if len(target) > LONGEST_TARGET or not is_plain(target):
            return TurnedAway(414, "uri-too-long")
        secure = self._sessions.secure
        secret, way = self._sessions.secrets(), self._sessions.secrets()[:12]
        destination = Destination(
            client=client,
            portal=caller.portal,
            host=caller.host,
            target=f"{DONE}?way={way}",
            level=level,
            scheme="https" if secure else "http",
            browser=digest(secret),
            upstream=upstream,
        )
        entry = self._signer().seal(entry_text(destination, now=self._sessions.clock()), purpose=ENTRY_PURPOSE)
        kept = base64.urlsafe_b64encode(target.encode()).rstrip(b"=").decode()
        left = [name for name in portal_cookies.read(caller.fields, secure=secure) if name.startswith(WAY)]
        gone = [portal_cookies.drop(name, secure=secure) for name in left] if len(left) >= _MOST_WAYS else []
        mark = portal_cookies.put(f"{WAY}{way}", f"{secret}.{kept}", secure=secure, seconds=_WAY_SECONDS)
        return GoTo(f"{self._sessions.issuer}/portal?entry={entry}", (*gone, mark))

    async def done(self, caller: Caller, raw_query: str, client_at: Callable[[str], str | None]) -> GoTo | TurnedAway:
        """Take a ticket, once, and go on to what was wanted.

        `client_at`: the client that a target is protected for.
        """
        now, secure = self._sessions.clock(), self._sessions.secure
        said = parse_qsl(raw_query, keep_blank_values=True)
        way, ticket = _one(said, "way"), _one(said, "ticket")
        kept = _kept(portal_cookies.read(caller.fields, secure=secure).get(f"{WAY}{way}", ""))
        if kept is None:
            return TurnedAway(400, "sign-in-cookies")
        secret, target = kept
        client = client_at(target)
        if client is None or not ticket:
            return TurnedAway(400, "sign-in-expired", again=again(target))
        if seconds := self._limiter.locked("ticket", client, caller.address, now):
            return TurnedAway(429, "sign-in-locked", retry_seconds=seconds)
        try:
            taken = await self._sessions.store.take_ticket(digest(ticket), client, digest(secret))
            if taken is None or (taken.destination.portal, taken.destination.host) != (caller.portal, caller.host):
                await self._limiter.failed("ticket", client, caller.address, now)
                self._note(caller, "ticket.refused", "ticket", client)
                return TurnedAway(400, "sign-in-expired", again=again(target))
            cookie = await self._sessions.bind(taken, portal=caller.portal, host=caller.host)
        except StoreUnavailable:
            return DOWN
        self._note(caller, "ticket.redeemed", "ok", client, taken.session)
        drop = portal_cookies.drop(f"{WAY}{way}", secure=secure)
        return GoTo(self._sessions.origin_of(caller.host) + target, (cookie, drop))

    async def out(self, caller: Caller) -> GoTo | TurnedAway:
        """Forget the portal's cookie, and on to the issuer, which ends the session everywhere."""
        try:
            cookie = await self._sessions.unbind(caller.fields)
        except StoreUnavailable:
            return DOWN
        return GoTo(f"{self._sessions.issuer}/logout", (cookie,))

    def _note(self, caller: Caller, event: str, outcome: str, client: str, session: str = "") -> None:
        at = self._sessions.clock()
        self._audit.write(
            AuditEvent(at, event, outcome, client=client, portal=caller.portal, code=caller.request_id, session=session)
        )


def again(target: str) -> str:
    """The path that begins a sign-in for a target; all behind `to=` is the target, as it was sent."""
    return f"{BEGIN}?to={target}"


def is_plain(target: str) -> bool:
    """Whether a target is an origin-form that every browser reads as a path of this host."""
    return target.startswith("/") and target.isascii() and target.isprintable() and not set('\\ <>"') & set(target)


def _one(said: list[tuple[str, str]], name: str) -> str:
    values = [value for own, value in said if own == name]
    return values[0] if len(values) == 1 else ""


def _kept(cookie: str) -> tuple[str, str] | None:
    """The secret and the target that a cookie keeps; None for one that is none of ours."""
    secret, dot, kept = cookie.partition(".")
    if not secret or not dot:
        return None
    try:
        target = base64.urlsafe_b64decode(kept + "=" * (-len(kept) % 4)).decode()
    except (binascii.Error, ValueError):
        return None
    return (secret, target) if is_plain(target) else None
