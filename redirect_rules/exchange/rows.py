"""What a line of a file asks for, what it becomes, and what is said where it becomes nothing."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import NamedTuple, Self

from redirect_rules.destinations import Destinations
from redirect_rules.model import Portal

LONGEST_SHOWN = 300
"""Characters of a line that are kept for people."""


NO_CELLS: Mapping[str, str] = MappingProxyType({})


class Refused(ValueError):
    """The line cannot become a rule; the text says what to write instead."""


class MatchKind(StrEnum):
    """How an old address is meant."""

    EXACT = "exact"
    BELOW = "below"  # the path and everything below it
    TEMPLATE = "template"  # "/vi/{id:hex24}"
    REGEX = "regex"


class Wish(NamedTuple):
    """One line of one file, read but not yet judged.

    Named tuples where there is one for each line: a frozen dataclass costs four times as much.
    """

    line: int
    text: str  # as it stands in the file
    old: str  # a URL, a path, a template or an expression
    new: str = ""  # "": the cells say what becomes of it; $1 or $name: a group of the expression
    kind: MatchKind = MatchKind.EXACT
    hosts: tuple[str, ...] = ()  # of the server block around it
    cells: Mapping[str, str] = NO_CELLS  # by column: "action", "status", "note"
    ignore_case: bool = False  # of an expression


class ImportedRow(NamedTuple):
    """A line that can become a rule.

    rule  JSON: the keys of a [[rule]] (`parsing.RuleRow`); the query of an exact path and an expression stand beside
    """

    line: int
    portal: str
    key: str  # "langson/vi/x?id=1", "langson/vi/{id:hex24}", "langson~^/a+$": equal keys match the same visits
    rule: Mapping[str, object]
    exact: str = ""  # canonical path; "": `rule["paths"]` or `regex` matches
    query_equals: tuple[tuple[str, str], ...] = ()  # all must be there: names in lower case, sorted
    regex: str = ""  # RE2, searched in the canonical path, percent-encoded; groups 1–9 are `first` … `ninth`
    text: str = ""  # the line as it stands in the file, shortened


@dataclass(frozen=True, slots=True)
class ImportProblem:
    """A line that cannot: where, and what to write instead."""

    source: str
    line: int  # from 1; 0 where the whole file is meant
    say: str
    text: str = ""  # the line as it stands in the file, shortened

    def __str__(self) -> str:
        return f"{self.source}:{self.line}: {self.say}" if self.line else f"{self.source}: {self.say}"


@dataclass(frozen=True, slots=True)
class PortalScope:
    """What reading an old address needs of its portal."""

    id: str
    fold_case: bool = True
    retired: tuple[tuple[str, ...], ...] = ()  # path prefixes; empty: all

    def answers(self, segments: tuple[str, ...]) -> bool:
        """Whether a path of this portal is retired, so that a target there would be a loop."""
        return not self.retired or any(segments[: len(prefix)] == prefix for prefix in self.retired)


@dataclass(frozen=True, slots=True)
class Context:
    """What rows are checked against."""

    hosts: Mapping[str, PortalScope]  # by canonical host
    destinations: Destinations  # with the guard that knows the allowed hosts
    portals: Mapping[str, PortalScope] = field(init=False)  # by id
    first_hosts: Mapping[str, str] = field(init=False)  # portal id → the host people know

    def __post_init__(self) -> None:
        object.__setattr__(self, "portals", {scope.id: scope for scope in self.hosts.values()})
        firsts: dict[str, str] = {}
        for host, scope in self.hosts.items():
            firsts.setdefault(scope.id, host)
        object.__setattr__(self, "first_hosts", firsts)

    @classmethod
    def of(cls, portals: Iterable[Portal], destinations: Destinations) -> Self:
        """The context of portals as the rules know them."""
        hosts = {
            host: PortalScope(portal.id, portal.fold_case, portal.scope)
            for portal in portals
            for host in portal.all_hosts
        }
        return cls(hosts, destinations)


def shown(text: str) -> str:
    """A line as people see it: on one line, not endless."""
    text = " ".join(text[: LONGEST_SHOWN + 1].split()) if "\n" in text or "\t" in text else text.strip()
    return text if len(text) <= LONGEST_SHOWN else text[: LONGEST_SHOWN - 1] + "…"
