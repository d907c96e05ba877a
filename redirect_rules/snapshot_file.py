"""The immutable file of one number: everything the edge needs, mapped into memory by every worker.

`NNNNNNNN.snapshot` is an LMDB file with a seal at its end (`snapshot_seal`), made by `snapshot_writer`.  The databases
are `exact`, `lookups`, `documents` (the sources of everything else, as the parsers read them) and `meta`.  The file
CURRENT names the number that serves.  Nothing here reads a clock or deletes a snapshot.
"""

import contextlib
import mmap
import os
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Final, Self

import lmdb
import msgpack

from redirect_rules.snapshot_seal import (
    SECTIONS,
    Meta,
    SectionDigest,
    SnapshotRefused,
    as_json,
    blocks,
    sealed,
)
from redirect_rules.stores.address_table import TableBytes, readable
from redirect_rules.stores.lmdb_index import LmdbIndex, LookupTables

CURRENT: Final = "CURRENT"

_NAME = re.compile(r"(\d{8})\.snapshot\Z")
_UNFINISHED = re.compile(r"\.(\d{8})\.snapshot\.\d+\.new\Z")
_POINTER = re.compile(r"(\d{8}) ([0-9a-f]{64})\n\Z")


class NoSnapshot(SnapshotRefused):
    """There is no file at all: nothing was published yet."""


class _Mapping:
    """A file mapped once in this process, however often it is open: LMDB refuses a second time.

    Fork-safe: the child goes on reading through the mapping it inherits.
    """

    _open: ClassVar[dict[tuple[int, int], "_Mapping"]] = {}  # by device and inode

    def __init__(
        self, file: tuple[int, int], env: lmdb.Environment, table: tuple[memoryview, memoryview] | None
    ) -> None:
        self.env = env
        self.table = table  # of addresses: entries and slots
        self._file = file
        self._users = 0

    @classmethod
    def of(cls, path: Path, body_bytes: int, table: TableBytes) -> "_Mapping":
        """The mapping of a file, made where there is none."""
        status = path.stat()
        file = status.st_dev, status.st_ino
        if (mapping := cls._open.get(file)) is None:
            pages = body_bytes - sum(table)
            env = lmdb.open(
                str(path), subdir=False, readonly=True, lock=False, max_dbs=4, map_size=pages, readahead=False
            )
            mapping = cls._open[file] = cls(file, env, _mapped(path, pages, table))
        mapping._users += 1
        return mapping

    def close(self) -> None:
        """Unmap with the last user."""
        self._users -= 1
        if not self._users:
            del self._open[self._file]
            for part in self.table or ():
                part.release()
            self.env.close()


def _mapped(path: Path, begin: int, table: TableBytes) -> tuple[memoryview, memoryview] | None:
    """The two parts of the table of addresses that begins there; None where there is none that this machine reads."""
    if not table.slots or not readable():
        return None
    slots, end = begin + table.entries, begin + sum(table)
    with path.open("rb") as file:
        # From the file's beginning: LMDB's pages may be smaller than this system's, at which a mapping has to begin.
        octets = mmap.mmap(file.fileno(), end, access=mmap.ACCESS_READ)
    octets.madvise(mmap.MADV_RANDOM)
    return memoryview(octets)[begin:slots], memoryview(octets)[slots:end]


class SnapshotFile:
    """An open file.  Safe in one thread at a time; close it to give the mapping back."""

    def __init__(self, path: Path, meta: Meta, body_bytes: int) -> None:
        """See `open_snapshot`."""
        self.path = path
        self.meta = meta
        self._mapping = _Mapping.of(path, body_bytes, meta.table)
        self._table_begins = body_bytes - sum(meta.table)
        self._env = self._mapping.env
        self._ends = contextlib.ExitStack()
        self._ends.callback(self._mapping.close)
        with contextlib.ExitStack() as undo:
            undo.push(self._ends)
            if self._described() != as_json(meta):
                raise SnapshotRefused(f"{path}: the file contradicts its seal")
            exact = LmdbIndex(self._env, b"exact", self._mapping.table)
            self.exact = self._ends.enter_context(contextlib.closing(exact))
            self.lookups = self._ends.enter_context(contextlib.closing(LookupTables(self._env, b"lookups")))
            undo.pop_all()

    def _described(self) -> bytes | None:
        with self._env.begin(db=self._env.open_db(b"meta", create=False)) as txn:
            return txn.get(b"meta")

    def documents(self) -> Iterator[tuple[str, str]]:
        """The source documents: (name, text), in their order."""
        db = self._env.open_db(b"documents", create=False)
        with self._env.begin(db=db) as txn:
            for _, value in txn.cursor():
                name, packed = msgpack.unpackb(value)
                yield name, zlib.decompress(packed).decode()

    def content(self) -> str:
        """The hash over all sections, computed anew: reads the whole file."""
        return content_of(self._env)

    def read_ahead(self) -> None:
        """Have the system read the table of addresses, where half of the memory holds it; nobody waits for that.

        After the machine was started anew, every look-up would else wait for the disk, and everybody behind it.
        """
        length = sum(self.meta.table)
        if 0 < length <= os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2:
            with contextlib.suppress(OSError), self.path.open("rb") as file:
                os.posix_fadvise(file.fileno(), self._table_begins, length, os.POSIX_FADV_WILLNEED)

    def close(self) -> None:
        """Unmap the file.  With millions of pages this takes milliseconds: not on the event loop."""
        self._ends.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def content_of(env: lmdb.Environment) -> str:
    """The hash over all sections of a file, whoever writes it."""
    digest = SectionDigest()
    for section in SECTIONS:
        digest.section(section)
        with env.begin(db=env.open_db(section.encode(), create=False)) as txn:
            for block in blocks(txn.cursor()):
                digest.take(block)
    return digest.hex()


@dataclass(frozen=True, slots=True)
class Opened:
    """A good file, and what was wrong with the better ones."""

    snapshot: SnapshotFile
    complaints: tuple[str, ...] = ()


def path_of(folder: Path, number: int) -> Path:
    """Where the file of a number lies."""
    return folder / f"{number:08}.snapshot"


def sync_folder(folder: Path) -> None:
    """Bring a folder's names to the disk.  Raises OSError."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def open_snapshot(path: Path, *, full: bool = False, content: str = "") -> SnapshotFile:
    """Open a file read-only.  Raises SnapshotRefused for what is damaged, cut short, newer, or not what was asked for.

    Always checked: length, seal, both ends of the body, meta.  `full` hashes every octet (a second for each gigabyte):
    do it once on each machine before workers map the file, since LMDB does not notice damage in the middle.
    `content`: the hash that the file must have.
    """
    try:
        snapshot = _open(path, full=full)
    except (OSError, lmdb.Error, ValueError, TypeError, LookupError) as error:
        raise SnapshotRefused(f"{path}: cannot be read: {error}") from error
    named = _NAME.match(path.name)
    if named and int(named[1]) != snapshot.meta.number:
        snapshot.close()
        raise SnapshotRefused(f"{path}: this is number {snapshot.meta.number} under another name")
    if content and content != snapshot.meta.content:
        snapshot.close()
        raise SnapshotRefused(f"{path}: its content has the hash {snapshot.meta.content}, not {content}")
    return snapshot


def _open(path: Path, *, full: bool) -> SnapshotFile:
    return SnapshotFile(path, *sealed(path, full=full))


def point_at(folder: Path, meta: Meta) -> None:
    """Make a number the current one, in one step.  Raises SnapshotRefused when its file is not there, OSError."""
    if sealed(path_of(folder, meta.number), full=False)[0].content != meta.content:
        raise SnapshotRefused(f"{path_of(folder, meta.number)}: its content is another")
    new = folder / f".{CURRENT}.{os.getpid()}.new"
    try:
        with new.open("w") as file:
            file.write(f"{meta.number:08} {meta.content}\n")
            file.flush()
            os.fsync(file.fileno())
        new.replace(folder / CURRENT)
        sync_folder(folder)
    finally:
        new.unlink(missing_ok=True)


def current(folder: Path) -> tuple[int, str] | None:
    """Number and content hash that CURRENT names; None where there is none.  Raises SnapshotRefused when unreadable.

    Cheap enough to be asked every second.
    """
    path = folder / CURRENT
    try:
        match = _POINTER.match(path.read_text("ascii"))
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise SnapshotRefused(f"{path}: cannot be read: {error}") from None
    if match is None:
        raise SnapshotRefused(f"{path}: names no snapshot")
    return int(match[1]), match[2]


def numbers(folder: Path) -> list[int]:
    """The numbers whose files lie in the folder, newest first."""
    names = (entry.name for entry in folder.iterdir()) if folder.is_dir() else ()
    return sorted((int(match[1]) for name in names if (match := _NAME.match(name))), reverse=True)


def open_current(folder: Path, *, full: bool = False) -> Opened:
    """Open what CURRENT names; where that cannot be served, the newest good file before it, with the complaints.

    Without a readable CURRENT the newest good file of all.  Raises NoSnapshot for a folder without files, and
    SnapshotRefused with every complaint when none of them is good.
    """
    complaints: list[str] = []
    pointer = None
    try:
        pointer = current(folder)
    except SnapshotRefused as error:
        complaints.append(str(error))
    found = numbers(folder)
    if pointer is None:
        if not found and not complaints:
            raise NoSnapshot(f"{folder}: there is no snapshot")
        complaints.append(f"{folder / CURRENT}: is missing or unreadable: the newest good file is taken")
        wanted = [(number, "") for number in found]
    else:
        wanted = [pointer, *((number, "") for number in found if number < pointer[0])]
    for number, content in wanted:
        try:
            return Opened(open_snapshot(path_of(folder, number), full=full, content=content), tuple(complaints))
        except SnapshotRefused as error:
            complaints.append(str(error))
    raise SnapshotRefused("\n".join(complaints))


def removable(folder: Path, keep: int = 2) -> list[Path]:
    """Files that nobody will open again: all but the current one, the `keep - 1` before it, and any after it.

    With them what broken-off writers left behind.  A process that still has one mapped keeps it until it lets go
    (POSIX unlink).  Empty while CURRENT is missing or unreadable.
    """
    try:
        pointer = current(folder)
    except SnapshotRefused:
        pointer = None
    if pointer is None:
        return []
    older = [number for number in numbers(folder) if number < pointer[0]]
    unfinished = [
        path for path in folder.iterdir() if (match := _UNFINISHED.match(path.name)) and int(match[1]) <= pointer[0]
    ]
    return [path_of(folder, number) for number in older[max(0, keep - 1) :]] + sorted(unfinished)
