"""Ids of requests that can be read out over the telephone: "k7m2-9fxd-3hqp".  No secrets: only unlikely to recur."""

import random
from collections.abc import Callable
from itertools import product
from typing import Final

from redirect_rules.octets import joined

_ALPHABET: Final = "23456789abcdefghjkmnpqrstuvwxyz"  # nothing that sounds or looks like something else
_ENDINGS: Final = tuple("".join(pair).encode() for pair in product(_ALPHABET, repeat=2))


class _Block:
    """Ids that begin alike: the first ten letters at random, the last two through all there are."""

    __slots__ = ("_begin", "_used")

    def __init__(self) -> None:
        self._begin = b""
        self._used = len(_ENDINGS)

    def next(self) -> bytes:
        """One more."""
        if self._used == len(_ENDINGS):
            letters = [_ALPHABET[(octet * len(_ALPHABET)) >> 8] for octet in random.randbytes(10)]  # noqa: S311
            self._begin = f"{''.join(letters[:4])}-{''.join(letters[4:8])}-{''.join(letters[8:])}".encode()
            self._used = 0
        self._used += 1
        return joined((self._begin, _ENDINGS[self._used - 1]))


_block: Final = _Block()


def speakable_octets() -> bytes:
    """The id of one request more, as it is sent."""
    return _block.next()


def speakable_id() -> str:
    """The id of one request more."""
    return _block.next().decode()


def octets_of(new_id: Callable[[], str]) -> Callable[[], bytes]:
    """The same ids, as they are sent."""
    return speakable_octets if new_id is speakable_id else lambda: new_id().encode()
