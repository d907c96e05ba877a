"""Reads the files that the settings name and hands their text to the parsers: the only reader of rules on disk."""

import csv
import io
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, TypeVar

from pydantic import Field

from proxy.config import Settings
from redirect_rules.clients import Crawlers
from redirect_rules.destinations import Destination, UrlForm, unknown_placeholders
from redirect_rules.localities import Localities, LocalityDataError
from redirect_rules.model import Family, Lookup, Portal, Rule
from redirect_rules.parsing import PARAMETERS, StrictModel, parse_family, parse_lookup, parse_portal_rules, read
from redirect_rules.portals import parse_portals
from redirect_rules.schedules import Instant
from redirect_rules.snapshot import Rulebook, Snapshot, compile_snapshot
from redirect_rules.sources import Document, Problem, Problems

Parsed = TypeVar("Parsed")

_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\Z")


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


@dataclass(frozen=True, slots=True)
class Packs:
    """What was read: the compiled rules, and who is told by name."""

    snapshot: Snapshot
    crawlers: Crawlers


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


def load_packs(settings: Settings, *, extra_rules: tuple[Document, ...] = ()) -> Packs:
    """Read everything the settings name.  Raises Problems with all mistakes of all files.

    `extra_rules` are portals' own rules that stand nowhere on disk (a .ruletest file's).
    """
    collector = _Collector()
    crawlers = collector.read(lambda: _crawlers(settings))
    destinations = collector.read(lambda: _destinations(settings))
    localities = collector.read(lambda: _localities(settings))
    procedures = collector.read(lambda: _procedures(settings))
    known = tuple(destination.name for destination in destinations[1]) if destinations else ()
    families = list(_families(settings, known, collector))
    # A family that cannot be read is complained about once, not again by every portal that names it.
    named = sorted({path.stem for path in settings.path(settings.rules.families).glob("*.toml")})
    portals = collector.read(lambda: _portals(settings, named)) or ()
    own = _portal_rules(settings, portals, known, extra_rules, collector)
    lookups = list(_lookups(settings, portals, collector))
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
    return Packs(compile_snapshot(book, number=0), crawlers)


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise Problems([Problem(str(path), 0, f"cannot be read: {error}")]) from None


def _document(path: Path) -> Document:
    return Document(str(path), _text(path))


def _documents(folder: Path, pattern: str, collector: _Collector) -> Iterator[Document]:
    for path in sorted(folder.glob(pattern)):
        if (document := collector.read(partial(_document, path))) is not None:
            yield document


def _families(settings: Settings, destinations: tuple[str, ...], collector: _Collector) -> Iterator[Family]:
    for document in _documents(settings.path(settings.rules.families), "*.toml", collector):
        with collector.collecting():
            family = parse_family(document, destinations=destinations)
            if family.name != Path(document.source).stem:
                text = f"the family is {family.name!r}: give the file its name, {family.name}.toml"
                raise Problems([document.problem(("family",), text)])
            yield family


def _crawlers(settings: Settings) -> Crawlers:
    row = read(_document(settings.path(settings.rules.crawlers)), CrawlersRow)
    return Crawlers.listed(row.bots, row.tools)


def _destinations(settings: Settings) -> tuple[tuple[str, ...], tuple[Destination, ...]]:
    document = _document(settings.path(settings.rules.destinations))
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


def _localities(settings: Settings) -> Localities:
    folder = settings.path(settings.rules.localities)
    texts = [_text(folder / name) for name in ("provinces.csv", "communes_2025.csv", "communes_old_to_new.csv")]
    try:
        return Localities.parse(*texts)
    except LocalityDataError as error:
        raise Problems([Problem(str(folder), 0, line) for line in str(error).splitlines()]) from None


def _procedures(settings: Settings) -> tuple[dict[str, str], dict[str, str]]:
    """The pages and the names of procedures, by base code."""
    path = settings.path(settings.rules.procedure_ids)
    reader = csv.DictReader(io.StringIO(_text(path)))
    if reader.fieldnames is None or not {"code", "name", "formality_id"} <= set(reader.fieldnames):
        raise Problems([Problem(str(path), 1, "the first line must name the columns code, name and formality_id")])
    ids: dict[str, str] = {}
    names: dict[str, str] = {}
    problems: list[Problem] = []
    for row in reader:
        if not _UUID.match(row["formality_id"] or ""):
            problems.append(Problem(str(path), reader.line_num, f"{row['formality_id']!r} is no UUID in small letters"))
        ids[row["code"]] = row["formality_id"]
        names[row["code"]] = row["name"] or ""
    if problems:
        raise Problems(problems)
    return ids, names


def _portals(settings: Settings, families: list[str]) -> tuple[Portal, ...]:
    return parse_portals(_document(settings.path(settings.rules.portals)), families=families)


def _portal_rules(
    settings: Settings,
    portals: tuple[Portal, ...],
    destinations: tuple[str, ...],
    extra: tuple[Document, ...],
    collector: _Collector,
) -> dict[str, tuple[Rule, ...]]:
    ids = {portal.id for portal in portals}
    own: dict[str, tuple[Rule, ...]] = {}
    for document in (*_documents(settings.path(settings.rules.portal_rules), "*.toml", collector), *extra):
        with collector.collecting():
            portal, rules = parse_portal_rules(document, destinations=destinations)
            if portal not in ids:
                raise Problems([document.problem(("portal",), f"there is no portal {portal!r} in portals.toml")])
            own[portal] = own.get(portal, ()) + rules
    return own


def _lookups(settings: Settings, portals: tuple[Portal, ...], collector: _Collector) -> Iterator[Lookup]:
    """conf/lookups/<portal>/<table>.csv."""
    ids = {portal.id for portal in portals}
    for path in sorted(settings.path(settings.rules.lookups).glob("*/*.csv")):
        with collector.collecting():
            if path.parent.name not in ids:
                raise Problems([Problem(str(path), 0, f"there is no portal {path.parent.name!r} in portals.toml")])
            yield parse_lookup(str(path), _text(path), portal=path.parent.name, name=path.stem)
