"""Everything `decide` needs, immutable and numbered.  A request sees one snapshot only."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from redirect_rules.canonical import Key, canonical_key, canonical_segments
from redirect_rules.destinations import Destination, Destinations, Guard
from redirect_rules.localities import Localities
from redirect_rules.matching import Entry, Match, TemplateIndex, match_of, significant_names
from redirect_rules.model import Action, Family, Lookup, Portal, Rule

_PINNED = frozenset({Action.PASS, Action.REFUSE})


@dataclass(frozen=True, slots=True)
class PortalIndex:
    """One portal's rules, in the order in which they are asked."""

    own: TemplateIndex  # its pins, then its exact paths and templates
    families: TemplateIndex  # its families, the first named first
    rules: tuple[Rule, ...]  # all of them, its own first
    significant: frozenset[str]

    def best(self, key: Key, now: datetime, *, with_families: bool) -> Match | None:
        """The rule that decides, by the precedence of `candidates`."""
        entry = next(iter(self.candidates(key, now, with_families=with_families)), None)
        return None if entry is None else match_of(entry, key)

    def candidates(self, key: Key, now: datetime, *, with_families: bool) -> list[Entry]:
        """Every rule that knows the path, best first.

        Portal pins (pass, refuse) → portal exact → family exact → portal template → family template; among
        templates the more specific, among families the first named.
        """
        found = [
            (0 if e.rule.action in _PINNED else 1 if e.rule.exact else 3, e) for e in self.own.candidates(key, now)
        ]
        if with_families:
            found += [(2 if e.rule.exact else 4, e) for e in self.families.candidates(key, now)]
        return [entry for _, entry in sorted(found, key=lambda ranked: ranked[0])]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The compiled rules.  Made by `compile_snapshot`."""

    number: int
    portals: Mapping[str, Portal]  # by canonical host
    indexes: Mapping[str, PortalIndex]  # by portal id
    destinations: Destinations
    procedure_names: Mapping[str, str]  # base code → its name, where known
    lookups: Mapping[tuple[str, str], Mapping[str, str]]  # (portal, table) → internal id → code
    localities: Localities

    def key_of(self, portal: Portal, host: str, raw_target: str) -> Key:
        """The key of a request on this portal.  Raises BadTarget."""
        return canonical_key(host, raw_target, fold_case=portal.fold_case)

    @property
    def all_portals(self) -> tuple[Portal, ...]:
        """Each portal once."""
        return tuple({portal.id: portal for portal in self.portals.values()}.values())

    def rules_of(self, portal: Portal) -> tuple[Rule, ...]:
        """Every rule that can decide on this portal, its own first."""
        return self.indexes[portal.id].rules


@dataclass(frozen=True, slots=True)
class Rulebook:
    """Everything that was read and checked, before it is compiled."""

    portals: Sequence[Portal]
    families: Sequence[Family]
    portal_rules: Mapping[str, Sequence[Rule]]  # portal id → its own
    destinations: Sequence[Destination]
    allowed_hosts: frozenset[str]
    procedure_ids: Mapping[str, str]  # base code → formality id
    procedure_names: Mapping[str, str]  # base code → its name, where known
    lookups: Sequence[Lookup]
    localities: Localities


def compile_snapshot(book: Rulebook, *, number: int) -> Snapshot:
    """Join what was read into one immutable value."""
    by_host = {host: portal for portal in book.portals for host in portal.all_hosts}
    packs = {family.name: family.rules for family in book.families}
    shared: dict[tuple[tuple[str, ...], bool], TemplateIndex] = {}

    def families_index(portal: Portal) -> TemplateIndex:
        wanted = (portal.families, portal.fold_case)
        if wanted not in shared:
            named = [packs[name] for name in portal.families]
            shared[wanted] = TemplateIndex(named, fold_case=portal.fold_case)
        return shared[wanted]

    def index_of(portal: Portal) -> PortalIndex:
        own = tuple(book.portal_rules.get(portal.id, ()))
        rules = (*own, *(rule for name in portal.families for rule in packs[name]))
        return PortalIndex(
            TemplateIndex([own], fold_case=portal.fold_case), families_index(portal), rules, significant_names(rules)
        )

    def answered_here(host: str, path: str) -> bool:
        portal = by_host.get(host)
        if portal is None:
            return False
        segments = canonical_segments(path)[0]
        return portal.in_scope(tuple(s.lower() for s in segments) if portal.fold_case else segments)

    return Snapshot(
        number=number,
        portals=by_host,
        indexes={portal.id: index_of(portal) for portal in book.portals},
        destinations=Destinations(
            {destination.name: destination for destination in book.destinations},
            book.procedure_ids,
            Guard(book.allowed_hosts, answered_here),
        ),
        procedure_names=book.procedure_names,
        lookups={(lookup.portal, lookup.name): lookup.entries for lookup in book.lookups},
        localities=book.localities,
    )
