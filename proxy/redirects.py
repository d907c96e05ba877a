"""Redirects by exact rules, made without deciding anew: for the millions of addresses that are asked for once.

Two answers of the slow lane to one audience, by rules of one kind, that differ in nothing but their target make a
sketch; from then on such an answer is the look-up, the target and the sketch.  What is not plain beyond doubt is left
to the slow lane: an address that canonicalisation would change, a rule that may come first, a visitor who has chosen a
commune.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from string import ascii_letters, digits
from typing import Final, NamedTuple, TypeAlias

from proxy.access_log import Entry, Lines, names_of
from proxy.audiences import Audience, Kind, kind_of
from proxy.journal import Account
from proxy.metrics import Labels
from proxy.prepared import Prepared, Sketch
from proxy.shortcuts import INDEX_FILES, LONGEST_TARGET, OURS, Course, Shortcuts, ends_after
from proxy.visits import LANGUAGE, PLACE, STAY
from redirect_rules.answers import SendAway
from redirect_rules.canonical import MOST_PAIRS, MOST_SEGMENTS, Key
from redirect_rules.decision import OUR_PREFIX, Decision
from redirect_rules.destinations import TargetRefused
from redirect_rules.exact import PINNED, ExactRule, Shape
from redirect_rules.hits import Hit, HitCounter, key_of
from redirect_rules.masking import masked
from redirect_rules.matching import TemplateIndex
from redirect_rules.model import Portal, Target
from redirect_rules.snapshot import Snapshot

_UNRESERVED: Final = (ascii_letters + digits + "-._~").encode()  # RFC 3986 §2.3: they stand for themselves
_IN_PATHS: Final = _UNRESERVED + b"/"
_IN_QUERIES: Final = _UNRESERVED + b"=&"
_PLAIN_NAMES: Final = (ascii_letters + digits + "-_").encode()
_OURS: Final = frozenset(path.decode() for path in OURS)
_OUR_PREFIX: Final = f"/{OUR_PREFIX}"
_INDEX_FILES: Final = tuple(name.decode() for name in INDEX_FILES)
_SAID_TO_US: Final = tuple(name.encode() for name in (STAY, PLACE, LANGUAGE))
_VISIBLE: Final = bytes(sorted(set(range(0x21, 0x7F)) - set(b'\\"<>^`{|}')))  # what may stand bare in a target
_MOST_KEPT: Final = 20_000  # sketches, and goals of named destinations

Pairs: TypeAlias = tuple[tuple[str, str], ...]
_Alike: TypeAlias = tuple[Audience, str, Kind, bool]
"""Who asks, the rule's action, the kind of the path, and whether the target takes a commune."""


class Address(NamedTuple):
    """A request target that canonicalisation would not change but for its letters' case."""

    as_sent: str  # the path
    path: str  # the same as `Key.path`
    pairs: Pairs


@dataclass(frozen=True, slots=True)
class Pattern:
    """What redirects of one kind have in common."""

    sketch: Sketch
    lines: Lines
    labels: Labels
    only: Target | None  # the one target it was seen with so far; None: it was seen with several


class Goal(NamedTuple):
    """Where a rule leads who has chosen no commune."""

    target: Target
    takes_place: bool = False  # would it carry a commune?


class Redirected(NamedTuple):
    """One redirect that was made from a sketch."""

    pattern: Pattern
    portal: Portal
    host: str
    rule: ExactRule
    address: Address
    target: Target
    snapshot: Snapshot

    def account(self) -> Account:
        """What there is to count and to write down about it, as the slow lane would tell it."""
        pattern, rule, (_, path, pairs) = self.pattern, self.rule, self.address
        shown = masked(path)
        length = len(self.target) + 1 if pattern.sketch.body else 0  # a target is ASCII
        line = pattern.lines.line(rule.id, rule.destination, shown + names_of(pairs) if pairs else shown, length)
        # Most paths name nobody, and most addresses have no parameters: their key is plain.
        counted = f"{self.host}{path}" if shown == path and not pairs else self._counted()
        hit = Hit(pattern.labels.portal, counted, pattern.labels.outcome, pattern.labels.client, rule.id)
        return Account(pattern.labels, *line, hit)

    def _counted(self) -> str:
        key = key_of_address(self.host, self.address)
        return key_of(key, self.snapshot.significant_at(self.portal, key))

    def sent(self, request_id: bytes, date: bytes) -> bytes:
        """The answer."""
        return self.pattern.sketch.sent(request_id, date, self.target.encode())

    def prepared(self) -> Prepared:
        """The answer, to be given again."""
        return self.pattern.sketch.prepared(self.target.encode(), self.account())


class Redirects:
    """The redirects of one snapshot, between two instants at which an answer changes by itself."""

    def __init__(self, snapshot: Snapshot, hits: HitCounter | None = None) -> None:
        """`hits`: where visits are counted, if they are."""
        self._snapshot = snapshot
        self._hits = hits
        self._portals = plain_portals(snapshot) if len(snapshot.exact) else {}
        self._scopes = _scopes(snapshot)
        self._patterns: dict[_Alike, Pattern] = {}
        self._drafts: dict[_Alike, Pattern] = {}
        self._goals: dict[tuple[str, tuple[tuple[str, str], ...]], Goal | None] = {}
        self._earlier = _earlier(self._portals.values(), snapshot)
        self.shortcuts = Shortcuts(snapshot.exact, self._portals, self._earlier, self._course)

    def find(self, audience: Audience, target: bytes, now: datetime) -> Redirected | None:
        """The redirect for a request target, if it can be made here."""
        facts = audience.facts
        portal = self._portals.get(facts.host)
        if portal is None or facts.place is not None:
            return None
        address = plain_address(target, fold_case=portal.fold_case)
        if address is None:
            return None
        rule = self._snapshot.exact.find(portal.id, address.path, address.pairs, now)
        if rule is None:
            return None
        goal = self._goal(rule, now)
        if goal is None:
            return None
        pattern = self._patterns.get((audience, rule.action.value, kind_of(address.path), goal.takes_place))
        if pattern is None or (pattern.only is not None and pattern.only != goal.target):
            return None
        if not self._comes_first(portal, facts.host, address, now):
            return None
        return Redirected(pattern, portal, facts.host, rule, address, goal.target, self._snapshot)

    def learn(
        self, audience: Audience, target: bytes, decision: Decision, answer: Prepared, entry: Entry, now: datetime
    ) -> None:
        """Look at what the slow lane answered.  The second answer that confirms the first makes the pattern."""
        facts, way = audience.facts, decision.way
        portal = self._portals.get(facts.host)
        if portal is None or way is None or decision.rule is None or not isinstance(decision.answer, SendAway):
            return
        address = plain_address(target, fold_case=portal.fold_case)
        if address is None or way.place is not None or facts.place is not None:
            return
        rule = self._snapshot.exact.find(portal.id, address.path, address.pairs, now)
        goal = self._goal(rule, now) if rule is not None and rule.id == decision.rule.id else None
        if rule is None or goal != (way.target, way.takes_place):
            return
        sketch = Sketch.of(answer, way.target)
        if sketch is None or len(self._drafts) >= _MOST_KEPT:
            return
        alike = audience, rule.action.value, kind_of(address.path), way.takes_place
        labels = answer.account.labels
        pattern = Pattern(sketch, Lines.of(entry, facts.method, int(labels.status)), labels, way.target)
        draft = self._drafts.setdefault(alike, pattern)
        if draft is not pattern and draft.sketch == sketch:
            known = self._patterns.get(alike, draft)
            self._patterns[alike] = pattern if known.only == way.target else replace(pattern, only=None)
            self.shortcuts.forget()

    def forget(self) -> None:
        """An instant has come at which answers change."""
        self._patterns.clear()
        self._drafts.clear()
        self._goals.clear()
        self.shortcuts.forget()

    def _course(
        self, audience: Audience, shape: Shape, kind: Kind, texts: tuple[str, ...], now: datetime
    ) -> tuple[Course, bytes] | None:
        """See `shortcuts.Planner`."""
        if shape.valid_from is not None or shape.valid_until is not None:
            return None
        to, takes_place, ends = b"", False, ends_after(shape.url_head, self._scopes)
        if shape.destination:
            goal = self._named(shape.destination, tuple(zip(shape.parameters, texts, strict=True)), now)
            if goal is None:
                return None
            to, takes_place, ends = goal.target.encode(), goal.takes_place, (b"", frozenset())
        pattern = self._patterns.get((audience, shape.action.value, kind, takes_place))
        # A pattern that was seen with one target only may be that target's own.
        if ends is None or pattern is None or (pattern.only is not None and pattern.only.encode() != to):
            return None
        course = Course(
            shape.id_head,
            shape.destination,
            pattern.sketch,
            pattern.lines,
            pattern.labels,
            audience.facts.host,
            shape.url_head.encode(),
            ends,
            self._hits,
        )
        return course, to

    def _comes_first(self, portal: Portal, host: str, address: Address, now: datetime) -> bool:
        """Whether none of the portal's templates has a word before an exact rule, as in `Snapshot.candidates`."""
        earlier = self._earlier.get(portal.id)
        return earlier is None or earlier.best(key_of_address(host, address), now) is None

    def _goal(self, rule: ExactRule, now: datetime) -> Goal | None:
        """Where a rule leads whoever has chosen no commune, if the guard lets it."""
        if rule.url:
            target = self._admitted(rule.url) if not rule.destination else None
            return None if target is None else Goal(target)
        return self._named(rule.destination, rule.arguments, now)

    def _named(self, destination: str, arguments: tuple[tuple[str, str], ...], now: datetime) -> Goal | None:
        named = destination, arguments
        if named not in self._goals:
            if len(self._goals) >= _MOST_KEPT:
                self._goals.clear()
            self._goals[named] = self._built(destination, dict(arguments), now)
        return self._goals[named]

    def _built(self, name: str, arguments: Mapping[str, str], now: datetime) -> Goal | None:
        destinations = self._snapshot.destinations
        known = destinations.by_name.get(name)
        if known is None or not all(arguments.values()) or any("old_path" in form.needs for form in known.forms):
            return None
        try:
            target = destinations.build(name, arguments, now=now)
        except TargetRefused:
            return None
        if target is None:
            return None
        return Goal(target, destinations.takes_place(name, arguments, now=now))

    def _admitted(self, url: str) -> Target | None:
        """The guard's word about an address that a rule spells; its own steps where the address is not plain.

        What was published has passed the guard.  It is asked again, since a target is what everything here is about.
        """
        host, _, rest = url[8:].partition("/")
        path = rest.partition("?")[0]
        scope = self._scopes.get(host)
        first = path.partition("/")[0].encode()
        plain = url.startswith("https://") and url.isascii() and not url.encode().translate(None, _VISIBLE)
        if plain and scope is not None and len(url) <= 2_048 and first and not first.translate(None, _PLAIN_NAMES):
            # One segment of letters and no dots behind it: no step of canonicalisation leads into what we answer.
            straight = "%" not in path and "/." not in path and "#" not in url
            if straight and first.decode().lower() not in scope:
                return Target(url)
        if "{" in url:
            return None
        try:
            return self._snapshot.destinations.guard.admit(url)
        except TargetRefused:
            return None


def key_of_address(host: str, address: Address) -> Key:
    """The key of a plain address."""
    return Key.of_plain(host, *address)


def plain_address(target: bytes, *, fold_case: bool) -> Address | None:
    """A request target as an address, or None where canonicalisation might change it or something of it is ours."""
    raw_path, question, query = target.partition(b"?")
    # What canonicalisation refuses, or reads in part.
    if target.count(b"/") > MOST_SEGMENTS or target.count(b"&") >= MOST_PAIRS:
        return None
    if len(target) > LONGEST_TARGET or raw_path.translate(None, _IN_PATHS) or query.translate(None, _IN_QUERIES):
        return None
    # Dots at the beginning of a segment are not looked at more closely: they may be dot segments.
    if raw_path[:1] != b"/" or raw_path[-1:] == b"/" or b"//" in raw_path or b"/." in raw_path:
        return None
    as_sent = raw_path.decode()
    lowered = as_sent.lower()
    if lowered in _OURS or lowered.startswith(_OUR_PREFIX) or lowered.rpartition("/")[2].startswith(_INDEX_FILES):
        return None
    pairs: Pairs = ()
    if question:
        if any(name in query for name in _SAID_TO_US):
            return None
        parts = (pair.partition("=") for pair in query.decode().split("&"))
        pairs = tuple((name, value) for name, _, value in parts if name)
    return Address(as_sent, lowered if fold_case else as_sent, pairs)


def plain_portals(snapshot: Snapshot) -> dict[str, Portal]:
    """By host, the portals where all paths are retired by one schedule."""
    return {
        host: portal
        for portal in snapshot.all_portals
        if not portal.scope and not portal.path_schedules and not portal.keeps
        for host in portal.hosts
        if host not in portal.office_hosts
    }


def _earlier(portals: Iterable[Portal], snapshot: Snapshot) -> dict[str, TemplateIndex]:
    """By portal id, its own templates that have a word before its exact rules, as in `Snapshot.candidates`."""
    found = {}
    for portal in {portal.id: portal for portal in portals}.values():
        rules = [rule for rule in snapshot.indexes[portal.id].own.rules if rule.exact or rule.action in PINNED]
        if rules:
            found[portal.id] = TemplateIndex([rules], fold_case=portal.fold_case)
    return found


def _scopes(snapshot: Snapshot) -> dict[str, frozenset[str]]:
    """By allowed host, the first segments of what this edge answers there; without hosts that it answers altogether."""
    scopes = {}
    for host in snapshot.destinations.guard.allowed_hosts:
        portal = snapshot.portals.get(host)
        if portal is None or (portal.scope and all(portal.scope)):
            scopes[host] = frozenset(prefix[0].lower() for prefix in portal.scope) if portal else frozenset()
    return scopes
