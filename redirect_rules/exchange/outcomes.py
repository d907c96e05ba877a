"""What importing rows would do to the rules that are there: line by line, before anything is done.

Mode     | no rule yet | the same rule | another rule | a rule that no line names
---------|-------------|---------------|--------------|--------------------------
add      | create      | same          | conflict     | stays
upsert   | create      | same          | update       | stays
replace  | create      | same          | update       | remove
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC
from enum import StrEnum
from typing import NamedTuple

from redirect_rules.exchange.candidates import Candidate
from redirect_rules.exchange.rows import ImportProblem
from redirect_rules.schedules import instant

Body = Mapping[str, object]
"""A rule as `Candidate.rule` spells it; keys that say nothing may be missing."""


_INSTANTS = frozenset({"valid_from", "valid_until"})


class Mode(StrEnum):
    """What an import may change."""

    ADD = "add"
    UPSERT = "upsert"
    REPLACE_SCOPE = "replace-scope"


class Kind(StrEnum):
    """What becomes of a line."""

    CREATE = "create"
    SAME = "same"
    UPDATE = "update"
    CONFLICT = "conflict"
    ERROR = "error"
    REMOVE = "remove"  # of a rule that no line names; its line is 0

    __hash__ = str.__hash__  # Enum's own is written in Python, and a million lines are counted


class Outcome(NamedTuple):
    """What becomes of one line, with what to write instead where it cannot stand."""

    line: int
    kind: Kind
    key: str = ""
    say: str = ""
    row: Candidate | None = None  # what to store, for create and update

    @property
    def stands(self) -> bool:
        """Whether the import may go on with this line in it: all lines or none."""
        return self.kind is not Kind.CONFLICT and self.kind is not Kind.ERROR


def outcomes(
    rows: Iterable[Candidate | ImportProblem],
    existing: Callable[[str], str | None],
    mode: Mode,
    *,
    scope: Iterable[str] = (),
) -> Iterator[Outcome]:
    """One outcome for each line, and for `replace-scope` one for each key of `scope` that no line names.

    A line that repeats an earlier one is the same; one that contradicts it is a conflict that names both.

    existing  key → the rule that is there, as JSON
    """
    seen: dict[str, tuple[int, bytes]] = {}
    for row in rows:
        if isinstance(row, ImportProblem):
            yield Outcome(row.line, Kind.ERROR, say=row.say)
            continue
        line, earlier = seen.setdefault(row.key, (row.line, row.mark))
        if line != row.line and earlier == row.mark:
            yield Outcome(row.line, Kind.SAME, row.key, f"line {line} says so already")
        elif line != row.line:
            say = f"lines {line} and {row.line} lead the same address to different places: remove one of them"
            yield Outcome(row.line, Kind.CONFLICT, row.key, say)
        else:
            yield _outcome(row, existing(row.key), mode)
    if mode is Mode.REPLACE_SCOPE:
        yield from (Outcome(0, Kind.REMOVE, key, "no line names it") for key in scope if key not in seen)


def _outcome(row: Candidate, there: str | None, mode: Mode) -> Outcome:
    if there is None:
        return Outcome(row.line, Kind.CREATE, row.key, "", row)
    if there != row.text and (differing := differences(json.loads(there), row.rule)):
        said = ", ".join(differing)
        if mode is Mode.ADD:
            say = f"there is a rule for this address already, with another {said}: import with mode upsert to change it"
            return Outcome(row.line, Kind.CONFLICT, row.key, say)
        return Outcome(row.line, Kind.UPDATE, row.key, f"changes {said}", row)
    return Outcome(row.line, Kind.SAME, row.key)


def differences(one: Body, other: Body) -> list[str]:
    """The keys in which two rules differ; the id is a name only, and what is empty says nothing."""
    if one == other:
        return []
    names = sorted((one.keys() | other.keys()) - {"id"})
    return [name for name in names if _said(one, name) != _said(other, name)]


def _said(body: Body, name: str) -> object:
    """What a rule says under a key, in the one form in which it is compared."""
    value = body.get(name)
    return instant(value).astimezone(UTC).isoformat() if name in _INSTANTS and value else _plain(value)


def _plain(value: object) -> object:
    match value:
        case list() | tuple():
            return [_plain(part) for part in value] or None
        case {"destination": name, **rest} if not rest:
            return name
        case dict():
            return {key: _plain(part) for key, part in value.items()} or None
        case "":
            return None
    return value
