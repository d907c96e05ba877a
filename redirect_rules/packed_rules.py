"""The record of one exact rule as it lies in a file: only as much of it is read as an answer needs.

`rule_records` says what a record is; here it is cut, for the many look-ups that want no rule but where it leads.
"""

from typing import Final

import msgpack

LONGEST_ID_TAIL: Final = 255
"""Octets of what follows the last slash of a rule's id, in a record that is cut here."""

# How msgpack begins what stands in a record (its specification, "Formats").
_LEAST_ITEMS: Final = 0x92
_MOST_ITEMS: Final = 0x9F  # an array of two, of fifteen
_SMALL_NUMBERS, _NUMBER_8, _NUMBER_16 = 0x80, 0xCC, 0xCD
_TEXT, _TEXT_END, _TEXT_8 = 0xA0, 0xC0, 0xD9


class Packed:
    """A record whose shape has a number, as far as it need be read.  Never changed."""

    __slots__ = ("id_tail", "number", "rest")

    def __init__(self, number: int, id_tail: bytes, rest: bytes) -> None:
        """What it holds.

        number   of the shape
        id_tail  the end of the rule's id, UTF-8
        rest     the texts that follow, still packed: they name what they name
        """
        self.number = number
        self.id_tail = id_tail
        self.rest = rest

    @property
    def texts(self) -> tuple[str, ...]:
        """The texts that follow."""
        unpacker = msgpack.Unpacker()
        unpacker.feed(self.rest)
        return tuple(unpacker)

    def text(self) -> bytes | None:
        """The one text that follows, UTF-8; None where there is none, more than one, or a very long one."""
        rest = self.rest
        size = len(rest)
        if not size:
            return None
        begin, octets = rest[0], rest
        if _TEXT <= begin < _TEXT_END:
            return octets[1:size] if size == 1 + begin - _TEXT else None
        return octets[2:size] if begin == _TEXT_8 and size > 1 and size == 2 + rest[1] else None


def packed(record: bytes) -> Packed | None:
    """What a record begins with; None for one that carries its shape itself, or whose id ends in very much."""
    whole = len(record)
    if whole < 3 or not _LEAST_ITEMS <= record[0] <= _MOST_ITEMS:
        return None
    number, at = record[1], 2
    if number >= _SMALL_NUMBERS:
        if number == _NUMBER_8:
            number, at = record[2], 3
        elif number == _NUMBER_16 and whole > 4:
            number, at = record[2] << 8 | record[3], 4
        else:
            return None
    if at >= whole:
        return None
    size, begin = record[at] - _TEXT, at + 1
    if record[at] == _TEXT_8 and begin < whole:
        size, begin = record[begin], begin + 1
    elif not _TEXT <= record[at] < _TEXT_END:
        return None
    end = begin + size
    if end > whole:
        return None
    octets = record  # typed as what is cut in less time
    # Without its constructor, which costs as much as all this.
    made = Packed.__new__(Packed)
    made.number, made.id_tail, made.rest = number, octets[begin:end], octets[end:whole]
    return made


class Alone:
    """Finds the record of the one rule under a path of a portal.  This one has none."""

    __slots__ = ()

    def find(self, path: bytes, cut: int) -> Packed | None:  # noqa: ARG002 - others have some
        """The record of the rule that asks for nothing; None where there is none, or more to look at than that.

        path  the octets of `Key.path`
        cut   where its last slash stands
        """
        return None
