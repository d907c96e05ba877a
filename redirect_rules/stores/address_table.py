"""Exact rules that ask for nothing once more, under a hash of their address: two looks where LMDB takes twelve.

The tree of a million addresses is four pages deep, and its leaves are cold.  Here an address leads to a slot, and that
to an entry.  What is not here is not said to be nowhere: LMDB knows everything and is asked then.  So only what is here
has to be right; long keys and records, and the few that find too many slots taken, are left out.

    entries  8 octets of nothing, then one entry after the other: how its key begins (4: lmdb_layout), the length of the
             rest of the path (1), that of the record (1), both
    slots    place of the entry (4), hash (4), in ascending order of the hashes; little-endian

The hash is the CRC-32 (RFC 1952 §8) of the portal's number and the path.  A slot stands where its hash divides the
table, or behind that by less than MOST_PROBES; one that is free has the highest hash, one that was taken back place 0.
"""

import sys
from array import array
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple
from zlib import crc32

MOST_PROBES: Final = 32
LONGEST: Final = 0xFF
"""Octets of what follows a key's beginning, and of a record."""
HEADER: Final = 6
FIRST: Final = 8
"""Place of the first entry."""
SLOT: Final = 8
FREE: Final = 0xFFFF_FFFF
NO_FOLDER: Final = 0xFFFF
"""In place of a folder's number: the whole path follows."""

# The same, typed where this is compiled.
_MOST_PROBES, _HEADER, _NO_FOLDER = MOST_PROBES, HEADER, NO_FOLDER
_NOTHING: Final = memoryview(bytes(SLOT))
_COMPILED: Final = not __file__.endswith(".py")


class TableBytes(NamedTuple):
    """How long the two parts of a table are."""

    entries: int
    slots: int


class AddressTable:
    """The table of a file, or a part of it in memory.  Nothing that it returns refers to it."""

    __slots__ = ("_entries", "_folders", "_size", "_slots")

    def __init__(self, entries: memoryview, slots: memoryview, folders: Sequence[bytes]) -> None:
        """Of the octets of its two parts; `folders` by number."""
        self._entries = memoryview(entries)
        self._slots = slots.cast("I")  # as numbers of this machine: see `readable`
        self._size = len(slots) // SLOT - MOST_PROBES
        self._folders = list(folders)

    def close(self) -> None:
        """Let go of the file.  From now on there is nothing to be found."""
        self._size = 0
        self._entries, self._slots = _NOTHING, _NOTHING.cast("I")

    def find(self, portal: int, seed: int, path: bytes, cut: int) -> bytes | None:
        """The record of the rules under a path that ask for nothing; None: ask LMDB.

        seed  as `seed_of` the portal's number
        cut   where the path's last slash stands
        """
        at = self.slot(portal, seed, path, cut)
        if at < 0:
            return None
        entries, place = self._entries, self._slots[at]
        begin = place + _HEADER + entries[place + 4]
        return _cut_out(entries, begin, begin + entries[place + 5])

    def slot(self, portal: int, seed: int, path: bytes, cut: int) -> int:
        """Where the slot of a path begins, in numbers of four octets; -1: it has none."""
        if not self._size:
            return -1
        entries, slots, end, number = self._entries, self._slots, len(path), crc32(path, seed)
        at = (number * self._size >> 32) * 2
        for _ in range(_MOST_PROBES):
            place, there = slots[at], slots[at + 1]
            if there > number:
                return -1
            if there == number and place:
                folder, leaf = entries[place + 2] << 8 | entries[place + 3], entries[place + 4]
                begin = cut + 1 if folder != _NO_FOLDER else 0
                if (
                    (entries[place] << 8 | entries[place + 1]) == portal
                    and leaf == end - begin
                    and (begin == 0 or _begins(path, self._folders[folder], cut))
                    and _stands(entries, place + _HEADER, path, begin, leaf)
                ):
                    return at
            at += 2
        return -1

    def without(self, places: Iterable[tuple[bytes, bytes]]) -> bytes:
        """The slots but for those of some places (a portal's number, a path): LMDB is to be asked about them."""
        left = array("I", bytes(self._slots))
        for portal, path in places:
            at = self.slot(int.from_bytes(portal, "big"), seed_of(portal), path, path.rfind(b"/"))
            if at >= 0:
                left[at] = 0
        return left.tobytes()

    @property
    def entries(self) -> memoryview:
        """All entries."""
        return memoryview(self._entries)


def readable() -> bool:
    """Whether numbers lie in this machine as they do in the file."""
    return sys.byteorder == "little"


def seed_of(portal: bytes) -> int:
    """What hashes of a portal's paths begin with."""
    return crc32(portal)


def _begins(path: bytes, folder: bytes, cut: int) -> bool:
    """Whether a path's folder, up to `cut`, is this one."""
    if _COMPILED:
        return begins(path, folder, cut)  # type: ignore[name-defined, no-any-return]  # noqa: F821 - in the .pxd
    return path[:cut] == folder


def _stands(entries: memoryview, place: int, path: bytes, begin: int, size: int) -> bool:
    """Whether so much of a path stands at a place."""
    if _COMPILED:
        return stands(entries, place, path, begin, size)  # type: ignore[name-defined, no-any-return]  # noqa: F821
    return entries[place : place + size] == path[begin:]


def _cut_out(entries: memoryview, begin: int, end: int) -> bytes:
    if _COMPILED:
        return cut_out(entries, begin, end)  # type: ignore[name-defined, no-any-return]  # noqa: F821
    return bytes(entries[begin:end])
