"""Making the table of a file while its exact rules are written."""

from array import array
from collections.abc import Iterator, Sequence
from itertools import chain, groupby, repeat
from pathlib import Path
from shutil import copyfileobj
from tempfile import TemporaryFile
from typing import IO, Final
from zlib import crc32

from redirect_rules.stores.address_table import (
    FIRST,
    FREE,
    HEADER,
    LONGEST,
    MOST_PROBES,
    NO_FOLDER,
    SLOT,
    TableBytes,
    readable,
    seed_of,
)
from redirect_rules.stores.lmdb_layout import Item, Places

_BEGIN: Final = 4  # octets of a key: numbers of portal and folder
_NUL: Final = b"\x00"
_LENGTHS: Final = tuple(bytes((length,)) for length in range(LONGEST + 1))
_NO_PORTAL: Final = b"\xff"  # begins what is no key of a rule
_BUCKETS: Final = 256
_MOST_OCTETS: Final = 1 << 32  # of entries: what a slot can name
_PIECE: Final = 1 << 20


class TableWriter:
    """Takes the items of a file in their order; what it holds meanwhile is eight octets for each, and a file."""

    def __init__(self, folder: Path, places: Places) -> None:
        """`folder` takes an unnamed temporary file; `places` are complete with the first item."""
        self._places = places
        self._folders: list[bytes] = []
        # By the first octet of the hash, so that they are sorted a few at a time: hash and place in one number.
        self._buckets = [array("Q") for _ in range(_BUCKETS)]
        self._append = [bucket.append for bucket in self._buckets]
        self._entries: IO[bytes] = TemporaryFile(dir=folder)  # noqa: SIM115 - closed by `close`
        self._entries.write(bytes(FIRST))
        self._end = FIRST

    def close(self) -> None:
        """Give the disk back."""
        self._entries.close()

    def take(self, block: Sequence[Item]) -> None:
        """Some more items.  Raises OSError when the disk is full."""
        if not self._places.numbers_folders:
            return
        if not self._folders:
            self._folders = list(self._places.folders)
        # A million pages lie in few folders, and keys are in order.
        for begin, items in _runs(block):
            leaves: Sequence[bytes] = [key[_BEGIN:-1] for key, _ in items]
            records: Sequence[bytes] = [record for _, record in items]
            if max(map(len, leaves)) > LONGEST or max(map(len, records)) > LONGEST or _NUL in b"".join(leaves):
                leaves, records = _plain(leaves, records)
            if leaves and not begin.startswith(_NO_PORTAL):
                self._take_in(begin, leaves, records)

    def _take_in(self, begin: bytes, leaves: Sequence[bytes], records: Sequence[bytes]) -> None:
        """Items whose keys begin alike: step by step over all of them, for one by one they take twice as long."""
        if self._end + (HEADER + 2 * LONGEST) * len(leaves) > _MOST_OCTETS:
            return
        of_leaves, of_records = list(map(len, leaves)), list(map(len, records))
        heads = repeat(begin), map(_LENGTHS.__getitem__, of_leaves), map(_LENGTHS.__getitem__, of_records)
        self._entries.write(b"".join(chain.from_iterable(zip(*heads, leaves, records, strict=False))))
        numbers, place, append = map(crc32, leaves, repeat(self._seed(begin))), self._end, self._append
        for number, leaf, record in zip(numbers, of_leaves, of_records, strict=True):
            append[number >> 24](number << 32 | place)
            place += HEADER + leaf + record
        self._end = place

    def _seed(self, begin: bytes) -> int:
        seed, number = seed_of(begin[:2]), int.from_bytes(begin[2:], "big")
        return seed if number == NO_FOLDER else crc32(self._folders[number] + b"/", seed)

    def finish(self) -> TableBytes:
        """Everything was taken; how long the table is, and (0, 0) where nothing is in it.  Raises OSError."""
        if not any(self._buckets):
            return TableBytes(0, 0)
        padding = -self._end % SLOT  # numbers stand at places of their own size
        self._entries.write(bytes(padding))
        slots = self._slots()
        self._entries.write(slots)
        return TableBytes(self._end + padding, len(slots))

    def copy_to(self, file: IO[bytes]) -> None:
        """Write what is finished to a file.  Raises OSError."""
        self._entries.seek(0)
        copyfileobj(self._entries, file, _PIECE)

    def _slots(self) -> bytes:
        # A quarter is free: a look-up takes two or three slots, which lie together.
        size = sum(map(len, self._buckets)) * 4 // 3 + 1
        slots = array("Q", [FREE << 32]) * (size + MOST_PROBES)
        free = 0
        for one in chain.from_iterable(map(sorted, self._buckets)):
            home = (one >> 32) * size >> 32
            if home >= free:
                slots[home] = one
                free = home + 1
            elif free - home < MOST_PROBES:
                slots[free] = one
                free += 1
        return _little(slots)


def _little(slots: "array[int]") -> bytes:
    """As they lie in a file."""
    if not readable():
        slots.byteswap()
    return slots.tobytes()


def _runs(block: Sequence[Item]) -> Iterator[tuple[bytes, Sequence[Item]]]:
    """Items whose keys begin alike."""
    begin = block[0][0][:_BEGIN]
    if block[-1][0].startswith(begin):
        yield begin, block
        return
    for begins, items in groupby(block, key=lambda item: item[0][:_BEGIN]):
        yield begins, list(items)


def _plain(leaves: Sequence[bytes], records: Sequence[bytes]) -> tuple[Sequence[bytes], Sequence[bytes]]:
    """Without those that ask for parameters, and without the long ones."""
    left = [
        (leaf, record)
        for leaf, record in zip(leaves, records, strict=True)
        if len(leaf) <= LONGEST and len(record) <= LONGEST and _NUL not in leaf
    ]
    return [leaf for leaf, _ in left], [record for _, record in left]
