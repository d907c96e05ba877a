"""Which rules know a path.  Templates live in a tuple space: one probe for each shape, none for each rule.

So ten thousand templates of twelve shapes cost what twelve cost.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from sys import intern
from typing import Any, Final, NamedTuple, Protocol, TypeAlias

from redirect_rules.canonical import Key
from redirect_rules.captures import TYPES
from redirect_rules.model import Condition, Hole, Literal, PathTemplate, Rule, Segment
from redirect_rules.tuple_space import Shape, Texts, TupleSpace, texts_of

Rank: TypeAlias = tuple[int, ...]
Filler: TypeAlias = Callable[[str], str | None]

MOST_VALUES: Final = 16
"""Values of parameters that are tried for one capture."""
LONGEST_VALUE: Final = 1_000
"""Characters of a captured value that are looked at; codes and numbers that are longer are none."""

_LIGHT, _HEAVY = 3, 12  # for looking at a parameter; at one of any portlet's
_READING = 10  # for the values of a capture that are none
_LITERAL, _AFFIX, _LONGEST_AFFIX, _END, _TAIL = 99, 20, 60, 0, -1


class Match(NamedTuple):
    """A rule that knows the path, with what it captured there and in the query."""

    rule: Rule
    template: PathTemplate
    captured: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Entry:
    """One template of one rule, ready to be tried."""

    # What every look-up reads comes first: it lies together in memory, and of 100,000 templates little else is near.
    rule: Rule
    template: PathTemplate
    fillers: tuple[tuple[int, str, Filler], ...]  # of each hole its place in the path, its name, and what reads it
    plain: bool  # in force at any time, and asks for no parameter
    tail: str | None  # the name under which the rest is captured
    readers: tuple[tuple[str, Filler, tuple[str, ...]], ...]  # of each capture its name, what reads it, its sources
    place: int  # in the index: the lowest that fits decides
    length: int  # segments
    endless: bool  # a tail follows

    @classmethod
    def of(cls, rule: Rule, template: PathTemplate, place: int) -> "Entry":
        """Make it ready."""
        holes = [(where, hole) for where, hole in enumerate(template.segments) if isinstance(hole, Hole)]
        return cls(
            rule,
            template,
            _fillers(tuple(holes)),
            plain=not (rule.valid_from or rule.valid_until or template.asks or rule.conditions),
            tail=template.tail,
            readers=tuple([(capture.name, _reader(capture.type), capture.sources) for capture in rule.captures]),
            place=place,
            length=len(template.segments),
            endless=template.tail is not None,
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
        if self.tail:
            captured[self.tail] = "/".join(segments[self.length :])
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
        shelves: dict[Shape, dict[Texts, list[Entry]]] = defaultdict(lambda: defaultdict(list))
        for place, (_, rule, template) in enumerate(given):
            shape, texts = _literals_of(template, fold_case=fold_case)
            shelves[shape][texts_of(texts)].append(Entry.of(rule, template, place))
        self._shelves = {
            shape: {texts: tuple(alike) for texts, alike in shelf.items()} for shape, shelf in shelves.items()
        }
        self._exact = frozenset(
            _literals_of(template, fold_case=fold_case)[1] for _, rule, template in given if rule.exact
        )
        self._length = len(given)
        self.space = TupleSpace(self._shelves)
        """Finds the entries that have the literals and the length of a path."""

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
            1 + max(sum(_trying(entry) + _capturing(entry) for entry in alike) for alike in shelf.values())
            for shelf in self._shelves.values()
        )

    @property
    def weight_of_best(self) -> int:
        """What the best one can cost at most: all may be tried, but one captures."""
        tried = sum(1 + max(sum(map(_trying, alike)) for alike in shelf.values()) for shelf in self._shelves.values())
        return tried + max(map(_capturing, self._entries()), default=0)

    def matches(self, key: Key, now: datetime) -> Iterator[Match]:
        """Every template that knows this path and query, best first, each tried when it is asked for."""
        for entry in self.space.under(key.folded):
            if (match := entry.match(key, now)) is not None:
                yield match

    def candidates(self, key: Key, now: datetime) -> list[Match]:
        """All of `matches`."""
        if not self._length:
            return []
        return [match for entry in self.space.under(key.folded) if (match := entry.match(key, now)) is not None]

    def best(self, key: Key, now: datetime) -> Match | None:
        """The winner."""
        entry: Entry
        for entry in self.space.under(key.folded):
            if (match := entry.match(key, now)) is not None:
                return match
        return None

    def has_exactly(self, folded: tuple[str, ...]) -> bool:
        """Whether a rule of this very path may know it.  No: none that is exact does."""
        return folded in self._exact

    def has_literals_of(self, folded: tuple[str, ...]) -> bool:
        """Whether any template may know a path of these segments (`Key.folded`).  No: none does, whatever is asked."""
        return bool(self.space.under(folded))

    @property
    def rules(self) -> tuple[Rule, ...]:
        """Those that are indexed, each once."""
        return tuple({id(entry.rule): entry.rule for entry in self._entries()}.values())

    def _entries(self) -> Iterator[Entry]:
        return (entry for shelf in self._shelves.values() for alike in shelf.values() for entry in alike)


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


def rank_of(rule: Rule, template: PathTemplate) -> Rank:
    """How specific a template is: compared part by part from the left, more is more specific.

    exact before any template; then a literal before a hole with affixes, before a typed hole, before a free one,
    before a tail; then an address with more parameters; then a rule that asks for one before one that does not.
    """
    parts = [rank_of_segment(segment) for segment in template.segments]
    parts.append(_TAIL if template.tail else _END)
    return (int(rule.exact), *parts, len(template.asks), len(rule.conditions) > 0)


def rank_of_segment(segment: Segment) -> int:
    """How specific one part of a template is."""
    match segment:
        case Literal():
            return _LITERAL
        case Hole(type=name, prefix=prefix, suffix=suffix):
            fixed = len(prefix) + len(suffix)
            return (_AFFIX + min(fixed, _LONGEST_AFFIX) if fixed else 0) + TYPES[name].specificity


def _literals_of(template: PathTemplate, *, fold_case: bool) -> tuple[Shape, tuple[str, ...]]:
    """The places of the literals, and their texts."""
    literals = [(place, part.text) for place, part in enumerate(template.segments) if isinstance(part, Literal)]
    # Interned: a word of many templates lies in one place, which is found in the processor's cache.
    return (
        tuple([place for place, _ in literals]),
        tuple([intern(text.lower() if fold_case else text) for _, text in literals]),
    )


@lru_cache
def _fillers(holes: tuple[tuple[int, Hole], ...]) -> tuple[tuple[int, str, Filler], ...]:
    """Of each hole its place, its name, and what reads it.  One for thousands of templates: it stays in the cache."""
    return tuple((place, hole.name, _filler(hole)) for place, hole in holes)


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
