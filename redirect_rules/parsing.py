"""Rule packs, portals, destinations and lookups as people write them → the frozen values of `model`.

Everything is complained about at once, with file, line and what to write instead; nothing half-read leaves this file.
"""

import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Annotated, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from redirect_rules.canonical import SENSITIVE, BadTarget, canonical_key, canonical_segments
from redirect_rules.captures import TYPES
from redirect_rules.matching import ties
from redirect_rules.model import (
    Action,
    Argument,
    Condition,
    Family,
    Goal,
    Hole,
    Literal,
    Lookup,
    PathTemplate,
    QueryCapture,
    Rule,
    Segment,
)
from redirect_rules.regexes import groups_of
from redirect_rules.sayings import say
from redirect_rules.schedules import Instant
from redirect_rules.sources import Document, Place, Problem, Problems

Row = TypeVar("Row", bound=BaseModel)

_HOLE = re.compile(r"([^{}]*)\{([a-z_]+):([a-z0-9-]+)\}([^{}]*)\Z")
_FILLING = re.compile(r"\{([a-z_]+)(?:\|([a-z-]+))?\}\Z")
_ID = re.compile(r"[a-z0-9][a-z0-9-]*\Z")
_CODE_COLUMNS = ("id", "code")

PARAMETERS = frozenset(
    {"code", "formality_id", "keyword", "province_code", "ward_code", "dossier", "old_path"}
)  # what a destination may ask for


class StrictModel(BaseModel):
    """A table of a file: unknown keys are refused, types are not guessed."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class QueryRow(StrictModel):
    """`query.code = { type = "procedure", from = ["MaTTHC", "ma"] }`."""

    type: str
    sources: Annotated[list[str], Field(alias="from", min_length=1)]


class RuleRow(StrictModel):
    """One [[rule]]."""

    id: str
    paths: list[str] = []
    exact: list[str] = []
    regex: str = ""
    action: Annotated[Action, Field(strict=False)]
    to: list[str | dict[str, str]] = []
    when: list[str] = []
    query: dict[str, QueryRow] = {}
    valid_from: Instant | None = None
    valid_until: Instant | None = None
    note: str = ""
    legal_basis: str = ""
    owner: str = ""
    tags: list[str] = []


class FamilyRow(StrictModel):
    """A file of conf/families/."""

    family: str
    version: Annotated[int, Field(ge=1)]
    title: str = ""
    note: str = ""
    rule: list[RuleRow] = []


class PortalRulesRow(StrictModel):
    """A file of conf/rules/: what one portal has of its own."""

    portal: str
    note: str = ""
    rule: list[RuleRow] = []


def read(document: Document, row: type[Row]) -> Row:
    """Check a whole document against its form.  Raises Problems."""
    try:
        return row.model_validate(document.data)
    except ValidationError as error:
        raise Problems(document.problems_of(error)) from None


def parse_family(document: Document, *, destinations: Iterable[str]) -> Family:
    """Read a family's pack.  Raises Problems."""
    row = read(document, FamilyRow)
    rules = _rules(document, row.rule, prefix=row.family, destinations=frozenset(destinations))
    return Family(row.family, row.version, rules, row.title)


def parse_portal_rules(document: Document, *, destinations: Iterable[str]) -> tuple[str, tuple[Rule, ...]]:
    """Read a portal's own rules: its id and they.  Raises Problems."""
    row = read(document, PortalRulesRow)
    return row.portal, _rules(document, row.rule, prefix=row.portal, destinations=frozenset(destinations))


def _rules(
    document: Document, rows: Sequence[RuleRow], *, prefix: str, destinations: frozenset[str]
) -> tuple[Rule, ...]:
    problems: list[Problem] = []
    rules: dict[str, Rule] = {}
    places: dict[str, Place] = {}
    for i, row in enumerate(rows):
        place: Place = ("rule", i)
        reader = _RuleReader(document, place, destinations)
        rule = reader.rule(row, prefix)
        problems += reader.problems
        if rule.id in rules:
            problems.append(document.problem((*place, "id"), say("rule.twice", id=row.id)))
        rules[rule.id], places[rule.id] = rule, place
    for one, other, template in ties(rules.values()) if not problems else ():
        where = document.line(places[one.id])
        text = say("rule.tie", template=template.text, rule=one.id, line=where)
        problems.append(document.problem(places[other.id], text))
    if problems:
        raise Problems(problems)
    return tuple(rules.values())


class _RuleReader:
    """Turns one row into a rule and remembers every mistake on the way."""

    def __init__(self, document: Document, place: Place, destinations: frozenset[str]) -> None:
        self.problems: list[Problem] = []
        self._document = document
        self._place = place
        self._destinations = destinations

    def rule(self, row: RuleRow, prefix: str) -> Rule:
        if not _ID.match(row.id):
            self._complain("id", say("rule.id", id=row.id))
        if bool(row.paths) + bool(row.exact) + bool(row.regex) != 1:
            self._complain("paths", say("rule.one-of"))
        templates = tuple(map(self._template, row.paths) if row.paths else map(self._address, row.exact))
        if row.exact and any(_names(template) for template in templates):
            self._complain("exact", say("rule.exact-captures"))
        captures = tuple(self._capture(name, query) for name, query in row.query.items())
        known = {capture.name for capture in captures} | {name for t in templates for name in _names(t)}
        known |= self._groups(row.regex)
        return Rule(
            id=f"{prefix}/{row.id}",
            templates=templates,
            action=row.action,
            goals=self._goals(row, known),
            conditions=tuple(self._condition(text) for text in row.when),
            captures=captures,
            exact=bool(row.exact),
            regex=row.regex,
            valid_from=row.valid_from,
            valid_until=row.valid_until,
            note=row.note,
            legal_basis=row.legal_basis,
            owner=row.owner,
            tags=tuple(row.tags),
            source=f"{self._document.source}:{self._document.line(self._place)}",
        )

    def _complain(self, key: str, text: str) -> None:
        self.problems.append(self._document.problem((*self._place, key), text))

    def _template(self, text: str) -> PathTemplate:
        try:
            return parse_template(text)
        except ValueError as error:
            self._complain("paths", error.args[0])
            return PathTemplate((), None, text)

    def _address(self, text: str) -> PathTemplate:
        """An address as it stands: what follows a ? must all be there."""
        path, _, query = text.partition("?")
        template = self._template(path)
        if not query:
            return template
        try:
            pairs = canonical_key("", "/?" + query).pairs
        except BadTarget as error:
            self._complain("exact", say("rule.address", text=text, why=error.args[0]))
            return template
        asks = tuple(sorted({name.lower(): value for name, value in reversed(pairs)}.items()))
        if not asks or not all(value for _, value in asks):
            self._complain("exact", say("rule.pairs", text=text))
        if sensitive := SENSITIVE.intersection(name for name, _ in asks):
            self._complain("exact", say("rule.sensitive", text=text, names=", ".join(sorted(sensitive))))
        return replace(template, text=text, asks=asks)

    def _groups(self, regex: str) -> frozenset[str]:
        try:
            return groups_of(regex) if regex else frozenset()
        except ValueError as error:
            self._complain("regex", error.args[0])
            return frozenset()

    def _capture(self, name: str, query: QueryRow) -> QueryCapture:
        if query.type not in TYPES:
            self._complain("query", say("rule.type", type=query.type, types=", ".join(TYPES)))
        return QueryCapture(name, query.type, tuple(source.lower() for source in query.sources))

    def _condition(self, text: str) -> Condition:
        name, _, value = text.partition("=")
        if not name:
            self._complain("when", say("rule.when", text=text))
        return Condition(name.lower(), value or None)

    def _goals(self, row: RuleRow, known: set[str]) -> tuple[Goal, ...]:
        leads = row.action in {Action.NOTICE, Action.REDIRECT, Action.ASK}
        if leads and not row.to:
            self._complain("to", say("rule.to"))
        if row.to and not leads and row.action is not Action.GONE:
            self._complain("to", say("rule.leads-nowhere", action=row.action))
        goals = tuple(self._goal({"destination": to} if isinstance(to, str) else to, known) for to in row.to)
        if goals and leads and goals[-1].arguments:
            self._complain("to", say("rule.last"))
        return goals

    def _goal(self, to: Mapping[str, str], known: set[str]) -> Goal:
        name, url = to.get("destination", ""), to.get("url", "")
        if bool(name) == bool(url):
            self._complain("to", say("rule.name-or-url"))
        if name and name not in self._destinations:
            self._complain("to", say("rule.destination", name=name, names=", ".join(sorted(self._destinations))))
        arguments = tuple(
            self._argument(parameter, filling, known)
            for parameter, filling in to.items()
            if parameter not in {"destination", "url"}
        )
        return Goal(name, arguments, url)

    def _argument(self, parameter: str, filling: str, known: set[str]) -> Argument:
        if parameter not in PARAMETERS:
            self._complain("to", say("rule.parameter", parameter=parameter, names=", ".join(sorted(PARAMETERS))))
        match = _FILLING.match(filling)
        if match is None:
            if "{" in filling:
                self._complain("to", say("rule.filling", text=filling))
            return Argument(parameter, text=filling)
        if match[1] not in known:
            self._complain(
                "to", say("rule.capture", name=match[1], names=", ".join(sorted(known)) or "no captures here")
            )
        return Argument(parameter, capture=match[1], lookup=match[2] or "")


def parse_template(text: str) -> PathTemplate:
    """Read "/vi/procedure/detail/{id:hex24}".  Raises ValueError that says what to write instead."""
    if not text.startswith("/") or "?" in text or "#" in text:
        raise ValueError(say("rule.path", text=text))
    parts = [part for part in text.split("/") if part]
    tail = None
    if parts and (match := re.fullmatch(r"\{([a-z_]+):path\}", parts[-1])):
        tail = match[1]
        parts.pop()
    return PathTemplate(_canonical(tuple(_segment(part, text) for part in parts)), tail, text)


def _segment(part: str, text: str) -> Segment:
    if "{" not in part and "}" not in part:
        try:
            segments, devious = canonical_segments("/" + part)
        except BadTarget as error:
            raise ValueError(say("rule.address", text=text, why=error.args[0])) from None
        if devious:
            raise ValueError(say("rule.devious", text=text))
        return Literal(segments[0] if segments else "")
    match = _HOLE.match(part)
    if match is None:
        raise ValueError(say("rule.hole", text=text))
    prefix, name, type_name, suffix = match.groups()
    if type_name not in TYPES:
        raise ValueError(say("rule.hole-type", text=text, type=type_name, types=", ".join(TYPES)))
    return Hole(name, type_name, prefix, suffix)


def _canonical(segments: tuple[Segment, ...]) -> tuple[Segment, ...]:
    """Index files have no key of their own, so a template that ends in one means the folder."""
    return tuple(segment for segment in segments if segment != Literal(""))


def _names(template: PathTemplate) -> set[str]:
    names = {segment.name for segment in template.segments if isinstance(segment, Hole)}
    return names | ({template.tail} if template.tail else set())


def parse_lookup(source: str, text: str, *, portal: str, name: str) -> Lookup:
    """Read a portal's table of internal ids (CSV with the columns id and code).  Raises Problems."""
    reader = csv.reader(io.StringIO(text.removeprefix("\ufeff")))
    header = tuple(cell.strip().lower() for cell in next(reader, []))
    if header != _CODE_COLUMNS:
        raise Problems(
            [Problem(source, 1, f"the first line must be {','.join(_CODE_COLUMNS)}, not {','.join(header)}")]
        )
    problems: list[Problem] = []
    entries: dict[str, str] = {}
    for cells in reader:
        line = reader.line_num
        if len(cells) != len(_CODE_COLUMNS):
            problems.append(Problem(source, line, f"write two cells, id and code, not {len(cells)}"))
            continue
        internal_id, sent = (cell.strip() for cell in cells)
        code = TYPES["procedure"].read(sent)
        if code is None:
            problems.append(Problem(source, line, f"{sent!r} is no procedure code such as 1.001193"))
        elif entries.setdefault(internal_id, code) != code:
            problems.append(Problem(source, line, f"{internal_id!r} has another code above: keep one of them"))
    if problems:
        raise Problems(problems)
    return Lookup(portal, name, entries)
