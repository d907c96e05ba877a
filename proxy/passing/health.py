"""Whether an origin is well: by asking it (active), and by what befalls requests that went to it (passive)."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from proxy.passing.policy import HealthRow, OriginServer

Ask = Callable[[OriginServer], Awaitable[int]]
"""Asks an origin for its health and tells the status; raises OSError, TimeoutError, or what `relay` raises."""


@dataclass(slots=True)
class Condition:
    """What is known of one origin."""

    row: HealthRow
    asked_well: bool = True
    _streak: int = 0  # good answers in a row, or as a negative number bad ones
    _failed: int = 0  # requests in a row
    _away_until: float = float("-inf")

    def is_well(self, now: float) -> bool:
        """Whether requests should go there; `now` of a clock that only runs forward."""
        return self.asked_well and now >= self._away_until

    def answered(self, *, good: bool) -> None:
        """The result of asking."""
        same_way = (self._streak > 0) is good
        self._streak = (self._streak if same_way else 0) + (1 if good else -1)
        if self._streak >= self.row.rise:
            self.asked_well = True
        elif -self._streak >= self.row.fall:
            self.asked_well = False

    def served(self, *, good: bool, now: float) -> None:
        """How a request went."""
        if good:
            self._failed = 0
            return
        self._failed += 1
        if self._failed >= self.row.eject_after:
            self._failed = 0
            self._away_until = now + self.row.eject_seconds


@dataclass(slots=True)
class Health:
    """The conditions of an upstream's origins, and the task that asks after them."""

    row: HealthRow
    conditions: dict[OriginServer, Condition]
    _task: asyncio.Task[None] | None = field(default=None)

    @classmethod
    def of(cls, row: HealthRow, origins: Sequence[OriginServer]) -> "Health":
        """Everybody is well until we hear otherwise."""
        return cls(row, {origin: Condition(row) for origin in origins})

    def start(self, ask: Ask) -> None:
        """Begin to ask, if a path to ask for is configured."""
        if self.row.path and self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._asking(ask))

    def stop(self) -> None:
        """Ask no more."""
        if self._task is not None:
            self._task.cancel()
            self._task = None

    async def _asking(self, ask: Ask) -> None:
        while True:
            await asyncio.gather(*(self.ask_once(origin, ask) for origin in self.conditions))
            await asyncio.sleep(self.row.interval)

    async def ask_once(self, origin: OriginServer, ask: Ask) -> None:
        """Ask one origin, and remember what it said."""
        try:
            async with asyncio.timeout(self.row.timeout):
                status = await ask(origin)
        except Exception:  # noqa: BLE001 - whatever keeps an origin from answering, it does not answer
            self.conditions[origin].answered(good=False)
            return
        wanted = self.row.statuses
        self.conditions[origin].answered(good=status in wanted if wanted else 200 <= status < 400)
