"""A dictionary that forgets what was not used lately, bounded by entries and by octets.

It has two halves.  When the young one is full it becomes the old one and what the old one held is forgotten; what is
found in the old one moves to the young.  So a look-up is one or two probes and nothing is ever sorted or counted down.
"""

from collections.abc import Callable, Hashable
from typing import Final, Generic, TypeVar

_SLOTS: Final = 1 << 18

Key = TypeVar("Key")
Value = TypeVar("Value")


class Generations(Generic[Key, Value]):
    """At most `entries` values of `octets` in all, as `weight` counts the octets of a key with its value."""

    __slots__ = ("_entries", "_octets", "_old", "_weighs", "_weight", "_young")

    def __init__(self, *, entries: int, octets: int, weight: Callable[[Key, Value], int]) -> None:
        # Each half is half of what was asked for.
        self._entries = max(1, entries // 2)
        self._octets = octets // 2
        self._weight = weight
        self._young: dict[Key, Value] = {}
        self._old: dict[Key, Value] = {}
        self._weighs = 0  # octets of the young half

    def __len__(self) -> int:
        return len(self._young) + len(self._old)

    def get(self, key: Key) -> Value | None:
        """The value, or None."""
        value = self._young.get(key)
        if value is None and self._old:
            value = self._old.pop(key, None)
            if value is not None:
                self.put(key, value)
        return value

    def put(self, key: Key, value: Value) -> None:
        """Keep a value; what is too heavy for one half is not kept."""
        weight = self._weight(key, value)
        if weight > self._octets:
            return
        if len(self._young) >= self._entries or self._weighs + weight > self._octets:
            self._young, self._old, self._weighs = {}, self._young, 0
        before = self._young.get(key)
        if before is not None:
            self._weighs -= self._weight(key, before)
        self._young[key] = value
        self._weighs += weight

    def clear(self) -> None:
        """Forget everything."""
        self._young, self._old, self._weighs = {}, {}, 0


class Doorkeeper:
    """Tells what is asked for again from what is asked for once, without keeping either: one octet for each.

    It may take one thing for another, seldom, and forgets everything when it has seen many.
    """

    __slots__ = ("_room", "_seen")

    def __init__(self) -> None:
        self.clear()

    def knows(self, key: Hashable) -> bool:
        """Whether this was asked before; from now on it was."""
        slot = hash(key) & (_SLOTS - 1)
        if self._seen[slot]:
            return True
        if not self._room:
            self.clear()
        self._room -= 1
        self._seen[slot] = 1
        return False

    def clear(self) -> None:
        """Forget everything."""
        self._seen = bytearray(_SLOTS)
        self._room = _SLOTS // 4  # so that at most every fourth newcomer is taken for somebody known
