"""Which rules know a path.  Templates live in a tuple space: one probe for each shape, none for each rule.

A shape is what remains of a template when its holes and its texts are forgotten: the places of its literals.  A path is
looked up once for each shape, by its segments at those places, so ten thousand templates of twelve shapes cost what
twelve cost.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from operator import attrgetter, itemgetter
from typing import Any, Final, NamedTuple, Protocol, TypeAlias

from redirect_rules.canonical import Key
from redirect_rules.captures import TYPES
from redirect_rules.model import Condition, Hole, Literal, PathTemplate, Rule, Segment

Rank: TypeAlias = tuple[int, ...]
Filler: TypeAlias = Callable[[str], str | None]

MOST_VALUES: Final = 16
"""Values of parameters that are tried for one capture."""
LONGEST_VALUE: Final = 1_000
"""Characters of a captured value that are looked at; codes and numbers that are longer are none."""

_LIGHT, _HEAVY = 3, 12  # for looking at a parameter; at one of any portlet's
_READING = 10  # for the values of a capture that are none
_LITERAL, _AFFIX, _LONGEST_AFFIX, _END, _TAIL = 99, 20, 60, 0, -1


Shape: TypeAlias = tuple[int, ...]
"""The places of a template's literals, in ascending order."""


class Match(NamedTuple):
    """A rule that knows the path, with what it captured there and in the query."""

    rule: Rule
    template: PathTemplate
    captured: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Entry:
    """One template of one rule, ready to be tried."""

    rule: Rule
    template: PathTemplate
    place: int  # in the index: the lowest that fits decides
    length: int  # segments
    endless: bool  # a tail follows
    fillers: tuple[tuple[int, str, Filler], ...]  # of each hole its place in the path, its name, and what reads it
    readers: tuple[tuple[str, Filler, tuple[str, ...]], ...]  # of each capture its name, what reads it, its sources
    plain: bool  # in force at any time, and asks for no parameter

    @classmethod
    def of(cls, rule: Rule, template: PathTemplate, place: int) -> "Entry":
        """Make it ready."""
        return cls(
            rule,
            template,
            place,
            len(template.segments),
            endless=template.tail is not None,
            fillers=tuple(
                (place, hole.name, _filler(hole))
                for place, hole in enumerate(template.segments)
                if isinstance(hole, Hole)
            ),
            readers=tuple((capture.name, _reader(capture.type), capture.sources) for capture in rule.captures),
            plain=not (rule.valid_from or rule.valid_until or template.asks or rule.conditions),
        )

    def match(self, key: Key, now: datetime) -> Match | None:
        """What it captures, or None where it does not know the path and query, or is not in force."""
        if not self.plain and not (self.rule.valid_at(now) and self._asked_for(key)):
            return None
        captured: dict[str, str] = {}
        segments = key.segments
        for place, name, fill in self.fillers:
            if (value := fill(segments[place])) is None:
                return None
            captured[name] = value
        if self.template.tail:
            captured[self.template.tail] = "/".join(segments[len(self.template.segments) :])
        if key.pairs:
            for name, read, sources in self.readers:
                if (value := _read(read, sources, key)) is not None:
                    captured[name] = value
        return Match(self.rule, self.template, captured)

    def _asked_for(self, key: Key) -> bool:
        asks, conditions = self.template.asks, self.rule.conditions
        if not key.pairs:
            return not (asks or conditions)
        if not (_ask(asks, key, 0) or _ask(asks, key, -1)):
            return False
        for condition in conditions:
            if _holds(condition, key):
                return True
        return not conditions


class _Shelf(NamedTuple):
    """The templates of one shape."""

    literals: Callable[[Sequence[str]], tuple[str, ...]]  # a path's segments at the places of the shape
    entries: dict[tuple[str, ...], list[Entry]]  # by those segments, the best first


class _Row(NamedTuple):
    """The shelves that a path of one length is asked of."""

    beginning: Mapping[str, Sequence[_Shelf]]  # by its first segment
    others: Sequence[_Shelf]  # where no template begins with that

    @classmethod
    def of(cls, shelves: Mapping[Shape, _Shelf], length: int) -> "_Row":
        """Those whose literals such a path can have."""
        fitting = [(shape, shelf) for shape, shelf in shelves.items() if not shape or shape[-1] < length]
        others = [shelf for shape, shelf in fitting if shape[:1] != (0,)]
        beginning: dict[str, list[_Shelf]] = {}
        for shape, shelf in fitting:
            for first in dict.fromkeys(texts[0] for texts in shelf.entries) if shape[:1] == (0,) else ():
                beginning.setdefault(first, list(others)).append(shelf)
        return cls(beginning, others)


class TemplateIndex:
    """The templates of a portal's families, or of a portal itself."""

    def __init__(self, packs: Sequence[Iterable[Rule]], *, fold_case: bool) -> None:
        """Index packs of rules.

        What is exact wins over templates; then an earlier pack wins over a later one, and within one the more specific
        rule.
        """
        given = [
            (order, rule, template) for order, pack in enumerate(packs) for rule in pack for template in rule.templates
        ]
        given.sort(key=lambda one: _precedence(*one))
        shelves: dict[Shape, _Shelf] = {}
        for place, (_, rule, template) in enumerate(given):
            shape, texts = _literals_of(template, fold_case=fold_case)
            if shape not in shelves:
                shelves[shape] = _Shelf(_literals(shape), defaultdict(list))
            shelves[shape].entries[texts].append(Entry.of(rule, template, place))
        self._shelves = shelves
        self._exact = frozenset(
            _literals_of(template, fold_case=fold_case)[1] for _, rule, template in given if rule.exact
        )
        self._length = len(given)
        longest = max((shape[-1] + 1 for shape in shelves if shape), default=0)
        # A longer path has all the literals that any template has.
        self._rows = [_Row.of(shelves, length) for length in range(longest + 1)]

    def __len__(self) -> int:
        return self._length

    @property
    def shapes(self) -> int:
        """How many probes the longest path can cost."""
        return len(self._shelves)

    @property
    def weight(self) -> int:
        """What all candidates of a path can cost at most, whatever the path and query: about that many microseconds."""
        return sum(
            1 + max(sum(_trying(entry) + _capturing(entry) for entry in alike) for alike in shelf.entries.values())
            for shelf in self._shelves.values()
        )

    @property
    def weight_of_best(self) -> int:
        """What the best one can cost at most: all may be tried, but one captures."""
        shelves = self._shelves.values()
        tried = sum(1 + max(sum(map(_trying, alike)) for alike in shelf.entries.values()) for shelf in shelves)
        entries = (entry for shelf in shelves for alike in shelf.entries.values() for entry in alike)
        return tried + max(map(_capturing, entries), default=0)

    def matches(self, key: Key, now: datetime) -> Iterator[Match]:
        """Every template that knows this path and query, best first, each tried when it is asked for."""
        for entry in self._alike(key.folded):
            if (match := entry.match(key, now)) is not None:
                yield match

    def candidates(self, key: Key, now: datetime) -> list[Match]:
        """All of `matches`."""
        return list(self.matches(key, now)) if self._length else []

    def best(self, key: Key, now: datetime) -> Match | None:
        """The winner."""
        return next(self.matches(key, now), None)

    def has_exactly(self, folded: tuple[str, ...]) -> bool:
        """Whether a rule of this very path may know it.  No: none that is exact does."""
        return folded in self._exact

    def has_literals_of(self, folded: tuple[str, ...]) -> bool:
        """Whether any template may know a path of these segments (`Key.folded`).  No: none does, whatever is asked."""
        return bool(self._alike(folded))

    @property
    def rules(self) -> tuple[Rule, ...]:
        """Those that are indexed, each once."""
        entries = (entry for shelf in self._shelves.values() for alike in shelf.entries.values() for entry in alike)
        return tuple({id(entry.rule): entry.rule for entry in entries}.values())

    def _alike(self, folded: tuple[str, ...]) -> list[Entry]:
        """The templates that have the literals of the path, the best first."""
        rows = self._rows
        length = len(folded)
        row = rows[min(length, len(rows) - 1)]
        found: list[Entry] = []
        for literals, entries in row.beginning.get(folded[0], row.others) if folded else row.others:
            if (alike := entries.get(literals(folded))) is not None:
                found += [one for one in alike if one.length == length or (one.endless and one.length < length)]
        if len(found) > 1:
            found.sort(key=_by_place)
        return found


_by_place = attrgetter("place")


def _trying(entry: Entry) -> int:
    """Microseconds at most, measured with as many parameters as are read, of any length."""
    return 2 + len(entry.fillers) + sum(_looking(condition.name) for condition in entry.rule.conditions)


def _capturing(entry: Entry) -> int:
    captures = entry.rule.captures
    return sum(_READING + sum(map(_looking, capture.sources)) for capture in captures)


def _looking(source: str) -> int:
    return _HEAVY if source.startswith("_*_") else _LIGHT


def _precedence(order: int, rule: Rule, template: PathTemplate) -> tuple[Any, ...]:
    rank = tuple(-part for part in rank_of(rule, template))
    return not rule.exact, order, rank, tuple(name for name, _ in template.asks)


def _literals(shape: Shape) -> Callable[[Sequence[str]], tuple[str, ...]]:
    """What takes the segments at the places of a shape out of a path that is long enough."""
    begin, end = (shape[0], shape[-1] + 1) if shape else (0, 0)
    # Of one place itemgetter would make no tuple, and of none it makes nothing.
    return itemgetter(slice(begin, end)) if len(shape) == end - begin else itemgetter(*shape)


def rank_of(rule: Rule, template: PathTemplate) -> Rank:
    """How specific a template is: compared part by part from the left, more is more specific.

    exact before any template; then a literal before a hole with affixes, before a typed hole, before a free one,
    before a tail; then an address with more parameters; then a rule that asks for one before one that does not.
    """
    parts = [_rank_of_segment(segment) for segment in template.segments]
    parts.append(_TAIL if template.tail else _END)
    return (int(rule.exact), *parts, len(template.asks), len(rule.conditions) > 0)


def _rank_of_segment(segment: Segment) -> int:
    match segment:
        case Literal():
            return _LITERAL
        case Hole(type=name, prefix=prefix, suffix=suffix):
            fixed = len(prefix) + len(suffix)
            return (_AFFIX + min(fixed, _LONGEST_AFFIX) if fixed else 0) + TYPES[name].specificity


def _literals_of(template: PathTemplate, *, fold_case: bool) -> tuple[Shape, tuple[str, ...]]:
    """The places of the literals, and their texts."""
    literals = [(place, part.text) for place, part in enumerate(template.segments) if isinstance(part, Literal)]
    return (
        tuple(place for place, _ in literals),
        tuple(text.lower() if fold_case else text for _, text in literals),
    )


def _filler(hole: Hole) -> Filler:
    """What reads a segment: the captured value, or None when prefix, suffix or type do not fit."""
    read, prefix, suffix = _reader(hole.type), hole.prefix.lower(), hole.suffix.lower()
    if not (prefix or suffix):
        return read
    begin, fixed = len(hole.prefix), len(hole.prefix) + len(hole.suffix)

    def fill(sent: str) -> str | None:
        end = len(sent) - len(hole.suffix)
        if len(sent) < fixed or sent[:begin].lower() != prefix or sent[end:].lower() != suffix:
            return None
        return read(sent[begin:end])

    return fill


def _ask(asks: Sequence[tuple[str, str]], key: Key, which: int) -> bool:
    """Whether a visit brings all of these: by the first value of each parameter, or by the last, as old servers."""
    sent = key.by_name
    for name, value in asks:  # noqa: SIM110 - a generator would cost more than what it asks
        if name not in sent or sent[name][which] != value:
            return False
    return True


def _holds(condition: Condition, key: Key) -> bool:
    values = key.values(condition.name)
    if condition.value is None:
        return any(values)
    if condition.value.endswith("*"):
        return any(value.startswith(condition.value[:-1]) for value in values)
    return condition.value in values


def _read(read: Filler, sources: tuple[str, ...], key: Key) -> str | None:
    """The first value of the right form, in the order of the sources."""
    values, by_name, tried = key.values, key.by_name, 0
    for source in sources:
        if source not in by_name and source[0] != "_":
            continue  # nearly all of them, and values() would only say the same
        for sent in values(source):
            if (value := read(sent)) is not None:
                return value
            tried += 1
            if tried == MOST_VALUES:
                return None
    return None


@lru_cache
def _reader(name: str) -> Filler:
    """What reads a value of a type, in a time that no visitor can stretch."""
    read = TYPES[name].read
    if name == "word":
        return read  # quick at any length, and old paths are carried on whole
    if name == "text":
        return lambda sent: read(sent[:LONGEST_VALUE])  # of which 200 are kept
    return lambda sent: read(sent) if len(sent) <= LONGEST_VALUE else None


def ties(rules: Iterable[Rule], *, fold_case: bool = True) -> Iterator[tuple[Rule, Rule, PathTemplate]]:
    """Pairs of rules of one pack between which only their order could decide: an error at publish time."""
    seen: dict[tuple[Any, ...], list[tuple[Rule, PathTemplate]]] = defaultdict(list)
    for rule in rules:
        for template in rule.templates:
            literals = _literals_of(template, fold_case=fold_case)
            form = len(template.segments), template.tail is None
            alike = seen[*literals, *form, rank_of(rule, template), template.asks]
            for other, earlier in alike:
                if _overlap(earlier, template) and valid_together(other, rule):
                    yield other, rule, template
            alike.append((rule, template))


def _overlap(one: PathTemplate, other: PathTemplate) -> bool:
    """Whether a path could fit both templates of the same shape: their holes' affixes do not exclude each other."""
    return all(
        _compatible(a.prefix, b.prefix) and _compatible(a.suffix[::-1], b.suffix[::-1])
        for a, b in zip(one.segments, other.segments, strict=True)
        if isinstance(a, Hole) and isinstance(b, Hole)
    )


def _compatible(one: str, other: str) -> bool:
    one, other = one.lower(), other.lower()
    return one.startswith(other) or other.startswith(one)


class Lasting(Protocol):
    """What is in force for a time."""

    @property
    def valid_from(self) -> datetime | None: ...  # noqa: D102 - as in Rule
    @property
    def valid_until(self) -> datetime | None: ...  # noqa: D102 - as in Rule


def valid_together(one: Lasting, other: Lasting) -> bool:
    """Whether both are in force at some instant."""
    starts_late = one.valid_until and other.valid_from and other.valid_from >= one.valid_until
    ends_early = other.valid_until and one.valid_from and one.valid_from >= other.valid_until
    return not (starts_late or ends_early)


def significant_names(rules: Iterable[Rule]) -> frozenset[str]:
    """The parameters that any of these rules looks at: what the key keeps."""
    found: set[str] = set()
    for rule in rules:
        found.update(condition.name for condition in rule.conditions)
        for capture in rule.captures:
            found.update(capture.sources)
        for template in rule.templates:
            found.update(name for name, _ in template.asks)
    return frozenset(found)
