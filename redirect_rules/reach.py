"""Whether any visit ever gets to a rule, and which rule it meets before."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime

from redirect_rules.canonical import BadTarget, Key, canonical_segments, encoded_path, folded
from redirect_rules.decision import OUR_PREFIX, our_file
from redirect_rules.exact import PINNED, ExactRule, spelling
from redirect_rules.findings import Finding, Flaw, Severity
from redirect_rules.matching import Lasting, Match, valid_together
from redirect_rules.model import Literal, PathTemplate, Portal, Rule
from redirect_rules.sayings import say
from redirect_rules.snapshot import Snapshot
from redirect_rules.specimens import covers, may_lie_under, specimen


class Reach:
    """Asks one snapshot, as of one instant."""

    def __init__(self, snapshot: Snapshot, now: datetime) -> None:
        """`now` is aware."""
        self._snapshot = snapshot
        self._now = now
        self._portals: Mapping[str, Portal] = {portal.id: portal for portal in snapshot.all_portals}

    # ── listed rules ────────────────────────────────────────────────────────────────────────────────────────────

    def path_of(self, rule: ExactRule) -> tuple[str, ...] | Finding:
        """The canonical segments that a listed rule is about, or why no visit has such a path."""
        portal = self._portals.get(rule.portal)
        if portal is None:
            return _unreachable(rule.portal, rule.id, say("finding.no-portal", portal=rule.portal))
        try:
            segments = canonical_segments(rule.path)[0]
        except BadTarget as error:
            return _unreachable(portal.id, rule.id, say("finding.no-visit", path=rule.path, why=error.args[0]))
        path = folded(segments) if portal.fold_case else segments
        if (canonical := encoded_path(path)) != rule.path:
            text = say("finding.spelt", path=rule.path, canonical=canonical)
            return _unreachable(portal.id, rule.id, text)
        return path

    def key_of(self, rule: ExactRule, path: tuple[str, ...]) -> Key:
        """The key of a visit with just what the rule asks for."""
        return Key(self._portals[rule.portal].hosts[0], path, path, rule.query, devious=False)

    def of_listed(self, rule: ExactRule, path: tuple[str, ...], *, compiled: bool) -> Sequence[Finding]:
        """What keeps visits away from a listed rule; `compiled`: the index holds it, and has parted its address."""
        portal = self._portals[rule.portal]
        if text := self._closed_path(portal, path) or self._past(rule.valid_from, rule.valid_until):
            return [_unreachable(portal.id, rule.id, text)]
        own = self._snapshot.indexes[portal.id].own
        asked = self._when(rule) if len(own) or rule.query else self._now
        for match in own.candidates(self.key_of(rule, path), asked) if len(own) else ():
            if (found := self._met_by_listed(portal, rule, match)) is not None:
                return [found]
        found_there = [] if compiled else list(self._at_its_address(rule))
        if rule.query and rule.action not in PINNED:
            found_there += self._pins_before(rule, self.key_of(rule, path))
        return found_there

    def _met_by_listed(self, portal: Portal, rule: ExactRule, match: Match) -> Finding | None:
        """A rule of the portal's own that comes before the listed ones: a pin, or an exact address."""
        own = match.rule
        first = own.action in PINNED or (own.exact and rule.action not in PINNED)
        if not first or not _lasts(own, rule):
            return None
        spelt = spelling(rule.path, rule.query)
        if (
            own.exact
            and match.template.asks == rule.query
            and (own.action, own.goals) != (rule.action, rule.as_rule().goals)
        ):
            text = say("finding.elsewhere-first", address=spelt, rule=own.id, source=own.source)
            return Finding(Flaw.CONFLICT, Severity.ERROR, portal.id, rule.id, text, own.id)
        text = say("finding.decided", rule=own.id, template=match.template.text, address=spelt)
        return Finding(Flaw.SHADOWED, Severity.WARNING, portal.id, rule.id, text, own.id)

    def _at_its_address(self, rule: ExactRule) -> Iterator[Finding]:
        spelt = spelling(rule.path, rule.query)
        for other in self._snapshot.exact.at(rule.address):
            if other.id != rule.id and valid_together(other, rule) and _end_of(other) != _end_of(rule):
                text = say("finding.elsewhere", address=spelt, rule=other.id)
                yield Finding(Flaw.CONFLICT, Severity.ERROR, rule.portal, rule.id, text, other.id)

    def _pins_before(self, rule: ExactRule, key: Key) -> Iterator[Finding]:
        """Pins that ask for fewer parameters."""
        for other in self._snapshot.exact.candidates(rule.portal, key.path, key.pairs, self._when(rule)):
            if other.action in PINNED and _lasts(other, rule):
                text = say("finding.pinned", rule=other.id, address=spelling(other.path, other.query))
                yield Finding(Flaw.SHADOWED, Severity.WARNING, rule.portal, rule.id, text, other.id)
                return

    # ── templates ───────────────────────────────────────────────────────────────────────────────────────────────

    def of_rule(self, rule: Rule, portals: Iterable[Portal]) -> Iterator[Finding]:
        """What keeps visits away from a rule with templates on all of these portals: its own, or its family's."""
        everywhere = list(portals)
        whose = everywhere[0].id if len(everywhere) == 1 else ""
        if not everywhere:
            yield _unreachable("", rule.id, say("finding.unnamed-family"), Severity.NOTE)
        elif text := self._past(rule.valid_from, rule.valid_until):
            yield _unreachable(whose, rule.id, text)
        else:
            for template in rule.templates:
                found = [self._met(rule, template, portal) for portal in everywhere]
                if all(found) and (first := found[0]) is not None:
                    yield first

    def _met(self, rule: Rule, template: PathTemplate, portal: Portal) -> Finding | None:
        fold = portal.fold_case
        if not may_lie_under(template, portal.scope, fold_case=fold):
            return _unreachable(
                portal.id, rule.id, say("finding.out-of-scope", template=template.text, portal=portal.id)
            )
        key = specimen(portal.hosts[0], rule, template, fold_case=fold)
        fixed = template.tail is None and all(isinstance(segment, Literal) for segment in template.segments)
        begins_ours = bool(template.segments) and isinstance(template.segments[0], Literal)
        if (fixed or (begins_ours and key.folded[0] == OUR_PREFIX)) and (text := self._closed_path(portal, key.folded)):
            return _unreachable(portal.id, rule.id, text)
        for match in self._snapshot.candidates(portal, key, self._when(rule)):
            if match.rule.id == rule.id:
                return None
            if covers(match.template, template, fold_case=fold) and _holds_wherever(match, rule, template):
                text = say("finding.covered", rule=match.rule.id, other=match.template.text, template=template.text)
                return Finding(Flaw.SHADOWED, Severity.WARNING, portal.id, rule.id, text, match.rule.id)
        return None

    # ── both ────────────────────────────────────────────────────────────────────────────────────────────────────

    def _closed_path(self, portal: Portal, path: tuple[str, ...]) -> str:
        """Why no rule is ever asked about this path, or ""."""
        if path and path[0] == OUR_PREFIX:
            return say("finding.ours", prefix=OUR_PREFIX)
        if not portal.in_scope(path):
            return say("finding.under-scope", path=encoded_path(path), portal=portal.id)
        if not portal.office_hosts and our_file(portal, path) is not None:
            return say("finding.our-file", path=encoded_path(path))
        return ""

    def _past(self, begin: datetime | None, end: datetime | None) -> str:
        if begin is not None and end is not None and begin >= end:
            return say("finding.turned")
        if end is not None and end <= self._now:
            return say("finding.over", at=end.isoformat())
        return ""

    def _when(self, rule: Lasting) -> datetime:
        """The first instant from now at which the rule is in force."""
        return max(self._now, rule.valid_from) if rule.valid_from is not None else self._now


def _unreachable(portal: str, rule: str, text: str, severity: Severity = Severity.WARNING) -> Finding:
    return Finding(Flaw.UNREACHABLE, severity, portal, rule, text)


def _lasts(one: Lasting, other: Lasting) -> bool:
    """Whether the one is in force whenever the other is."""
    begins = one.valid_from is None or (other.valid_from is not None and one.valid_from <= other.valid_from)
    ends = one.valid_until is None or (other.valid_until is not None and other.valid_until <= one.valid_until)
    return begins and ends


def _end_of(rule: ExactRule) -> tuple[object, ...]:
    """What becomes of its visits."""
    return rule.action, rule.destination, rule.arguments, rule.url, rule.otherwise


def _holds_wherever(match: Match, rule: Rule, template: PathTemplate) -> bool:
    """Whether the match does not hang on the time, or on parameters that a visit to the rule may lack."""
    asks = set(match.template.asks) <= set(template.asks)
    return asks and not match.rule.conditions and not match.rule.regex and _lasts(match.rule, rule)
