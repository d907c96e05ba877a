"""Logout tokens on their way to clients: each worker takes what is due from the store and posts it (OIDC Back-Channel
Logout 1.0 §2.5), until the client has it or a day has passed.

Two workers never hold one delivery: a lease keeps it, and a worker that dies loses the lease, not the delivery.  A
client that is down, or takes its time, holds nobody else up.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import Final

from aiohttp import ClientError, ClientSession
from yarl import URL

from proxy.outbound_addresses import AddressRefused, guarded_session, is_refused
from sso import logout
from sso.egress import Networks
from sso.events import AuditEvent
from sso.keys import Signer
from sso.model import Client, LogoutDelivery
from sso.store import Backlog, Store, StoreUnavailable

LOOK_SECONDS: Final = 1.0
"""How often a worker looks for what is due."""
BACKLOG_SECONDS: Final = 15
"""How often it counts what waits."""
AT_ONCE: Final = 32
"""Posts under way in one worker."""
LEASE_SECONDS: Final = 60
"""Longer than everything that one post may take."""
POST_SECONDS: Final = 10
DOWN_SECONDS: Final = 10
"""How long, at the most, a client that was just not there counts as such: what waits for it must not take the places of
those who are."""

_NOT_THERE: Final = frozenset({"timeout", "no connection"})

_log = logging.getLogger(__name__)


class LogoutWorker:
    """Delivers logout tokens, one worker in each process."""

    def __init__(
        self,
        store: Store,
        clients: Mapping[str, Client],
        *,
        issuer: str,
        signer: Callable[[], Signer],
        clock: Callable[[], int],
        secrets: Callable[[], str],
        allowed: Networks = (),
        audit: Callable[[AuditEvent], None] | None = None,
        on_backlog: Callable[[Backlog], None] | None = None,
    ) -> None:
        self._store = store
        self._clients = clients
        self._issuer = issuer
        self._signer = signer
        self._clock = clock
        self._secrets = secrets
        self._allowed = allowed
        self._audit = audit or (lambda _: None)
        self._on_backlog = on_backlog or (lambda _: None)
        self._looked_at = 0
        self._down: dict[str, tuple[int, str]] = {}  # clients that were not there: until when, and how they failed

    async def run(self) -> None:
        """Deliver until cancelled."""
        under_way: set[asyncio.Task[None]] = set()
        try:
            async with guarded_session(self._allowed, seconds=POST_SECONDS) as http:
                while True:
                    free = AT_ONCE - len(under_way)
                    taken = await self._turn(http, under_way, free)
                    if taken == free:
                        # More may be due: whoever is done first makes room.
                        await asyncio.wait(under_way, timeout=LOOK_SECONDS, return_when=asyncio.FIRST_COMPLETED)
                    else:
                        await asyncio.sleep(LOOK_SECONDS)
        finally:
            for task in under_way:
                task.cancel()

    async def _turn(self, http: ClientSession, under_way: "set[asyncio.Task[None]]", most: int) -> int:
        """Begin what is due; how many there were."""
        try:
            due = await self._store.due(now=self._clock(), limit=most, lease_seconds=LEASE_SECONDS) if most else ()
            await self._look()
        except StoreUnavailable:
            return 0  # what is due stays due
        except Exception:  # noqa: BLE001 - see _kept_going
            _log.exception("logout deliveries failed")
            return 0
        for delivery in due:
            task = asyncio.ensure_future(self._kept_going(http, delivery))
            under_way.add(task)
            task.add_done_callback(under_way.discard)
        return len(due)

    async def _kept_going(self, http: ClientSession, delivery: LogoutDelivery) -> None:
        try:
            await self._deliver(http, delivery)
        except Exception:  # noqa: BLE001 - see below
            # A fault of ours in one delivery must not take sign-in away from everybody.
            _log.exception("a logout delivery failed")

    async def _look(self) -> None:
        """Tell how many wait, now and then."""
        now = self._clock()
        if now - self._looked_at >= BACKLOG_SECONDS:
            self._looked_at = now
            self._on_backlog(await self._store.backlog())

    async def deliver_due(self, http: ClientSession) -> int:
        """Post what is due now, and wait for what comes of it; how many there were."""
        due = await self._store.due(now=self._clock(), limit=AT_ONCE, lease_seconds=LEASE_SECONDS)
        async with asyncio.TaskGroup() as tasks:
            for delivery in due:
                tasks.create_task(self._deliver(http, delivery))
        return len(due)

    async def _deliver(self, http: ClientSession, delivery: LogoutDelivery) -> None:
        error = self._known_fault(delivery.client)
        if not error:
            error = await self._post(http, delivery)
            self._down.pop(delivery.client, None)
        now = self._clock()
        settled = logout.tried(delivery, error, now)
        if error in _NOT_THERE and delivery.client not in self._down:
            # No longer than this one waits: it then finds out for all others whether the client is there again.
            self._down[delivery.client] = (min(settled.next_at, now + DOWN_SECONDS), error)
        if settled.state != "waiting":
            self._record(settled)
        await self._settle(settled)

    def _known_fault(self, client: str) -> str:
        """Why a client need not be tried just now; "": it is to be."""
        until, error = self._down.get(client, (0, ""))
        now = self._clock()
        if until > now:
            return error
        if error:
            self._down[client] = (now + DOWN_SECONDS, error)  # until it is found out
        return ""

    async def _settle(self, settled: LogoutDelivery) -> None:
        try:
            await self._store.settled(settled)
        except StoreUnavailable:
            # It is tried again when the lease is over: a client may hear of a sign-out twice.
            _log.warning("a logout delivery to %s could not be settled", settled.client)

    async def _post(self, http: ClientSession, delivery: LogoutDelivery) -> str:
        """Why it failed, in a word; "": the client has it."""
        client = self._clients.get(delivery.client)
        if client is None or client.backchannel_logout_uri is None:
            return "no such client"
        # Where the client's file says now: it may have been down because it has moved.
        url = URL(client.backchannel_logout_uri, encoded=True)
        if is_refused(url, self._allowed):
            return "address refused"
        now = self._clock()
        claims = logout.token_claims(delivery, issuer=self._issuer, now=now, jti=self._secrets())
        token = self._signer().sign(claims, typ=logout.TOKEN_TYPE, alg=client.signing_algorithm)
        try:
            async with http.post(url, data={"logout_token": token}, allow_redirects=False) as response:
                return "" if response.status in {200, 204} else f"HTTP {response.status}"
        except TimeoutError:
            return "timeout"
        except ClientError as error:
            refused = isinstance(error.__cause__ or error.__context__, AddressRefused)
            return "address refused" if refused else "no connection"
        except (OSError, ValueError):
            return "no connection"

    def _record(self, settled: LogoutDelivery) -> None:
        delivered = settled.state == "delivered"
        self._audit(
            AuditEvent(
                at=self._clock(),
                event="logout.delivered" if delivered else "logout.given-up",
                outcome="ok" if delivered else settled.last_error.replace(" ", "-"),
                client=settled.client,
            )
        )
