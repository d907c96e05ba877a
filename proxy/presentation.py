"""Decisions become views: everything a page says, gathered from the snapshot.  Pure."""

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from string import ascii_letters, digits
from typing import Final
from urllib.parse import quote_plus, urlencode

from proxy import views
from proxy.forms import TypedForm
from proxy.pilots import LEAVE
from proxy.visits import FORGET, LANGUAGE, PLACE, STAY
from redirect_rules.canonical import Key
from redirect_rules.decision import OUR_PREFIX, Decision
from redirect_rules.destinations import template_with_hole
from redirect_rules.model import HO_CHI_MINH, Portal, Target
from redirect_rules.snapshot import Snapshot
from redirect_rules.units import Locality, LocalityCode
from redirect_rules.ways import HOME, Way

LOCALITY_PATH = f"/{OUR_PREFIX}/locality"
PILOT_LEAVE_PATH = f"/{OUR_PREFIX}/pilot/{LEAVE}"
CHOICES_PATH = f"/{OUR_PREFIX}/notice/"


@dataclass(frozen=True, slots=True)
class Here:
    """The page we are on, as a link to ourselves: canonical path and the significant pairs."""

    path: str
    pairs: tuple[tuple[str, str], ...]
    language: str = ""  # the one that was asked for: every link goes on in it
    _query: str = field(
        init=False, repr=False, compare=False
    )  # encoded: a page has five links, and a query may be long

    def __post_init__(self) -> None:
        encoded = [f"{_encoded(name)}={_encoded(value)}" for name, value in self.pairs]
        object.__setattr__(self, "_query", "&".join(encoded))

    @classmethod
    def of(cls, key: Key, kept: frozenset[str], language: str = "") -> "Here":
        """From a key.  Nothing that is not significant is repeated, and nothing sensitive."""
        return cls(key.path, key.kept(kept), language)

    def link(self, **controls: str) -> str:
        """Path and query, with control parameters."""
        asked = {LANGUAGE: self.language} if self.language else {}
        said = _said(tuple((asked | controls).items()))
        query = f"{self._query}&{said}" if self._query and said else self._query or said
        return self.path + (f"?{query}" if query else "")


_PLAIN: Final = (ascii_letters + digits + "_.-~").encode()


@lru_cache(maxsize=512)
def _said(controls: tuple[tuple[str, str], ...]) -> str:
    """What is said to us, as in a query: kept, since there is a language or two, and a commune."""
    return urlencode(controls)


def _encoded(text: str) -> str:
    """As `urlencode` writes it; what stands for itself at a fifth of the cost."""
    return text if not text.encode().translate(None, _PLAIN) else quote_plus(text)


class _Season:
    """The time between two instants of a snapshot, and what all pages say in it."""

    __slots__ = ("fragments", "lookup", "since", "until")

    def __init__(self, since: datetime, until: datetime, fragments: Mapping[str, str], lookup: str) -> None:
        self.since = since
        self.until = until
        self.fragments = fragments
        self.lookup = lookup


class _Gathered:
    """What was gathered for an earlier page and is the same on the next: the very same, so that it is known again."""

    __slots__ = ("facts", "instants", "provinces", "season")

    def __init__(self) -> None:
        self.facts: dict[tuple[str, datetime | None, bool], tuple[Portal, views.PortalFacts]] = {}
        self.provinces: tuple[tuple[str, str], ...] = ()
        self.instants: tuple[datetime, ...] | None = None
        self.season: _Season | None = None


@dataclass(frozen=True, slots=True)
class Presenter:
    """What pages of this snapshot say."""

    snapshot: Snapshot
    languages: Mapping[str, str]  # tag → its own name
    seconds: int  # until people are sent on; 0: never
    counts_choices: bool = False  # whether notices say what became of the countdown
    _gathered: _Gathered = field(default_factory=_Gathered, init=False, repr=False, compare=False)

    def facts(self, portal: Portal, *, closed_at: datetime | None = None, closing: bool = False) -> views.PortalFacts:
        """The portal, as people speak of it; `closing`: it is not closed for all yet."""
        key = portal.id, closed_at, closing
        known = self._gathered.facts.get(key)
        if known is None or known[0] is not portal:
            known = self._gathered.facts[key] = portal, self._told(portal, closed_at, closing=closing)
        return known[1]

    def _told(self, portal: Portal, closed_at: datetime | None, *, closing: bool) -> views.PortalFacts:
        closed_at = closed_at or portal.schedule.closed_at
        then = self._unit(portal.province)
        now = self.snapshot.localities.province_of_old(portal.province.code) if portal.province else None
        return views.PortalFacts(
            id=portal.id,
            host=portal.hosts[0],
            kind=portal.kind.value,
            names=portal.names,
            closed_on=closed_at.astimezone(HO_CHI_MINH).date() if closed_at and portal.say_date else None,
            province_now=now.name if now else "",
            hotline=portal.hotline,
            province_then=then.name if then else "",
            closing=closing,
            texts=portal.texts,
        )

    def notice(self, decision: Decision, *, now: datetime, stay: bool, ask: bool, language: str = "") -> views.Notice:
        """The notice page; `language` when the visitor asked for one by a link of ours."""
        way = self._way(decision)
        here = Here.of(decision.key, decision.kept, self.asked(language))
        counts = not (stay or ask) and self.seconds > 0
        return views.Notice(
            portal=self._facts_of(decision),
            destination=way.destination,
            target=way.target,
            mapped=decision.mapped,
            seconds=self.seconds if counts else None,
            here=here.link(),
            here_query=here.pairs,
            stay_link=here.link(**{STAY: "1"}),
            language_links=self.language_links(here, **({STAY: "1"} if stay else {})),
            dossier_code=decision.captured.get("dossier", ""),
            procedure_code=way.procedure,
            procedure_name=self.snapshot.procedure_names.get(way.procedure, ""),
            locating=self.locating(decision.portal, here, way),
            fragment_targets=self._season(now).fragments,
            dossier_lookup=self._season(now).lookup,
            choices=CHOICES_PATH if self.counts_choices else "",
        )

    def locating(self, portal: Portal, here: Here, way: Way | None) -> views.Locating:
        """The choice of a commune."""
        province = self.snapshot.localities.province_of_old(portal.province.code) if portal.province else None
        return views.Locating(
            chosen=self.place(way.place, here) if way and way.place else None,
            candidates=self.places(way.candidates, here) if way else (),
            provinces=self._provinces(),
            preset=province.code if province else "",
            carried=way.takes_place if way else False,
            forget_link=here.link(**{PLACE: FORGET}),
        )

    def _provinces(self) -> tuple[tuple[str, str], ...]:
        gathered = self._gathered
        if not gathered.provinces:
            gathered.provinces = tuple((unit.code, unit.name) for unit in self.snapshot.localities.new_provinces())
        return gathered.provinces

    def places(self, units: Iterable[Locality], here: Here) -> tuple[views.Place, ...]:
        """Communes of today, each with the link that chooses it."""
        return tuple(self.place(unit, here) for unit in units)

    def place(self, unit: Locality, here: Here, context: str = "") -> views.Place:
        """One commune of today."""
        code = str(LocalityCode(unit.era, unit.code))
        return views.Place(code, unit.name, unit.province, context, here.link(**{PLACE: code}))

    def asked(self, language: str | None) -> str:
        """The language a link of ours asked for, or "" when there is none such."""
        return language if language and language in self.languages else ""

    def language_links(self, here: Here, **controls: str) -> tuple[tuple[str, str, str], ...]:
        """The same page in every language."""
        return tuple((tag, name, here.link(**{LANGUAGE: tag}, **controls)) for tag, name in self.languages.items())

    def not_sent(self, decision: Decision, form: TypedForm) -> views.NotSent:
        """What was typed, shown back."""
        way = self._way(decision)
        facts = self._facts_of(decision)
        return views.NotSent(facts, form.fields, form.files, form.cut, form.unreadable, way.target, way.destination)

    def gone(self, decision: Decision, *, now: datetime) -> views.Gone:
        """410 as a page."""
        way = self._way(decision)
        return views.Gone(
            self._facts_of(decision),
            way.target,
            way.destination,
            dossier_lookup=self._season(now).lookup,
            language_links=self.language_links(Here.of(decision.key, decision.kept)),
        )

    def framed(self, decision: Decision) -> views.Framed:
        """The small page in an iframe."""
        way = self._way(decision)
        return views.Framed(self._facts_of(decision), way.target, way.destination)

    def pilot(self, portal: Portal, *, joined: bool) -> views.PilotTold:
        """Somebody has joined the pilot of a portal, or left it."""
        return views.PilotTold(self.facts(portal, closing=True), joined, "/", PILOT_LEAVE_PATH)

    def home(self, now: datetime) -> Target:
        """The national portal's front page."""
        target = self._target(HOME, now)
        if target is None:
            raise LookupError("the destination home has no form in force")
        return target

    def _facts_of(self, decision: Decision) -> views.PortalFacts:
        closed_at = decision.portal.schedule_for(decision.key.folded).closed_at
        return self.facts(decision.portal, closed_at=closed_at, closing=decision.pilot)

    def _way(self, decision: Decision) -> Way:
        if decision.way is None:
            raise LookupError(f"{type(decision.answer).__name__} leads nowhere, so there is no page for it")
        return decision.way

    def _unit(self, code: LocalityCode | None) -> Locality | None:
        return self.snapshot.localities.by_code(code.era, code.code) if code else None

    def _target(self, name: str, now: datetime) -> Target | None:
        if name not in self.snapshot.destinations.by_name:
            return None
        return self.snapshot.destinations.build(name, {}, now=now)

    def _season(self, now: datetime) -> _Season:
        """What all pages say at an instant: between two instants of the snapshot nothing of it changes."""
        gathered = self._gathered
        season = gathered.season
        if season is None or not season.since <= now < season.until:
            if gathered.instants is None:
                gathered.instants = tuple(sorted(instant.astimezone(UTC) for instant in self.snapshot.instants))
            bounds = (datetime.min.replace(tzinfo=UTC), *gathered.instants, datetime.max.replace(tzinfo=UTC))
            at = bisect_right(bounds, now, 1, len(bounds) - 1)
            lookup = self._target("dossier-lookup", now) or ""
            season = gathered.season = _Season(bounds[at - 1], bounds[at], self._fragment_targets(now), lookup)
        return season

    def _fragment_targets(self, now: datetime) -> Mapping[str, str]:
        """Addresses for links whose page stands behind a #, which no server ever sees."""
        known = self.snapshot.destinations.by_name
        targets: dict[str, str | None] = {"dossier-lookup": self._target("dossier-lookup", now)}
        if "procedure" in known:
            targets["procedure"] = template_with_hole(known["procedure"], "code", now=now)
        return {name: target for name, target in targets.items() if target}
