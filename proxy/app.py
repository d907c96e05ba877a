"""The one place where implementations are chosen and joined."""

import random
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import product
from typing import TextIO

from proxy.access_log import AccessLog
from proxy.config import Settings
from proxy.edge import Edge
from proxy.metrics import Metrics
from proxy.packs import Packs
from proxy.pages import Pages, PagesError
from proxy.state import served
from redirect_rules.hits import HitCounter
from redirect_rules.snapshot_file import SnapshotRefused
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
    clock: Callable[[], datetime]
    hits: HitCounter | None  # None: nothing is counted


def utc_now() -> datetime:
    """The clock of the running program."""
    return datetime.now(UTC)


def _speakable_ids() -> Iterator[str]:
    """Ids in blocks: the first ten letters at random, the last two through all there are."""
    while True:
        letters = [_ALPHABET[(octet * len(_ALPHABET)) >> 8] for octet in random.randbytes(10)]  # noqa: S311
        yield from map(f"{''.join(letters[:4])}-{''.join(letters[4:8])}-{''.join(letters[8:])}".__add__, _ENDINGS)


_ENDINGS = ["".join(pair) for pair in product(_ALPHABET, repeat=2)]
_ids = _speakable_ids()


def speakable_id() -> str:
    """A request's id that can be read out over the telephone: "k7m2-9fxd-3hqp".  No secret: only unlikely to recur."""
    return next(_ids)


def _in_force(settings: Settings) -> Packs:
    return served(settings, utc_now(), full=True)


def load_parts(settings: Settings, read: Callable[[Settings], Packs] = _in_force) -> tuple[Packs, Pages]:
    """Rules and pages.  Raises Problems with the mistakes of both.

    read  what brings the rules: what is published, or else the shipped files
    """
    problems: list[Problem] = []
    packs: Packs | None = None
    try:
        packs = read(settings)
    except Problems as error:
        problems += error.problems
    except SnapshotRefused as error:
        problems.append(Problem("state", 0, f"no published number can be served: {error}"))
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
    hits = HitCounter(settings.hits.distinct_per_day) if settings.hits.keep_days else None
    edge = Edge(
        settings=settings,
        packs=packs,
        pages=pages,
        metrics=metrics,
        log=AccessLog(log),
        clock=clock,
        new_id=new_id,
        on_hit=hits.count if hits is not None else None,
    )
    return App(settings, packs, pages, metrics, edge, clock, hits)
