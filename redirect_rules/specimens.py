"""A path that a template knows, looked up as a visit would be; and whether a template takes all paths of another.

Specimens tell who is asked before whom without a second copy of the precedence.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from redirect_rules.canonical import Key, folded
from redirect_rules.captures import TYPES
from redirect_rules.model import Condition, Hole, Literal, PathTemplate, Rule, Segment

VALUES: Final[Mapping[str, str]] = {
    "hex24": "0" * 24,
    "procedure": "1.000001",
    "dossier": "000.00.00.H00-000000-0001",
    "commune": "00001",
    "agency": "1.000001.000.00.00.H01",
    "number": "1",
    "language": "vi",
    "procedure-or-number": "1",
    "numbered-procedure": "1.000001",
    "word": "x",
    "text": "x",
}
"""A value of each type of captures."""

_SLASHES: Final = frozenset({"text", "agency", "dossier"})
"""Types whose values may hold a slash, which a word never does."""


def specimen(host: str, rule: Rule, template: PathTemplate, *, fold_case: bool) -> Key:
    """The key of the shortest visit that the rule knows by this template."""
    segments = tuple(map(_filled, template.segments))
    pairs = (*template.asks, *map(_held, rule.conditions[:1]))
    return Key(host, segments, folded(segments) if fold_case else segments, pairs, devious=False)


def _filled(segment: Segment) -> str:
    if isinstance(segment, Literal):
        return segment.text
    return f"{segment.prefix}{VALUES[segment.type]}{segment.suffix}"


def _held(condition: Condition) -> tuple[str, str]:
    name = condition.name.replace("_*_", "_p_", 1)
    return name, (condition.value or "x").removesuffix("*")


def covers(one: PathTemplate, other: PathTemplate, *, fold_case: bool) -> bool:
    """Whether every path that the other knows is known to the one; False where it is not plain to see."""
    length = len(one.segments)
    if one.tail is None and (other.tail is not None or len(other.segments) != length):
        return False
    return len(other.segments) >= length and all(
        _takes(mine, theirs, fold_case=fold_case) for mine, theirs in zip(one.segments, other.segments, strict=False)
    )


def _takes(one: Segment, other: Segment, *, fold_case: bool) -> bool:
    match one, other:
        case Literal(text), Literal(same):
            return text.lower() == same.lower() if fold_case else text == same
        case Hole(), Hole():
            same_affixes = (one.prefix, one.suffix) == (other.prefix, other.suffix)
            bare = not (one.prefix or one.suffix)
            word = one.type == "word" and other.type not in _SLASHES
            return same_affixes and (one.type == other.type or (bare and word))
        case Hole(type=name, prefix="", suffix=""), Literal(text):
            return TYPES[name].read(text) is not None
    return False


def may_lie_under(template: PathTemplate, prefixes: Sequence[tuple[str, ...]], *, fold_case: bool) -> bool:
    """Whether some path of the template lies under one of the prefixes; no prefix at all means everywhere."""
    return not prefixes or any(_may_begin(template, prefix, fold_case=fold_case) for prefix in prefixes)


def _may_begin(template: PathTemplate, prefix: tuple[str, ...], *, fold_case: bool) -> bool:
    if len(template.segments) < len(prefix) and template.tail is None:
        return False
    return all(
        isinstance(segment, Hole) or (segment.text.lower() if fold_case else segment.text) == text
        for segment, text in zip(template.segments, prefix, strict=False)
    )
