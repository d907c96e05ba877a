"""Where rules lead, followed to the end: over however many retired addresses, of whatever portals.

At a visit the guard refuses an address that this edge would answer itself, and the next destination is tried.  Here
such an address is followed as a browser would follow it, so that people see the whole chain and can write down its end.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, NamedTuple, TypeAlias
from urllib.parse import urlsplit

from redirect_rules.canonical import BadHost, BadTarget, Key, canonical_host
from redirect_rules.destinations import Guard, TargetRefused
from redirect_rules.findings import Flaw, Severity
from redirect_rules.matching import Match
from redirect_rules.model import Action, Goal, Portal
from redirect_rules.sayings import say
from redirect_rules.snapshot import Snapshot
from redirect_rules.ways import WayFinder

LONGEST_CHAIN: Final = 10
"""Addresses; browsers give up at twenty."""

Pairs: TypeAlias = tuple[tuple[str, str], ...]
"""Parameters with their values."""

_MOST_SOUND: Final = 50_000  # goals that are remembered
_LEADS: Final = frozenset({Action.NOTICE, Action.REDIRECT, Action.ASK})
_PLACE: Final = frozenset({"province_code", "ward_code"})


@dataclass(frozen=True, slots=True)
class Chain:
    """The addresses on a way, the retired one that it begins with first."""

    addresses: tuple[str, ...]
    loops: bool  # the last one was there before

    def __str__(self) -> str:
        return " → ".join(self.addresses)


class Wrong(NamedTuple):
    """A flaw, but for whose it is."""

    kind: Flaw
    severity: Severity
    say: str


class Onward:
    """Follows the goals of rules through one snapshot."""

    def __init__(self, snapshot: Snapshot, now: datetime) -> None:
        """Decide as of `now` (aware)."""
        hosts = snapshot.destinations.guard.allowed_hosts | snapshot.portals.keys()
        unguarded = replace(snapshot.destinations, guard=Guard(hosts, lambda _host, _path: False))
        self._snapshot = snapshot
        self._unguarded = replace(snapshot, destinations=unguarded)
        self._now = now
        self._sound: set[tuple[str, Pairs]] = set()  # destinations with parameters
        self._formless: dict[tuple[str, frozenset[str]], Wrong | None] = {}

    def sound(self, goal: Goal, parameters: Pairs) -> bool:
        """Whether it is known already, whoever asks, that nothing is wrong with a goal of these parameters."""
        if not goal.url:
            return (goal.destination, parameters) in self._sound
        try:
            return "{" not in goal.url and bool(self._snapshot.destinations.guard.admit(goal.url))
        except TargetRefused:
            return False

    def flaw(self, key: Key, goal: Goal, parameters: Pairs) -> Wrong | None:
        """What is wrong with a goal of a rule that knows this key, were its parameters these."""
        destinations = self._snapshot.destinations
        names = frozenset(name for name, _ in parameters)
        if goal.destination and (found := self._no_form(goal.destination, names)) is not None:
            return found
        carries = goal.url or destinations.carries_path(goal.destination)
        filled = dict(parameters) | ({"old_path": key.path_as_sent} if carries else {})
        try:
            if goal.url and destinations.build_url(goal.url, filled) is None:
                return Wrong(Flaw.TARGET, Severity.ERROR, say("finding.url-holes", url=goal.url))
            if goal.destination:
                destinations.build(goal.destination, filled, now=self._now)
        except TargetRefused as refused:
            return self._refused(key, goal, filled, str(refused))
        if not carries and len(self._sound) < _MOST_SOUND:
            self._sound.add((goal.destination, parameters))
        return None

    def _refused(self, key: Key, goal: Goal, filled: Mapping[str, str], why: str) -> Wrong:
        destinations = self._unguarded.destinations
        try:
            named = destinations.build(goal.destination, filled, now=self._now) if goal.destination else None
            target = named or destinations.build_url(goal.url, filled)
        except TargetRefused:
            target = None
        if target is None or urlsplit(target).netloc not in self._snapshot.portals:
            allowed = ", ".join(sorted(self._snapshot.destinations.guard.allowed_hosts))
            text = say("finding.target", target=goal.url or goal.destination, why=why, allowed=allowed)
            return Wrong(Flaw.TARGET, Severity.ERROR, text)
        chain = self.chain(key.text(frozenset(name for name, _ in key.pairs)), target)
        if chain.loops:
            return Wrong(Flaw.LOOP, Severity.ERROR, say("finding.loop", chain=chain))
        if self._next(chain.addresses[-1]) is not None:
            text = say("finding.leads-here", chain=chain)
        else:
            text = say("finding.leads-over", chain=chain, end=chain.addresses[-1])
        return Wrong(Flaw.CHAIN, Severity.ERROR, text)

    def chain(self, begins: str, target: str) -> Chain:
        """From an address of ours (without scheme) over a target to the end."""
        addresses = [f"https://{begins}", target]
        seen = {begins}
        while len(addresses) <= LONGEST_CHAIN:
            found = self._next(addresses[-1])
            if found is None:
                break
            spelt, onward = found
            if spelt in seen:
                return Chain(tuple(addresses), loops=True)
            seen.add(spelt)
            if onward is None:
                break
            addresses.append(onward)
        return Chain(tuple(addresses), loops=False)

    def _next(self, address: str) -> tuple[str, str | None] | None:
        """An address as its key, and where it would lead; None where it is not ours."""
        parts = urlsplit(address)
        snapshot = self._unguarded
        try:
            portal = snapshot.portals.get(canonical_host(parts.netloc))
            if portal is None:
                return None
            query = f"?{parts.query}" if parts.query else ""
            key = snapshot.key_of(portal, canonical_host(parts.netloc), (parts.path or "/") + query)
        except (BadHost, BadTarget):
            return None
        if not portal.in_scope(key.folded):
            return None
        match = snapshot.best(portal, key, self._now, with_families=key.host not in portal.office_hosts)
        spelt = key.text(snapshot.significant_at(portal, key))
        if match is not None and match.rule.action not in _LEADS:
            return spelt, None
        return spelt, self._target(portal, key, match)

    def _target(self, portal: Portal, key: Key, match: Match | None) -> str:
        return WayFinder(self._unguarded, portal, key, None, self._now, []).way_of(match).target

    def _no_form(self, name: str, parameters: frozenset[str]) -> Wrong | None:
        """Whether the destination cannot be reached, now or from some instant on; told once for what is alike."""
        asked = name, parameters
        if asked not in self._formless:
            self._formless[asked] = self._looked_for(name, parameters)
        return self._formless[asked]

    def _looked_for(self, name: str, parameters: frozenset[str]) -> Wrong | None:
        destination = self._snapshot.destinations.by_name.get(name)
        if destination is None:
            known = ", ".join(sorted(self._snapshot.destinations.by_name))
            return Wrong(Flaw.FORM, Severity.ERROR, say("finding.no-destination", name=name, names=known))
        known_names = parameters | _PLACE | {"old_path"} | ({"formality_id"} if "code" in parameters else frozenset())
        fitting = [form for form in destination.forms if form.needs - _PLACE <= known_names]
        if not fitting:
            return Wrong(
                Flaw.FORM,
                Severity.ERROR,
                say("finding.unfilled", name=name, parameters=", ".join(sorted(parameters)) or "nothing"),
            )
        for at in self._times():
            if not any(form.valid_at(at) for form in fitting):
                text = (
                    say("finding.no-form", name=name)
                    if at == self._now
                    else say("finding.no-form-from", name=name, at=at.isoformat())
                )
                return Wrong(Flaw.FORM, Severity.ERROR if at == self._now else Severity.WARNING, text)
        return None

    def _times(self) -> Iterator[datetime]:
        yield self._now
        yield from (at for at in self._snapshot.instants if at > self._now)
