"""A dictionary that forgets what was not used lately, bounded by entries and by octets.

It has two halves.  When the young one is full it becomes the old one and what the old one held is forgotten; what is
found in the old one moves to the young.  So a look-up is one or two probes and nothing is ever sorted or counted down.
"""

from collections.abc import Callable, Hashable
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

_BITS: Final = 1 << 21
_NEWCOMERS: Final = 1 << 16
"""So that hardly one in two hundred newcomers is taken for somebody known, at the worst."""

Key = TypeVar("Key")
Value = TypeVar("Value")


class Halves:
    """What `Generations` does, whatever it keeps."""

    __slots__ = ("_entries", "_octets", "_old", "_weighs", "_weight", "_young")

    def __init__(self, *, entries: int, octets: int, weight: Callable[[Any, Any], int]) -> None:
        # Each half is half of what was asked for.
        self._entries = max(1, entries // 2)
        self._octets = octets // 2
        self._weight = weight
        self._young: dict[Any, Any] = {}
        self._old: dict[Any, Any] = {}
        self._weighs = 0  # octets of the young half

    def __len__(self) -> int:
        return len(self._young) + len(self._old)

    def get(self, key: Any) -> Any:
        """The value, or None."""
        value = self._young.get(key)
        if value is None and self._old:
            value = self._old.pop(key, None)
            if value is not None:
                self.put(key, value)
        return value

    def put(self, key: Any, value: Any) -> None:
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


class Generations(Halves, Generic[Key, Value]):
    """At most `entries` values of `octets` in all, as `weight` counts the octets of a key with its value."""

    __slots__ = ()

    if TYPE_CHECKING:

        def __init__(self, *, entries: int, octets: int, weight: Callable[[Key, Value], int]) -> None: ...
        def get(self, key: Key) -> Value | None: ...  # noqa: D102 - as above
        def put(self, key: Key, value: Value) -> None: ...  # noqa: D102 - as above


class Doorkeeper:
    """Tells what is asked for again from what is asked for once, without keeping either: two bits for each.

    It may take one thing for another, seldom, and forgets everything when it has seen many.
    """

    __slots__ = ("_room", "_seen")

    def __init__(self) -> None:
        self.clear()

    def knows(self, key: Hashable) -> bool:
        """Whether this was asked before; from now on it was."""
        seen, number = self._seen, hash(key)
        one, other = number & (_BITS - 1), (number >> 21) & (_BITS - 1)
        here, there = seen[one >> 3], seen[other >> 3]
        if here >> (one & 7) & there >> (other & 7) & 1:
            return True
        if not self._room:
            self.clear()
            seen = self._seen
        self._room -= 1
        seen[one >> 3] |= 1 << (one & 7)
        seen[other >> 3] |= 1 << (other & 7)
        return False

    def clear(self) -> None:
        """Forget everything."""
        self._seen = bytearray(_BITS // 8)
        self._room = _NEWCOMERS
