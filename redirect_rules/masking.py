"""Canonical paths without people in them: dossier codes, long numbers, mail addresses and tokens are hidden.

What is left may be logged and kept.  It is a guard, not a proof: a name that somebody types into a path is a word like
any other.  Every pattern is linear in the path, whatever a visitor makes of it.
"""

import re
from collections.abc import Callable
from typing import Final

MASK: Final = "***"

LONGEST_PATH: Final = 500
"""Characters of a path that are shown; what is longer ends in `CUT`, after a whole segment."""

CUT: Final = "…"
"""Never in a canonical path itself, which is ASCII."""

# Bounded repetitions: with "*" in their places a path of 8,000 characters took a second.
_DOSSIER = re.compile(
    r"(?<![0-9A-Za-z])"
    r"(?:(?:[A-Za-z]?\d{2,3}\.){1,4}[0-9A-Za-z.]{0,40}[-_]\d|[A-Za-z]{1,3}\d{2,3}[-_]\d{6}[-_]\d)[0-9A-Za-z-]*"
)
_NUMBER = re.compile(r"\d{7,}", re.ASCII)
_TOKEN = re.compile(r"(?<![0-9A-Za-z])[0-9A-Za-z]{32,}")  # from its beginning: else every letter is tried as one
# Whatever the others hide has one of these in it; nearly no path has, and one search costs a third of theirs.
_SUSPECT = re.compile(r"[0-9]{2}(?:[0-9]{5}|\.|[-_][0-9]{6})|[0-9A-Za-z]{32}|@|[^\x00-\x7f]")


def _hidden(_found: str) -> str:
    return MASK


def masked(path: str, *, hide: Callable[[str], str] = _hidden) -> str:
    """A canonical path (`Key.path`: ASCII, begins with "/") with `hide` of everything in it that identifies people."""
    if len(path) <= LONGEST_PATH and not _SUSPECT.search(path):
        return path
    if len(path) > LONGEST_PATH:
        path = f"{path[:LONGEST_PATH].rpartition('/')[0]}/{CUT}"

    def replaced(match: re.Match[str]) -> str:
        return hide(match[0])

    if "-" in path or "_" in path:  # every dossier code has one
        path = _DOSSIER.sub(replaced, path)
    path = _NUMBER.sub(replaced, path)
    path = _TOKEN.sub(replaced, path)
    # By hand: an expression for it tries every letter of a long word as a beginning.
    if "@" in path:
        path = "/".join(hide(segment) if "@" in segment[1:-1] else segment for segment in path.split("/"))
    return path
