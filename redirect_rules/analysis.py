"""What is wrong with a draft, before it serves anybody: every rule looked at once, in linear time.

Nothing here has an opinion of its own about which rule wins or where it leads: the compiled draft is asked, as a visit
would ask it.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Final

from redirect_rules.exact import ExactRule
from redirect_rules.findings import Finding, Flaw, Severity
from redirect_rules.matching import ties
from redirect_rules.model import Argument, Goal, Portal, Rule
from redirect_rules.onward import Onward, Pairs
from redirect_rules.packs import Packs
from redirect_rules.reach import Reach
from redirect_rules.regexes import Expression, RegexSet
from redirect_rules.sayings import say
from redirect_rules.snapshot import Snapshot
from redirect_rules.sources import Problems
from redirect_rules.specimens import VALUES, specimen

__all__ = ["MOST_WEIGHT", "Finding", "Flaw", "Severity", "analyse"]

MOST_WEIGHT: Final = 500
"""Microseconds that the templates of one portal may cost a look-up, as `TemplateIndex.weight` reckons them.

With all else that a visit of the longest address costs, a worker is then held for less than a millisecond (bench).
"""

_EVERY: Final = 10_000  # listed rules between two calls of progress

Progress = Callable[[str, int], None]


def _silent(_stage: str, _done: int) -> None:
    """The progress nobody watches."""


def analyse(
    packs: Packs,
    listed: Iterable[ExactRule],
    *,
    now: datetime,
    compiled: bool | None = None,
    progress: Progress = _silent,
) -> Iterator[Finding]:
    """Everything wrong with compiled rules, and with the listed ones that `packs.snapshot.exact` holds.

    listed  read once, in any order
    now     aware; what was over before is no longer looked for
    compiled  whether the index holds them, and so has parted those of one address by time; None: if they are the index
    progress  called with a stage ("templates", "listed rules") and how many rules of it are done
    """
    yield from _of_packs(packs, now, progress)
    yield from _of_tables(packs.snapshot, packs.book.portal_rules, _families(packs))
    yield from _of_weights(packs.snapshot)
    exact = packs.snapshot.exact
    yield from _of_listed(
        packs.snapshot, listed, now, progress, compiled=listed is exact if compiled is None else compiled
    )


def _families(packs: Packs) -> Mapping[str, tuple[tuple[Rule, ...], list[Portal]]]:
    """The rules of each family, and the portals that name it."""
    naming: dict[str, list[Portal]] = defaultdict(list)
    for portal in packs.book.portals:
        for name in portal.families:
            naming[name].append(portal)
    return {family.name: (family.rules, naming[family.name]) for family in packs.book.families}


def _of_packs(packs: Packs, now: datetime, progress: Progress) -> Iterator[Finding]:
    """Rules that stand in files and drafts rather than in lists: a portal's own, then the families."""
    portals = {portal.id: portal for portal in packs.book.portals}
    own = [(portals[name], rules) for name, rules in packs.book.portal_rules.items() if name in portals]
    packed = [(portal.id, tuple(rules), [portal]) for portal, rules in own]
    packed += [("", rules, naming) for rules, naming in _families(packs).values()]
    reach, onward = Reach(packs.snapshot, now), Onward(packs.snapshot, now)
    done = 0
    for whose, rules, where in packed:
        for one, other, template in ties(rules):
            text = say("finding.tie", template=template.text, rule=one.id)
            yield Finding(Flaw.TIE, Severity.ERROR, whose, other.id, text, one.id)
        yield from _of_expressions(whose, rules)
        for rule in rules:
            yield from reach.of_rule(rule, where)
            yield from _of_goals(onward, whose, rule, where[0]) if where else ()
            done += 1
            if not done % _EVERY:
                progress("templates", done)
    progress("templates", done)


def _of_expressions(whose: str, rules: Iterable[Rule]) -> Iterator[Finding]:
    expressions = [Expression(rule.regex, rule) for rule in rules if rule.regex]
    try:
        RegexSet(expressions, fold_case=True)
    except Problems as error:
        for problem in error.problems:
            yield Finding(Flaw.EXPRESSION, Severity.ERROR, whose, problem.source, problem.text)


def _of_goals(onward: Onward, whose: str, rule: Rule, portal: Portal) -> Iterator[Finding]:
    """Where a rule of a pack would lead the visits that it knows."""
    template = rule.templates[0] if rule.templates else None
    if template is None:
        return
    key = specimen(portal.hosts[0], rule, template, fold_case=portal.fold_case)
    for goal in rule.goals:
        parameters = tuple((argument.parameter, _value(rule, argument)) for argument in goal.arguments)
        if (found := onward.flaw(key, goal, parameters)) is not None:
            yield Finding(found.kind, found.severity, whose, rule.id, found.say)


def _value(rule: Rule, argument: Argument) -> str:
    """Some value that a parameter may have."""
    types = {capture.name: capture.type for capture in rule.captures}
    return argument.text or VALUES["procedure" if argument.lookup else types.get(argument.capture, "word")]


def _of_tables(
    snapshot: Snapshot,
    own: Mapping[str, Iterable[Rule]],
    families: Mapping[str, tuple[tuple[Rule, ...], list[Portal]]],
) -> Iterator[Finding]:
    """Tables of internal ids that are asked for and not there, or there and not asked for."""
    asked: set[tuple[str, str]] = set()
    for portal, rules in own.items():
        for rule, table in _lookups_of(rules):
            asked.add((portal, table))
            if not snapshot.lookups.get((portal, table)):
                text = say("finding.no-table", table=table, portal=portal)
                yield Finding(Flaw.LOOKUP, Severity.WARNING, portal, rule.id, text)
    for rules, naming in families.values():
        for rule, table in _lookups_of(rules):
            asked.update((portal.id, table) for portal in naming)
            if not any(snapshot.lookups.get((portal.id, table)) for portal in naming):
                text = say("finding.no-family-table", table=table)
                yield Finding(Flaw.LOOKUP, Severity.NOTE, "", rule.id, text)
    for portal, table in snapshot.lookups.keys() - asked:
        text = say("finding.table-unasked", table=table)
        yield Finding(Flaw.LOOKUP, Severity.WARNING, portal, "", text)


def _lookups_of(rules: Iterable[Rule]) -> Iterator[tuple[Rule, str]]:
    for rule in rules:
        tables = {argument.lookup for goal in rule.goals for argument in goal.arguments if argument.lookup}
        yield from ((rule, table) for table in sorted(tables))


def _of_weights(snapshot: Snapshot) -> Iterator[Finding]:
    for portal in snapshot.all_portals:
        index = snapshot.indexes[portal.id]
        if (weight := index.own.weight + index.families.weight_of_best) > MOST_WEIGHT:
            text = say("finding.weight", weight=weight, most=MOST_WEIGHT)
            yield Finding(Flaw.WEIGHT, Severity.ERROR, portal.id, "", text)


def _of_listed(
    snapshot: Snapshot, listed: Iterable[ExactRule], now: datetime, progress: Progress, *, compiled: bool
) -> Iterator[Finding]:
    reach, onward = Reach(snapshot, now), Onward(snapshot, now)
    done = 0
    for rule in listed:
        done += 1
        if not done % _EVERY:
            progress("listed rules", done)
        path = reach.path_of(rule)
        if isinstance(path, Finding):
            yield path
            continue
        yield from reach.of_listed(rule, path, compiled=compiled)
        for goal, parameters in _goals_of(rule):
            if not onward.sound(goal, parameters):
                found = onward.flaw(reach.key_of(rule, path), goal, parameters)
                yield from (
                    () if found is None else [Finding(found.kind, found.severity, rule.portal, rule.id, found.say)]
                )
    progress("listed rules", done)


def _goals_of(rule: ExactRule) -> Sequence[tuple[Goal, Pairs]]:
    """Where a listed rule leads, with its parameters."""
    if not rule.otherwise:
        return [(Goal(rule.destination, (), rule.url), rule.arguments)] if rule.destination or rule.url else ()
    return (Goal(rule.destination), rule.arguments), (Goal(rule.otherwise), ())
