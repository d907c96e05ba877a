"""Shipped packs → a store: seeded once, upgraded by later releases, and local edits stay.

For every object there are three bodies: the one that was shipped last, the local one and the one that is shipped now.
What nobody edited follows the release; what somebody edited or removed stays as it is, and the report says so.
"""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from redirect_rules.audit import canonical_json
from redirect_rules.bodies import (
    Pack,
    destinations_pack,
    family_pack,
    lookup_pack,
    portal_rules_pack,
    portals_pack,
)
from redirect_rules.objects import NEW, Change, Put, Ref, Remove, State, Stored, Write
from redirect_rules.packs import Sources
from redirect_rules.store import ObjectChanged, PackState, PackStore, RuleStore

SEEDER = "dvc-edge"
"""The actor of what no person wrote."""

_ATTEMPTS = 3  # another process may be seeding the same packs


class Outcome(StrEnum):
    """What became of one object of a pack."""

    SAME = "same"  # nothing to do
    ADDED = "added"
    UPDATED = "updated"
    REMOVED = "removed"  # the release has it no more, and nobody had edited it
    KEPT = "kept"  # the release changed it, and so had somebody here: the local one stays


class PackOutcome(StrEnum):
    """What became of a pack."""

    SEEDED = "seeded"
    UNCHANGED = "unchanged"
    OLDER = "older"  # an earlier release than the one that seeded it: nothing was touched
    UNNUMBERED = "unnumbered"  # its content is new and its version is not: nothing was touched, raise the version


class Store(RuleStore, Protocol):
    """A store that remembers packs."""

    @property
    def packs(self) -> PackStore:
        """What was seeded."""
        ...


@dataclass(frozen=True, slots=True)
class Seeded:
    """What seeding one pack did."""

    pack: str
    outcome: PackOutcome
    objects: tuple[tuple[Ref, Outcome], ...] = ()  # those that are not the same

    def count(self, outcome: Outcome) -> int:
        """How many objects had this outcome."""
        return sum(found is outcome for _, found in self.objects)


def merged(shipped: str | None, local: str | None, now: str | None) -> Outcome:
    """What to do with an object, by its body when shipped last, here, and in this release; None: not there."""
    if now in (shipped, local):
        return Outcome.SAME
    if local != shipped:
        return Outcome.KEPT
    if now is None:
        return Outcome.REMOVED
    return Outcome.ADDED if local is None else Outcome.UPDATED


def packs_of(sources: Sources) -> Iterator[Pack]:
    """An operator's files as packs of objects.  Raises Problems."""
    yield portals_pack(sources.portals)
    yield destinations_pack(sources.destinations)
    yield from map(family_pack, sources.families)
    yield from map(portal_rules_pack, sources.portal_rules)
    for portal, name, (source, text) in sources.lookups:
        yield lookup_pack(source, text, portal=portal, name=name)


def seed(store: Store, packs: Iterable[Pack], *, at: datetime) -> list[Seeded]:
    """Bring a store up to the shipped packs, each in one write.  Raises what `RuleStore.apply` raises."""
    return [_seed_again(store, pack, at) for pack in packs]


def _seed_again(store: Store, pack: Pack, at: datetime) -> Seeded:
    for _ in range(_ATTEMPTS - 1):
        with suppress(ObjectChanged):  # somebody was faster: look again at what is there
            return _seed(store, pack, at)
    return _seed(store, pack, at)


def _seed(store: Store, pack: Pack, at: datetime) -> Seeded:
    before, state = store.packs.states().get(pack.name), pack.state
    if (outcome := _due(before, state)) is not PackOutcome.SEEDED:
        return Seeded(pack.name, outcome)
    bodies = {ref: canonical_json(body) for ref, body in pack.objects.items()}
    shipped = store.packs.shipped(pack.name)
    with store.reading() as workspace:
        local = workspace.many(bodies.keys() | shipped.keys())
    outcomes = {
        ref: merged(shipped.get(ref), local[ref].text if ref in local else None, bodies.get(ref))
        for ref in (*bodies, *(shipped.keys() - bodies.keys()))
    }
    change = Change(SEEDER, f"shipped pack {pack.name}" + (f", version {pack.version}" if pack.version else ""), at)
    store.packs.seed(state, bodies, list(_writes(pack, outcomes, local)), change)
    return Seeded(
        pack.name,
        PackOutcome.SEEDED,
        tuple((ref, outcome) for ref, outcome in outcomes.items() if outcome is not Outcome.SAME),
    )


def _due(before: PackState | None, now: PackState) -> PackOutcome:
    if before is None:
        return PackOutcome.SEEDED
    if before.digest == now.digest and before.version == now.version:
        return PackOutcome.UNCHANGED
    if now.version < before.version:
        return PackOutcome.OLDER
    return PackOutcome.UNNUMBERED if now.version == before.version != 0 else PackOutcome.SEEDED


def _writes(pack: Pack, outcomes: dict[Ref, Outcome], local: dict[Ref, Stored]) -> Iterator[Write]:
    for ref, outcome in outcomes.items():
        match outcome:
            case Outcome.ADDED:
                yield Put(ref, pack.objects[ref], NEW)
            case Outcome.UPDATED:
                # Somebody may have switched it off, which says nothing against a better body.
                yield Put(ref, pack.objects[ref], local[ref].version, State(local[ref].state))
            case Outcome.REMOVED:
                yield Remove(ref, local[ref].version)
