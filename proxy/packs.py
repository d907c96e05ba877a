"""Reads the files that the settings name: the only reader of rules on disk."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from proxy.config import Settings
from redirect_rules.packs import LOCALITY_TABLES, LocalityReader, LookupTable, Packs, Sources, Table, read_packs
from redirect_rules.sources import Document, Problem, Problems

__all__ = ["Packs", "load_packs", "load_sources"]

Read = TypeVar("Read")


def load_packs(
    settings: Settings, *, extra_rules: tuple[Document, ...] = (), localities_of: LocalityReader | None = None
) -> Packs:
    """Read everything the settings name.  Raises Problems with all mistakes of all files.

    `extra_rules` are portals' own rules that stand nowhere on disk (a .ruletest file's); `localities_of` as for
    `read_packs`.
    """
    sources = load_sources(settings)
    whole = replace(sources, portal_rules=(*sources.portal_rules, *extra_rules))
    return read_packs(whole, localities_of=localities_of)


def load_sources(settings: Settings) -> Sources:
    """The texts, as they are.  Raises Problems for every file that is missing or no text."""
    reader = _Reader(settings)
    rules = settings.rules
    sources = Sources(
        portals=reader.document(rules.portals),
        destinations=reader.document(rules.destinations),
        crawlers=reader.document(rules.crawlers),
        procedure_ids=reader.table(rules.procedure_ids),
        localities=tuple(reader.table(f"{rules.localities}/{name}") for name in LOCALITY_TABLES),
        families=reader.folder(rules.families, "*.toml", reader.document),
        portal_rules=reader.folder(rules.portal_rules, "*.toml", reader.document),
        lookups=reader.folder(rules.lookups, "*/*.csv", reader.lookup),
    )
    if reader.problems:
        raise Problems(reader.problems)
    return sources


class _Reader:
    """Reads one file after the other and keeps every complaint."""

    def __init__(self, settings: Settings) -> None:
        self.problems: list[Problem] = []
        self._settings = settings

    def document(self, path: str) -> Document:
        """A TOML file."""
        return Document(*self.table(path))

    def table(self, path: str) -> Table:
        """Any text."""
        whole = self._settings.path(path)
        try:
            return Table(str(whole), whole.read_text("utf-8-sig"))
        except (OSError, UnicodeDecodeError) as error:
            self.problems.append(Problem(str(whole), 0, f"cannot be read: {error}"))
            return Table(str(whole), "")

    def lookup(self, path: str) -> LookupTable:
        """<portal>/<table>.csv."""
        whole = Path(path)
        return LookupTable(whole.parent.name, whole.stem, self.table(path))

    def folder(self, path: str, pattern: str, read: Callable[[str], Read]) -> tuple[Read, ...]:
        """Every file of a folder, by name."""
        return tuple(read(str(file)) for file in sorted(self._settings.path(path).glob(pattern)))
