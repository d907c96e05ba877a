"""The one place where implementations are chosen and joined."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, TextIO

from proxy.access_log import AccessLog
from proxy.clock import utc_now
from proxy.config import Settings
from proxy.edge import Edge
from proxy.metrics import Metrics
from proxy.packs import Packs
from proxy.pages import Pages, PagesError
from proxy.passing.passer import Passer
from proxy.request_ids import speakable_id
from proxy.state import served
from proxy.tls import Certificates, load_certificates
from proxy.upstream_routes import Passing, UpstreamFile, load_upstreams
from redirect_rules.hits import HitCounter
from redirect_rules.snapshot_seal import SnapshotRefused
from redirect_rules.sources import Problem, Problems


class Parts(NamedTuple):
    """What is read from files, once for all workers."""

    packs: Packs
    pages: Pages
    upstreams: UpstreamFile
    certificates: Certificates | None = None  # None: nothing listens for https


@dataclass(frozen=True, slots=True)
class App:
    """A complete edge, not yet listening."""

    settings: Settings
    packs: Packs
    pages: Pages
    metrics: Metrics
    edge: Edge
    passer: Passer
    clock: Callable[[], datetime]
    hits: HitCounter | None  # None: nothing is counted
    certificates: Certificates | None = None


def _in_force(settings: Settings) -> Packs:
    return served(settings, utc_now(), full=True)


def load_parts(settings: Settings, read: Callable[[Settings], Packs] = _in_force) -> Parts:
    """Rules, pages and upstreams.  Raises Problems with the mistakes of all of them.

    read  what brings the rules: what is published, or else the shipped files
    """
    problems: list[Problem] = []
    packs: Packs | None = None
    upstreams: UpstreamFile | None = None
    try:
        packs = read(settings)
    except Problems as error:
        problems += error.problems
    except SnapshotRefused as error:
        problems.append(Problem("state", 0, f"no published number can be served: {error}"))
    pages = _pages(settings, packs, problems)
    try:
        upstreams = _upstreams_of(settings, packs)
    except Problems as error:
        problems += error.problems
    certificates: Certificates | None = None
    try:
        certificates = load_certificates(settings.listen.tls, settings.folder)
    except Problems as error:
        problems += error.problems
    problems += sign_in_problems(settings)
    if packs is None or pages is None or upstreams is None or problems:
        raise Problems(problems)
    return Parts(packs, pages, upstreams, certificates)


def sign_in_problems(settings: Settings) -> list[Problem]:
    """What is wrong with the clients and upstreams of sign-in, where somebody is signed in."""
    if not settings.sso.issuer:
        return []
    from proxy.login.opening import read_files  # noqa: PLC0415 - where nobody signs in, nothing of it is loaded

    try:
        read_files(settings)
    except Problems as error:
        return list(error.problems)
    return []


def _upstreams_of(settings: Settings, packs: Packs | None) -> UpstreamFile:
    if packs is None:
        return load_upstreams(settings, None)
    return load_upstreams(settings, packs.snapshot.all_portals, published=packs.snapshot.number > 0)


def _pages(settings: Settings, packs: Packs | None, problems: list[Problem]) -> Pages | None:
    folder = settings.path(settings.notice.overrides)
    ids = {portal.id for portal in packs.snapshot.portals.values()} if packs else None
    try:
        return Pages(folder if folder.is_dir() else None, portals=ids)
    except PagesError as error:
        problems += [Problem("pages", 0, text) for text in error.problems]
        return None


def create_app(
    settings: Settings,
    *,
    parts: Parts | tuple[Packs, Pages] | None = None,
    clock: Callable[[], datetime] = utc_now,
    log: TextIO = sys.stdout,
    new_id: Callable[[], str] = speakable_id,
) -> App:
    """Read everything the settings name and join it.  Raises Problems; nothing is half-started.

    parts  what has been read already; without the upstreams, their file is read
    """
    if parts is None:
        parts = load_parts(settings)
    packs, pages = parts[:2]
    upstreams = parts.upstreams if isinstance(parts, Parts) else _upstreams_of(settings, packs)
    metrics = Metrics()
    passer = Passer(
        upstreams.routes(packs.snapshot.all_portals).upstreams,
        via=settings.passing.via,
        trust=settings.passing.trust(),
        registry=metrics.registry,
        folder=upstreams.folder,
    )
    hits = HitCounter(settings.hits.distinct_per_day) if settings.hits.keep_days else None
    edge = Edge(
        settings=settings,
        packs=packs,
        pages=pages,
        metrics=metrics,
        log=AccessLog(log),
        clock=clock,
        new_id=new_id,
        hits=hits,
        passing=Passing(upstreams, passer),
    )
    certificates = (
        parts.certificates if isinstance(parts, Parts) else load_certificates(settings.listen.tls, settings.folder)
    )
    return App(settings, packs, pages, metrics, edge, passer, clock, hits, certificates)
