"""Making the file of a number: written beside, checked, and renamed.  Nothing here moves CURRENT."""

import contextlib
import os
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import IO, Final

import lmdb
import msgpack

from redirect_rules.exact import ExactRule
from redirect_rules.model import Lookup
from redirect_rules.snapshot_file import SnapshotFile, content_of, path_of, sync_folder
from redirect_rules.snapshot_seal import (
    FORMAT,
    SECTIONS,
    Meta,
    SectionDigest,
    SnapshotRefused,
    as_json,
    blocks,
    counts_with,
    seal,
    sealed,
)
from redirect_rules.stores.address_table import TableBytes
from redirect_rules.stores.address_table_writer import TableWriter
from redirect_rules.stores.lmdb_compiler import Progress, changed_items, exact_items, lookup_items, silent
from redirect_rules.stores.lmdb_layout import Item, Places

SAMPLE_EVERY: Final = 1_000
"""Every so manieth rule is looked up in the file before it is let into service."""

_FIRST_MAP = 1 << 28


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
class Amended:
    """What goes into a file that is another but for a few rules."""

    number: int
    base: SnapshotFile  # the other; its octets were looked at
    gone: Sequence[ExactRule]
    come: Sequence[ExactRule]
    made_at: datetime  # aware
    actor: str
    message: str


def write(folder: Path, contents: Contents, *, progress: Progress = silent) -> Meta:
    """Write and check the file of a number; CURRENT stays where it is.

    A file of this number is replaced in one step.  `folder` takes temporary files as well.  Raises Problems for rules
    that cannot be compiled, SnapshotNotWritten for a full disk or a file that does not hold what was put in.
    """
    places = Places()
    with _beside(folder, contents.number) as new, contextlib.closing(TableWriter(folder, places)) as table:
        writer = _Writer(new, folder, places, table, progress)
        meta = writer.fill(contents)
        with new.open("r+b") as file:
            _end_of_pages(file, writer.mapped_bytes)
            table.copy_to(file)
        seal(new, meta, 0)
        _check(new, meta, writer.sample, progress)
    return meta


def amend(folder: Path, amended: Amended, *, progress: Progress = silent) -> Meta:
    """Write and check the file of a number as a copy of another with some rules exchanged: a second for a million.

    It answers as the one that `write` would make of the same rules.  Its hash may be another one: numbers in its
    dictionary stand in the order in which they came.  Raises as `write`, and NotThere for a rule to go that is not in
    the base.
    """
    base = amended.base
    with _beside(folder, amended.number) as new:
        changed = changed_items(base.exact, amended.gone, amended.come, folder=folder)
        before, body_bytes = sealed(base.path, full=False)
        pages = body_bytes - sum(before.table)
        _copy(base.path, new, pages)
        table = base.exact.addresses_without({rule.address[:2] for rule in (*amended.gone, *amended.come)})
        lengths = TableBytes(*map(len, table)) if table is not None else TableBytes(0, 0)
        with _for_writing(new, max(_FIRST_MAP, 2 * pages)) as env:
            progress("writing", 0)
            db = env.open_db(b"exact", create=False)
            with env.begin(write=True, db=db) as txn:
                for key in changed.removed:
                    txn.delete(key)
                with txn.cursor() as cursor:
                    cursor.putmulti(changed.items)
                exact = txn.stat(db)["entries"]
            instants = {at for rule in amended.come for at in (rule.valid_from, rule.valid_until) if at is not None}
            rules = base.meta.counts["rules"] + len(amended.come) - len(amended.gone)
            meta = Meta(
                FORMAT,
                amended.number,
                content_of(env),
                amended.made_at,
                amended.actor,
                amended.message,
                counts_with(lengths, {**base.meta.counts, "exact": exact, "rules": rules}),
                sorted({*base.meta.instants, *(at.astimezone(UTC).isoformat() for at in instants)}),
            )
            with env.begin(write=True, db=env.open_db(b"meta", create=False)) as txn:
                txn.put(b"meta", as_json(meta))
            mapped_bytes = _mapped_bytes(env)
        with new.open("r+b") as file:
            _end_of_pages(file, mapped_bytes)
            for part in table or ():
                file.write(part)
        seal(new, meta, 0)
        _check_amended(new, amended, progress)
    return meta


@contextlib.contextmanager
def _beside(folder: Path, number: int) -> Iterator[Path]:
    """Where a file is made; what stands there at the end is put in its place, in one step."""
    path = path_of(folder, number)
    new = folder / f".{path.name}.{os.getpid()}.new"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        new.unlink(missing_ok=True)
        yield new
        new.replace(path)
        sync_folder(folder)
    except (OSError, lmdb.Error, SnapshotRefused) as error:
        raise SnapshotNotWritten(f"{path}: not written: {error}") from error
    finally:
        # A directory of that name, or a disk gone read-only: the cause above is the one to report.
        with contextlib.suppress(OSError):
            new.unlink(missing_ok=True)


def _for_writing(path: Path, map_size: int) -> lmdb.Environment:
    # Not writemap: a full disk would be a SIGBUS.  Not synchronous: `seal` does that once.
    return lmdb.open(str(path), subdir=False, lock=False, sync=False, max_dbs=4, map_size=map_size, meminit=True)


def _copy(path: Path, new: Path, length: int) -> None:
    """The first octets of a file, without bringing them here."""
    with path.open("rb") as source, new.open("xb") as target:
        done = 0
        while done < length:
            sent = os.sendfile(target.fileno(), source.fileno(), done, length - done)
            if not sent:
                raise SnapshotRefused(f"{path}: cut short while it was copied")
            done += sent


def _end_of_pages(file: IO[bytes], mapped_bytes: int) -> None:
    """Go where LMDB's pages end: it does not write free ones at the end, but maps them."""
    file.truncate(max(file.seek(0, os.SEEK_END), mapped_bytes))
    file.seek(0, os.SEEK_END)


def _check_amended(path: Path, amended: Amended, progress: Progress) -> None:
    """Look up what came and what went."""
    with SnapshotFile(path, *sealed(path, full=False)) as snapshot:
        come = set(amended.come)
        for rule in come:
            if rule not in snapshot.exact.at(rule.address):
                raise SnapshotRefused(f"{rule.id} is not found again")
        for rule in amended.gone:
            if rule not in come and rule in snapshot.exact.at(rule.address):
                raise SnapshotRefused(f"{rule.id} is still there")
        _check_addresses(snapshot, (*come, *amended.gone))
        progress("checking", len(snapshot.exact))


class _Writer:
    """Fills the databases of a new file in key order."""

    def __init__(self, path: Path, folder: Path, places: Places, table: TableWriter, progress: Progress) -> None:
        """`places` are filled, and known to the `table`."""
        self.sample: list[ExactRule] = []
        self._places = places
        self._table = table
        self.mapped_bytes = 0
        self._path = path
        self._folder = folder
        self._progress = progress
        self._digest = SectionDigest()
        self._rules = 0
        self._instants: set[datetime] = set()

    def fill(self, contents: Contents) -> Meta:
        """Write all sections."""
        items = {
            "exact": exact_items(
                self._sampled(contents.rules), folder=self._folder, places=self._places, progress=self._progress
            ),
            "lookups": lookup_items(contents.lookups),
            "documents": _document_items(contents.documents),
        }
        with _for_writing(self._path, _FIRST_MAP) as env:
            counts = {section: self._put(env, section, items[section]) for section in SECTIONS}
            meta = Meta(
                FORMAT,
                contents.number,
                self._digest.hex(),
                contents.made_at,
                contents.actor,
                contents.message,
                counts_with(self._table.finish(), counts | {"rules": self._rules}),
                sorted({at.astimezone(UTC).isoformat() for at in self._instants}),
            )
            with env.begin(write=True, db=env.open_db(b"meta")) as txn:
                txn.put(b"meta", as_json(meta))
            self.mapped_bytes = _mapped_bytes(env)
        return meta

    def _sampled(self, rules: Iterable[ExactRule]) -> Iterator[ExactRule]:
        rules = iter(rules)
        while some := list(islice(rules, SAMPLE_EVERY)):
            self.sample.append(some[0])
            self._instants.update([rule.valid_from for rule in some if rule.valid_from is not None])
            self._instants.update([rule.valid_until for rule in some if rule.valid_until is not None])
            yield from some
            self._rules += len(some)

    def _put(self, env: lmdb.Environment, section: str, items: Iterable[Item]) -> int:
        self._digest.section(section)
        db = env.open_db(section.encode())
        done = 0
        for block in blocks(items):
            self._digest.take(block)
            if _mapped_bytes(env) > (size := env.info()["map_size"]) // 2:
                env.set_mapsize(size * 2)
            with env.begin(write=True, db=db) as txn, txn.cursor() as cursor:
                consumed, added = cursor.putmulti(block, append=True)
            if not consumed == added == len(block):
                raise SnapshotRefused(f"the section {section} is not in order")
            if section == "exact":
                self._table.take(block)
            done += added
            self._progress("writing", done)
        return done


def _mapped_bytes(env: lmdb.Environment) -> int:
    return int((env.info()["last_pgno"] + 1) * env.stat()["psize"])


def _document_items(documents: Iterable[tuple[str, str]]) -> Iterator[Item]:
    for number, (name, text) in enumerate(documents):
        yield number.to_bytes(4, "big"), msgpack.packb((name, zlib.compress(text.encode())))


def _check(path: Path, meta: Meta, sample: Iterable[ExactRule], progress: Progress) -> None:
    """Read back what was written: the hash over all sections, and a sample of rules by look-up."""
    with SnapshotFile(path, *sealed(path, full=False)) as snapshot:
        progress("checking", 0)
        if snapshot.content() != meta.content:
            raise SnapshotRefused("what was read back is not what was written")
        for rule in sample:
            if rule not in snapshot.exact.at(rule.address):
                raise SnapshotRefused(f"{rule.id} is not found again")
        _check_addresses(snapshot, sample)
        progress("checking", meta.counts["rules"])


def _check_addresses(snapshot: SnapshotFile, rules: Iterable[ExactRule]) -> None:
    for rule in rules:
        if not snapshot.exact.agrees(rule.portal, rule.path):
            raise SnapshotRefused(f"{rule.id} is another one in the table of addresses")
