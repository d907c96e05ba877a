"""Sign-outs in the store that clients must hear of."""

from collections.abc import Mapping, Sequence

from sso.model import LogoutDelivery
from sso.store import Backlog
from sso.stores import delivery_scripts, encoding
from sso.stores.steps import Steps


class Deliveries(Steps):
    """The store's promises about deliveries (sso.store)."""

    async def enqueue(self, deliveries: Sequence[LogoutDelivery]) -> None:
        """Keep what must be delivered, durably."""
        if deliveries:
            rows = (
                (one.id, one.client, one.next_at, one.created_at, encoding.DELIVERY.text(one)) for one in deliveries
            )
            await self._run(delivery_scripts.ENQUEUE, *(value for row in rows for value in row))

    async def due(self, *, now: int, limit: int, lease_seconds: int) -> Sequence[LogoutDelivery]:
        """Take what is due, for so long: a worker that dies loses its lease, not the delivery."""
        return self._read_all(encoding.DELIVERY, await self._run(delivery_scripts.DUE, now, limit, lease_seconds))

    async def settled(self, delivery: LogoutDelivery) -> None:
        """Put back what was tried; what was delivered meanwhile by another stays delivered."""
        await self._run(
            delivery_scripts.SETTLED, delivery.id, delivery.state, delivery.next_at, encoding.DELIVERY.text(delivery)
        )

    async def deliveries(self, client: str | None = None) -> Mapping[str, Sequence[LogoutDelivery]]:
        """What waits, was delivered lately or given up, by client, the newest first."""
        by_client: dict[str, list[LogoutDelivery]] = {}
        for delivery in self._read_all(encoding.DELIVERY, await self._run(delivery_scripts.DELIVERIES, client or "")):
            by_client.setdefault(delivery.client, []).append(delivery)
        return by_client

    async def backlog(self) -> Backlog:
        """How many wait, and how many were given up in the last eight days."""
        waiting, given_up = await self._run(delivery_scripts.BACKLOG)
        return Backlog(int(waiting), int(given_up))
