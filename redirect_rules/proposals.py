"""Templates that officers could add, from clusters of pages that no rule knows.

A proposal is as narrow as what it was seen in: a portal's own rule, or a family's where several portals have the pages.
It overlaps no template that is there, nor another proposal; where it leads is for people to say.

Some templates reach everywhere (`/{tenant:word}/tracuu`, `/{rest:path}` with a parameter).  Against those the pages
are asked that visitors really came to: what knows one of a rule's pages is not proposed.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from statistics import mean
from typing import Final

from redirect_rules.canonical import Key
from redirect_rules.clusters import LEAST_PORTALS, Cluster, Page, clusters, pages_of, says_where, stand_in
from redirect_rules.matching import TemplateIndex
from redirect_rules.model import Action, Hole, Literal, PathTemplate, Portal, Rule
from redirect_rules.overlaps import overlap
from redirect_rules.snapshot import Snapshot

EXAMPLES: Final = 3
LEAST_ALONE: Final = 3
"""Pages for which one of several portals gets a rule of its own."""
_TRIED_FOR_EACH: Final = 20
"""Clusters that are looked at for each proposal wanted: what is less visited can wait for the next time."""

_ANY: Final = ""
_LEADS: Final = (
    # a capture of this name → the destination that wants it, and what to say where it has no value
    ("code", '{ destination = "procedure", code = "{code}" }', '"procedure-list"'),
    ("keyword", '{ destination = "procedure-search", keyword = "{keyword}" }', '"procedure-list"'),
    ("dossier", "", '"dossier-lookup"'),
)


@dataclass(frozen=True, slots=True)
class Proposal:
    """A template, where it would stand, and what it would have covered."""

    scope: str  # "portal:langson" or "family:igate2"
    id: str  # a rule's, new in its file
    template: PathTemplate
    queries: Mapping[str, tuple[str, tuple[str, ...]]]  # capture → its type and the parameters it is taken from
    portals: tuple[str, ...]  # where its pages were asked for
    urls: int  # distinct pages
    visits: int
    examples: tuple[str, ...]  # keys

    @property
    def file(self) -> str:
        """Where it belongs, as the shipped configuration is laid out."""
        kind, _, name = self.scope.partition(":")
        return f"conf/rules/{name}.toml" if kind == "portal" else f"conf/families/{name}.toml"

    def rule_text(self) -> str:
        """A [[rule]] as it can be pasted; the last line is to be thought about."""
        known = {segment.name for segment in self.template.segments if isinstance(segment, Hole)} | set(self.queries)
        goals = [goal for name, goal, _ in _LEADS if name in known and goal]
        last = next((last for name, _, last in _LEADS if name in known), '"home"')
        lines = ["[[rule]]", f"id = {_toml(self.id)}", f"paths = [{_toml(self.template.text)}]"]
        for name, (type_, sources) in self.queries.items():
            named = ", ".join(map(_toml, sources))
            lines.append(f"query.{name} = {{ type = {_toml(type_)}, from = [{named}] }}")
        lines += ['action = "notice"', f"to = [{', '.join([*goals, last])}] # where do these pages lead?"]
        return "\n".join(lines)


def proposals(
    counted: Iterable[tuple[str, str, int]],
    snapshot: Snapshot,
    *,
    now: datetime,
    known: Iterable[tuple[str, str, int]] = (),
    most: int = 20,
) -> list[Proposal]:
    """The proposals for unmapped pages, the most visited first; `known` are pages that rules knew.

    Both as (portal, key, visits).  What the rules of today know is left out, whatever they knew when it was counted.
    """
    by_id = {portal.id: portal for portal in snapshot.all_portals}
    pages: dict[Page, Key] = {}
    mapped: dict[Page, Key] = {}
    for page in pages_of((*counted, *known)):
        portal = by_id.get(page.portal)
        if portal is not None and page.host not in portal.office_hosts:
            key = _key(page, portal)
            kept = pages if snapshot.best(portal, key, now) is None else mapped
            kept[page] = key
    book = _Book(snapshot, by_id)
    for cluster in clusters(pages)[: most * _TRIED_FOR_EACH]:
        if len(book.made) >= most:
            break
        book.try_cluster(cluster)
    taken = _covered(mapped, book.made, by_id, now)
    covered = _covered(pages, book.made, by_id, now)
    found = [
        _counted(proposal, covered[proposal.scope, proposal.id])
        for proposal in book.made
        if (proposal.scope, proposal.id) not in taken
    ]
    return sorted((one for one in found if one.urls), key=lambda proposal: -proposal.visits)


class _Book:
    """The proposals so far, beside the templates that are there."""

    def __init__(self, snapshot: Snapshot, portals: Mapping[str, Portal]) -> None:
        self.made: list[Proposal] = []
        self._snapshot = snapshot
        self._portals = portals
        # A family that knows pages by what stands in any address of any product is no place for a page that has a name.
        named = {
            rule.id.partition("/")[0]
            for portal in portals.values()
            for rule in snapshot.rules_of(portal)
            if any(says_where(template.segments) for template in rule.templates)
        }
        self._families: dict[str, list[Portal]] = defaultdict(list)
        for portal in portals.values():
            for family in portal.families:
                if family in named:
                    self._families[family].append(portal)
        self._rank = {
            family: mean(portal.families.index(family) for portal in having)
            for family, having in self._families.items()
        }
        self._templates: dict[str, dict[str, list[PathTemplate]]] = {}  # portal → by their first literal
        self._ids = {rule.id for portal in portals.values() for rule in snapshot.rules_of(portal)}

    def try_cluster(self, cluster: Cluster) -> None:
        """Propose the cluster's template for the family or for each of its portals, where nothing overlaps it."""
        template = cluster.template()
        if template is None:
            return
        family = self._family_of(cluster.portals)
        if family and self._propose(f"family:{family}", self._families[family], template, cluster.pages):
            return
        for portal in sorted(cluster.portals):
            pages = [page for page in cluster.pages if page.portal == portal]
            if len(cluster.portals) == 1 or len(pages) >= LEAST_ALONE:
                self._propose(f"portal:{portal}", [self._portals[portal]], template, pages)

    def _family_of(self, portals: Iterable[str]) -> str:
        """The family that these portals have in common and name earlier than others do; "": they are too few."""
        having = [self._portals[portal] for portal in portals]
        shared = [
            family
            for family in having[0].families
            if family in self._families and all(family in portal.families for portal in having)
        ]
        if len(having) < LEAST_PORTALS or not shared:
            return ""

        def lead(family: str) -> float:
            return self._rank[family] - mean(portal.families.index(family) for portal in having)

        best = max(shared, key=lead)
        # Where none stands out, the last: what all products have in common.
        return best if lead(best) > 1 else shared[-1]

    def _propose(self, scope: str, portals: Sequence[Portal], template: PathTemplate, pages: Sequence[Page]) -> bool:
        if any(self._known(portal, template) for portal in portals):
            return False
        name = scope.partition(":")[2]
        id_ = self._new_id(name, template)
        queries = self._queries(portals[0], pages, template)
        self.made.append(Proposal(scope, id_, template, queries, (), 0, 0, ()))
        for portal in portals:
            self._templates_of(portal)[_first(template)].append(template)
        return True

    def _known(self, portal: Portal, template: PathTemplate) -> bool:
        there = self._templates_of(portal)
        near = (_first(template), _ANY) if _first(template) != _ANY else tuple(there)
        return any(
            overlap(template, other, fold_case=portal.fold_case) for first in near for other in there.get(first, ())
        )

    def _templates_of(self, portal: Portal) -> dict[str, list[PathTemplate]]:
        if portal.id not in self._templates:
            by_first = self._templates[portal.id] = defaultdict(list)
            for rule in self._snapshot.rules_of(portal):
                for template in rule.templates if not rule.exact and not rule.conditions else ():
                    if says_where(template.segments):
                        by_first[_first(template)].append(template)
        return self._templates[portal.id]

    def _new_id(self, file: str, template: PathTemplate) -> str:
        words = [segment.text for segment in template.segments if isinstance(segment, Literal)]
        words += [segment.prefix for segment in template.segments if isinstance(segment, Hole) and segment.prefix]
        letters = "-".join(words).lower().replace(".", "-")
        plain = "".join(letter if letter.isascii() and letter.isalnum() else "-" for letter in letters)
        stem = "-".join(filter(None, plain.split("-")))[:60].rstrip("-") or "page"
        id_, number = stem, 1
        while f"{file}/{id_}" in self._ids:
            number += 1
            id_ = f"{stem}-{number}"
        self._ids.add(f"{file}/{id_}")
        return id_

    def _queries(
        self, portal: Portal, pages: Sequence[Page], template: PathTemplate
    ) -> dict[str, tuple[str, tuple[str, ...]]]:
        """What other rules take from the parameters with which these pages were asked for."""
        sent = {name for page in pages for name in page.names}
        taken = {segment.name for segment in template.segments if isinstance(segment, Hole)}
        wanted = {name for name, *_ in _LEADS} - taken
        found: dict[str, tuple[str, tuple[str, ...]]] = {}
        for rule in self._snapshot.rules_of(portal):
            for capture in rule.captures:
                sources = sent.intersection(capture.sources)
                if capture.name in wanted and sources:
                    type_, known = found.get(capture.name, (capture.type, ()))
                    found[capture.name] = type_, tuple(sorted({*known, *sources}))
        return dict(sorted(found.items()))


def _covered(
    pages: Mapping[Page, Key], made: Iterable[Proposal], portals: Mapping[str, Portal], now: datetime
) -> Mapping[tuple[str, str], list[Page]]:
    """Which pages each proposal (scope, id) knows, by the very matching that visits go through."""
    rules: dict[str, list[Rule]] = defaultdict(list)
    for proposal in made:
        rules[proposal.scope].append(Rule(proposal.id, (proposal.template,), Action.NOTICE, source=proposal.scope))
    indexes: dict[str, TemplateIndex] = {}
    found: dict[tuple[str, str], list[Page]] = defaultdict(list)
    for page, key in pages.items():
        if page.portal not in indexes:
            portal = portals[page.portal]
            scopes = (f"portal:{portal.id}", *(f"family:{family}" for family in portal.families))
            indexes[portal.id] = TemplateIndex([rules[scope] for scope in scopes], fold_case=portal.fold_case)
        match = indexes[page.portal].best(key, now)
        if match is not None:
            found[match.rule.source, match.rule.id].append(page)
    return found


def _key(page: Page, portal: Portal) -> Key:
    """Its key, with zeros for what was masked and without the parameters, whose values nobody kept."""
    sent = tuple(map(stand_in, page.segments))
    return Key(page.host, sent, tuple(map(str.lower, sent)) if portal.fold_case else sent, (), devious=False)


def _counted(proposal: Proposal, pages: Sequence[Page]) -> Proposal:
    by_visits = sorted(pages, key=lambda page: -page.visits)
    return replace(
        proposal,
        portals=tuple(sorted({page.portal for page in pages})),
        urls=len({(page.host, page.path) for page in pages}),
        visits=sum(page.visits for page in pages),
        examples=tuple(page.host + page.path for page in by_visits[:EXAMPLES]),
    )


def _first(template: PathTemplate) -> str:
    """Its first segment in small letters where it stands as it is: only such templates need to be compared."""
    first = template.segments[0] if template.segments else None
    return first.text.lower() if isinstance(first, Literal) else _ANY


def _toml(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
