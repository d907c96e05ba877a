"""What one template makes of a plain path, worked out once: which captures fit, and where its rule then leads.

A plain path is one that canonicalisation leaves as it is, but for the case of its letters, and that needs no escape:
letters, digits and "-._~" (RFC 3986 §2.3) between single slashes.  A plan says of it what `WayFinder` would say of a
visitor who has chosen no commune and asks with no query.  Rules that look at more are left to `decide`.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Final, TypeAlias

from redirect_rules.captures import TYPES
from redirect_rules.destinations import TargetRefused
from redirect_rules.exact import PINNED
from redirect_rules.matching import Entry, Filler, rank_of_segment
from redirect_rules.model import Action, Goal, Hole
from redirect_rules.snapshot import Snapshot
from redirect_rules.ways import HOME

LONGEST_PATH: Final = 500
"""Characters of a path that plans are made for."""

_LEFT_ALONE: Final = PINNED | {Action.ASK}
_COMMUNES: Final = frozenset({"old_commune", "new_commune"})


class Lead:
    """What all ways by one rule to one page have in common.  Never changed."""

    __slots__ = ("destination", "manner", "octets", "rule")

    def __init__(self, rule: str, action: str, destination: str, *, takes_place: bool = False) -> None:
        """`rule` and `action` are "" where none knows the page; `destination` "" where a rule spells an address.

        takes_place  whether the target would carry a commune, were one known
        """
        self.rule = rule
        self.octets = rule.encode()
        self.destination = destination
        self.manner = manner_of(action, takes_place=takes_place)


def manner_of(action: str, *, takes_place: bool) -> str:
    """All of a rule and its way that tells how it is answered, where nobody has chosen a commune."""
    return f"{action}, with a commune" if takes_place else action


PlainWay: TypeAlias = tuple[Lead, str]
"""A lead, and the address that it leads to; "" where no rule knows the page."""

Fits: TypeAlias = Sequence[tuple[int, Callable[[str], object]]]
"""Places of a path, and what says of the segment there whether its type takes it."""

UNKNOWN: Final[PlainWay] = (Lead("", "", HOME), "")
"""The way of pages that no rule knows."""
MISFIT: Final[PlainWay] = (Lead("", "", ""), "")
"""No way at all: the template does not know the page."""


class Plan:
    """What is to be done with a path that has the literals of one template.

    This one is that of a template which knows no page without a query, or none at this time.
    """

    __slots__ = ()

    def way(self, segments: tuple[str, ...], portal: str) -> PlainWay | None:  # noqa: ARG002 - others look
        """The way of a plain path, by `Key.segments` and the portal's id.

        MISFIT (the very object) where the template does not know it; None where `decide` has to be asked.
        """
        return MISFIT


NEVER: Final = Plan()


class LeftAlone(Plan):
    """Of a template that is `decide`'s affair, where it knows the page."""

    __slots__ = ("_fillers",)

    def __init__(self, entry: Entry) -> None:
        self._fillers = _telling(entry)

    def way(self, segments: tuple[str, ...], portal: str) -> PlainWay | None:  # noqa: ARG002 - as Plan has it
        """See Plan."""
        for place, _, fill in self._fillers:
            if fill(segments[place]) is None:
                return MISFIT
        return None


class Straight(Plan):
    """Of a template whose captures go into the address as they stand in the path."""

    __slots__ = ("_begin", "_fits", "_lead", "_rest")

    def __init__(
        self,
        lead: Lead,
        fits: Fits,
        begin: str,
        rest: Sequence[tuple[int, str]],
    ) -> None:
        """The address is `begin`; a segment of the path and a text follow for each of `rest`."""
        self._lead = lead
        self._fits = tuple(fits)
        self._begin = begin
        self._rest = tuple(rest)

    def way(self, segments: tuple[str, ...], portal: str) -> PlainWay | None:  # noqa: ARG002 - as Plan has it
        """See Plan."""
        for place, fits in self._fits:
            if not fits(segments[place]):
                return MISFIT
        target = self._begin
        for place, text in self._rest:
            target += segments[place] + text
        return self._lead, target


class Reasoned(Plan):
    """Of a template whose captures are read, looked up, or put into an address that the guard has to see."""

    __slots__ = ("_fillers", "_otherwise", "_pages")

    def __init__(self, entry: Entry, pages: "Sequence[Page]", otherwise: PlainWay) -> None:
        """`pages` are tried in their order."""
        self._fillers = _telling(entry)
        self._pages = tuple(pages)
        self._otherwise = otherwise

    def way(self, segments: tuple[str, ...], portal: str) -> PlainWay | None:
        """See Plan."""
        captured = {}
        for place, name, fill in self._fillers:
            if (value := fill(segments[place])) is None:
                return MISFIT
            captured[name] = value
        for page in self._pages:
            if (way := page.way(captured, portal)) is not None:
                return way
        return self._otherwise


class _NotPlain(Exception):
    """More than the path tells where a rule leads."""


class Planner:
    """Makes the plans of a snapshot that hold between two of its instants."""

    def __init__(self, snapshot: Snapshot, now: datetime) -> None:
        """At `now` (aware)."""
        self.snapshot = snapshot
        self.now = now

    def plan(self, entry: Entry) -> Plan:
        """That of a template."""
        rule = entry.rule
        if rule.conditions or entry.template.asks or not rule.valid_at(self.now):
            return NEVER
        try:
            return self._plan(entry)
        except _NotPlain:
            return LeftAlone(entry)

    def _plan(self, entry: Entry) -> Plan:
        rule = entry.rule
        captured = {name: place for place, name, _ in entry.fillers}
        if rule.action in _LEFT_ALONE or not _COMMUNES.isdisjoint(captured) or len(captured) < len(entry.fillers):
            raise _NotPlain
        fits = _fits(entry)
        pages = list[Page]()
        for goal in rule.goals:
            if goal.url:
                spelt = self._spelt(goal)
                if spelt is not None:
                    return _plan_of(entry, fits, pages, (Lead(rule.id, rule.action.value, ""), spelt))
                continue
            if any((one.text and one.lookup) or (one.capture and one.capture == entry.tail) for one in goal.arguments):
                raise _NotPlain
            if self.snapshot.destinations.carries_path(goal.destination):
                raise _NotPlain
            if not all(one.text or one.capture in captured for one in goal.arguments):
                continue  # a query would have to tell
            page = Page(self, entry, goal)
            straight = page.straight(fits, captured) if fits is not None and not pages else None
            if straight is not None:
                return straight
            pages.append(page)
        home = self.snapshot.destinations.build(HOME, {}, now=self.now)
        if home is None:
            raise _NotPlain
        return _plan_of(entry, fits, pages, (Lead(rule.id, rule.action.value, HOME), home))

    def _spelt(self, goal: Goal) -> str | None:
        """The address that a rule spells, if the guard lets it through."""
        if goal.arguments or "{" in goal.url:
            raise _NotPlain
        try:
            return self.snapshot.destinations.build_url(goal.url, {})
        except TargetRefused:
            return None


class Page:
    """A goal that some plain paths reach: a page, and parameters that are texts or captures of the path."""

    __slots__ = ("_arguments", "_given", "_goal", "_leads", "_planner", "_rule")

    def __init__(self, planner: Planner, entry: Entry, goal: Goal) -> None:
        self._planner = planner
        self._rule = entry.rule
        self._goal = goal
        self._given = {one.parameter: one.text for one in goal.arguments if one.text}
        self._arguments = tuple(one for one in goal.arguments if not one.text)
        self._leads: dict[bool, Lead] = {}

    def way(self, captured: Mapping[str, str], portal: str) -> PlainWay | None:
        """Where it leads, or None: something is not known, or the guard turns the address away."""
        snapshot = self._planner.snapshot
        parameters = dict(self._given)
        for argument in self._arguments:
            value = captured[argument.capture]
            if argument.lookup:
                value = snapshot.lookups.get((portal, argument.lookup), {}).get(value, "")
            if not value:
                return None
            parameters[argument.parameter] = value
        try:
            target = snapshot.destinations.build(self._goal.destination, parameters, now=self._planner.now)
        except TargetRefused:
            return None
        return None if target is None else (self._lead(parameters), target)

    def _lead(self, parameters: Mapping[str, str]) -> Lead:
        destinations = self._planner.snapshot.destinations
        # Of all names of parameters only that of the procedure's id comes and goes.
        has_id = bool(destinations.procedure_ids.get(parameters.get("code", "")))
        found = self._leads.get(has_id)
        if found is None:
            rule, page = self._rule, self._goal.destination
            takes_place = destinations.takes_place(page, parameters, now=self._planner.now)
            found = self._leads[has_id] = Lead(rule.id, rule.action.value, page, takes_place=takes_place)
        return found

    def straight(self, fits: Fits, captured: Mapping[str, int]) -> Straight | None:
        """The plan that does the same, where every path reaches the page and all captures go into it as sent."""
        filled = {argument.parameter: captured[argument.capture] for argument in self._arguments}
        # A code may bring its procedure's id with it, and another form of the page.
        if "code" in filled or any(argument.lookup for argument in self._arguments):
            return None
        destinations = self._planner.snapshot.destinations
        known = destinations.known({**self._given, **dict.fromkeys(filled, "x")})
        form = destinations.form(self._goal.destination, known.keys(), now=self._planner.now)
        if form is None:
            return None
        mould = destinations.mould(form, {name: known[name] for name in known.keys() - filled.keys()})
        if mould is None or mould.room < LONGEST_PATH:
            return None
        places = [filled[name] for name in mould.names]
        return Straight(self._lead(known), fits, mould.pieces[0], list(zip(places, mould.pieces[1:], strict=True)))


def _plan_of(entry: Entry, fits: Fits | None, pages: Sequence[Page], last: PlainWay) -> Plan:
    """A plan that tries some pages, and then leads to the last."""
    if pages or fits is None:
        return Reasoned(entry, pages, last)
    return Straight(last[0], fits, last[1], ())


def _telling(entry: Entry) -> tuple[tuple[int, str, Filler], ...]:
    """The holes of a template, those first that fit least."""
    segments = entry.template.segments
    return tuple(sorted(entry.fillers, key=lambda filler: -rank_of_segment(segments[filler[0]])))


def _fits(entry: Entry) -> Fits | None:
    """What tells of segments whether a template takes them; None where one of them is not kept as it was sent."""
    found = []
    for place, hole in enumerate(entry.template.segments):
        if not isinstance(hole, Hole):
            continue
        keeps = TYPES[hole.type].keeps
        if keeps is None or hole.prefix or hole.suffix:
            return None
        if hole.type != "word":  # which every segment is
            found.append((place, keeps))
    return found
