"""How soon a worker that died is replaced: at once, and later and later when it dies again and again."""

from typing import Final

SETTLED_SECONDS: Final = 30.0
"""A worker that lived so long was sound: its death is the first again."""
_FIRST_SECONDS: Final = 0.25
_LONGEST_SECONDS: Final = 30.0


class Backoff:
    """The deaths of one worker's place, one after the other."""

    def __init__(self) -> None:
        self.deaths = 0
        """In a row, each after a short life."""

    def after(self, lived_seconds: float) -> float:
        """Seconds to wait before the next one: 0, 0.25, 0.5, 1, 2 … 30."""
        self.deaths = 1 if lived_seconds >= SETTLED_SECONDS else self.deaths + 1
        if self.deaths == 1:
            return 0.0
        return min(_FIRST_SECONDS * 2.0 ** min(self.deaths - 2, 16), _LONGEST_SECONDS)
