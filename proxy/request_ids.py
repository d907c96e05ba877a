"""Ids of requests that can be read out over the telephone: "k7m2-9fxd-3hqp".  No secrets: only unlikely to recur."""

import random
from itertools import product
from typing import Final

_ALPHABET: Final = "23456789abcdefghjkmnpqrstuvwxyz"  # nothing that sounds or looks like something else
_ENDINGS: Final = tuple("".join(pair) for pair in product(_ALPHABET, repeat=2))


class _Block:
    """Ids that begin alike: the first ten letters at random, the last two through all there are."""

    __slots__ = ("_begin", "_used")

    def __init__(self) -> None:
        self._begin = ""
        self._used = len(_ENDINGS)

    def next(self) -> str:
        """One more."""
        if self._used == len(_ENDINGS):
            letters = [_ALPHABET[(octet * len(_ALPHABET)) >> 8] for octet in random.randbytes(10)]  # noqa: S311
            self._begin = f"{''.join(letters[:4])}-{''.join(letters[4:8])}-{''.join(letters[8:])}"
            self._used = 0
        self._used += 1
        return self._begin + _ENDINGS[self._used - 1]


_block: Final = _Block()


def speakable_id() -> str:
    """The id of one request more."""
    return _block.next()
