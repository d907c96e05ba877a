"""When to stop asking an upstream that fails, so that people get a clear page at once instead of a wait.

Pure: every method is told the time.
"""

from dataclasses import dataclass
from typing import Final

FAILURES: Final = 5  # in a row
FIRST_PAUSE: Final = 10  # seconds; doubled with each failure after a pause
LONGEST_PAUSE: Final = 160


@dataclass(slots=True)
class Breaker:
    """Ask, until too many have failed in a row; then nobody, for a pause.

    After it everybody may try again, not one alone: whoever comes back with a code cannot come with it a second time.
    The first failure begins the next pause.
    """

    failures: int = 0
    pause: int = FIRST_PAUSE
    asks_again_at: int = 0

    def pause_left(self, now: int) -> int:
        """Seconds in which nothing is asked; 0: ask."""
        return max(self.asks_again_at - now, 0)

    def succeeded(self) -> None:
        """It answered."""
        self.failures, self.pause, self.asks_again_at = 0, FIRST_PAUSE, 0

    def failed(self, now: int) -> None:
        """It did not answer, or answered that it is broken."""
        self.failures += 1
        if self.failures < FAILURES or now < self.asks_again_at:
            return  # those that were under way when the pause began tell nothing new
        if self.asks_again_at:
            self.pause = min(self.pause * 2, LONGEST_PAUSE)
        self.asks_again_at = now + self.pause
