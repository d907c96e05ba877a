"""The retired sites as people write them (conf/portals.toml) → `Portal`."""

import re
from collections.abc import Mapping, Sequence
from typing import Annotated, TypeAlias
from urllib.parse import urlsplit

from pydantic import Field

from redirect_rules.canonical import BadHost, canonical_host
from redirect_rules.model import Life, PathSchedule, Portal, PortalKind
from redirect_rules.parsing import StrictModel, parse_template, read
from redirect_rules.schedules import CLOSING, ScheduleRow
from redirect_rules.sources import Document, Place, Problem, Problems
from redirect_rules.units import Era, LocalityCode

_NETLOC = re.compile(r"(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?\Z")
_ID = re.compile(r"[a-z0-9][a-z0-9-]*\Z")


Language: TypeAlias = Annotated[str, Field(pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$")]
TextKey: TypeAlias = Annotated[str, Field(pattern=r"^[a-z0-9-]+(\.[a-z0-9-]+)+$", max_length=80)]
Text: TypeAlias = Annotated[str, Field(min_length=1, max_length=600)]
"""A sentence; a page has to arrive in one round trip."""


class PathScheduleRow(StrictModel):
    """`paths = [{ prefix = "/api", schedule = { … } }]`: a part of the portal that keeps its own time."""

    prefix: str
    schedule: ScheduleRow


class KindRow(StrictModel):
    """What portals of one kind have in common."""

    schedule: ScheduleRow = ScheduleRow(notice_at=CLOSING)
    families_before: list[str] = []  # tried before the portal's own
    families_after: list[str] = []  # and after: a portal may have run any product once
    hotline: str = ""
    say_date: bool = True


class PortalRow(StrictModel):
    """One [[portal]]."""

    id: str
    kind: Annotated[PortalKind, Field(strict=False)]
    name: Annotated[dict[str, str], Field(min_length=1)]
    hosts: Annotated[list[str], Field(min_length=1)]
    office_hosts: list[str] = []
    scope: list[str] = []
    families: list[str] = []
    province: str = ""
    agency_code: str = ""
    life: Annotated[Life, Field(strict=False)] = Life.LIVING
    schedule: ScheduleRow | None = None
    paths: list[PathScheduleRow] = []
    keep: list[str] = []  # paths that stay alive after the closing
    fold_case: bool = True
    retire_service_worker: bool = False
    upstream: str = ""
    hotline: str = ""
    note: str = ""
    texts: dict[Language, dict[TextKey, Text]] = {}  # what its pages say in the place of the shipped sentences


class PortalsRow(StrictModel):
    """The whole file."""

    defaults: dict[Annotated[PortalKind, Field(strict=False)], KindRow] = {}
    portal: Annotated[list[PortalRow], Field(min_length=1)]


def parse_portals(document: Document, *, families: Sequence[str]) -> tuple[Portal, ...]:
    """Read all portals.  Raises Problems: unknown families, hosts given twice, instants out of order, …"""
    row = read(document, PortalsRow)
    problems: list[Problem] = []
    for kind, kind_row in row.defaults.items():
        unknown = {*kind_row.families_before, *kind_row.families_after} - set(families)
        problems += [document.problem(("defaults", kind), f"there is no family {name!r}") for name in sorted(unknown)]
        if disorder := kind_row.schedule.disorder():
            problems.append(document.problem(("defaults", kind, "schedule"), disorder))
    portals: list[Portal] = []
    owners: dict[str, str] = {}
    for i, portal_row in enumerate(row.portal):
        reader = _PortalReader(document, ("portal", i), row.defaults.get(portal_row.kind, KindRow()), families)
        portal = reader.portal(portal_row)
        for host in portal.all_hosts:
            if owners.setdefault(host, portal.id) != portal.id:
                reader.complain("hosts", f"{host} is {owners[host]}'s already: a host leads to one portal")
        if any(portal.id == other.id for other in portals):
            reader.complain("id", f"{portal.id!r} is another portal's id: choose a new one")
        portals.append(portal)
        problems += reader.problems
    if problems:
        raise Problems(problems)
    return tuple(portals)


class _PortalReader:
    """Turns one row into a portal and remembers every mistake on the way."""

    def __init__(self, document: Document, place: Place, kind: KindRow, families: Sequence[str]) -> None:
        self.problems: list[Problem] = []
        self._document = document
        self._place = place
        self._kind = kind
        self._families = families

    def complain(self, key: str, text: str) -> None:
        self.problems.append(self._document.problem((*self._place, key), text))

    def portal(self, row: PortalRow) -> Portal:
        if not _ID.match(row.id):
            self.complain("id", f"{row.id!r} is no id: write small letters, digits and hyphens")
        for name in row.families:
            if name not in self._families:
                self.complain("families", f"there is no family {name!r}: one of {', '.join(self._families)}")
        families = dict.fromkeys((*self._kind.families_before, *row.families, *self._kind.families_after))
        schedule = row.schedule or self._kind.schedule
        return Portal(
            id=row.id,
            kind=row.kind,
            names=row.name,
            hosts=self._hosts("hosts", row.hosts),
            office_hosts=self._hosts("office_hosts", row.office_hosts),
            scope=tuple(self._prefix("scope", text, row.fold_case) for text in row.scope),
            families=tuple(name for name in families if name in self._families),
            province=self._province(row.province),
            agency_code=row.agency_code,
            life=row.life,
            schedule=self._ordered("schedule", schedule).schedule(),
            path_schedules=tuple(
                PathSchedule(
                    self._prefix("paths", own.prefix, row.fold_case), self._ordered("paths", own.schedule).schedule()
                )
                for own in row.paths
            ),
            keeps=tuple(self._prefix("keep", text, row.fold_case) for text in self._kept(row)),
            fold_case=row.fold_case,
            retire_service_worker=row.retire_service_worker,
            upstream=self._upstream(row.upstream),
            hotline=row.hotline or self._kind.hotline,
            say_date=self._kind.say_date,
            texts=row.texts,
        )

    def _hosts(self, key: str, hosts: Sequence[str]) -> tuple[str, ...]:
        found = []
        for host in hosts:
            try:
                canonical = canonical_host(host)
            except BadHost:
                canonical = ""
            if canonical != host:
                self.complain(key, f"{host!r} is no plain host name: write it in lower case, without port or scheme")
            found.append(canonical)
        return tuple(found)

    def _prefix(self, key: str, text: str, fold_case: bool) -> tuple[str, ...]:  # noqa: FBT001 - a portal's own word
        try:
            template = parse_template(text)
            segments = tuple(segment.text for segment in template.segments)  # type: ignore[union-attr]
        except (ValueError, AttributeError):
            self.complain(key, f"{text!r}: write a path without captures, such as /api")
            return ()
        return tuple(segment.lower() for segment in segments) if fold_case else segments

    def _kept(self, row: PortalRow) -> Sequence[str]:
        if row.keep and row.life is Life.GONE:
            self.complain("keep", "nothing lives on behind this portal (life = 'gone'): remove this key, or that one")
        if "/" in row.keep:
            self.complain("keep", "'/' would keep everything alive: remove the instants of its schedule instead")
        return row.keep

    def _province(self, text: str) -> LocalityCode | None:
        if not text:
            return None
        try:
            code = LocalityCode.parse(text)
        except ValueError as error:
            self.complain("province", str(error))
            return None
        if code.era is not Era.OLD:
            self.complain("province", f"{text}: a portal belongs to a province of before the merger, old:NN")
        return code

    def _ordered(self, key: str, row: ScheduleRow) -> ScheduleRow:
        if disorder := row.disorder():
            self.complain(key, disorder)
        return row

    def _upstream(self, text: str) -> str:
        if not text:
            return ""
        try:
            parts = urlsplit(text)
            bare = not (parts.path.strip("/") or parts.query or parts.fragment or "@" in parts.netloc)
            named = _NETLOC.match(parts.netloc) is not None
            good = parts.scheme in {"http", "https"} and named and bare and (parts.port or 1) > 0
        except ValueError:
            good = False
        if not good:
            self.complain(
                "upstream", f"{text!r}: write an origin, such as https://10.0.0.5:8443 or http://lgsp.internal"
            )
        return text.rstrip("/")


def names_by_host(portals: Sequence[Portal]) -> Mapping[str, Portal]:
    """Every host, back offices too, with the portal it leads to."""
    return {host: portal for portal in portals for host in portal.all_hosts}
