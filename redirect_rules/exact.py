"""Exact rules by the million: one old address, one answer, found in a fixed number of probes.

This file decides what an exact rule is, which of several wins, what may be compiled and how a rule is written in few
bytes.  Where the rules lie is the index's affair: a dict here, a mapped file in `stores.lmdb_index`.

An address is a portal, a canonical path and the query pairs that must all be there (others are ignored).  What stands
under one path says which sets of parameter names its rules ask for, so that a look-up is one probe for the path and at
most two for each set, however many rules there are.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple, Protocol, TypeAlias

from redirect_rules.canonical import SENSITIVE
from redirect_rules.model import Action, Argument, Goal, Literal, PathTemplate, Rule
from redirect_rules.packed_rules import Alone

Pairs: TypeAlias = Sequence[tuple[str, str]]
Names: TypeAlias = tuple[str, ...]
Address: TypeAlias = tuple[str, str, tuple[tuple[str, str], ...]]
"""Portal id, path and query of a rule."""
Record: TypeAlias = Sequence[Any]
"""A rule without its address, as `Records` packs it: the number of its shape, the end of its id, …"""

MOST_NAME_SETS: Final = 8
"""Different sets of parameter names that rules of one path may ask for: bounds the probes of a look-up."""
MOST_PAIRS_READ: Final = 256
"""Query pairs of a visit that are looked at: nobody's browser sent more."""

PINNED: Final = frozenset({Action.PASS, Action.REFUSE})


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

    def shape(self, number: int) -> Shape:
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
