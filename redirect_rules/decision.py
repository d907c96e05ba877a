"""Say what happens to a visit.  First answer wins; the order of the lines is the policy."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from redirect_rules import answers
from redirect_rules.answers import Answer, Situation, answer_for, asker, outcome_of, reads_pages
from redirect_rules.canonical import BadTarget, Key
from redirect_rules.matching import Match
from redirect_rules.model import Action, ClientClass, Goal, Life, PathTemplate, Phase, Portal, Rule, Switch
from redirect_rules.sayings import say
from redirect_rules.snapshot import Snapshot
from redirect_rules.units import LocalityCode
from redirect_rules.ways import HOME, Note, Step, Way, WayFinder

OUR_PREFIX: Final = "_edge"
"""The first path segment that is ours on every portal host."""

_OUR_FILES: Final[Mapping[tuple[str, ...], Answer]] = {
    ("robots.txt",): answers.ShowRobots(),
    ("sitemap.xml",): answers.ShowSitemap(),
    (".well-known", "security.txt"): answers.ShowSecurityContact(),
}
_WORKERS: Final[Mapping[tuple[str, ...], Answer]] = {
    ("sw.js",): answers.RetireWorker(manifest=False),
    ("service-worker.js",): answers.RetireWorker(manifest=False),
    ("ngsw-worker.js",): answers.RetireWorker(manifest=False),
    ("ngsw.json",): answers.RetireWorker(manifest=True),
}
_LEADS: Final = frozenset({Action.NOTICE, Action.REDIRECT, Action.ASK})
_EVERY_PATH: Final = PathTemplate((), "rest", "/{rest:path}")
_TO_HOME: Final = Rule("switch/home", (_EVERY_PATH,), Action.NOTICE, (Goal(HOME),), source="the switch of the portal")


@dataclass(frozen=True, slots=True)
class Visit:
    """A request, as far as the rules care."""

    host: str  # canonical
    raw_target: str  # origin-form, as received
    method: str = "GET"
    client: ClientClass = ClientClass.NAVIGATION
    place: LocalityCode | None = None  # the commune the visitor chose, if any
    ticket: int | None = None  # drawn for a pilot, `JOINED` or `LEFT`; None: none was drawn


@dataclass(frozen=True, slots=True)
class WrongHost:
    """421: nobody's portal (RFC 9110 §15.5.20)."""

    trace: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class BadRequest:
    """400: the target cannot be read."""

    portal: Portal
    reason: str
    trace: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Decision:
    """What becomes of a visit to a portal, with everything needed to answer and to explain it."""

    portal: Portal
    phase: Phase
    client: ClientClass
    key: Key
    key_text: str  # the key as it is shown and counted
    kept: frozenset[str]  # names of the significant parameters
    rule: Rule | None
    captured: Mapping[str, str]
    way: Way | None  # None: nowhere (it passes, or is refused)
    answer: Answer
    permanent: bool  # for redirects: 301 rather than 302
    notes: tuple[Note, ...]  # the trace, before it is put into words
    pilot: bool = False  # closed for this visitor before it is closed for all

    @property
    def outcome(self) -> Action:
        """What became of it, in the six words of the rules."""
        return outcome_of(self.answer)

    @property
    def trace(self) -> tuple[Step, ...]:
        """The reasoning, in words."""
        return tuple(map(Step.of, self.notes))

    @property
    def mapped(self) -> bool:
        """Whether a rule knows the page."""
        return self.rule is not None


def decide(visit: Visit, snapshot: Snapshot, now: datetime) -> Decision | BadRequest | WrongHost:
    """Say what becomes of a visit at `now` (aware).  Pure; never raises for anything a visitor can send."""
    portal = snapshot.portals.get(visit.host)
    if portal is None:
        return WrongHost((Step("host", say("trace.host.nobody")),))
    host: Note = ("host", "{} is {} ({}, {})", visit.host, portal.id, portal.kind, portal.life)
    try:
        key = snapshot.key_of(portal, visit.host, visit.raw_target)
    except BadTarget as error:
        return BadRequest(portal, str(error), (Step.of(host), Step("key", error.args[0])))
    return _Case(visit, snapshot, now, portal, key, [host]).decision()


def rehearse(visit: Visit, snapshot: Snapshot, now: datetime) -> Decision | None:
    """What would become of a visit that passes at `now` if its page were closed already, by the rules of that day.

    None where nothing is ahead of it: it is closed, or will pass after the closing too.
    """
    portal = snapshot.portals.get(visit.host)
    if portal is None or portal.life is Life.GONE:
        return None
    try:
        key = snapshot.key_of(portal, visit.host, visit.raw_target)
    except BadTarget:
        return None
    schedule = portal.schedule_for(key.folded)
    if schedule.phase_at(now).closed:
        return None
    case = _Case(visit, snapshot, schedule.closed_at or now, portal, key, [])
    case.phase = schedule.closing_phase
    decision = case.decision()
    return None if isinstance(decision.answer, answers.Forward) else decision


def our_file(portal: Portal, path: tuple[str, ...]) -> Answer | None:
    """The answer to a path that stands for the whole host rather than for a page of it, whatever the rules say.

    A back office keeps its own.  `path`: canonical segments, folded where the portal folds.
    """
    if (file := _OUR_FILES.get(path)) is not None:
        return file
    retires_worker = portal.life is Life.GONE or portal.retire_service_worker
    return _WORKERS.get(path) if retires_worker else None


class _Case:
    """One visit to one portal: the facts gathered once, then judged line by line."""

    def __init__(
        self, visit: Visit, snapshot: Snapshot, now: datetime, portal: Portal, key: Key, notes: list[Note]
    ) -> None:
        self.visit = visit
        self.snapshot = snapshot
        self.now = now
        self.portal = portal
        self.key = key
        self.notes = notes
        self.note = notes.append
        self.schedule = portal.schedule_for(key.folded)
        self.phase = self.schedule.phase_at(now)
        pilot = self.schedule.pilot_at(now) if self.schedule.pilot is not None else None
        self.pilot = pilot is not None and pilot.takes(visit.ticket) and portal.life is Life.LIVING
        self.asker = asker(visit.client, visit.method)
        self.switch = snapshot.switches.get(portal.id)
        self.kept = snapshot.significant_at(portal, key)
        self.key_text = key.text(self.kept)
        self.match: Match | None = None
        self.way: Way | None = None

    def decision(self) -> Decision:
        answer = self._answer()
        self.note(("answer", "{}", type(answer).__name__))
        return Decision(
            portal=self.portal,
            phase=self.phase,
            client=self.visit.client,
            key=self.key,
            key_text=self.key_text,
            kept=self.kept,
            rule=self.match.rule if self.match else None,
            captured=self.match.captured if self.match else {},
            way=self.way,
            answer=answer,
            permanent=self._permanent(answer),
            notes=tuple(self.notes),
            pilot=self.pilot,
        )

    def _answer(self) -> Answer:
        self.note(("phase", "{}", self.phase))
        if self.pilot:
            self.phase = self.schedule.closing_phase
            self.note(("pilot", "closed already for this visitor: {}", self.phase))
        self.note(("client", "{} as {}", self.visit.client, self.asker))
        self.note(("key", "{}", self.key_text))
        if not self.portal.in_scope(self.key.folded):
            return self._passing("outside the retired paths of this host: here it is the goal")
        if self.switch is Switch.PASS and self.portal.life is Life.LIVING:
            self.note(("switch", "everything passes, whatever the rules say"))
            return answers.Forward()
        self._look_up()
        # Where nothing lives on there is nothing to pass to, whatever the calendar says.
        if not self.phase.closed and self.portal.life is Life.LIVING:
            return self._passing("still {}", self.phase)
        if self.portal.keeps and self._is_kept():
            return self._passing("kept alive by the portal")
        if self.visit.host not in self.portal.office_hosts and (file := our_file(self.portal, self.key.folded)):
            return file
        rule = self.match.rule if self.match else None
        if rule is not None and rule.action is Action.REFUSE:
            return answers.RefuseVisit()
        if rule is not None and rule.action is Action.PASS:
            return self._passing("{} says so", rule.id) if self.portal.life is Life.LIVING else self._closed()
        if rule is None and self._lives_on():
            return self._passing("no rule closes this, and the portal lives on")
        return self._closed()

    def _look_up(self) -> None:
        with_families = self.visit.host not in self.portal.office_hosts
        self.match = self.snapshot.best(self.portal, self.key, self.now, with_families=with_families)
        if self.match is None:
            self.note(("rule", "none knows this page"))
        else:
            rule, template, _ = self.match
            self.note(("rule", "{} by {} ({})", rule.id, template.text, rule.source))

    def _is_kept(self) -> bool:
        """Whether the portal keeps the path alive; a rule that refuses it is stronger."""
        refused = self.match is not None and self.match.rule.action is Action.REFUSE
        return self.portal.life is Life.LIVING and not refused and self.portal.keeps_alive(self.key.folded)

    def _lives_on(self) -> bool:
        """Whether a path that no rule knows is left alone: back offices, and whatever is no page."""
        if self.portal.life is Life.GONE:
            return False
        return self.visit.host in self.portal.office_hosts or not reads_pages(self.asker)

    def _passing(self, why: str, *facts: object) -> Answer:
        self.note(("passes", why, *facts))
        return answers.Forward()

    def _closed(self) -> Answer:
        """A closed path: find where it leads, then one cell of the table."""
        if self.switch is Switch.HOME:
            self.note(("switch", "whatever is closed leads to the front page"))
            self.match = Match(_TO_HOME, _EVERY_PATH, {})
        finder = WayFinder(self.snapshot, self.portal, self.key, self.visit.place, self.now, self.notes)
        self.way = finder.way_of(self.match)
        situation = self._situation()
        self.note(("situation", "{} × {}", self.asker, situation))
        answer = answer_for(self.asker, situation)
        if isinstance(answer, answers.ShowNotice) and self._must_ask():
            return answers.ShowNotice(ask=True)
        return answer

    def _situation(self) -> Situation:
        rule = self.match.rule if self.match else None
        if self.phase is Phase.RETIRED or (rule is not None and rule.action is Action.GONE):
            return Situation.RETIRED
        if rule is None or rule.action not in _LEADS:
            return Situation.RETIRED if rule is not None else Situation.UNMAPPED
        direct = self.phase is Phase.DIRECT or rule.action is Action.REDIRECT
        # Who must still choose a commune cannot be sent on.
        return Situation.DIRECT if direct and not self._must_ask() else Situation.NOTICE

    def _must_ask(self) -> bool:
        if self.way is None or self.match is None:
            return False
        asked_for = self.match.rule.action is Action.ASK and self.way.place is None
        return asked_for or bool(self.way.candidates)

    def _permanent(self, answer: Answer) -> bool:
        if self.switch is Switch.HOME or self.pilot:
            return False  # a switch is thrown back and a pilot left, and nobody's cache may outlive them
        match answer:
            case answers.SendAway(lasting=None):
                return self.phase is Phase.DIRECT and not self.schedule.on_probation(self.now)
            case answers.SendAway():
                return True
        return False
