"""Which rules know a path.  Templates live in a tuple space: one probe for each shape, none for each rule.

A shape is what remains of a template when its holes are forgotten: how many segments, which of them are holes, and
whether a tail follows.  A path is looked up once for each shape of its length, its segments in the holes' places
replaced by a star, so ten thousand templates of twelve shapes cost what twelve cost.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from redirect_rules.canonical import Key
from redirect_rules.captures import TYPES
from redirect_rules.model import Condition, Hole, Literal, PathTemplate, Rule, Segment

_STAR = None  # no segment is None, so no literal can be taken for a hole

Probe = tuple[str | None, ...]
Rank = tuple[int, ...]

_LITERAL, _AFFIX, _LONGEST_AFFIX, _END, _TAIL = 99, 20, 60, 0, -1


@dataclass(frozen=True, slots=True)
class Shape:
    """The places of the holes in templates of one length."""

    length: int
    holes: frozenset[int]
    tail: bool

    def probe(self, segments: tuple[str, ...]) -> Probe:
        """The key under which this shape's templates are kept."""
        return tuple(_STAR if i in self.holes else text for i, text in enumerate(segments[: self.length]))

    def fits(self, length: int) -> bool:
        """Whether a path of so many segments can have this shape."""
        return length >= self.length if self.tail else length == self.length


@dataclass(frozen=True, slots=True)
class Entry:
    """One template of one rule, ready to be tried."""

    rule: Rule
    template: PathTemplate
    order: int  # of the family on the portal: the first named wins
    rank: Rank


@dataclass(frozen=True, slots=True)
class Match:
    """A rule that knows the path, with what it captured there and in the query."""

    rule: Rule
    template: PathTemplate
    captured: Mapping[str, str]


class TemplateIndex:
    """The templates of a portal's families, or of a portal itself."""

    def __init__(self, packs: Sequence[Iterable[Rule]], *, fold_case: bool) -> None:
        """Index packs of rules; an earlier pack wins over a later one, within one the more specific rule wins."""
        self._entries: dict[tuple[Shape, Probe], list[Entry]] = defaultdict(list)
        shapes: set[Shape] = set()
        for order, pack in enumerate(packs):
            for rule in pack:
                for template in rule.templates:
                    shape, probe = _shape_of(template, fold_case=fold_case)
                    shapes.add(shape)
                    self._entries[shape, probe].append(Entry(rule, template, order, rank_of(rule, template)))
        for entries in self._entries.values():
            entries.sort(key=_best_first)
        self._shapes = sorted(shapes, key=lambda shape: (shape.length, shape.tail, sorted(shape.holes)))

    def __len__(self) -> int:
        return sum(map(len, self._entries.values()))

    @property
    def shapes(self) -> int:
        """How many probes the longest path can cost."""
        return len(self._shapes)

    def candidates(self, key: Key, now: datetime) -> list[Entry]:
        """Every template that knows this path and query, best first."""
        return sorted(self._matching(key, now), key=_best_first)

    def best(self, key: Key, now: datetime) -> Match | None:
        """The winner: earliest family, then most specific."""
        entry = min(self._matching(key, now), key=_best_first, default=None)
        return None if entry is None else match_of(entry, key)

    def _matching(self, key: Key, now: datetime) -> Iterator[Entry]:
        for shape in self._shapes:
            if not shape.fits(len(key.folded)):
                continue
            for entry in self._entries.get((shape, shape.probe(key.folded)), ()):
                if entry.rule.valid_at(now) and _path_fits(entry, key) and _asked_for(entry, key):
                    yield entry


def _best_first(entry: Entry) -> tuple[int, tuple[int, ...], tuple[str, ...]]:
    return entry.order, tuple(-part for part in entry.rank), tuple(name for name, _ in entry.template.asks)


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


def _shape_of(template: PathTemplate, *, fold_case: bool) -> tuple[Shape, Probe]:
    holes = frozenset(i for i, segment in enumerate(template.segments) if isinstance(segment, Hole))
    probe = tuple(
        _STAR if isinstance(segment, Hole) else segment.text.lower() if fold_case else segment.text
        for segment in template.segments
    )
    return Shape(len(probe), holes, template.tail is not None), probe


def _path_fits(entry: Entry, key: Key) -> bool:
    return all(
        not isinstance(segment, Hole) or _fill(segment, sent) is not None
        for segment, sent in zip(entry.template.segments, key.segments, strict=False)
    )


def _fill(hole: Hole, sent: str) -> str | None:
    """The captured value, or None when prefix, suffix or type do not fit."""
    lowered = sent.lower()
    if len(sent) < len(hole.prefix) + len(hole.suffix):
        return None
    if not (lowered.startswith(hole.prefix.lower()) and lowered.endswith(hole.suffix.lower())):
        return None
    return TYPES[hole.type].read(sent[len(hole.prefix) : len(sent) - len(hole.suffix)])


def _asked_for(entry: Entry, key: Key) -> bool:
    if entry.template.asks and not asks_hold(entry.template.asks, key.pairs):
        return False
    conditions = entry.rule.conditions
    return not conditions or any(_holds(condition, key) for condition in conditions)


def asks_hold(asks: Sequence[tuple[str, str]], pairs: Sequence[tuple[str, str]]) -> bool:
    """Whether a visit brings all of these parameters: the first value of each, or the last of each, as old servers."""
    last = {name.lower(): value for name, value in pairs}
    if all(last.get(name) == value for name, value in asks):
        return True
    first = {name.lower(): value for name, value in reversed(pairs)}
    return all(first.get(name) == value for name, value in asks)


def _holds(condition: Condition, key: Key) -> bool:
    values = key.values(condition.name)
    if condition.value is None:
        return any(values)
    if condition.value.endswith("*"):
        return any(value.startswith(condition.value[:-1]) for value in values)
    return condition.value in values


def match_of(entry: Entry, key: Key) -> Match:
    """Take the captures of a template that fits."""
    captured: dict[str, str] = {}
    for segment, sent in zip(entry.template.segments, key.segments, strict=False):
        if isinstance(segment, Hole) and (value := _fill(segment, sent)) is not None:
            captured[segment.name] = value
    if entry.template.tail:
        captured[entry.template.tail] = "/".join(key.segments[len(entry.template.segments) :])
    for capture in entry.rule.captures:
        read = TYPES[capture.type].read
        sent_values = (value for source in capture.sources for value in key.values(source))
        value = next((read_value for sent in sent_values if (read_value := read(sent)) is not None), None)
        if value is not None:
            captured[capture.name] = value
    return Match(entry.rule, entry.template, captured)


def ties(rules: Iterable[Rule], *, fold_case: bool = True) -> Iterator[tuple[Rule, Rule, PathTemplate]]:
    """Pairs of rules of one pack between which only their order could decide: an error at publish time."""
    seen: dict[tuple[Any, ...], list[tuple[Rule, PathTemplate]]] = defaultdict(list)
    for rule in rules:
        for template in rule.templates:
            alike = seen[*_shape_of(template, fold_case=fold_case), rank_of(rule, template), template.asks]
            for other, earlier in alike:
                if _overlap(earlier, template) and _valid_together(other, rule):
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


def _valid_together(one: Rule, other: Rule) -> bool:
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
