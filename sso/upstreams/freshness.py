"""What is fetched when it has become old: by one for all who need it, and the last good one is kept meanwhile."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final, Generic, TypeVar

FRESH_SECONDS: Final = 3_600
"""How long a good one is taken as it is."""

RETRY_SECONDS: Final = 30
"""After a failure: the last good one for so long before the next try."""

REFETCH_SECONDS: Final = 10
"""Between two tries because the one there is lacks something: who sends us tokens must not make us a hammer."""

Value = TypeVar("Value")


class NotHad(Exception):
    """A newer one could not be had, or is not to be used."""


@dataclass(slots=True)
class Kept(Generic[Value]):
    """One value over its days.  Made inside a running loop."""

    value: Value | None = None
    _fresh_until: int = 0
    _asked_at: int = 0
    _tries: int = 0
    _one_at_a_time: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def get(self, now: int, fetch: Callable[[], Awaitable[Value]], *, other_than: Value | None = None) -> Value:
        """The value; a newer one, if there is, than `other_than`, which lacks something.

        `fetch` raises NotHad where it has nothing good.  Raises NotHad when nothing good was ever known.
        """
        if not self._will_do(now, other_than):
            seen = self._tries
            async with self._one_at_a_time:
                # Whoever has waited for another's try takes what came of it: when an upstream is down, a hundred who
                # wait must not wait one after the other.
                if not self._will_do(now, other_than) and self._tries == seen:
                    await self._renew(now, fetch)
        if self.value is None:
            raise NotHad
        return self.value

    def _will_do(self, now: int, other_than: Value | None) -> bool:
        if self.value is None:
            return False
        if self.value is other_than:
            return now < self._asked_at + REFETCH_SECONDS
        return now < self._fresh_until

    async def _renew(self, now: int, fetch: Callable[[], Awaitable[Value]]) -> None:
        self._asked_at = now
        try:
            self.value = await fetch()
            self._fresh_until = now + FRESH_SECONDS
        except NotHad:
            self._fresh_until = now + RETRY_SECONDS
        finally:
            self._tries += 1
