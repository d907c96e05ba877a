"""One clock for all connections: each says when it wants to be looked at, and one timer turns the wheel.

A timer for each connection would cost an entry in the loop's heap for each, and one more at every request.  Here a
connection lies in the slot of a tick, and a look costs something only when that tick comes.
"""

import asyncio
import logging
import math
from typing import Final, Protocol

TICK_SECONDS: Final = 1.0
BATCH: Final = 200
"""Looks in one turn of the loop: ten thousand connections of one second must not hold it."""


class Timed(Protocol):
    """What can be looked at.  `due`: the tick it waits for, kept by `Deadlines`; 0: for none, as at first."""

    due: int

    def ring(self, now: float) -> None:
        """Its time has come: `now` by the loop's clock.  It may wind itself again; raises nothing."""
        ...


class Deadlines:
    """A wheel of ticks.  Without anything to wait for it does not turn."""

    def __init__(self, loop: asyncio.AbstractEventLoop, *, tick_seconds: float = TICK_SECONDS) -> None:
        self._loop = loop
        self._tick_seconds = tick_seconds
        self._slots: dict[int, set[Timed]] = {}
        self._timer: asyncio.Handle | None = None
        self._next = 0  # the tick at which it turns; 0: at none

    def wind(self, timed: Timed, seconds: float) -> None:
        """Look at it in so many seconds, at the earliest and at most a tick later; not at the time of before."""
        self.wind_at(timed, self._loop.time() + seconds)

    def wind_at(self, timed: Timed, when: float) -> None:
        """The same, at a time of the loop's clock."""
        if timed.due:
            self.stop(timed)
        due = int(when / self._tick_seconds)
        if due * self._tick_seconds < when:
            due += 1
        timed.due = due
        slot = self._slots.get(due)
        if slot is None:
            slot = self._slots[due] = set()
        slot.add(timed)
        if not self._next or due < self._next:
            self._turn_at(due)

    def _turn_at(self, tick: int) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._next = tick
        self._timer = self._loop.call_at(tick * self._tick_seconds, self._turn)

    def stop(self, timed: Timed) -> None:
        """Look at it no more."""
        due = timed.due
        if due:
            slot = self._slots.get(due)
            if slot is not None:
                slot.discard(timed)
                if not slot:
                    del self._slots[due]
            timed.due = 0

    def __len__(self) -> int:
        """How many wait."""
        return sum(map(len, self._slots.values()))

    def _turn(self) -> None:
        self._timer, self._next = None, 0
        now = self._loop.time()
        for timed in self._due(math.floor(now / self._tick_seconds + 1e-6)):
            try:
                timed.ring(now)
            except Exception:
                # One connection's trouble must not stop the clock of all the others.
                logging.getLogger(__name__).exception("a connection could not be looked at")
        # What rang may have wound itself, and so the timer; what is left of a batch is due before that.
        if self._slots:
            first = min(self._slots)
            if not self._next or first < self._next:
                self._turn_at(first)

    def _due(self, tick: int) -> list[Timed]:
        """At most a batch of what is due, taken out; the rest stays for the next turn of the loop."""
        found: list[Timed] = []
        for due in sorted(slot for slot in self._slots if slot <= tick):
            slot = self._slots[due]
            while slot and len(found) < BATCH:
                timed = slot.pop()
                timed.due = 0
                found.append(timed)
            if not slot:
                del self._slots[due]
            if len(found) >= BATCH:
                break
        return found
