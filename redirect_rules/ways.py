"""Where an old page leads: its rule's destinations tried in order, with lookups and the visitor's commune."""

from collections.abc import Iterator, MutableSequence
from dataclasses import dataclass
from datetime import datetime
from string import Formatter
from typing import Any, Final, NamedTuple, TypeAlias

from redirect_rules.canonical import Key
from redirect_rules.destinations import TargetRefused
from redirect_rules.localities import Ask, Unknown, Whole
from redirect_rules.matching import Match
from redirect_rules.model import Goal, Portal, Target
from redirect_rules.sayings import SAYINGS, say
from redirect_rules.snapshot import Snapshot
from redirect_rules.units import Era, Locality, LocalityCode

HOME: Final = "home"


@dataclass(frozen=True, slots=True)
class Step:
    """One line of the reasoning: what was looked at, and what came of it."""

    about: str
    found: str

    @classmethod
    def of(cls, note: "Note") -> "Step":
        """A note in words."""
        about, text, *facts = note
        code, names = _CODES[about, text]
        return cls(about, say(code, **dict(zip(names, facts, strict=True))))

    def __str__(self) -> str:
        return f"{self.about}: {self.found}"


def _of_notes() -> Iterator[tuple[tuple[str, str], tuple[str, tuple[str, ...]]]]:
    """By what a note says of it and its text with {} in it: the code of a sentence, and what its facts are called."""
    for code, text in SAYINGS.items():
        if code.startswith("trace."):
            names = tuple(name for _, name, _, _ in Formatter().parse(text) if name)
            bare = "".join(before + ("{}" if name else "") for before, name, _, _ in Formatter().parse(text))
            yield (code.split(".")[1], bare), (code, names)


_CODES: Final = dict(_of_notes())

Note: TypeAlias = tuple[Any, ...]
"""A step before it is put into words: about, a text with {} in it, and what belongs there.

A thousand visits are decided for one that somebody wants explained.
"""


class Way(NamedTuple):
    """Where an old page leads."""

    destination: str  # its name; "" where a rule spells an address
    target: Target
    procedure: str = ""  # its base code, when the destination is one
    takes_place: bool = False  # would the target carry a commune?
    place: Locality | None = None  # the commune it carries, or would
    candidates: tuple[Locality, ...] = ()  # a split or disputed unit: never chosen for the visitor


class WayFinder:
    """Finds the way for one visit, and notes its reasoning."""

    def __init__(
        self,
        snapshot: Snapshot,
        portal: Portal,
        key: Key,
        place: LocalityCode | None,
        now: datetime,
        notes: MutableSequence[Note],
    ) -> None:
        self._snapshot = snapshot
        self._portal = portal
        self._key = key
        self._place_chosen = place
        self._now = now
        self._note = notes.append

    def way_of(self, match: Match | None) -> Way:
        """The first of the rule's goals that can be reached, else the front page."""
        if match is not None:
            for goal in match.rule.goals:
                if (way := self._way_to(goal, match)) is not None:
                    return way
        target = self._snapshot.destinations.build(HOME, {}, now=self._now)
        if target is None:
            raise LookupError("the destination home has no form in force")  # refused when a snapshot is compiled
        return Way(HOME, target)

    def _way_to(self, goal: Goal, match: Match) -> Way | None:
        parameters = self._parameters(goal, match)
        if parameters is None:
            return None
        try:
            return self._built(goal, parameters, match)
        except TargetRefused as refused:
            # A path that the visitor chose can make a rule's address one that we answer ourselves.
            self._note(("destination", "{} refused: {}", goal.destination or goal.url, refused.args[0]))
            return None

    def _built(self, goal: Goal, parameters: dict[str, str], match: Match) -> Way | None:
        destinations = self._snapshot.destinations
        if goal.url:
            target = destinations.build_url(goal.url, parameters)
            return None if target is None else Way("", target)
        place, candidates = self._place(match)
        takes_place = destinations.takes_place(goal.destination, parameters, now=self._now)
        if place is not None:
            parameters |= {"province_code": place.province_code, "ward_code": place.code}
        target = destinations.build(goal.destination, parameters, now=self._now)
        if target is None:
            self._note(("destination", "{} cannot be filled", goal.destination))
            return None
        self._note(("destination", "{} → {}", goal.destination, target))
        asked = candidates if takes_place else ()
        return Way(goal.destination, target, parameters.get("code", ""), takes_place, place, asked)

    def _parameters(self, goal: Goal, match: Match) -> dict[str, str] | None:
        """The goal's arguments, or None when one of them is not known."""
        parameters: dict[str, str] = {}
        if goal.url or self._snapshot.destinations.carries_path(goal.destination):
            parameters["old_path"] = self._key.path_as_sent
        for argument in goal.arguments:
            value = argument.text or match.captured.get(argument.capture, "")
            if argument.lookup and value:
                value = self._looked_up(argument.lookup, value)
            if not value:
                self._note(("destination", "{} needs {}, which is not known", goal.destination, argument.parameter))
                return None
            parameters[argument.parameter] = value
        return parameters

    def _looked_up(self, table: str, internal_id: str) -> str:
        code = self._snapshot.lookups.get((self._portal.id, table), {}).get(internal_id, "")
        self._note(("lookup", "{} {}: {}", table, internal_id, code or "not in the table"))
        return code

    def _place(self, match: Match) -> tuple[Locality | None, tuple[Locality, ...]]:
        """The commune: the visitor's choice, else the one that the old link carried, else none."""
        chosen = self._place_chosen
        for era, capture in ((Era.NEW, "new_commune"), (Era.OLD, "old_commune")):
            if chosen is None and (code := match.captured.get(capture)):
                chosen = LocalityCode(era, code)
        if chosen is None:
            return None, ()
        match self._snapshot.localities.resolve(chosen):
            case Whole(commune):
                self._note(("locality", "{} is {}", chosen, commune.name))
                return commune, ()
            case Ask(candidates):
                self._note(("locality", "{} was split: ask", chosen))
                return None, candidates
            case Unknown():
                self._note(("locality", "{} is not known", chosen))
        return None, ()
