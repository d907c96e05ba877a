"""Which language a visitor reads, from what the browser says and what the visitor asked for (RFC 9110 §12.5.4)."""

import re
from collections.abc import Iterator, Sequence

#: A longer list is no browser's: the rest of it is not read.
_LONGEST = 1_000

_RANGE = re.compile(
    r"\s*(\*|[A-Za-z]{1,8}(?:-[A-Za-z0-9]{1,8})*)\s*(?:;\s*[qQ]\s*=\s*(0(?:\.\d{0,3})?|1(?:\.0{0,3})?)\s*)?\Z"
)


def choose(accept_language: str, asked: str | None, offered: Sequence[str]) -> str:
    """The best of the offered languages; the first of them when nothing speaks for another.

    What the visitor asked for on our page wins.  Equal weights: the language named first, as people write such lists.
    """
    if asked in offered:
        return asked  # type: ignore[return-value]  # None is in no list of languages
    ranges = list(_ranges(accept_language[:_LONGEST]))
    best, best_rank = offered[0], (0.0, 0)
    for tag in offered:
        weight, place = _judgement(tag.lower(), ranges)
        if weight > 0 and (weight, -place) > best_rank:
            best, best_rank = tag, (weight, -place)
    return best


def _ranges(header: str) -> Iterator[tuple[str, float]]:
    for item in header.split(","):
        if found := _RANGE.match(item):  # what cannot be read is skipped: a page in some language beats an error
            yield found[1].lower(), float(found[2] or 1)


def _judgement(tag: str, ranges: Sequence[tuple[str, float]]) -> tuple[float, int]:
    """The weight the header gives a language and the place where it says so; the most specific range decides."""
    best = (0, 0.0, 0)
    for place, (wanted, weight) in enumerate(ranges):
        closeness = _closeness(tag, wanted)
        if closeness > best[0]:
            best = (closeness, weight, place)
    return best[1], best[2]


def _closeness(tag: str, wanted: str) -> int:
    """3 the same, 2 one narrows the other ("en-GB" is answered by "en": RFC 4647 §3.4), 1 anything goes, 0 no."""
    if wanted == tag:
        return 3
    if tag.startswith(wanted + "-") or wanted.startswith(tag + "-"):
        return 2
    return int(wanted == "*")
