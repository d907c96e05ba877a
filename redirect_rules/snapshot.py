"""Everything `decide` needs, immutable and numbered.  A request sees one snapshot only."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Final

from redirect_rules.canonical import BadTarget, Key, canonical_key, canonical_segments, folded
from redirect_rules.destinations import Destination, Destinations, Guard, UrlForm
from redirect_rules.dict_index import DictIndex
from redirect_rules.exact import PINNED, ExactIndex, ExactRule
from redirect_rules.localities import Localities
from redirect_rules.matching import Match, TemplateIndex, significant_names
from redirect_rules.model import Family, Lookup, Portal, Rule, Switch
from redirect_rules.regexes import Expression, RegexSet

_MOST_PATHS: Final = 8_192
"""Paths of targets of which it is remembered whether they lead back here: the pages of procedures, and some."""


@dataclass(frozen=True, slots=True)
class PortalIndex:
    """One portal's rules but for the plain addresses, which lie in `Snapshot.exact`."""

    own: TemplateIndex  # its pins, then its exact paths and templates
    families: TemplateIndex  # its families, the first named first
    expressions: RegexSet
    rules: tuple[Rule, ...]  # all of them, its own first
    significant: frozenset[str]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The compiled rules.  Made by `compile_snapshot`."""

    number: int
    portals: Mapping[str, Portal]  # by canonical host
    indexes: Mapping[str, PortalIndex]  # by portal id
    exact: ExactIndex  # portals' own addresses as they stand, by the million
    destinations: Destinations
    procedure_names: Mapping[str, str]  # base code → its name, where known
    lookups: Mapping[tuple[str, str], Mapping[str, str]]  # (portal, table) → internal id → code
    localities: Localities
    instants: tuple[datetime, ...]  # aware, in order: between two of them no answer changes by itself
    switches: Mapping[str, Switch] = field(default_factory=dict)  # by portal id: what was thrown in an emergency

    def key_of(self, portal: Portal, host: str, raw_target: str) -> Key:
        """The key of a request on this portal.  Raises BadTarget."""
        return canonical_key(host, raw_target, fold_case=portal.fold_case)

    def best(self, portal: Portal, key: Key, now: datetime, *, with_families: bool = True) -> Match | None:
        """The rule that decides: the first of `candidates`, without looking for what could come after it."""
        index = self.indexes[portal.id]
        if self.exact.candidates(portal.id, key.path, key.pairs, now):
            return next(self.candidates(portal, key, now, with_families=with_families), None)
        own = index.own.candidates(key, now)
        if own and with_families and index.families.has_exactly(key.folded):
            return next(self.candidates(portal, key, now), None)
        if own:  # what is exact stands before what is not
            return next((match for match in own if match.rule.action in PINNED), own[0])
        found = index.families.best(key, now) if with_families else None
        return found if found is not None or not len(index.expressions) else index.expressions.best(key, now)

    def candidates(self, portal: Portal, key: Key, now: datetime, *, with_families: bool = True) -> Iterator[Match]:
        """Every rule that knows the path, best first; this is the precedence.

        Portal pins (pass, refuse) → portal exact → family exact → portal template → family template → expressions;
        among templates the more specific, among families the first named.
        """
        index = self.indexes[portal.id]
        own = index.own.candidates(key, now)
        listed = self.exact.candidates(portal.id, key.path, key.pairs, now)
        if own or listed:
            ours = [*own, *map(_match_of, listed)]
            yield from (match for match in ours if match.rule.action in PINNED)
            yield from (match for match in ours if match.rule.exact and match.rule.action not in PINNED)
        families = index.families.matches(key, now) if with_families else iter(())
        template = next(families, None)
        while template is not None and template.rule.exact:
            yield template
            template = next(families, None)
        yield from (match for match in own if not (match.rule.exact or match.rule.action in PINNED))
        if template is not None:
            yield template
            yield from families
        if len(index.expressions):
            yield from index.expressions.candidates(key, now)

    def significant_at(self, portal: Portal, key: Key) -> frozenset[str]:
        """The parameters that any rule of this portal, or of this very path, looks at: what the key keeps."""
        names = self.indexes[portal.id].significant
        if not key.pairs:
            return names
        at = self.exact.names_at(portal.id, key.path)
        return names | at if at else names

    @property
    def all_portals(self) -> tuple[Portal, ...]:
        """Each portal once."""
        return tuple({portal.id: portal for portal in self.portals.values()}.values())

    def rules_of(self, portal: Portal) -> tuple[Rule, ...]:
        """Every rule that can decide on this portal, its own first, but for the plain addresses in `exact`."""
        return self.indexes[portal.id].rules


def _match_of(rule: ExactRule) -> Match:
    known = rule.as_rule()
    return Match(known, known.templates[0], {})


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

    def instants(self) -> Iterator[datetime]:
        """When anything here begins or ends."""
        for portal in self.portals:
            for schedule in (portal.schedule, *(own.schedule for own in portal.path_schedules)):
                yield from schedule.instants
        lasting: tuple[Rule | UrlForm, ...] = (
            *(rule for family in self.families for rule in family.rules),
            *(rule for rules in self.portal_rules.values() for rule in rules),
            *(form for destination in self.destinations for form in destination.forms),
        )
        for one in lasting:
            yield from (at for at in (one.valid_from, one.valid_until) if at is not None)


def compile_snapshot(
    book: Rulebook,
    *,
    number: int,
    exact: ExactIndex | None = None,
    lookups: Mapping[tuple[str, str], Mapping[str, str]] | None = None,
    instants: Iterable[datetime] = (),
) -> Snapshot:
    """Join what was read into one immutable value.  Raises Problems for expressions that cannot be compiled.

    exact, lookups  indexes that were made elsewhere; the book's own lookups where there are none
    instants  when rules of `exact` begin and end
    """
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
            own=TemplateIndex([own], fold_case=portal.fold_case),
            families=families_index(portal),
            expressions=RegexSet(
                [Expression(rule.regex, rule) for rule in rules if rule.regex], fold_case=portal.fold_case
            ),
            rules=rules,
            significant=significant_names(rules),
        )

    @lru_cache(_MOST_PATHS)
    def answered_here(host: str, path: str) -> bool:
        portal = by_host.get(host)
        if portal is None:
            return False
        try:
            segments = canonical_segments(path)[0]
        except BadTarget:
            return True  # answered with 400: nobody is sent there
        return portal.in_scope(folded(segments) if portal.fold_case else segments)

    return Snapshot(
        number=number,
        portals=by_host,
        indexes={portal.id: index_of(portal) for portal in book.portals},
        exact=DictIndex(()) if exact is None else exact,
        destinations=Destinations(
            {destination.name: destination for destination in book.destinations},
            book.procedure_ids,
            Guard(book.allowed_hosts, answered_here),
        ),
        procedure_names=book.procedure_names,
        lookups={(lookup.portal, lookup.name): lookup.entries for lookup in book.lookups}
        if lookups is None
        else lookups,
        localities=book.localities,
        instants=tuple(sorted({*instants, *book.instants()})),
    )
