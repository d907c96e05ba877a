"""What happens by itself at each instant of a portal's schedule: what visitors get just before, and from then.

Pure: the instants are those of the schedule, the addresses are given.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from redirect_rules.canonical import BadHost
from redirect_rules.clients import Crawlers
from redirect_rules.decision import Decision, decide
from redirect_rules.explaining import Question, visit_to
from redirect_rules.model import ClientClass, Phase, Portal
from redirect_rules.snapshot import Snapshot

_JUST: Final = timedelta(microseconds=1)


class Got(NamedTuple):
    """What a visitor gets, as far as they would notice."""

    outcome: str
    target: str  # "": nowhere
    lasting: bool  # a redirect that caches may keep (301)


@dataclass(frozen=True, slots=True)
class Turn:
    """Addresses whose answer changes alike, for some client classes alike."""

    urls: tuple[str, ...]
    clients: tuple[ClientClass, ...]
    before: Got
    after: Got


@dataclass(frozen=True, slots=True)
class TurningPoint:
    """An instant at which something changes by itself."""

    at: datetime  # aware
    before: Phase
    after: Phase
    turns: Sequence[Turn]  # none: nobody notices
    same: int  # addresses whose answer changes for nobody


def turning_points(
    snapshot: Snapshot, portal: Portal, urls: Sequence[str], *, crawlers: Crawlers
) -> list[TurningPoint]:
    """Every instant of the portal's schedule and its paths', in order.  What is no portal's address is left out."""
    schedules = (portal.schedule, *(own.schedule for own in portal.path_schedules))
    instants = sorted({at for schedule in schedules for at in schedule.instants})
    return [_point(snapshot, portal, urls, at, crawlers) for at in instants]


def _point(snapshot: Snapshot, portal: Portal, urls: Sequence[str], at: datetime, crawlers: Crawlers) -> TurningPoint:
    alike: dict[tuple[tuple[ClientClass, ...], Got, Got], list[str]] = {}
    for url in urls:
        for clients, before, after in _changes(snapshot, url, at, crawlers):
            alike.setdefault((clients, before, after), []).append(url)
    turns = [Turn(tuple(changed), *what) for what, changed in alike.items()]
    touched = {url for turn in turns for url in turn.urls}
    phases = portal.schedule.phase_at(at - _JUST), portal.schedule.phase_at(at)
    return TurningPoint(at, *phases, turns, sum(url not in touched for url in urls))


def _changes(
    snapshot: Snapshot, url: str, at: datetime, crawlers: Crawlers
) -> Iterator[tuple[tuple[ClientClass, ...], Got, Got]]:
    groups: dict[tuple[Got, Got], list[ClientClass]] = {}
    for client in ClientClass:
        before, after = (_got(snapshot, url, Question(when, client=client), crawlers) for when in (at - _JUST, at))
        if before is not None and after is not None and before != after:
            groups.setdefault((before, after), []).append(client)
    yield from ((tuple(clients), *pair) for pair, clients in groups.items())


def _got(snapshot: Snapshot, url: str, question: Question, crawlers: Crawlers) -> Got | None:
    try:
        visit = visit_to(url, question, suffixes=(), crawlers=crawlers)
    except BadHost:
        return None
    decision = decide(visit, snapshot, question.at)
    if not isinstance(decision, Decision):
        return None
    return Got(decision.outcome.value, decision.way.target if decision.way else "", decision.permanent)


def known_urls(portal: Portal, paths: Iterable[str], *, most: int) -> list[str]:
    """Addresses to look at: the front page, then so many of the paths, each once."""
    if not portal.hosts:
        return []
    found = dict.fromkeys(["/", *(path for path in paths if path.startswith("/"))])
    return [f"https://{portal.hosts[0]}{path}" for path in [*found][:most]]
