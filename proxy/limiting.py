"""Failures are counted in the store, for all workers and nodes; the locks that follow are remembered by each worker."""

from collections.abc import Callable, Mapping

from sso.limits import LIMITS, RATES, Beginnings, Limit, Lockouts, key_of, lock_after
from sso.store import Store, StoreUnavailable


class Limiter:
    """Says who has failed too often.  Who has not costs no round trip."""

    def __init__(
        self,
        store: Store,
        *,
        pepper: bytes,
        limits: Mapping[str, Limit] = LIMITS,
        rates: Mapping[str, Limit] = RATES,
        on_limited: Callable[[str], None] | None = None,
        on_locked: Callable[[str, str, int], None] | None = None,
    ) -> None:
        """`pepper`: a secret of the house, the same on all nodes, so that what is stored leads back to no address.

        `limits` of failures and `rates` of requests: a kind that is not there has none.

        `on_limited` takes the kind of each refusal; `on_locked` kind, client and instant of each lock, once: the client
        as it was named, which need not be one.
        """
        self._limits = limits
        self._rates = rates
        self._on_locked = on_locked
        self._store = store
        self._pepper = pepper
        self._locks = Lockouts()
        self._beginnings = Beginnings()
        self._on_limited = on_limited

    def locked(self, kind: str, client: str, address: str, now: int) -> int:
        """For how many seconds more to refuse, whatever is sent; 0: not at all.  `kind`: one of `LIMITS`."""
        seconds = self._locks.seconds(key_of(kind, client, address, pepper=self._pepper), now=now)
        if seconds and self._on_limited is not None:
            self._on_limited(kind)
        return seconds

    def crowded(self, kind: str, client: str, address: str, now: int) -> int:
        """Count a request; for how many seconds there are too many.  `kind`: one of `RATES`.  No round trip."""
        rate = self._rates.get(kind)
        if rate is None:
            return 0
        seconds = self._beginnings.count(key_of(kind, client, address, pepper=self._pepper), rate, now=now)
        if seconds and self._on_limited is not None:
            self._on_limited(kind)
        return seconds

    async def failed(self, kind: str, client: str, address: str, now: int) -> int:
        """Count a failure; for how many seconds it locks whoever failed out.

        One round trip.  A store that does not answer counts nothing; nothing is let in by that, for all that can be
        guessed is kept in the same store.
        """
        limit = self._limits.get(kind)
        if limit is None:
            return 0
        key = key_of(kind, client, address, pepper=self._pepper)
        try:
            count = await self._store.count(kind, key, window_seconds=limit.window_seconds)
        except StoreUnavailable:
            return 0
        seconds = lock_after(limit, count)
        if seconds:
            self._locks.lock(key, until=now + seconds)
            if self._on_locked is not None and count == limit.most + 1:
                self._on_locked(kind, client, now)
        return seconds
