"""Exact rules and lookups in a mapped file: how they lie in sorted order, and how they are found again.

One database of an LMDB file holds the exact rules, another the lookups.  Under a path lie, in the order of their keys,

    portal path 00 number values   the rules that ask for these values of the path's name set of this number
    portal path 01                 the place: the rules that ask for nothing, and the name sets
    ff fe digest                   any of these whose key is too long for LMDB, with its whole key before the value
    ff ff                          the dictionary: portals, and what records have in common

where portal is a number of two bytes, and each value has its length (two bytes) before it.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from hashlib import blake2b
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any, Final, TypeAlias

import lmdb
import msgpack

from redirect_rules.exact import (
    MOST_NAME_SETS,
    ExactRule,
    Names,
    Pairs,
    Place,
    PlacedIndex,
    Records,
    complaint_about_address,
    complaint_about_name_sets,
    complaint_about_neighbours,
    spelling,
)
from redirect_rules.model import Lookup
from redirect_rules.sources import Problem, Problems

Item: TypeAlias = tuple[bytes, bytes]
Progress: TypeAlias = Callable[[str, int], None]
"""Called now and then with a stage ("reading", "writing", "checking") and how many items of it are done."""

LONGEST_KEY: Final = 511
"""Bytes of a key that LMDB takes."""
MOST_HELD: Final = 2_000_000
"""Entries sorted in memory; more go through sorted runs on disk."""
MOST_HELD_BYTES: Final = 256 * 1024 * 1024
MOST_COMPLAINTS: Final = 100

_LONG = b"\xff\xfe"
_DICTIONARY = b"\xff\xff"
_MOST_NUMBERS = 0xFF00
_BLOCK = 8_192  # entries read from a run at a time
_EVERY = 10_000  # items between two calls of progress
_unpack = msgpack.unpackb


def silent(_stage: str, _done: int) -> None:
    """The progress nobody watches."""


def _sized(text: str) -> bytes:
    octets = text.encode("utf-8", "surrogatepass")
    return len(octets).to_bytes(2, "big") + octets


@lru_cache(1_024)
def _asked(names: Names) -> bytes:
    """A name set as a sort key has it: more names come first."""
    return b"\x00" + bytes((0xFF - len(names),)) + b"".join(map(_sized, names))


def _stored(key: bytes) -> bytes:
    """The key under which LMDB keeps a key."""
    return key if len(key) <= LONGEST_KEY else _LONG + blake2b(key, digest_size=32).digest()


def _with_key(key: bytes, value: bytes) -> bytes:
    """The value of a long key: a digest proves nothing until the whole key is compared."""
    return len(key).to_bytes(4, "big") + key + value


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


def exact_items(rules: Iterable[ExactRule], *, folder: Path, progress: Progress = silent) -> Iterator[Item]:
    """The keys and values of exact rules, in any order given, in ascending order of the keys.

    `folder` takes temporary files when there are more than MOST_HELD.  Raises Problems (a hundred at most) for rules
    that cannot be compiled, OSError when the disk is full.
    """
    compiler = _Compiler(folder)
    compiler.take(rules, progress)
    yield from compiler.items()


class _Compiler:
    """Rules → entries (sort key, record, length of the key) → sorted → one item for each address and place."""

    def __init__(self, folder: Path) -> None:
        self._portals: dict[str, bytes] = {}
        self._records = Records()
        self._entries = SortedRuns(folder)
        self._long = SortedRuns(folder)
        self._problems: list[Problem] = []
        self._rules = 0

    def take(self, rules: Iterable[ExactRule], progress: Progress) -> None:
        """Read all rules."""
        add, record_of, sort_key = self._entries.add, self._records.pack, self._sort_key
        for rule in rules:
            try:
                key = sort_key(rule)
                add(key + record_of(rule) + len(key).to_bytes(2, "big"))
            except ValueError as error:
                self._complain(rule.id or spelling(rule.path, rule.query), str(error))
                continue
            self._rules += 1
            if not self._rules % _EVERY:
                progress("reading", self._rules)
        self._stop_for_problems()

    def items(self) -> Iterator[Item]:
        """What goes into the file."""
        for key, value in self._places():
            if len(key) <= LONGEST_KEY:
                yield key, value
            else:
                self._long.add(_stored(key) + _with_key(key, value))
        self._stop_for_problems()
        cut = len(_LONG) + 32
        for entry in self._long:
            yield entry[:cut], entry[cut:]
        dictionary = {"portals": list(self._portals), "shapes": self._records.as_data(), "rules": self._rules}
        yield _DICTIONARY, msgpack.packb(dictionary)

    def _complain(self, source: str, text: str) -> None:
        self._problems.append(Problem(source, 0, text))
        if len(self._problems) >= MOST_COMPLAINTS:
            self._stop_for_problems()

    def _stop_for_problems(self) -> None:
        if self._problems:
            self._entries.close()
            self._long.close()
            raise Problems(self._problems)

    def _sort_key(self, rule: ExactRule) -> bytes:
        """Portal and path, then what comes first in the file: name sets by most names, then values.

        No key is the beginning of another, so that entries sort as their keys do.  Raises ValueError for an address
        that cannot be compiled.
        """
        if wrong := complaint_about_address(rule):
            raise ValueError(wrong)
        portal = self._portals.get(rule.portal)
        if portal is None:
            portal = self._portals[rule.portal] = len(self._portals).to_bytes(2, "big")
            if len(self._portals) > _MOST_NUMBERS:
                raise Problems([Problem(rule.id, 0, f"there are more than {_MOST_NUMBERS} portals")])
        place = portal + rule.path.encode("ascii")
        if not rule.query:
            return place + b"\x01"
        asked = _asked(tuple([name for name, _ in rule.query]))
        return place + asked + b"".join([_sized(value) for _, value in rule.query])

    def _places(self) -> Iterator[Item]:
        """One item for each address that asks for parameters, then one for its path."""
        asking = _Asking(self._complain_about_sets)
        for key, records in self._addresses():
            # Nearly every rule is alone under its path, and there are ten million of them.
            if len(records) == 1 and not asking.place and key.find(b"\x00", 2) < 0:
                yield key, records[0]
            elif asking.begins and key.startswith(asking.begins):
                yield asking.stem + key[len(asking.begins) :], _value((), records)
            else:
                yield from asking.take(key, records)
        yield from asking.closed()

    def _addresses(self) -> Iterator[tuple[bytes, list[bytes]]]:
        """Each sort key once, with its records."""
        last, records = b"", list[bytes]()
        for entry in self._entries:
            end = int.from_bytes(entry[-2:], "big")
            key = entry[:end]
            if key != last:
                if records:
                    yield last, records
                last, records = key, [entry[end:-2]]
            else:
                records.append(entry[end:-2])
                self._check_neighbours(key, records)
        if records:
            yield last, records

    def _complain_about_sets(self, place: bytes, name_sets: Sequence[Names]) -> None:
        self._complain(self._portal_of(place), complaint_about_name_sets(_path_of(place), name_sets))

    def _check_neighbours(self, key: bytes, records: Sequence[bytes]) -> None:
        place, asking = _parts_of(key)
        names, end = _names_of(asking) if asking else ((), 0)
        address = self._portal_of(place), _path_of(place), _query_of(names, asking[end:])
        rules = [self._records.rule(*address, _unpack(record)) for record in records]
        if wrong := complaint_about_neighbours(rules):
            self._complain(rules[-1].id, wrong)

    def _portal_of(self, place: bytes) -> str:
        return list(self._portals)[int.from_bytes(place[:2], "big")]


class _Asking:
    """The path at hand when some of its rules ask for parameters: collects the name sets until the path is over."""

    def __init__(self, complain: Callable[[bytes, Sequence[Names]], None]) -> None:
        self.place = b""  # portal number and path; empty: none at hand
        self.begins = b""  # how sort keys of the name set at hand begin
        self.stem = b""  # what stands in the file instead
        self._complain = complain
        self._name_sets: list[Names] = []

    def take(self, key: bytes, records: Sequence[bytes]) -> Iterator[Item]:
        """The next address in order, unless it `begins` as the last one did."""
        place, asking = _parts_of(key)
        if self.place != place:
            yield from self.closed()
        if not asking:
            yield place + b"\x01", _value(self._name_sets, records)
            self._begin(b"")
            return
        if self.place != place:
            self._begin(place)
        names, end = _names_of(asking)
        self._name_sets.append(names)
        if len(self._name_sets) > MOST_NAME_SETS:
            self._name_sets.pop()
            self._complain(place, self._name_sets)
        self.begins = place + b"\x00" + asking[:end]
        self.stem = place + b"\x00" + bytes((len(self._name_sets) - 1,))
        yield self.stem + asking[end:], _value((), records)

    def closed(self) -> Iterator[Item]:
        """The path is over, and no rule of it asked for nothing."""
        if self.place:
            yield self.place + b"\x01", _value(self._name_sets, ())
            self._begin(b"")

    def _begin(self, place: bytes) -> None:
        self.place, self._name_sets, self.begins = place, [], b""


def _parts_of(key: bytes) -> tuple[bytes, bytes]:
    """A sort key's place, and what it asks for there (number of names, names, values): no path has a NUL in it."""
    cut = key.find(b"\x00", 2)
    return (key[:-1], b"") if cut < 0 else (key[:cut], key[cut + 1 :])


def _path_of(place: bytes) -> str:
    return place[2:].decode("ascii")


def _names_of(asking: bytes) -> tuple[Names, int]:
    """The name set, and where the values begin."""
    return _texts(asking, 1, 0xFF - asking[0])


def _texts(key: bytes, at: int, count: int) -> tuple[tuple[str, ...], int]:
    texts = []
    for _ in range(count):
        end = at + 2 + int.from_bytes(key[at : at + 2], "big")
        texts.append(key[at + 2 : end].decode("utf-8", "surrogatepass"))
        at = end
    return tuple(texts), at


def _query_of(names: Names, values: bytes) -> tuple[tuple[str, str], ...]:
    return tuple(zip(names, _texts(values, 0, len(names))[0], strict=True))


def _value(name_sets: Sequence[Names], records: Sequence[bytes]) -> bytes:
    """A record as it stands, where nothing else is to be said; else [name sets, records]."""
    if len(records) == 1 and not name_sets:
        return records[0]
    value: bytes = msgpack.packb((name_sets, records))
    return value


class _Table:
    """One database of the file, read for as long as the file is open."""

    def __init__(self, env: lmdb.Environment, name: bytes) -> None:
        self._db = env.open_db(name, create=False)
        self._txn = env.begin(db=self._db, buffers=True)
        self._probe: Callable[[bytes], memoryview | None] = self._txn.get

    def get(self, key: bytes) -> memoryview | bytes | None:
        """The value of a key, valid until `close`."""
        if len(key) <= LONGEST_KEY:
            return self._probe(key)
        found = self._probe(_stored(key))
        if found is None:
            return None
        end = 4 + int.from_bytes(found[:4], "big")
        return found[end:] if found[4:end] == key else None

    def items(self) -> Iterator[tuple[bytes, memoryview]]:
        """Every key and value but the dictionary, long keys whole."""
        for key, value in self._txn.cursor():
            octets = bytes(key)
            if octets.startswith(_LONG):
                end = 4 + int.from_bytes(value[:4], "big")
                yield bytes(value[4:end]), value[end:]
            elif octets != _DICTIONARY:
                yield octets, value

    def dictionary(self) -> Any:
        """What stands at the end."""
        return _unpack(self._probe(_DICTIONARY))

    def close(self) -> None:
        """End the reading; what was returned by `get` is gone."""
        self._probe = _closed
        self._txn.abort()


def _closed(_key: bytes) -> memoryview | None:
    raise ValueError("the file is closed")


class LmdbIndex(PlacedIndex):
    """The exact rules of a mapped file.  Opens in milliseconds whatever their number; safe in one thread at a time.

    Nothing that it returns refers to the file.
    """

    def __init__(self, env: lmdb.Environment, name: bytes) -> None:
        """Read the database `name` of an environment that nobody writes."""
        self._table = _Table(env, name)
        dictionary = self._table.dictionary()
        self._portals = {portal: number.to_bytes(2, "big") for number, portal in enumerate(dictionary["portals"])}
        self._records = Records.from_data(dictionary["shapes"])
        self._rules: int = dictionary["rules"]

    def close(self) -> None:
        """End the reading.  Look-ups raise ValueError from now on."""
        self._table.close()

    def find(self, portal: str, path: str, pairs: Pairs, now: datetime) -> ExactRule | None:
        """See ExactIndex.  Most places hold one rule that asks for nothing: no Place is made for it."""
        data = self._data(portal, path)
        if data is None:
            return None
        if data[0].__class__ is int:
            rule = self._records.rule(portal, path, (), data)
            return rule if rule.valid_at(now) else None
        return self.first(portal, path, self._place(portal, path, data), pairs, now)

    def place(self, portal: str, path: str) -> Place | None:
        """See PlacedIndex."""
        data = self._data(portal, path)
        return None if data is None else self._place(portal, path, data)

    def _data(self, portal: str, path: str) -> Any:
        number = self._portals.get(portal)
        if number is None:
            return None
        found = self._table.get(number + path.encode() + b"\x01")
        return None if found is None else _unpack(found)

    def _place(self, portal: str, path: str, data: Any) -> Place:
        rule = self._records.rule
        if data[0].__class__ is int:
            return Place((), (rule(portal, path, (), data),))
        name_sets, records = data
        return Place(tuple(map(tuple, name_sets)), [rule(portal, path, (), _unpack(record)) for record in records])

    def under(self, portal: str, path: str, number: int, query: tuple[tuple[str, str], ...]) -> Sequence[ExactRule]:
        """See PlacedIndex."""
        values = b"".join([_sized(value) for _, value in query])
        found = self._table.get(b"%b%b\x00%c%b" % (self._portals[portal], path.encode(), number, values))
        return () if found is None else self._rules_of(portal, path, query, found)

    def _rules_of(
        self, portal: str, path: str, query: tuple[tuple[str, str], ...], value: memoryview | bytes
    ) -> Sequence[ExactRule]:
        data = _unpack(value)
        if isinstance(data[0], int):
            return (self._records.rule(portal, path, query, data),)
        return [self._records.rule(portal, path, query, _unpack(record)) for record in data[1]]

    def __len__(self) -> int:
        return self._rules

    def __iter__(self) -> Iterator[ExactRule]:
        portals = list(self._portals)
        for key, value in self._table.items():
            portal, cut = portals[int.from_bytes(key[:2], "big")], key.find(b"\x00", 2)
            path = _path_of(key[:-1] if cut < 0 else key[:cut])
            query: tuple[tuple[str, str], ...] = ()
            if cut >= 0 and (place := self.place(portal, path)) is not None:
                query = _query_of(place.name_sets[key[cut + 1]], key[cut + 2 :])
            yield from self._rules_of(portal, path, query, value)


def lookup_items(lookups: Iterable[Lookup], *, progress: Progress = silent) -> Iterator[Item]:
    """The keys and values of portals' tables.  Raises Problems for a table that stands twice."""
    tables: dict[tuple[str, str], Lookup] = {}
    for lookup in lookups:
        if tables.setdefault((lookup.portal, lookup.name), lookup) is not lookup:
            raise Problems([Problem(f"{lookup.portal}/{lookup.name}", 0, "this table stands twice: join the two")])
    done, long = 0, list[Item]()
    for number, lookup in enumerate(tables.values()):
        for octets, code in sorted((name.encode(), code) for name, code in lookup.entries.items()):
            key, value = number.to_bytes(2, "big") + octets, code.encode()
            if len(key) <= LONGEST_KEY:
                yield key, value
            else:
                long.append((_stored(key), _with_key(key, value)))
            done += 1
            if not done % _EVERY:
                progress("writing", done)
    yield from sorted(long)
    named = [(lookup.portal, lookup.name, len(lookup.entries)) for lookup in tables.values()]
    yield _DICTIONARY, msgpack.packb(named)


class LookupTable(Mapping[str, str]):
    """A portal's table from internal ids to procedure codes, in a mapped file."""

    def __init__(self, table: _Table, number: int, length: int) -> None:
        self._table = table
        self._number = number.to_bytes(2, "big")
        self._length = length

    def __getitem__(self, internal_id: str) -> str:
        found = self._table.get(self._number + internal_id.encode("utf-8", "surrogatepass"))
        if found is None:
            raise KeyError(internal_id)
        return bytes(found).decode()

    def __len__(self) -> int:
        return self._length

    def __iter__(self) -> Iterator[str]:
        return (key[2:].decode() for key, _ in self._table.items() if key.startswith(self._number))


class LookupTables(Mapping[tuple[str, str], Mapping[str, str]]):
    """All tables by (portal, name).  Safe in one thread at a time."""

    def __init__(self, env: lmdb.Environment, name: bytes) -> None:
        """Read the database `name` of an environment that nobody writes."""
        self._table = _Table(env, name)
        self._tables = {
            (portal, table): LookupTable(self._table, number, length)
            for number, (portal, table, length) in enumerate(self._table.dictionary())
        }

    def close(self) -> None:
        """End the reading.  Look-ups raise ValueError from now on."""
        self._table.close()

    def __getitem__(self, key: tuple[str, str]) -> Mapping[str, str]:
        return self._tables[key]

    def __len__(self) -> int:
        return len(self._tables)

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return iter(self._tables)
