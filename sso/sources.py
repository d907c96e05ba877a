"""Files that operators write, with names and line numbers: every mistake is shown where it was made, all at once.

As `redirect_rules.sources`, which sign-in may not import, but for one thing: these files may hold secrets, and so no
message repeats what was given.
"""

import re
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, TypeAlias

from pydantic import BaseModel, ConfigDict, ValidationError

Place = tuple[str | int, ...]
"""Where in a document: ("client", "aliases", 1, "since")."""

LinesOf: TypeAlias = Callable[[str], Mapping[Place, int]]
"""Says where in a TOML text each table and key stands (`redirect_rules.sources.lines_of`, which the rim hands in)."""

_TOML_LINE = re.compile(r" \(at (?:line (\d+), column \d+|end of document)\)$")

# pydantic's words → what to write instead.
_INSTEAD = {
    "extra_forbidden": "unknown key: remove it, or correct its spelling",
    "missing": "this key is missing: add it",
    "string_type": "write a text in quotes",
    "int_type": "write a whole number",
    "bool_type": "write true or false",
    "list_type": "write a list: [ … ]",
    "tuple_type": "write a list: [ … ]",
    "dict_type": "write a table",
}


class StrictModel(BaseModel):
    """A table of a file: unknown keys are mistakes, nothing is converted, and messages never quote what was given."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, hide_input_in_errors=True)


@dataclass(frozen=True, slots=True, order=True)
class Mistake:
    """One: where, and what to write instead."""

    source: str
    line: int  # from 1; 0 where the whole file is meant
    text: str

    def __str__(self) -> str:
        return f"{self.source}:{self.line}: {self.text}" if self.line else f"{self.source}: {self.text}"


class Mistakes(Exception):
    """Every mistake that was found, so that they can be mended in one go."""

    def __init__(self, mistakes: Iterable[Mistake]) -> None:
        self.mistakes = tuple(sorted(set(mistakes)))
        super().__init__("\n".join(map(str, self.mistakes)))


def nowhere(_: str) -> Mapping[Place, int]:
    """No lines: for texts that nobody has written by hand, and nobody mends by line."""
    return {}


@dataclass(frozen=True)
class ConfidentialDocument:
    """A TOML file that may hold secrets: its name for messages, its text, and who finds lines in it.

    Not the `Document` of the rules, whose messages quote what was given so that it is found again.
    """

    source: str
    text: str = field(repr=False)
    lines_of: LinesOf = nowhere

    @cached_property
    def data(self) -> dict[str, Any]:
        """The parsed tables.  Raises Mistakes where it is no TOML."""
        try:
            return tomllib.loads(self.text)
        except tomllib.TOMLDecodeError as error:
            match = _TOML_LINE.search(str(error))
            line = int(match[1]) if match and match[1] else self.text.count("\n") + 1
            raise Mistakes([Mistake(self.source, line, f"not TOML: {_TOML_LINE.sub('', str(error))}")]) from None

    def line(self, place: Place) -> int:
        """The line of a value, or of the nearest table around it; 0 where nobody finds lines."""
        for length in range(len(place), 0, -1):
            if (line := self._lines.get(place[:length])) is not None:
                return line
        return 0

    def mistake(self, place: Place, text: str) -> Mistake:
        """One at a place."""
        return Mistake(self.source, self.line(place), text)

    def mistakes_of(self, error: ValidationError, at: Place = ()) -> list[Mistake]:
        """What pydantic found, in our words and with our lines; what was given is not repeated, it may be a secret."""
        found = error.errors(include_url=False, include_input=False, include_context=False)
        return [self.mistake((*at, *one["loc"]), _in_words(one)) for one in found]

    @cached_property
    def _lines(self) -> Mapping[Place, int]:
        return self.lines_of(self.text)


def documents(folder: Path, lines_of: LinesOf = nowhere) -> list[ConfidentialDocument]:
    """The *.toml files of a folder, by name; none where there is no folder.  Raises Mistakes."""
    found, mistakes = [], []
    for path in sorted(folder.glob("*.toml")):
        name = f"{folder.name}/{path.name}"
        try:
            found.append(ConfidentialDocument(name, path.read_text(encoding="utf-8"), lines_of))
        except UnicodeDecodeError:
            mistakes.append(Mistake(name, 0, "not UTF-8: save it as UTF-8"))
        except OSError as error:
            mistakes.append(Mistake(name, 0, f"cannot be read: {error.strerror}"))
    if mistakes:
        raise Mistakes(mistakes)
    return found


def _in_words(found: Any) -> str:
    name = ".".join(str(part) for part in found["loc"])
    text = _INSTEAD.get(found["type"]) or str(found["msg"]).removeprefix("Value error, ")
    return f"{name}: {text}" if name else text
