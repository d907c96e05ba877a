"""Exact rules and lookups of a mapped file, as `lmdb_compiler` laid them out, found again."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import lmdb
import msgpack

from redirect_rules.exact import ExactRule, Pairs, Place, PlacedIndex, Shape
from redirect_rules.octets import joined
from redirect_rules.packed_rules import Alone, Packed, packed
from redirect_rules.rule_records import Records
from redirect_rules.stores.address_table import AddressTable, seed_of
from redirect_rules.stores.lmdb_layout import DICTIONARY, LONG, LONGEST_KEY, Places, query_of, sized, stored_key

_unpack = msgpack.unpackb
_PLAIN: Final = b"\x01"


class _Table:
    """One database of the file, read for as long as the file is open."""

    def __init__(self, env: lmdb.Environment, name: bytes) -> None:
        self._db = env.open_db(name, create=False)
        self._txn = env.begin(db=self._db, buffers=True)
        self._probe: Callable[[bytes], memoryview | None] = self._txn.get
        self._copying = env.begin(db=self._db)  # what is short is copied in less time than it is looked at
        self.octets: Callable[[bytes], bytes | None] = self._copying.get

    def get(self, key: bytes) -> memoryview | bytes | None:
        """The value of a key, valid until `close`."""
        if len(key) <= LONGEST_KEY:
            return self._probe(key)
        found = self._probe(stored_key(key))
        if found is None:
            return None
        end = 4 + int.from_bytes(found[:4], "big")
        return found[end:] if found[4:end] == key else None

    def whole(self, key: bytes) -> bytes | None:
        """The same, copied."""
        found = self.get(key)
        return None if found is None else bytes(found)

    def items(self) -> Iterator[tuple[bytes, memoryview]]:
        """Every key and value but the dictionary, long keys whole."""
        for key, value in self._txn.cursor():
            octets = bytes(key)
            if octets.startswith(LONG):
                end = 4 + int.from_bytes(value[:4], "big")
                yield bytes(value[4:end]), value[end:]
            elif octets != DICTIONARY:
                yield octets, value

    def between(self, first: bytes, last: bytes) -> Iterator[tuple[bytes, bytes, memoryview]]:
        """Keys that begin with the first, up to the last and with it: as kept, whole, and the value.  None is long."""
        cursor = self._txn.cursor()
        if not cursor.set_range(first):
            return
        for key, value in cursor:
            octets = bytes(key)
            if octets > last:
                return
            yield octets, octets, value

    def long_items(self) -> list[tuple[bytes, bytes, memoryview]]:
        """The same of all keys that are too long to stand as they are."""
        cursor = self._txn.cursor()
        if not cursor.set_range(LONG):
            return []
        found = []
        for key, value in cursor:
            octets = bytes(key)
            if octets.startswith(LONG):
                end = 4 + int.from_bytes(value[:4], "big")
                found.append((octets, bytes(value[4:end]), value[end:]))
        return found

    def dictionary(self) -> Any:
        """What stands at the end."""
        return _unpack(self._probe(DICTIONARY))

    def close(self) -> None:
        """End the reading; what was returned by `get` is gone."""
        self._probe = self.octets = _closed
        self._txn.abort()
        self._copying.abort()


def _closed(_key: bytes) -> None:
    raise ValueError("the file is closed")


class MappedAlone(Alone):
    """The records of one portal."""

    __slots__ = ("_addresses", "_begins", "_get", "_number", "_places", "_portal", "_seed", "_table")

    def __init__(self, table: _Table, number: bytes, places: Places, addresses: AddressTable | None) -> None:
        self._get = table.octets
        self._table = table
        self._number = number
        self._places = places
        self._addresses = addresses
        self._portal = int.from_bytes(number, "big")
        self._seed = seed_of(number)
        self._begins: dict[bytes, bytes] = {}  # of keys, by folders that were asked for

    def find(self, path: bytes, cut: int) -> Packed | None:
        """See Alone."""
        record = self.record(path, cut)
        return None if record is None else packed(record)

    def record(self, path: bytes, cut: int) -> bytes | None:
        """What stands under a path, if anything.  For most paths LMDB's pages are not touched, and stay on the disk."""
        addresses = self._addresses
        if addresses is not None:
            found = addresses.find(self._portal, self._seed, path, cut)
            if found is not None:
                return found
        octets, end = path, len(path)  # typed as what is cut in less time
        begin = self._begins.get(octets[0:cut])
        key = joined((begin, octets[cut + 1 : end], _PLAIN)) if begin is not None else self._key(path, cut)
        return self._get(key) if len(key) <= LONGEST_KEY else self._table.whole(key)

    def agrees(self, path: bytes) -> bool:
        """Whether the table of addresses says of a path what LMDB does, if it says anything."""
        cut = path.rfind(b"/")
        addresses = self._addresses
        found = None if addresses is None else addresses.find(self._portal, self._seed, path, cut)
        return found is None or found == self._table.whole(self._key(path, cut))

    def close(self) -> None:
        """Find nothing more."""
        self._get = _closed

    def _key(self, path: bytes, cut: int) -> bytes:
        folder = self._places.folders.get(path[:cut])
        if folder is not None:
            self._begins[path[:cut]] = self._number + folder
        return self._number + self._places.rest(path) + _PLAIN


class LmdbIndex(PlacedIndex):
    """The exact rules of a mapped file.  Opens in milliseconds whatever their number; safe in one thread at a time.

    Nothing that it returns refers to the file.
    """

    def __init__(self, env: lmdb.Environment, name: bytes, table: tuple[memoryview, memoryview] | None = None) -> None:
        """Read the database `name` of an environment that nobody writes; `table`: of its addresses."""
        self._table = _Table(env, name)
        dictionary = self._table.dictionary()
        self._places = Places(dictionary["portals"], dictionary.get("folders"))
        self._records = Records.from_data(dictionary["shapes"])
        self._rules: int = dictionary["rules"]
        self._alone: dict[str, MappedAlone] = {}  # by portal
        self.addresses = None if table is None else AddressTable(*table, list(self._places.folders))

    def close(self) -> None:
        """End the reading.  Look-ups raise ValueError from now on."""
        for alone in self._alone.values():
            alone.close()
        if self.addresses is not None:
            self.addresses.close()
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

    def alone(self, portal: str) -> Alone:
        """See ExactIndex."""
        return self._alone_of(portal) or Alone()

    def _alone_of(self, portal: str) -> MappedAlone | None:
        found = self._alone.get(portal)
        if found is None:
            number = self._places.portals.get(portal)
            if number is not None:
                found = self._alone[portal] = MappedAlone(self._table, number, self._places, self.addresses)
        return found

    def agrees(self, portal: str, path: str) -> bool:
        """Whether whatever is said of a path is said alike: see `MappedAlone.agrees`."""
        alone = self._alone_of(portal)
        return alone is None or alone.agrees(path.encode())

    def addresses_without(self, places: Iterable[tuple[str, str]]) -> tuple[memoryview, bytes] | None:
        """The table of addresses but for some places (portal, path): entries and slots; None: there is none."""
        if self.addresses is None:
            return None
        numbers = self._places.portals
        known = ((numbers[portal], path.encode()) for portal, path in places if portal in numbers)
        return self.addresses.entries, self.addresses.without(known)

    def shape(self, number: int) -> Shape:
        """See ExactIndex."""
        return self._records.shape(number)

    def _data(self, portal: str, path: str) -> Any:
        alone = self._alone_of(portal)
        if alone is None:
            return None
        octets = path.encode("utf-8", "surrogatepass")
        cut = octets.rfind(b"/")
        found = alone.record(octets, cut) if cut >= 0 else None
        return None if found is None else _unpack(found)

    def _place(self, portal: str, path: str, data: Any) -> Place:
        rule = self._records.rule
        if data[0].__class__ is int:
            return Place((), (rule(portal, path, (), data),))
        name_sets, records = data
        return Place(tuple(map(tuple, name_sets)), [rule(portal, path, (), _unpack(record)) for record in records])

    def under(self, portal: str, path: str, number: int, query: tuple[tuple[str, str], ...]) -> Sequence[ExactRule]:
        """See PlacedIndex."""
        values = b"".join([sized(value) for _, value in query])
        found = self._table.get(b"%b\x00%c%b" % (self._places.begin(portal, path) or b"", number, values))
        return () if found is None else self._rules_of(portal, path, query, found)

    def _rules_of(
        self, portal: str, path: str, query: tuple[tuple[str, str], ...], value: memoryview | bytes
    ) -> Sequence[ExactRule]:
        data = _unpack(value)
        if isinstance(data[0], int):
            return (self._records.rule(portal, path, query, data),)
        return [self._records.rule(portal, path, query, _unpack(record)) for record in data[1]]

    def at_places(self, places: Iterable[tuple[str, str]]) -> tuple[list[bytes], list[ExactRule]]:
        """Everything under some places (portal, path): the keys as LMDB keeps them, and the rules, in force or not."""
        keys, rules = list[bytes](), list[ExactRule]()
        long: dict[bytes, list[tuple[bytes, bytes, memoryview]]] = {}
        for item in self._table.long_items():
            long.setdefault(self._places.parted(item[1])[0], []).append(item)
        for portal, path in places:
            begins = self._places.begin(portal, path)
            if begins is None:
                continue
            for stored, key, value in (
                *self._table.between(begins + b"\x00", begins + b"\x01"),
                *long.get(begins, ()),
            ):
                keys.append(stored)
                rules += self._rules_under(portal, path, key, value)
        return keys, rules

    @property
    def places(self) -> Places:
        """The portals and folders that the file knows; to be read, not added to."""
        return self._places

    @property
    def shapes(self) -> Sequence[Shape]:
        """What the records of the file have in common, by number."""
        return self._records.shapes

    def __len__(self) -> int:
        return self._rules

    def __iter__(self) -> Iterator[ExactRule]:
        places = self._places
        for key, value in self._table.items():
            place, _ = places.parted(key)
            yield from self._rules_under(places.portal_of(place), places.path_of(place), key, value)

    def _rules_under(self, portal: str, path: str, key: bytes, value: memoryview | bytes) -> Sequence[ExactRule]:
        _, asking = self._places.parted(key)
        query: tuple[tuple[str, str], ...] = ()
        if asking and (place := self.place(portal, path)) is not None:
            query = query_of(place.name_sets[asking[0]], asking[1:])
        return self._rules_of(portal, path, query, value)


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
