"""The seal at the end of a number's file: what the file says of itself, and the hashes that it must have.

    body    LMDB pages; entries and slots of the table of addresses (stores.address_table), if it has one
    meta    JSON, the same as in the database `meta`
    hashes  body bytes (8), meta bytes (4), sha256 of the body, sha256 of its edges
    tail    sha256 of meta and hashes, format (4), magic (8)

The seal is read before LMDB is let near the file, because LMDB trusts what it maps.
"""

import hashlib
import json
import os
import struct
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from itertools import chain, islice
from pathlib import Path
from typing import IO, Final

from redirect_rules.stores.address_table import TableBytes
from redirect_rules.stores.lmdb_layout import Item

FORMAT: Final = 3
"""Raised when an older program could misread a file.  2: folders have numbers (stores.lmdb_layout).  3: a table of
addresses stands behind LMDB's pages, and whoever does not know of it would amend it wrongly."""
_OLDEST: Final = 1
SECTIONS: Final = ("exact", "lookups", "documents")
"""The databases whose items the content's hash is over, in its order."""

_ENTRIES, _SLOTS = "address_entries_bytes", "address_slots_bytes"
_MAGIC = b"DVCEDGE\x1a"
_HASHES = struct.Struct(">QI32s32s")
_TAIL = struct.Struct(">32sI8s")
_EDGE = (
    64 * 1024
)  # bytes at each end of the body, and of LMDB's part of it, that are always checked: its roots lie there
_BLOCK = 4_096  # items of one transaction, and of one step of the content's hash
_READ = 1 << 20


class SnapshotRefused(Exception):
    """The file may not be served; the text names it and says why."""


@dataclass(frozen=True, slots=True)
class Meta:
    """What a file says of itself."""

    format: int
    number: int
    content: str  # sha256 over all sections in order, hexadecimal; the same for the same rules
    made_at: datetime
    actor: str
    message: str
    counts: Mapping[str, int]  # section → items; "rules" → exact rules; of the table of addresses the bytes, see below
    instants: Sequence[str] = ()  # ISO 8601, UTC, in order: when exact rules begin and end

    @property
    def table(self) -> TableBytes:
        """How long the table of addresses is, at the end of the body."""
        return TableBytes(self.counts.get(_ENTRIES, 0), self.counts.get(_SLOTS, 0))


def counts_with(table: TableBytes, counts: Mapping[str, int]) -> dict[str, int]:
    """The counts of a file that has this table of addresses, or none (of no length)."""
    others = {name: count for name, count in counts.items() if name not in {_ENTRIES, _SLOTS}}
    return others | (dict(zip((_ENTRIES, _SLOTS), table, strict=True)) if table.slots else {})


def blocks(items: Iterable[Item]) -> Iterator[list[Item]]:
    """Items in the blocks that the content's hash takes."""
    items = iter(items)
    while block := list(islice(items, _BLOCK)):
        yield block


class SectionDigest:
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


def as_json(meta: Meta) -> bytes:
    """The one spelling of it."""
    return json.dumps(asdict(meta) | {"made_at": meta.made_at.isoformat()}, ensure_ascii=False, sort_keys=True).encode()


def _meta_from(octets: bytes) -> Meta:
    data = json.loads(octets)
    return Meta(**data | {"made_at": datetime.fromisoformat(data["made_at"])})


def seal(path: Path, meta: Meta, mapped_bytes: int) -> None:
    """Put the seal at the end and bring everything to the disk."""
    with path.open("r+b") as file:
        # LMDB does not write free pages at the end, but maps them: the body must reach to the last one.
        body_bytes = max(file.seek(0, os.SEEK_END), mapped_bytes)
        file.truncate(body_bytes)
        octets = as_json(meta)
        body, edges = _hash_of(file, body_bytes), _hash_of_edges(file, body_bytes, meta.table)
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


def _hash_of_edges(file: IO[bytes], length: int, table: TableBytes) -> bytes:
    file.seek(0)
    digest = hashlib.sha256(file.read(min(_EDGE, length)))
    # Where there is no table, both are one.
    for end in sorted({max(0, length - sum(table)), length}):
        file.seek(max(0, end - _EDGE))
        digest.update(file.read(min(_EDGE, end)))
    return digest.digest()


def sealed(path: Path, *, full: bool) -> tuple[Meta, int]:
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
        if version < _OLDEST or body_bytes + meta_bytes + end != size:
            raise SnapshotRefused(f"{path}: damaged: {size} bytes are not what its seal says")
        file.seek(body_bytes)
        octets = file.read(meta_bytes)
        if hashlib.sha256(octets + last[: _HASHES.size]).digest() != seal:
            raise SnapshotRefused(f"{path}: damaged: its seal is broken")
        meta = _meta_from(octets)
        if sum(meta.table) > body_bytes:
            raise SnapshotRefused(f"{path}: damaged: its table of addresses is longer than itself")
        if _hash_of_edges(file, body_bytes, meta.table) != edges or (full and _hash_of(file, body_bytes) != body):
            raise SnapshotRefused(f"{path}: damaged: its hash is not the one in its seal")
        if meta.format != version:
            raise SnapshotRefused(f"{path}: damaged: format {meta.format} under the name of {version}")
        return meta, body_bytes
