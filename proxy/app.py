"""The one place where implementations are chosen and joined."""

import random
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TextIO

from proxy.access_log import AccessLog
from proxy.config import Settings
from proxy.edge import Edge
from proxy.metrics import Metrics
from proxy.packs import Packs, load_packs
from proxy.pages import Pages, PagesError
from redirect_rules.sources import Problem, Problems

_ALPHABET = "23456789abcdefghjkmnpqrstuvwxyz"  # nothing that sounds or looks like something else


@dataclass(frozen=True, slots=True)
class App:
    """A complete edge, not yet listening."""

    settings: Settings
    packs: Packs
    pages: Pages
    metrics: Metrics
    edge: Edge


def utc_now() -> datetime:
    """The clock of the running program."""
    return datetime.now(UTC)


def speakable_id() -> str:
    """A request's id that can be read out over the telephone: "k7m2-9fxd-3hqp".  No secret: only unlikely to recur."""
    letters = [_ALPHABET[(octet * len(_ALPHABET)) >> 8] for octet in random.randbytes(12)]  # noqa: S311
    return f"{''.join(letters[:4])}-{''.join(letters[4:8])}-{''.join(letters[8:])}"


def load_parts(settings: Settings) -> tuple[Packs, Pages]:
    """Rules and pages.  Raises Problems with the mistakes of both."""
    problems: list[Problem] = []
    packs: Packs | None = None
    try:
        packs = load_packs(settings)
    except Problems as error:
        problems += error.problems
    pages = _pages(settings, packs, problems)
    if packs is None or pages is None:
        raise Problems(problems)
    return packs, pages


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
    parts: tuple[Packs, Pages] | None = None,
    clock: Callable[[], datetime] = utc_now,
    log: TextIO = sys.stdout,
    new_id: Callable[[], str] = speakable_id,
) -> App:
    """Read everything the settings name and join it.  Raises Problems; nothing is half-started."""
    packs, pages = parts or load_parts(settings)
    metrics = Metrics()
    edge = Edge(
        settings=settings,
        packs=packs,
        pages=pages,
        metrics=metrics,
        log=AccessLog(log, clock),
        clock=clock,
        new_id=new_id,
    )
    return App(settings, packs, pages, metrics, edge)
