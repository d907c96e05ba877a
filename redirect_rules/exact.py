"""Exact rules by the million: one old address, one answer, found in a fixed number of probes.

This file decides what an exact rule is, which of several wins, what may be compiled and how a rule is written in few
bytes.  Where the rules lie is the index's affair: a dict here, a mapped file in `stores.lmdb_index`.

An address is a portal, a canonical path and the query pairs that must all be there (others are ignored).  What stands
under one path says which sets of parameter names its rules ask for, so that a look-up is one probe for the path and at
most two for each set, however many rules there are.
"""

from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from functools import lru_cache
from itertools import combinations
from string import ascii_letters, digits
from typing import Any, Final, NamedTuple, Protocol, TypeAlias

import msgpack

from redirect_rules.canonical import LONGEST_TARGET, SENSITIVE
from redirect_rules.destinations import LONGEST_TARGET as LONGEST_URL
from redirect_rules.model import Action, Argument, Goal, Literal, PathTemplate, Rule
from redirect_rules.sources import Problem, Problems

Pairs: TypeAlias = Sequence[tuple[str, str]]
Names: TypeAlias = tuple[str, ...]
Address: TypeAlias = tuple[str, str, tuple[tuple[str, str], ...]]
"""Portal id, path and query of a rule."""
Record: TypeAlias = Sequence[Any]
"""A rule without its address, as `Records` packs it: the number of its shape, the end of its id, …"""
Alone: TypeAlias = Callable[[bytes], Record | None]
"""Finds the record of the one rule under a path (the octets of `Key.path`) that asks for nothing and has a shape of a
number; None where there is none, or more to look at than that."""

MOST_NAME_SETS: Final = 8
"""Different sets of parameter names that rules of one path may ask for: bounds the probes of a look-up."""
MOST_NAMES: Final = 8
"""Parameters that one rule may ask for."""
MOST_PAIRS_READ: Final = 256
"""Query pairs of a visit that are looked at: nobody's browser sent more."""
MOST_AT_ONE_ADDRESS: Final = 16
"""Rules of one address that follow each other in time."""
MOST_SHAPES: Final = 4_096
"""Entries of the dictionary of what rules have in common."""

PINNED: Final = frozenset({Action.PASS, Action.REFUSE})
_LEADS = frozenset({Action.NOTICE, Action.REDIRECT, Action.ASK})
_IN_PATHS = (ascii_letters + digits + "-._~!$'()*,:@%/").encode()  # what Key.path is made of
_INLINE = -1  # in the place of a shape's number: the shape itself follows


class ExactRule(NamedTuple):
    """One old address and what becomes of it.

    A named tuple, not a dataclass: it is made on every look-up, and a frozen dataclass costs four times as much.
    """

    portal: str
    path: str  # as `Key.path`: percent-encoded, begins with "/", folded where the portal folds
    query: tuple[tuple[str, str], ...]  # (name in lower case, value), sorted by name; all must be there
    action: Action
    id: str  # "langson/import-17-000123", for people and for counting
    destination: str = ""  # a named page; "" where `url` is spelt or nothing is led to
    arguments: tuple[tuple[str, str], ...] = ()  # (parameter, text)
    url: str = ""  # an https address on an allowed host
    valid_from: datetime | None = None  # aware; None: always was
    valid_until: datetime | None = None  # aware, exclusive; None: for ever
    otherwise: str = ""  # a destination that needs nothing, for when the first cannot be filled

    @property
    def address(self) -> Address:
        """Where the rule stands: of two rules with one address, time alone decides."""
        return self[:3]

    def valid_at(self, now: datetime) -> bool:
        """Whether the rule is in force at `now` (aware)."""
        begun = self.valid_from is None or now >= self.valid_from
        return begun and (self.valid_until is None or now < self.valid_until)

    def as_rule(self) -> Rule:
        """The same in the words of `decide`: its query has matched already, so nothing is left to ask for."""
        goal = Goal(self.destination, tuple(Argument(name, text=text) for name, text in self.arguments), self.url)
        literals = tuple(Literal(part) for part in self.path.split("/") if part)
        return Rule(
            id=self.id,
            templates=(PathTemplate(literals, None, spelling(self.path, self.query)),),
            action=self.action,
            goals=((goal,) if self.destination or self.url else ())
            + ((Goal(self.otherwise),) if self.otherwise else ()),
            exact=True,
            valid_from=self.valid_from,
            valid_until=self.valid_until,
            source="exact rules",
        )


class Place(NamedTuple):
    """What stands under one path."""

    name_sets: tuple[Names, ...]  # in the order in which they are asked: most names first
    plain: Sequence[ExactRule]  # the rules that ask for no parameter


class ExactIndex(Protocol):
    """Finds the exact rules of a visit.  Immutable; a look-up costs the same at a thousand rules and at ten million."""

    def find(self, portal: str, path: str, pairs: Pairs, now: datetime) -> ExactRule | None:
        """The rule that decides: the first of `candidates`."""
        ...

    def candidates(self, portal: str, path: str, pairs: Pairs, now: datetime) -> list[ExactRule]:
        """Every rule in force that knows this path and query: pins (pass, refuse) first, then most parameters first.

        `path` and `pairs` are a Key's.  Of a parameter that was sent several times the rules see either the first
        value of each or the last value of each: old servers read the one or the other.
        """
        ...

    def at(self, address: Address) -> Sequence[ExactRule]:
        """The rules of this very address, in force or not."""
        ...

    def names_at(self, portal: str, path: str) -> frozenset[str]:
        """The parameters that some rule of this path asks for: what the key must keep."""
        ...

    def alone(self, portal: str) -> Alone:
        """What finds this portal's records: the part of a look-up that differs from one address to the next."""
        ...

    def shape(self, number: int) -> "Shape":
        """What the rules with records of this number have in common."""
        ...

    def __len__(self) -> int: ...

    def __iter__(self) -> Iterator[ExactRule]: ...


class PlacedIndex(ABC):
    """The policy of a look-up, over whatever stores places."""

    @abstractmethod
    def place(self, portal: str, path: str) -> Place | None:
        """What stands under the path."""

    @abstractmethod
    def under(self, portal: str, path: str, number: int, query: tuple[tuple[str, str], ...]) -> Sequence[ExactRule]:
        """The rules that ask for these values of the path's name set of this number."""

    def find(self, portal: str, path: str, pairs: Pairs, now: datetime) -> ExactRule | None:
        """See ExactIndex."""
        place = self.place(portal, path)
        return None if place is None else self.first(portal, path, place, pairs, now)

    def first(self, portal: str, path: str, place: Place, pairs: Pairs, now: datetime) -> ExactRule | None:
        """The rule that decides among those of a place."""
        if not place.name_sets:
            return next((rule for rule in place.plain if rule.valid_at(now)), None)
        return next(iter(self._candidates(portal, path, place, pairs, now)), None)

    def candidates(self, portal: str, path: str, pairs: Pairs, now: datetime) -> list[ExactRule]:
        """See ExactIndex."""
        place = self.place(portal, path)
        return [] if place is None else self._candidates(portal, path, place, pairs, now)

    def at(self, address: Address) -> Sequence[ExactRule]:
        """See ExactIndex."""
        portal, path, query = address
        place = self.place(portal, path)
        if place is None or not query:
            return place.plain if place else ()
        names = tuple(name for name, _ in query)
        if names not in place.name_sets:
            return ()
        return self.under(portal, path, place.name_sets.index(names), query)

    def names_at(self, portal: str, path: str) -> frozenset[str]:
        """See ExactIndex."""
        place = self.place(portal, path)
        return frozenset().union(*place.name_sets) if place else frozenset()

    def _candidates(self, portal: str, path: str, place: Place, pairs: Pairs, now: datetime) -> list[ExactRule]:
        found = [
            rule
            for number, query in probes(place.name_sets, pairs)
            for rule in self.under(portal, path, number, query)
            if rule.valid_at(now)
        ]
        found += [rule for rule in place.plain if rule.valid_at(now)]
        return sorted(found, key=lambda rule: rule.action not in PINNED) if len(found) > 1 else found


def probes(name_sets: Sequence[Names], pairs: Pairs) -> Iterator[tuple[int, tuple[tuple[str, str], ...]]]:
    """The number of each name set that the visit fills, with the pairs to look up: the first values, then the last."""
    last = {name.lower(): value for name, value in pairs[:MOST_PAIRS_READ]}
    first = last
    if len(last) != len(pairs):
        first = {name.lower(): value for name, value in reversed(pairs[:MOST_PAIRS_READ])}
    for number, names in enumerate(name_sets):
        try:
            query = tuple([(name, first[name]) for name in names])
        except KeyError:
            continue
        yield number, query
        if first is not last and (other := tuple([(name, last[name]) for name in names])) != query:
            yield number, other


def address(path: str, pairs: Pairs) -> tuple[str, tuple[tuple[str, str], ...]]:
    """The path and the query of a rule from those of a Key.

    Names in lower case and sorted, the first value of each; never a sensitive one, and none of no value.
    """
    first = {name.lower(): value for name, value in reversed(pairs) if value}
    return path, tuple(sorted(pair for pair in first.items() if pair[0] not in SENSITIVE))


def spelling(path: str, query: Pairs) -> str:
    """An address as people read it."""
    return path + ("?" + "&".join(f"{name}={value}" for name, value in query) if query else "")


def asking_order(names: Names) -> tuple[int, Names]:
    """Name sets in the order in which they are asked: most names first."""
    return -len(names), names


def complaint(rule: ExactRule) -> str | None:
    """Why a rule cannot be compiled, and what to write instead; None when it can.

    Whether the path is the one that `canonical_key` would give, and whether the destination exists, is for the maker
    of the rule to know.
    """
    return complaint_about_address(rule) or complaint_about_end(rule)


def complaint_about_address(rule: ExactRule) -> str | None:
    """What is wrong with where the rule stands."""
    path = rule.path
    bare = path[:1] == "/" and (path[-1] != "/" or path == "/") and "//" not in path and path.isascii()
    # translate() deletes what may stand there: half the time of a regular expression, which counts ten million times.
    if not bare or len(path) > LONGEST_TARGET or path.encode().translate(None, _IN_PATHS):
        return f"{path!r} is no canonical path: make it with canonical_key"
    if rule.query and (wrong := _complaint_about_query(rule.query)):
        return wrong
    if len(rule.url) > LONGEST_URL:
        return f"the address it leads to is longer than {LONGEST_URL} characters"
    return None if rule.id and rule.portal else "a rule needs an id and a portal"


def _complaint_about_query(query: Pairs) -> str | None:
    if sum([len(name) + len(value) for name, value in query]) > LONGEST_TARGET:
        return f"the parameters are longer than {LONGEST_TARGET} characters"
    return _complaint_about_names(tuple([name for name, _ in query]))


@lru_cache(1_024)
def _complaint_about_names(names: Names) -> str | None:
    if len(names) > MOST_NAMES:
        return f"asks for {len(names)} parameters: keep the {MOST_NAMES} that tell pages apart, or fewer"
    if sorted(set(names)) != list(names) or not all(names):
        return "the parameters must be sorted by name, each named once"
    if any(name != name.lower() for name in names):
        return "the names of parameters must be in lower case"
    if sensitive := SENSITIVE.intersection(names):
        return f"asks for {', '.join(sorted(sensitive))}, which is never looked at: remove it"
    return None


def complaint_about_end(rule: ExactRule) -> str | None:
    """What is wrong with where the rule leads, or with its time.  Rules of one shape are right or wrong together."""
    leads = bool(rule.destination) + bool(rule.url)
    if rule.action in _LEADS and leads != 1:
        return "where does it lead? name a destination, or spell a url"
    if rule.action in PINNED and leads:
        return f"a rule that says {rule.action} leads nowhere: remove the destination"
    if leads > 1:
        return "name a destination, or spell a url, not both"
    if rule.otherwise and not rule.destination:
        return "a second destination wants a first one that may fail: remove it"
    if rule.url and not rule.url.startswith("https://"):
        return f"{rule.url!r} is not https"
    begin, end = rule.valid_from, rule.valid_until
    if any(at is not None and at.tzinfo is None for at in (begin, end)):
        return "valid_from and valid_until need a time zone"
    return "valid_until must be later than valid_from" if begin and end and begin >= end else None


def complaint_about_neighbours(rules: Sequence[ExactRule]) -> str | None:
    """Why rules of one address cannot stand together: two in force at once, or too many."""
    if len(rules) > MOST_AT_ONE_ADDRESS:
        return f"{len(rules)} rules at {spelling(*rules[0][1:3])}: {MOST_AT_ONE_ADDRESS} at most"
    for one, other in combinations(rules, 2):
        before = one.valid_until and other.valid_from and one.valid_until <= other.valid_from
        after = other.valid_until and one.valid_from and other.valid_until <= one.valid_from
        if not (before or after):
            return f"{spelling(*one[1:3])} is known as well by {one.id}: keep one of them, or part them by time"
    return None


def complaint_about_name_sets(path: str, name_sets: Iterable[Names]) -> str:
    """What to say of a path whose rules ask for too many different sets of parameters."""
    shown = ", ".join("+".join(names) for names in name_sets)
    return (
        f"{path}: its rules ask for more than {MOST_NAME_SETS} different sets of parameters ({shown}, …): "
        "write a template, or leave out the parameters that do not tell pages apart"
    )


class DictIndex(PlacedIndex):
    """An exact index in memory: for small sets, for drafts and for tests."""

    def __init__(self, rules: Iterable[ExactRule]) -> None:
        """Index rules in any order.  Raises Problems for what cannot be compiled, as the file's compiler does."""
        self._rules: dict[Address, list[ExactRule]] = defaultdict(list)
        names: dict[tuple[str, str], set[Names]] = defaultdict(set)
        problems: list[Problem] = []
        for rule in rules:
            self._rules[rule.address].append(rule)
            asked = names[rule.portal, rule.path]
            if rule.query:
                asked.add(tuple(name for name, _ in rule.query))
            if wrong := complaint(rule):
                problems.append(Problem(rule.id, 0, wrong))
        self._name_sets = {where: tuple(sorted(asked, key=asking_order)) for where, asked in names.items()}
        self._records = Records()
        problems += self._crowded()
        if problems:
            raise Problems(problems)

    def _crowded(self) -> Iterator[Problem]:
        for rules in self._rules.values():
            if len(rules) > 1 and (wrong := complaint_about_neighbours(rules)):
                yield Problem(rules[-1].id, 0, wrong)
        for (portal, path), name_sets in self._name_sets.items():
            if len(name_sets) > MOST_NAME_SETS:
                yield Problem(portal, 0, complaint_about_name_sets(path, name_sets[:MOST_NAME_SETS]))

    def place(self, portal: str, path: str) -> Place | None:
        """See PlacedIndex."""
        name_sets = self._name_sets.get((portal, path))
        return None if name_sets is None else Place(name_sets, self._rules.get((portal, path, ()), ()))

    def under(self, portal: str, path: str, _: int, query: tuple[tuple[str, str], ...]) -> Sequence[ExactRule]:
        """See PlacedIndex."""
        return self._rules.get((portal, path, query), ())

    def alone(self, portal: str) -> Alone:
        """See ExactIndex."""

        def find(path: bytes) -> Record | None:
            place = self.place(portal, path.decode())
            if place is None or place.name_sets or len(place.plain) != 1:
                return None
            record: Record = msgpack.unpackb(self._records.pack(place.plain[0]))
            return record if record[0] >= 0 else None

        return find

    def shape(self, number: int) -> "Shape":
        """See ExactIndex."""
        return self._records.shape(number)

    def __len__(self) -> int:
        return sum(map(len, self._rules.values()))

    def __iter__(self) -> Iterator[ExactRule]:
        for rules in self._rules.values():
            yield from rules


class Shape(NamedTuple):
    """What many rules have in common: kept once in the dictionary, named by its number in their records."""

    action: Action
    destination: str
    parameters: tuple[str, ...]
    url_head: str  # "" where no url is spelt
    id_head: str
    valid_from: datetime | None
    valid_until: datetime | None
    otherwise: str


class Records:
    """Rules as bytes and back, with the dictionary that makes them short.

    A record is a msgpack array: the shape's number, the end of the id, the end of the url if there is one, the texts of
    the arguments.  When the dictionary is full a record carries its shape itself: never wrong, only longer.
    """

    def __init__(self, shapes: Iterable[Shape] = ()) -> None:
        self._shapes = list(shapes)
        self._numbers: dict[tuple[Any, ...], int] = {}
        self._packer = msgpack.Packer()

    def pack(self, rule: ExactRule) -> bytes:
        """The record of a rule, without its address.  Raises ValueError, as `complaint_about_end` says it."""
        _, _, _, action, rule_id, destination, arguments, url, begin, end, otherwise = rule
        head, slash, id_tail = rule_id.rpartition("/")
        id_head = head + slash
        url_head = url_tail = ""
        if url:
            head, slash, url_tail = url.rpartition("/")
            url_head = head + slash
        names, texts = tuple([name for name, _ in arguments]), [text for _, text in arguments]
        # Of the action its text: hashing a member of an Enum runs Python.
        shape = (action._value_, destination, names, url_head, id_head, begin, end, otherwise)
        number = self._numbers.get(shape)
        if number is None:
            number = self._number_of(rule, shape)
        rest = (id_tail, url_tail, *texts) if url else (id_tail, *texts)
        record = (number, *rest) if number >= 0 else (_INLINE, _shape_as_data(Shape(action, *shape[1:])), *rest)
        packed: bytes = self._packer.pack(record)
        return packed

    def _number_of(self, rule: ExactRule, shape: tuple[Any, ...]) -> int:
        if wrong := complaint_about_end(rule):
            raise ValueError(wrong)
        if len(self._shapes) >= MOST_SHAPES:
            return _INLINE
        self._numbers[shape] = len(self._shapes)
        self._shapes.append(Shape(rule.action, *shape[1:]))
        return len(self._shapes) - 1

    def shape(self, number: int) -> Shape:
        """What stands in the dictionary under a number."""
        return self._shapes[number]

    @property
    def shapes(self) -> Sequence[Shape]:
        """The dictionary, in the order of its numbers."""
        return self._shapes

    @classmethod
    def continued(cls, shapes: Iterable[Shape]) -> "Records":
        """With what a file has in its dictionary, so that more can be packed to stand beside its records."""
        records = cls(shapes)
        records._numbers = {(shape.action._value_, *shape[1:]): n for n, shape in enumerate(records._shapes)}
        return records

    def rule(self, portal: str, path: str, query: tuple[tuple[str, str], ...], record: Record) -> ExactRule:
        """The rule of an unpacked record."""
        number = record[0]
        if number >= 0:
            shape, at = self._shapes[number], 1
        else:
            shape, at = _shape_from_data(record[1]), 2
        action, destination, parameters, url_head, id_head, begin, end, otherwise = shape
        url = ""
        rule_id = id_head + record[at]
        if url_head:
            at += 1
            url = url_head + record[at]
        if len(parameters) == 1:  # nearly always, and a third of the time of zip
            arguments: tuple[tuple[str, str], ...] = ((parameters[0], record[at + 1]),)
        else:
            arguments = tuple(zip(parameters, record[at + 1 :], strict=True))
        return ExactRule(portal, path, query, action, rule_id, destination, arguments, url, begin, end, otherwise)

    def as_data(self) -> list[Any]:
        """The dictionary, for the file."""
        return [_shape_as_data(shape) for shape in self._shapes]

    @classmethod
    def from_data(cls, data: Iterable[Any]) -> "Records":
        """The dictionary of a file.  Raises ValueError or TypeError for what is none."""
        return cls(map(_shape_from_data, data))


def _shape_as_data(shape: Shape) -> list[Any]:
    action, destination, parameters, url_head, id_head, begin, end, otherwise = shape
    instants = [at.isoformat() if at else None for at in (begin, end)]
    return [str(action), destination, list(parameters), url_head, id_head, *instants, otherwise]


def _shape_from_data(data: Sequence[Any]) -> Shape:
    action, destination, parameters, url_head, id_head, *instants, otherwise = data
    begin, end = (datetime.fromisoformat(text) if text else None for text in instants)
    return Shape(Action(action), destination, tuple(parameters), url_head, id_head, begin, end, otherwise)
