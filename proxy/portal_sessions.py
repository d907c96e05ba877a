"""Who is signed in at a portal's host: a cookie of that host, bound to a session that the issuer's host keeps."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from proxy import portal_cookies
from proxy.passing.fields import Field
from proxy.portal_cookies import SESSION
from redirect_rules.canonical import BadHost, canonical_host
from sso.model import Binding, Session, digest
from sso.store import Store, Ticket

_LOCALHOST: Final = ".localhost"


@dataclass(frozen=True, slots=True)
class Lifetimes:
    """Of sessions, in seconds."""

    idle: int = 1_800
    absolute: int = 8 * 3_600


class PortalSessions:
    """The sessions behind the cookies of portals' hosts."""

    def __init__(
        self,
        store: Store,
        *,
        issuer: str,
        clock: Callable[[], int],
        secrets: Callable[[], str],
        lifetimes: Lifetimes | None = None,
    ) -> None:
        """`issuer`: its origin, over plain http only in development; `clock`: seconds since 1970; `secrets` gives
        fresh url-safe values of 256 bits.
        """
        self.store = store
        self.issuer = issuer
        self.clock = clock
        self.secrets = secrets
        self._lifetimes = lifetimes or Lifetimes()
        parts = urlsplit(issuer)
        self.secure = parts.scheme == "https"
        self._port = f":{parts.port}" if parts.port is not None else ""

    def host_of(self, named: str) -> str:
        """A portal's host as its visitors' browsers know it, at the port that they reach us by.

        `named`: a Host field's value.  Raises BadHost: over plain http cookies are for *.localhost alone.
        """
        host = canonical_host(named)
        if not self.secure and not host.endswith(_LOCALHOST):
            raise BadHost("sign-in over plain http is for development on *.localhost")
        return host + self._port

    def origin_of(self, host: str) -> str:
        """The origin of a host that `host_of` gave."""
        return f"{'https' if self.secure else 'http'}://{host}"

    async def of(self, fields: Iterable[Field], *, portal: str, host: str, client: str) -> Session | None:
        """The session of whoever sends these fields to a portal, for one client.  Raises StoreUnavailable.

        One round trip; none where no cookie came.
        """
        cookie = portal_cookies.read(fields, secure=self.secure).get(SESSION)
        if not cookie:
            return None
        bound = await self.store.bound(digest(cookie), now=self.clock(), idle_seconds=self._lifetimes.idle)
        if bound is None:
            return None
        binding, session = bound
        # A part in the session that was taken back, as by withdrawing consent, opens nothing any more.
        part = session.participations.get(client)
        taken_part = part is not None and part.sid == binding.sid
        return (
            session if taken_part and (binding.portal, binding.host, binding.client) == (portal, host, client) else None
        )

    async def bind(self, ticket: Ticket, *, portal: str, host: str) -> str:
        """Make a cookie of a ticket that was taken; its Set-Cookie value.  Raises StoreUnavailable."""
        value = self.secrets()
        binding = Binding(ticket.client, portal, host, ticket.session, ticket.sid, self.clock())
        await self.store.bind(digest(value), binding, seconds=self._lifetimes.absolute)
        return portal_cookies.put(SESSION, value, secure=self.secure)

    async def unbind(self, fields: Iterable[Field]) -> str:
        """Forget the cookie that came; the Set-Cookie value that takes it away.  Raises StoreUnavailable."""
        if cookie := portal_cookies.read(fields, secure=self.secure).get(SESSION):
            await self.store.unbind(digest(cookie))
        return portal_cookies.drop(SESSION, secure=self.secure)
