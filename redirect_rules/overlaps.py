"""Whether two templates know a path in common.

Said of what templates say; that one of their rules asks for a parameter, or ends tomorrow, does not keep them apart.
Where it cannot be told, they overlap.
"""

from string import ascii_letters, digits, hexdigits
from typing import Final

from redirect_rules.captures import TYPES
from redirect_rules.model import Hole, Literal, PathTemplate, Segment

APART: Final = frozenset(
    frozenset(pair)
    for pair in (
        *(("hex24", other) for other in ("procedure", "dossier", "commune", "agency", "number", "language")),
        ("hex24", "procedure-or-number"),
        *(("numbered-procedure", other) for other in ("hex24", "number", "commune", "language")),
        *(("number", other) for other in ("procedure", "dossier", "agency", "language")),
        *(("commune", other) for other in ("procedure", "dossier", "agency", "language")),
        *(("language", other) for other in ("procedure", "dossier", "agency", "procedure-or-number")),
    )
)
"""Types of which no text is both: "123" is no procedure's code, and no language."""

_LETTERS_OF: Final = {
    "number": frozenset(digits),
    "commune": frozenset(digits),
    "hex24": frozenset(hexdigits),
    "language": frozenset(ascii_letters + "-_"),
}
"""What a text of the type is made of, where that is little."""


def overlap(one: PathTemplate, other: PathTemplate, *, fold_case: bool = True) -> bool:
    """Whether some path fits both templates."""
    shorter, longer = sorted((one, other), key=lambda template: len(template.segments))
    if len(shorter.segments) < len(longer.segments) and shorter.tail is None:
        return False
    pairs = zip(shorter.segments, longer.segments, strict=False)
    return all(_meet(a, b, fold_case=fold_case) for a, b in pairs)


def _meet(one: Segment, other: Segment, *, fold_case: bool) -> bool:
    if isinstance(one, Literal):
        if isinstance(other, Literal):
            return one.text.lower() == other.text.lower() if fold_case else one.text == other.text
        return _fills(other, one.text)
    if isinstance(other, Literal):
        return _fills(one, other.text)
    if (one.prefix, one.suffix) == (other.prefix, other.suffix) and frozenset({one.type, other.type}) in APART:
        return False
    if _strange(one, other) or _strange(other, one):
        return False
    return _compatible(one.prefix, other.prefix) and _compatible(one.suffix[::-1], other.suffix[::-1])


def _strange(bare: Hole, other: Hole) -> bool:
    """Whether a hole without affixes cannot hold the other's: no number ends in ".html"."""
    letters = None if bare.prefix or bare.suffix else _LETTERS_OF.get(bare.type)
    return letters is not None and not letters.issuperset(other.prefix + other.suffix)


def _fills(hole: Hole, text: str) -> bool:
    lowered, prefix, suffix = text.lower(), hole.prefix.lower(), hole.suffix.lower()
    if len(text) < len(prefix) + len(suffix) or not (lowered.startswith(prefix) and lowered.endswith(suffix)):
        return False
    return TYPES[hole.type].read(text[len(prefix) : len(text) - len(suffix)]) is not None


def _compatible(one: str, other: str) -> bool:
    one, other = one.lower(), other.lower()
    return one.startswith(other) or other.startswith(one)
