"""Leaving an upstream alone that fails again and again, and asking it once in a while whether it is back.

Rule 1: every change of state is in `Breaker.heard` and `Breaker.allows`.  Rule 2: time is an argument.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

# A probe that never reports (its visitor left) must not keep the breaker half open for ever.
_PROBE_SECONDS: Final = 30.0


class State(StrEnum):
    """What a breaker thinks of its upstream."""

    CLOSED = "closed"  # requests pass
    OPEN = "open"  # none passes
    HALF_OPEN = "half-open"  # one passes, and decides


@dataclass(slots=True)
class Breaker:
    """The memory of one upstream's failures."""

    failures: int  # one after another, that open it
    open_seconds: float
    state: State = State.CLOSED
    _failed: int = 0
    _until: float = 0.0  # when the next request may pass: of the clock that `now` is of

    def allows(self, now: float) -> bool:
        """Whether a request may pass; one that passes an open breaker is the probe, and must be reported."""
        if self.state is State.CLOSED:
            return True
        if now < self._until:
            return False
        self.state = State.HALF_OPEN
        self._until = now + max(_PROBE_SECONDS, self.open_seconds)
        return True

    def heard(self, *, good: bool, now: float) -> None:
        """Report how a request went: badly means that the origin failed, not that its answer displeased."""
        if good:
            self.state, self._failed = State.CLOSED, 0
            return
        self._failed += 1
        if self.state is not State.CLOSED or self._failed >= self.failures:
            self.state = State.OPEN
            self._until = now + self.open_seconds

    def forgotten(self, now: float) -> None:
        """A request ended without telling anything; if it was the probe, the next one may be."""
        if self.state is State.HALF_OPEN:
            self.state, self._until = State.OPEN, now

    def retry_after(self, now: float) -> int:
        """Whole seconds until it is worth another try, at least one."""
        return max(1, int(self._until - now + 0.999))
