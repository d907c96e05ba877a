"""The texts that make up the rules, wherever they lie, and what they say.

An operator's files and the documents of a published number are read by this one reader, so that what was checked is
what is served.  Knows no disk: `proxy.packs` brings files, `snapshot_file` brings documents.
"""

import csv
import io
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from pathlib import PurePath
from typing import Annotated, NamedTuple, TypeAlias, TypeVar

from pydantic import Field

from redirect_rules.clients import Crawlers
from redirect_rules.destinations import Destination, UrlForm, unknown_placeholders
from redirect_rules.exact import ExactIndex
from redirect_rules.localities import Localities, LocalityDataError
from redirect_rules.model import Family, Lookup, Portal, Rule
from redirect_rules.parsing import PARAMETERS, StrictModel, parse_family, parse_lookup, parse_portal_rules, read
from redirect_rules.portals import parse_portals
from redirect_rules.schedules import Instant
from redirect_rules.snapshot import Rulebook, Snapshot, compile_snapshot
from redirect_rules.sources import Document, Problem, Problems

Parsed = TypeVar("Parsed")
LocalityReader: TypeAlias = Callable[[Sequence[str]], Localities]
"""Takes the texts of LOCALITY_TABLES; raises LocalityDataError."""

_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\Z")
LOCALITY_TABLES = ("provinces.csv", "communes_2025.csv", "communes_old_to_new.csv")


class FormRow(StrictModel):
    """One spelling of a destination's address."""

    url: str
    valid_from: Instant | None = None
    valid_until: Instant | None = None


class DestinationRow(StrictModel):
    """One [[destination]]."""

    name: str
    forms: Annotated[list[FormRow], Field(min_length=1)]
    note: str = ""


class DestinationsRow(StrictModel):
    """conf/destinations.toml."""

    allowed_hosts: Annotated[list[str], Field(min_length=1)]
    destination: Annotated[list[DestinationRow], Field(min_length=1)]


class CrawlersRow(StrictModel):
    """conf/crawlers.toml."""

    bots: list[str] = []
    tools: list[str] = []


class Table(NamedTuple):
    """A CSV file: its name for messages, and its text."""

    source: str
    text: str


class LookupTable(NamedTuple):
    """A CSV file of internal ids, and whose it is."""

    portal: str
    name: str
    table: Table


@dataclass(frozen=True, slots=True)
class Sources:
    """Every text that the rules are made of."""

    portals: Document
    destinations: Document
    crawlers: Document
    procedure_ids: Table
    localities: tuple[Table, ...]  # in the order of LOCALITY_TABLES
    families: tuple[Document, ...] = ()
    portal_rules: tuple[Document, ...] = ()
    lookups: tuple[LookupTable, ...] = ()

    def documents(self) -> Iterator[tuple[str, str]]:
        """Names and texts, for a file that keeps them.  Lookups lie beside, where they are found without a parser."""
        yield _named("portals", self.portals)
        yield _named("destinations", self.destinations)
        yield _named("crawlers", self.crawlers)
        yield "procedure_ids.csv", self.procedure_ids.text
        for name, table in zip(LOCALITY_TABLES, self.localities, strict=True):
            yield f"localities/{name}", table.text
        for document in self.families:
            yield _named(f"families/{PurePath(document.source).stem}", document)
        for document in self.portal_rules:
            yield _named(f"rules/{PurePath(document.source).stem}", document)

    @classmethod
    def of(cls, documents: Iterable[tuple[str, str]]) -> "Sources":
        """From what `documents` gave.  Raises Problems where one is missing."""
        found = dict(documents)
        one: dict[str, Document] = {}
        many: dict[str, list[Document]] = {"families": [], "rules": []}
        for name, text in found.items():
            folder, _, rest = name.partition("/")
            if rest and folder in many:
                many[folder].append(Document(name, text))
            else:
                one[name.partition(".")[0]] = Document(name, text)
        tables = ["procedure_ids.csv", *(f"localities/{name}" for name in LOCALITY_TABLES)]
        missing = [name for name in ("portals", "destinations", "crawlers") if name not in one]
        missing += [name for name in tables if name not in found]
        if missing:
            raise Problems([Problem(name, 0, "this part of the rules is missing: publish again") for name in missing])
        ids, *localities = (Table(name, found[name]) for name in tables)
        return cls(
            portals=one["portals"],
            destinations=one["destinations"],
            crawlers=one["crawlers"],
            procedure_ids=ids,
            localities=tuple(localities),
            families=tuple(many["families"]),
            portal_rules=tuple(many["rules"]),
        )


def _named(name: str, document: Document) -> tuple[str, str]:
    return name + (PurePath(document.source).suffix or ".toml"), document.text


def _nothing() -> None:
    """There is nothing to let go of."""


class Listed(NamedTuple):
    """Exact rules and lookups that lie in an index of their own."""

    exact: ExactIndex
    lookups: Mapping[tuple[str, str], Mapping[str, str]]
    instants: tuple[datetime, ...] = ()  # when such rules begin and end
    content: str = ""  # this and what follows as in Packs
    message: str = ""
    close: Callable[[], None] = _nothing


@dataclass(frozen=True, slots=True)
class Packs:
    """What was read: the compiled rules, and who is told by name."""

    snapshot: Snapshot
    crawlers: Crawlers
    sources: Sources
    book: Rulebook
    content: str = ""  # sha256 of the published number; "": files that nobody published
    message: str = ""  # why it was published
    close: Callable[[], None] = _nothing  # lets go of what the listed rules are read from


class _Collector:
    """Runs one reader after the other and keeps every complaint."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []

    @contextmanager
    def collecting(self) -> Iterator[None]:
        try:
            yield
        except Problems as error:
            self.problems += error.problems

    def read(self, reader: Callable[[], Parsed]) -> Parsed | None:
        try:
            return reader()
        except Problems as error:
            self.problems += error.problems
            return None

    def done(self) -> None:
        if self.problems:
            raise Problems(self.problems)


def read_packs(
    sources: Sources, *, number: int = 0, listed: Listed | None = None, localities_of: LocalityReader | None = None
) -> Packs:
    """Read everything.  Raises Problems with all mistakes of all texts.

    localities_of  what reads the tables of units, where somebody keeps what was read before
    """
    collector = _Collector()
    crawlers = collector.read(lambda: _crawlers(sources.crawlers))
    destinations = collector.read(lambda: _destinations(sources.destinations))
    localities = collector.read(lambda: _localities(sources.localities, localities_of or _read_localities))
    procedures = collector.read(lambda: _procedures(sources.procedure_ids))
    known = tuple(destination.name for destination in destinations[1]) if destinations else ()
    families = list(_families(sources.families, known, collector))
    # A family that cannot be read is complained about once, not again by every portal that names it.
    named = sorted(PurePath(document.source).stem for document in sources.families)
    portals = collector.read(lambda: parse_portals(sources.portals, families=named)) or ()
    own = _portal_rules(sources.portal_rules, portals, known, collector)
    lookups = list(_lookups(sources.lookups, portals, collector))
    collector.done()
    if crawlers is None or destinations is None or localities is None or procedures is None:
        raise AssertionError("a reader failed without saying why")  # pragma: no cover
    book = Rulebook(
        portals=portals,
        families=families,
        portal_rules=own,
        destinations=destinations[1],
        allowed_hosts=frozenset(destinations[0]),
        procedure_ids=procedures[0],
        procedure_names=procedures[1],
        lookups=lookups,
        localities=localities,
    )
    packs = Packs(_compiled(book, number, listed), crawlers, sources, book)
    return packs if listed is None else _from(listed, packs)


def _compiled(book: Rulebook, number: int, listed: Listed | None) -> Snapshot:
    if listed is None:
        return compile_snapshot(book, number=number)
    return compile_snapshot(book, number=number, exact=listed.exact, lookups=listed.lookups, instants=listed.instants)


def renewed(
    packs: Packs, sources: Sources, *, number: int, listed: Listed, localities_of: LocalityReader | None = None
) -> Packs:
    """The packs of another number.  Where only listed rules differ, nothing is read again: microseconds, not a second.

    Raises Problems.
    """
    if _texts(sources.localities) == _texts(packs.sources.localities):
        localities_of = _known(packs.snapshot.localities)
    if sources != packs.sources:
        return read_packs(sources, number=number, listed=listed, localities_of=localities_of)
    changed = replace(
        packs.snapshot,
        number=number,
        exact=listed.exact,
        lookups=listed.lookups,
        instants=tuple(sorted({*packs.book.instants(), *listed.instants})),
    )
    return _from(listed, replace(packs, snapshot=changed))


def _from(listed: Listed, packs: Packs) -> Packs:
    return replace(packs, content=listed.content, message=listed.message, close=listed.close)


def _families(documents: Iterable[Document], destinations: tuple[str, ...], collector: _Collector) -> Iterator[Family]:
    for document in documents:
        with collector.collecting():
            family = parse_family(document, destinations=destinations)
            if family.name != PurePath(document.source).stem:
                text = f"the family is {family.name!r}: give the file its name, {family.name}.toml"
                raise Problems([document.problem(("family",), text)])
            yield family


def _crawlers(document: Document) -> Crawlers:
    row = read(document, CrawlersRow)
    return Crawlers.listed(row.bots, row.tools)


def _destinations(document: Document) -> tuple[tuple[str, ...], tuple[Destination, ...]]:
    row = read(document, DestinationsRow)
    problems: list[Problem] = []
    destinations: dict[str, Destination] = {}
    for i, given in enumerate(row.destination):
        forms = tuple(UrlForm(form.url, form.valid_from, form.valid_until) for form in given.forms)
        destination = Destination(given.name, forms)
        for form in given.forms:
            if not any(form.url.startswith(f"https://{host}") for host in row.allowed_hosts):
                text = f"{form.url}: write an https address on one of {', '.join(row.allowed_hosts)}"
                problems.append(document.problem(("destination", i, "forms"), text))
        if unknown := unknown_placeholders(destination, PARAMETERS):
            text = f"{{{', '.join(unknown)}}}: no rule can fill this; one of {', '.join(sorted(PARAMETERS))}"
            problems.append(document.problem(("destination", i, "forms"), text))
        if given.name in destinations:
            problems.append(document.problem(("destination", i, "name"), f"{given.name!r} is named twice"))
        destinations[given.name] = destination
    if "home" not in destinations or any(form.needs for form in destinations["home"].forms):
        problems.append(Problem(document.source, 0, "there must be a destination home that needs nothing"))
    if problems:
        raise Problems(problems)
    return tuple(row.allowed_hosts), tuple(destinations.values())


def _localities(tables: tuple[Table, ...], read: LocalityReader) -> Localities:
    try:
        return read(_texts(tables))
    except LocalityDataError as error:
        folder = str(PurePath(tables[0].source).parent)
        raise Problems([Problem(folder, 0, line) for line in str(error).splitlines()]) from None


def _texts(tables: Iterable[Table]) -> list[str]:
    return [table.text for table in tables]


def _read_localities(texts: Sequence[str]) -> Localities:
    return _parsed(*texts)


@lru_cache(maxsize=2)
def _parsed(provinces: str, communes: str, succession: str) -> Localities:
    """The gazetteer changes with a law, other rules every day: what was read once is kept."""
    return Localities.parse(provinces, communes, succession)


def _known(localities: Localities) -> LocalityReader:
    return lambda _: localities


def _procedures(table: Table) -> tuple[dict[str, str], dict[str, str]]:
    """The pages and the names of procedures, by base code."""
    path = table.source
    reader = csv.DictReader(io.StringIO(table.text))
    if reader.fieldnames is None or not {"code", "name", "formality_id"} <= set(reader.fieldnames):
        raise Problems([Problem(path, 1, "the first line must name the columns code, name and formality_id")])
    ids: dict[str, str] = {}
    names: dict[str, str] = {}
    problems: list[Problem] = []
    for row in reader:
        if not _UUID.match(row["formality_id"] or ""):
            problems.append(Problem(path, reader.line_num, f"{row['formality_id']!r} is no UUID in small letters"))
        ids[row["code"]] = row["formality_id"]
        names[row["code"]] = row["name"] or ""
    if problems:
        raise Problems(problems)
    return ids, names


def _portal_rules(
    documents: Iterable[Document], portals: tuple[Portal, ...], destinations: tuple[str, ...], collector: _Collector
) -> dict[str, tuple[Rule, ...]]:
    ids = {portal.id for portal in portals}
    own: dict[str, tuple[Rule, ...]] = {}
    for document in documents:
        with collector.collecting():
            portal, rules = parse_portal_rules(document, destinations=destinations)
            if portal not in ids:
                raise Problems([document.problem(("portal",), f"there is no portal {portal!r} in portals.toml")])
            own[portal] = own.get(portal, ()) + rules
    return own


def _lookups(tables: Iterable[LookupTable], portals: tuple[Portal, ...], collector: _Collector) -> Iterator[Lookup]:
    ids = {portal.id for portal in portals}
    for portal, name, (source, text) in tables:
        with collector.collecting():
            if portal not in ids:
                raise Problems([Problem(source, 0, f"there is no portal {portal!r} in portals.toml")])
            yield parse_lookup(source, text, portal=portal, name=name)
