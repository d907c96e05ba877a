"""Exact rules and lookups in any order → the keys and values of a mapped file, in ascending order."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple, TypeAlias

import msgpack

from redirect_rules.canonical import LONGEST_TARGET
from redirect_rules.destinations import LONGEST_TARGET as LONGEST_URL
from redirect_rules.exact import MOST_NAME_SETS, ExactRule, Names, spelling
from redirect_rules.exact_complaints import (
    IN_PATHS,
    complaint_about_address,
    complaint_about_name_sets,
    complaint_about_neighbours,
)
from redirect_rules.model import Lookup
from redirect_rules.rule_records import Records
from redirect_rules.sources import Problem, Problems
from redirect_rules.stores.lmdb_index import LmdbIndex
from redirect_rules.stores.lmdb_layout import (
    DICTIONARY,
    LONG,
    LONGEST_KEY,
    Item,
    Places,
    asked_for,
    names_of,
    query_of,
    sized,
    stored_key,
    with_key,
)
from redirect_rules.stores.sorted_runs import SortedRuns

Progress: TypeAlias = Callable[[str, int], None]
"""Called now and then with a stage ("reading", "writing", "checking") and how many items of it are done."""

MOST_COMPLAINTS: Final = 100

_MOST_NUMBERS = 0xFF00
_EVERY = 10_000  # items between two calls of progress
_unpack = msgpack.unpackb


def silent(_stage: str, _done: int) -> None:
    """The progress nobody watches."""


def exact_items(
    rules: Iterable[ExactRule], *, folder: Path, progress: Progress = silent, places: Places | None = None
) -> Iterator[Item]:
    """The keys and values of exact rules, in any order given, in ascending order of the keys.

    `folder` takes temporary files when there are more than MOST_HELD; `places`, empty ones, are filled before the first
    item comes.  Raises Problems (a hundred at most) for rules that cannot be compiled, OSError when the disk is full.
    """
    compiler = _Compiler(folder, places=places)
    compiler.take(rules, progress)
    yield from compiler.items()


class NotThere(LookupError):
    """A rule that should go is not in the file."""


class Changed(NamedTuple):
    """What makes one file of another."""

    removed: frozenset[bytes]  # keys
    items: Sequence[Item]  # new ones, and others in place of what is under their keys


def changed_items(index: LmdbIndex, gone: Sequence[ExactRule], come: Sequence[ExactRule], *, folder: Path) -> Changed:
    """What changes in the file of an index when some rules go and others come.

    Raises Problems as `exact_items`, NotThere.
    """
    places = sorted({(rule.portal, rule.path) for rule in (*gone, *come)})
    keys, there = index.at_places(places)
    left = Counter(there)
    left.subtract(gone)
    if any(count < 0 for count in left.values()):
        raise NotThere(next(rule.id for rule, count in left.items() if count < 0))
    compiler = _Compiler(folder, after=index, without=len(there))
    compiler.take([*left.elements(), *come], silent)
    items = list(compiler.items())
    return Changed(frozenset(keys) - {key for key, _ in items}, items)


class _Compiler:
    """Rules → entries (sort key, record, length of the key) → sorted → one item for each address and place."""

    def __init__(
        self, folder: Path, *, after: LmdbIndex | None = None, without: int = 0, places: Places | None = None
    ) -> None:
        """Begin with the dictionary of another file, and count its rules but for those that are compiled anew."""
        self._places = (places or Places()) if after is None else after.places.copy()
        self._portals, self._folders = self._places.portals, self._places.folders
        self._records = Records() if after is None else Records.continued(after.shapes)
        self._beside = 0 if after is None else len(after) - without
        self._entries = SortedRuns(folder)
        self._long = SortedRuns(folder)
        self._problems: list[Problem] = []
        self._rules = 0

    def take(self, rules: Iterable[ExactRule], progress: Progress) -> None:
        """Read all rules."""
        record_of, sort_key = self._records.pack, self._sort_key
        entries: list[bytes] = []
        append = entries.append
        for rule in rules:
            try:
                key = sort_key(rule)
                append(b"%b%b%b" % (key, record_of(rule), len(key).to_bytes(2, "big")))
            except ValueError as error:
                self._complain(rule.id or spelling(rule.path, rule.query), str(error))
                continue
            if len(entries) >= _EVERY:
                self._take_in(entries)
                progress("reading", self._rules)
        self._take_in(entries)
        self._stop_for_problems()

    def _take_in(self, entries: list[bytes]) -> None:
        self._rules += len(entries)
        self._entries.extend(entries)
        entries.clear()

    def items(self) -> Iterator[Item]:
        """What goes into the file."""
        for key, value in self._items():
            if len(key) <= LONGEST_KEY:
                yield key, value
            else:
                self._long.add(stored_key(key) + with_key(key, value))
        self._stop_for_problems()
        cut = len(LONG) + 32
        for entry in self._long:
            yield entry[:cut], entry[cut:]
        dictionary = {
            **self._places.as_data(),
            "shapes": self._records.as_data(),
            "rules": self._beside + self._rules,
        }
        yield DICTIONARY, msgpack.packb(dictionary)

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
        octets = rule.path.encode("utf-8", "surrogatepass")
        cut = octets.rfind(b"/")
        portal, folder, leaf = self._portals.get(rule.portal), self._folders.get(octets[:cut]), octets[cut + 1 :]
        if (
            # Plainly right, as nearly all are: beside one that was looked at with care.
            portal is not None
            and folder is not None
            and leaf
            and not rule.query
            and not leaf.translate(None, IN_PATHS)
            and len(octets) <= LONGEST_TARGET
            and len(rule.url) <= LONGEST_URL
            and rule.id
        ):
            return b"%b%b%b\x01" % (portal, folder, leaf)
        if wrong := complaint_about_address(rule):
            raise ValueError(wrong)
        place = self._places.numbered(rule.portal, octets)
        if len(self._places.portals) > _MOST_NUMBERS:
            raise Problems([Problem(rule.id, 0, f"there are more than {_MOST_NUMBERS} portals")])
        if not rule.query:
            return place + b"\x01"
        asked = asked_for(tuple([name for name, _ in rule.query]))
        return place + asked + b"".join([sized(value) for _, value in rule.query])

    def _items(self) -> Iterator[Item]:
        """One item for each address that asks for parameters, then one for its path."""
        asking, asks = _Asking(self._complain_about_sets, self._places), self._places.asks
        for key, records in self._addresses():
            # Nearly every rule is alone under its path, and there are ten million of them.
            if len(records) == 1 and not asking.place and not asks(key):
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
        wrong = complaint_about_name_sets(self._places.path_of(place), name_sets)
        self._complain(self._places.portal_of(place), wrong)

    def _check_neighbours(self, key: bytes, records: Sequence[bytes]) -> None:
        place, asking = self._places.parted(key)
        names, end = names_of(asking) if asking else ((), 0)
        address = self._places.portal_of(place), self._places.path_of(place), query_of(names, asking[end:])
        rules = [self._records.rule(*address, _unpack(record)) for record in records]
        if wrong := complaint_about_neighbours(rules):
            self._complain(rules[-1].id, wrong)


class _Asking:
    """The path at hand when some of its rules ask for parameters: collects the name sets until the path is over."""

    def __init__(self, complain: Callable[[bytes, Sequence[Names]], None], places: Places) -> None:
        self._places = places
        self.place = b""  # empty: none at hand
        self.begins = b""  # how sort keys of the name set at hand begin
        self.stem = b""  # what stands in the file instead
        self._complain = complain
        self._name_sets: list[Names] = []

    def take(self, key: bytes, records: Sequence[bytes]) -> Iterator[Item]:
        """The next address in order, unless it `begins` as the last one did."""
        place, asking = self._places.parted(key)
        if self.place != place:
            yield from self.closed()
        if not asking:
            yield place + b"\x01", _value(self._name_sets, records)
            self._begin(b"")
            return
        if self.place != place:
            self._begin(place)
        names, end = names_of(asking)
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


def _value(name_sets: Sequence[Names], records: Sequence[bytes]) -> bytes:
    """A record as it stands, where nothing else is to be said; else [name sets, records]."""
    if len(records) == 1 and not name_sets:
        return records[0]
    value: bytes = msgpack.packb((name_sets, records))
    return value


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
                long.append((stored_key(key), with_key(key, value)))
            done += 1
            if not done % _EVERY:
                progress("writing", done)
    yield from sorted(long)
    named = [(lookup.portal, lookup.name, len(lookup.entries)) for lookup in tables.values()]
    yield DICTIONARY, msgpack.packb(named)
