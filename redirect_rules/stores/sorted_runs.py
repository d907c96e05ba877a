"""Sorting more than memory should hold."""

from bisect import bisect_right
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Final

import msgpack

MOST_HELD: Final = 2_000_000
"""Entries sorted in memory; more go through sorted runs on disk."""
MOST_HELD_BYTES: Final = 256 * 1024 * 1024

_BLOCK = 8_192  # entries read from a run at a time
_unpack = msgpack.unpackb


class SortedRuns:
    """Sorts more byte strings than memory should hold: sorted runs on disk, merged block by block."""

    def __init__(self, folder: Path, *, most_held: int = MOST_HELD) -> None:
        """`folder` takes unnamed temporary files; nothing of them is left behind."""
        self._folder = folder
        self._most_held = most_held
        self._held: list[bytes] = []
        self._bytes = 0
        self._runs: list[IO[bytes]] = []

    def add(self, entry: bytes) -> None:
        """Take one more.  Raises OSError when the disk is full."""
        self._held.append(entry)
        self._bytes += len(entry)
        if len(self._held) >= self._most_held or self._bytes >= MOST_HELD_BYTES:
            self._spill()

    def extend(self, entries: list[bytes]) -> None:
        """Take some more, as `add` would one by one."""
        self._held += entries
        self._bytes += sum(map(len, entries))
        if len(self._held) >= self._most_held or self._bytes >= MOST_HELD_BYTES:
            self._spill()

    def __iter__(self) -> Iterator[bytes]:
        """All entries in ascending order, once."""
        if not self._runs:
            self._held.sort()
            yield from self._held
            return
        self._spill()
        try:
            yield from self._merged()
        finally:
            self.close()

    def close(self) -> None:
        """Give the disk back."""
        for run in self._runs:
            run.close()
        self._runs.clear()

    def _spill(self) -> None:
        if not self._held:
            return
        self._held.sort()
        run = TemporaryFile(dir=self._folder)  # noqa: SIM115 - closed by close()
        self._runs.append(run)
        for start in range(0, len(self._held), _BLOCK):
            block = msgpack.packb(self._held[start : start + _BLOCK])
            run.write(len(block).to_bytes(8, "big") + block)
        self._held, self._bytes = [], 0

    def _merged(self) -> Iterator[bytes]:
        """Whatever is not above the lowest end of the blocks at hand is complete: sort it and let it go.

        list.sort() finds the runs in what it is given and merges them in C, which heapq.merge would not.
        """
        runs = [_blocks(run) for run in self._runs]
        heads = [next(run) for run in runs]
        while heads:
            bound = min(head[-1] for head in heads)
            ready: list[bytes] = []
            for i, head in enumerate(heads):
                cut = bisect_right(head, bound)
                ready += head[:cut]
                heads[i] = head[cut:] or next(runs[i], [])
            runs = [run for run, head in zip(runs, heads, strict=True) if head]
            heads = [head for head in heads if head]
            ready.sort()
            yield from ready


def _blocks(run: IO[bytes]) -> Iterator[list[bytes]]:
    run.seek(0)
    while size := run.read(8):
        yield _unpack(run.read(int.from_bytes(size, "big")))
