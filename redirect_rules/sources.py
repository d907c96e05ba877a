"""Text with a name and line numbers: so that a mistake can be shown where it was made."""

import json
import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from pydantic import ValidationError

from redirect_rules.sayings import Said

Place = tuple[str | int, ...]
"""Where in a document: ("rule", 3, "to") is the key `to` of the fourth [[rule]]."""

_HEADER = re.compile(r"\s*(\[\[?)\s*([^\[\]]+?)\s*\]\]?\s*(?:#.*)?$")
_KEY = re.compile(r"""\s*((?:[A-Za-z0-9_-]+|"[^"]*")(?:\s*\.\s*(?:[A-Za-z0-9_-]+|"[^"]*"))*)\s*=""")
_TOML_LINE = re.compile(r" \(at (?:line (\d+), column \d+|end of document)\)$")

# pydantic's words → what to write instead.
_INSTEAD = {
    "extra_forbidden": "unknown key: remove it, or correct its spelling",
    "missing": "this key is missing: add it",
    "string_type": "write a text in quotes",
    "int_type": "write a whole number",
    "bool_type": "write true or false",
}


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One mistake: where, and what to write instead."""

    source: str
    line: int  # from 1; 0 where the whole file is meant
    text: str

    def __str__(self) -> str:
        return f"{self.source}:{self.line}: {self.text}" if self.line else f"{self.source}: {self.text}"


class Problems(Exception):
    """Every mistake found, so that they can be mended in one go."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(sorted(set(problems)))
        super().__init__("\n".join(map(str, self.problems)))


@dataclass(frozen=True)
class Document:
    """A TOML file, or JSON where the name says so: its name for messages, and its text.

    Messages quote what was given; files that may hold secrets are `sso.sources.ConfidentialDocument`.
    """

    source: str
    text: str

    @cached_property
    def data(self) -> dict[str, Any]:
        """The parsed tables.  Raises Problems where it is no TOML."""
        if self._is_json:
            return self._read_json()
        try:
            return tomllib.loads(self.text)
        except tomllib.TOMLDecodeError as error:
            match = _TOML_LINE.search(str(error))
            line = int(match[1]) if match and match[1] else self.text.count("\n") + 1
            what = _TOML_LINE.sub("", str(error))
            raise Problems([Problem(self.source, line, f"not TOML: {what}")]) from None

    @property
    def _is_json(self) -> bool:
        return self.source.endswith(".json")

    def _read_json(self) -> dict[str, Any]:
        try:
            data = json.loads(self.text)
        except (ValueError, RecursionError) as error:
            raise Problems([Problem(self.source, getattr(error, "lineno", 0), f"not JSON: {error}")]) from None
        if not isinstance(data, dict):
            raise Problems([Problem(self.source, 0, "not JSON of the right form: write an object")])
        return data

    def line(self, place: Place) -> int:
        """The line of a value, or of the nearest table around it; 0 in JSON, which nobody reads by lines."""
        if self._is_json:
            return 0
        for length in range(len(place), 0, -1):
            if (line := self._lines.get(place[:length])) is not None:
                return line
        return 0

    def problem(self, place: Place, text: str) -> Problem:
        """A mistake at a place.  In JSON the row is named, where in TOML the line is."""
        name = self._row_name(place)
        if isinstance(text, Said):
            return Problem(self.source, self.line(place), Said.of(text.code, text.facts, before=name))
        return Problem(self.source, self.line(place), f"{name}{text}")

    def _row_name(self, place: Place) -> str:
        if not self._is_json or len(place) < 2:
            return ""
        try:
            row = self.data[str(place[0])][place[1]]
            return f"{row.get('id') or row['name']}: "
        except (LookupError, TypeError, AttributeError):
            return ""

    def problems_of(self, error: ValidationError, at: Place = ()) -> list[Problem]:
        """What pydantic found, in our words and with our lines."""
        return [self.problem((*at, *found["loc"]), _in_words(found)) for found in error.errors(include_url=False)]

    @cached_property
    def _lines(self) -> Mapping[Place, int]:
        return lines_of(self.text)


def lines_of(text: str) -> Mapping[Place, int]:
    """Where each table and each key of a TOML text stands: its line, from 1.

    For whoever shows mistakes at their line; `sso.sources` is given it, and so need not read files in a way of its own.
    """
    lines: dict[Place, int] = {}
    counts: dict[Place, int] = {}
    table: Place = ()
    for number, line in enumerate(text.splitlines(), start=1):
        if header := _HEADER.match(line):
            table = _table(_parts(header[2]), counts, is_array=header[1] == "[[")
            lines.setdefault(table, number)
        elif key := _KEY.match(line):
            parts = (*table, *_parts(key[1]))
            for length in range(len(table) + 1, len(parts) + 1):
                lines.setdefault(parts[:length], number)
    return lines


def _table(parts: Sequence[str], counts: dict[Place, int], *, is_array: bool) -> Place:
    """The place of a table header: every array of tables on the way stands at its latest element."""
    place: Place = ()
    for i, part in enumerate(parts):
        place = (*place, part)
        if is_array and i == len(parts) - 1:
            counts[place] = counts.get(place, -1) + 1
        if place in counts:
            place = (*place, counts[place])
    return place


def _parts(dotted: str) -> list[str]:
    return [part.strip().strip('"') for part in re.findall(r'"[^"]*"|[^.]+', dotted)]


def _in_words(found: Any) -> str:
    loc = [part for part in found["loc"] if part != "__root__"]
    name = ".".join(str(part) for part in loc)
    text = _INSTEAD.get(found["type"]) or str(found["msg"]).removeprefix("Value error, ")
    given = found.get("input")
    shown = f" (not {given!r})" if found["type"] != "missing" and isinstance(given, (str, int, float, bool)) else ""
    return f"{name}: {text}{shown}" if name else f"{text}{shown}"
