"""The immutable file of one number: everything the edge needs, mapped into memory by every worker.

`NNNNNNNN.snapshot` is an LMDB file with a seal at its end.  The databases are `exact`, `lookups`, `documents` (the
sources of everything else, as the parsers read them) and `meta`.  The seal is read before LMDB is let near the file,
because LMDB trusts what it maps: it says how long the body must be and what its octets hash to.

    body    LMDB pages
    meta    JSON, the same as in the database `meta`
    hashes  body bytes (8), meta bytes (4), sha256 of the body, sha256 of its edges
    tail    sha256 of meta and hashes, format (4), magic (8)

A file is written beside, checked, and renamed; then `point_at` moves the file CURRENT.  Nothing here reads a clock or
deletes a snapshot.
"""

import contextlib
import hashlib
import json
import os
import re
import struct
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from itertools import chain, islice
from pathlib import Path
from typing import IO, ClassVar, Final, Self

import lmdb
import msgpack

from redirect_rules.exact import ExactRule
from redirect_rules.model import Lookup
from redirect_rules.stores.lmdb_index import (
    Item,
    LmdbIndex,
    LookupTables,
    Progress,
    exact_items,
    lookup_items,
    silent,
)

FORMAT: Final = 1
"""Raised when an older program could misread a file."""
SAMPLE_EVERY: Final = 1_000
"""Every so manieth rule is looked up in the file before it is let into service."""
CURRENT: Final = "CURRENT"

_MAGIC = b"DVCEDGE\x1a"
_HASHES = struct.Struct(">QI32s32s")
_TAIL = struct.Struct(">32sI8s")
_EDGE = 64 * 1024  # bytes at each end of the body that are always checked: LMDB's own pages and the roots lie there
_NAME = re.compile(r"(\d{8})\.snapshot\Z")
_UNFINISHED = re.compile(r"\.(\d{8})\.snapshot\.\d+\.new\Z")
_POINTER = re.compile(r"(\d{8}) ([0-9a-f]{64})\n\Z")
_SECTIONS = ("exact", "lookups", "documents")
_BLOCK = 4_096  # items of one transaction, and of one step of the content's hash
_FIRST_MAP = 1 << 28
_READ = 1 << 20


class SnapshotRefused(Exception):
    """The file may not be served; the text names it and says why."""


class NoSnapshot(SnapshotRefused):
    """There is no file at all: nothing was published yet."""


class SnapshotNotWritten(Exception):
    """The file could not be made; nothing was left behind and nothing that served has changed."""


@dataclass(frozen=True, slots=True)
class Contents:
    """What goes into a file."""

    number: int
    rules: Iterable[ExactRule]  # in any order; read once
    lookups: Iterable[Lookup]
    documents: Iterable[tuple[str, str]]  # (name, text), in the order in which they come back
    made_at: datetime  # aware
    actor: str
    message: str


@dataclass(frozen=True, slots=True)
class Meta:
    """What a file says of itself."""

    format: int
    number: int
    content: str  # sha256 over all sections in order, hexadecimal; the same for the same rules
    made_at: datetime
    actor: str
    message: str
    counts: Mapping[str, int]  # section → items; "rules" → exact rules
    instants: Sequence[str] = ()  # ISO 8601, UTC, in order: when exact rules begin and end


class _Mapping:
    """A file mapped once in this process, however often it is open: LMDB refuses a second time.

    Fork-safe: the child goes on reading through the mapping it inherits.
    """

    _open: ClassVar[dict[tuple[int, int], "_Mapping"]] = {}  # by device and inode

    def __init__(self, file: tuple[int, int], env: lmdb.Environment) -> None:
        self.env = env
        self._file = file
        self._users = 0

    @classmethod
    def of(cls, path: Path, body_bytes: int) -> "_Mapping":
        """The mapping of a file, made where there is none."""
        status = path.stat()
        file = status.st_dev, status.st_ino
        if (mapping := cls._open.get(file)) is None:
            env = lmdb.open(
                str(path), subdir=False, readonly=True, lock=False, max_dbs=4, map_size=body_bytes, readahead=False
            )
            mapping = cls._open[file] = cls(file, env)
        mapping._users += 1
        return mapping

    def close(self) -> None:
        """Unmap with the last user."""
        self._users -= 1
        if not self._users:
            del self._open[self._file]
            self.env.close()


class SnapshotFile:
    """An open file.  Safe in one thread at a time; close it to give the mapping back."""

    def __init__(self, path: Path, meta: Meta, body_bytes: int) -> None:
        """See `open_snapshot`."""
        self.path = path
        self.meta = meta
        self._mapping = _Mapping.of(path, body_bytes)
        self._env = self._mapping.env
        self._ends = contextlib.ExitStack()
        self._ends.callback(self._mapping.close)
        with contextlib.ExitStack() as undo:
            undo.push(self._ends)
            if self._described() != _as_json(meta):
                raise SnapshotRefused(f"{path}: the file contradicts its seal")
            self.exact = self._ends.enter_context(contextlib.closing(LmdbIndex(self._env, b"exact")))
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
        digest = _Digest()
        for section in _SECTIONS:
            digest.section(section)
            with self._env.begin(db=self._env.open_db(section.encode(), create=False)) as txn:
                for block in _blocks(txn.cursor()):
                    digest.take(block)
        return digest.hex()

    def close(self) -> None:
        """Unmap the file.  With millions of pages this takes milliseconds: not on the event loop."""
        self._ends.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


@dataclass(frozen=True, slots=True)
class Opened:
    """A good file, and what was wrong with the better ones."""

    snapshot: SnapshotFile
    complaints: tuple[str, ...] = ()


def path_of(folder: Path, number: int) -> Path:
    """Where the file of a number lies."""
    return folder / f"{number:08}.snapshot"


def write(folder: Path, contents: Contents, *, progress: Progress = silent) -> Meta:
    """Write and check the file of a number; CURRENT stays where it is.

    A file of this number is replaced in one step.  `folder` takes temporary files as well.  Raises Problems for rules
    that cannot be compiled, SnapshotNotWritten for a full disk or a file that does not hold what was put in.
    """
    path = path_of(folder, contents.number)
    new = folder / f".{path.name}.{os.getpid()}.new"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        new.unlink(missing_ok=True)
        writer = _Writer(new, folder, progress)
        meta = writer.fill(contents)
        _seal(new, meta, writer.mapped_bytes)
        _check(new, meta, writer.sample, progress)
        new.replace(path)
        _sync_folder(folder)
    except (OSError, lmdb.Error, SnapshotRefused) as error:
        raise SnapshotNotWritten(f"{path}: not written: {error}") from error
    finally:
        # A directory of that name, or a disk gone read-only: the cause above is the one to report.
        with contextlib.suppress(OSError):
            new.unlink(missing_ok=True)
    return meta


class _Writer:
    """Fills the databases of a new file in key order."""

    def __init__(self, path: Path, folder: Path, progress: Progress) -> None:
        self.sample: list[ExactRule] = []
        self.mapped_bytes = 0
        self._path = path
        self._folder = folder
        self._progress = progress
        self._digest = _Digest()
        self._rules = 0
        self._instants: set[datetime] = set()

    def fill(self, contents: Contents) -> Meta:
        """Write all sections."""
        items = {
            "exact": exact_items(self._sampled(contents.rules), folder=self._folder, progress=self._progress),
            "lookups": lookup_items(contents.lookups),
            "documents": _document_items(contents.documents),
        }
        # Not writemap: a full disk would be a SIGBUS.  Not synchronous: `_seal` does that once.
        with lmdb.open(
            str(self._path), subdir=False, lock=False, sync=False, max_dbs=4, map_size=_FIRST_MAP, meminit=True
        ) as env:
            counts = {section: self._put(env, section, items[section]) for section in _SECTIONS}
            meta = Meta(
                FORMAT,
                contents.number,
                self._digest.hex(),
                contents.made_at,
                contents.actor,
                contents.message,
                counts | {"rules": self._rules},
                sorted({at.astimezone(UTC).isoformat() for at in self._instants}),
            )
            with env.begin(write=True, db=env.open_db(b"meta")) as txn:
                txn.put(b"meta", _as_json(meta))
            self.mapped_bytes = _mapped_bytes(env)
        return meta

    def _sampled(self, rules: Iterable[ExactRule]) -> Iterator[ExactRule]:
        number = 0
        for number, rule in enumerate(rules, start=1):
            if number % SAMPLE_EVERY == 1:
                self.sample.append(rule)
            if rule.valid_from is not None:
                self._instants.add(rule.valid_from)
            if rule.valid_until is not None:
                self._instants.add(rule.valid_until)
            yield rule
        self._rules = number

    def _put(self, env: lmdb.Environment, section: str, items: Iterable[Item]) -> int:
        self._digest.section(section)
        db = env.open_db(section.encode())
        done = 0
        for block in _blocks(items):
            self._digest.take(block)
            if _mapped_bytes(env) > (size := env.info()["map_size"]) // 2:
                env.set_mapsize(size * 2)
            with env.begin(write=True, db=db) as txn, txn.cursor() as cursor:
                consumed, added = cursor.putmulti(block, append=True)
            if not consumed == added == len(block):
                raise SnapshotRefused(f"the section {section} is not in order")
            done += added
            self._progress("writing", done)
        return done


def _mapped_bytes(env: lmdb.Environment) -> int:
    return int((env.info()["last_pgno"] + 1) * env.stat()["psize"])


def _blocks(items: Iterable[Item]) -> Iterator[list[Item]]:
    items = iter(items)
    while block := list(islice(items, _BLOCK)):
        yield block


def _document_items(documents: Iterable[tuple[str, str]]) -> Iterator[Item]:
    for number, (name, text) in enumerate(documents):
        yield number.to_bytes(4, "big"), msgpack.packb((name, zlib.compress(text.encode())))


class _Digest:
    """sha256 over sections: their names, then in blocks the lengths of keys and values, and they themselves."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()

    def section(self, name: str) -> None:
        """Begin a section."""
        self._hash.update(f"section {name}\n".encode())

    def take(self, block: Sequence[Item]) -> None:
        """Take in a block: all of the same length but the last."""
        octets = list(chain.from_iterable(block))
        self._hash.update(struct.pack(f">{len(octets)}I", *map(len, octets)))
        self._hash.update(b"".join(octets))

    def hex(self) -> str:
        """The hash so far."""
        return self._hash.hexdigest()


def _as_json(meta: Meta) -> bytes:
    return json.dumps(asdict(meta) | {"made_at": meta.made_at.isoformat()}, ensure_ascii=False, sort_keys=True).encode()


def _meta_from(octets: bytes) -> Meta:
    data = json.loads(octets)
    return Meta(**data | {"made_at": datetime.fromisoformat(data["made_at"])})


def _seal(path: Path, meta: Meta, mapped_bytes: int) -> None:
    """Put the seal at the end and bring everything to the disk."""
    with path.open("r+b") as file:
        # LMDB does not write free pages at the end, but maps them: the body must reach to the last one.
        body_bytes = max(file.seek(0, os.SEEK_END), mapped_bytes)
        file.truncate(body_bytes)
        octets = _as_json(meta)
        body, edges = _hash_of(file, body_bytes), _hash_of_edges(file, body_bytes)
        sealed = octets + _HASHES.pack(body_bytes, len(octets), body, edges)
        file.seek(body_bytes)
        file.write(sealed + _TAIL.pack(hashlib.sha256(sealed).digest(), FORMAT, _MAGIC))
        file.flush()
        os.fsync(file.fileno())


def _hash_of(file: IO[bytes], length: int) -> bytes:
    digest = hashlib.sha256()
    file.seek(0)
    while length:
        octets = file.read(min(_READ, length))
        if not octets:
            return b""
        digest.update(octets)
        length -= len(octets)
    return digest.digest()


def _hash_of_edges(file: IO[bytes], length: int) -> bytes:
    file.seek(0)
    head = file.read(min(_EDGE, length))
    file.seek(max(0, length - _EDGE))
    return hashlib.sha256(head + file.read(min(_EDGE, length))).digest()


def _check(path: Path, meta: Meta, sample: Iterable[ExactRule], progress: Progress) -> None:
    """Read back what was written: the hash over all sections, and a sample of rules by look-up."""
    with _open(path, full=False) as snapshot:
        progress("checking", 0)
        if snapshot.content() != meta.content:
            raise SnapshotRefused("what was read back is not what was written")
        for rule in sample:
            if rule not in snapshot.exact.at(rule.address):
                raise SnapshotRefused(f"{rule.id} is not found again")
        progress("checking", meta.counts["rules"])


def _sync_folder(folder: Path) -> None:
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
    return SnapshotFile(path, *_sealed(path, full=full))


def _sealed(path: Path, *, full: bool) -> tuple[Meta, int]:
    """What the seal says, and the length of the body.  Raises SnapshotRefused when it is broken."""
    if not path.is_file():
        raise SnapshotRefused(f"{path}: there is no such file")
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        end = _HASHES.size + _TAIL.size
        file.seek(max(0, size - end))
        last = file.read(end)
        if len(last) < end or not last.endswith(_MAGIC):
            raise SnapshotRefused(f"{path}: cut short, or no snapshot: the seal at its end is missing")
        seal, version, _ = _TAIL.unpack_from(last, _HASHES.size)
        if version > FORMAT:
            raise SnapshotRefused(f"{path}: format {version}, written by a newer version; this one reads {FORMAT}")
        body_bytes, meta_bytes, body, edges = _HASHES.unpack_from(last)
        if version != FORMAT or body_bytes + meta_bytes + end != size:
            raise SnapshotRefused(f"{path}: damaged: {size} bytes are not what its seal says")
        file.seek(body_bytes)
        octets = file.read(meta_bytes)
        if hashlib.sha256(octets + last[: _HASHES.size]).digest() != seal:
            raise SnapshotRefused(f"{path}: damaged: its seal is broken")
        if _hash_of_edges(file, body_bytes) != edges or (full and _hash_of(file, body_bytes) != body):
            raise SnapshotRefused(f"{path}: damaged: its hash is not the one in its seal")
        return _meta_from(octets), body_bytes


def point_at(folder: Path, meta: Meta) -> None:
    """Make a number the current one, in one step.  Raises SnapshotRefused when its file is not there, OSError."""
    if _sealed(path_of(folder, meta.number), full=False)[0].content != meta.content:
        raise SnapshotRefused(f"{path_of(folder, meta.number)}: its content is another")
    new = folder / f".{CURRENT}.{os.getpid()}.new"
    try:
        with new.open("w") as file:
            file.write(f"{meta.number:08} {meta.content}\n")
            file.flush()
            os.fsync(file.fileno())
        new.replace(folder / CURRENT)
        _sync_folder(folder)
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
