"""What would become of a visit if one rule were as somebody is typing it.  Nothing is written.

The trial is a snapshot like any other, compiled from the same book with that one rule exchanged, so `decide` says of it
what it will say when the rule is published.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final

from redirect_rules.exact import Address, ExactIndex, ExactRule, Pairs, Shape
from redirect_rules.model import Portal, Rule
from redirect_rules.packed_rules import Alone
from redirect_rules.packs import Packs
from redirect_rules.snapshot import Snapshot, compile_snapshot

_FAMILY: Final = "family"


def trial_of(packs: Packs, scope: str, rule: Rule) -> Snapshot:
    """The snapshot of `packs` with a rule in the place of the one of its id, or beside the others where there is none.

    scope  "portal:langson" or "family:igate2", as in a store; an owner that is not there changes nothing

    Takes some 50 ms for seventy portals, however many rules are listed.  Raises Problems for a regular expression that
    cannot be compiled.
    """
    whose, _, name = scope.partition(":")
    book = packs.book
    if whose == _FAMILY:
        families = [
            replace(family, rules=_exchanged(family.rules, rule)) if family.name == name else family
            for family in book.families
        ]
        book = replace(book, families=families)
    else:
        own = {**book.portal_rules, name: _exchanged(book.portal_rules.get(name, ()), rule)}
        book = replace(book, portal_rules=own)
    before = packs.snapshot
    made = compile_snapshot(
        book,
        number=before.number,
        exact=WithoutRule(before.exact, rule.id),
        lookups=before.lookups,
        instants=before.instants,
    )
    return replace(made, switches=before.switches)


def trial_with(packs: Packs, portal: Portal) -> Snapshot:
    """The snapshot of `packs` with a portal in the place of the one of its id."""
    before = packs.snapshot
    book = replace(packs.book, portals=[portal if one.id == portal.id else one for one in packs.book.portals])
    instants = (*before.instants, *portal.schedule.instants)
    made = compile_snapshot(book, number=before.number, exact=before.exact, lookups=before.lookups, instants=instants)
    return replace(made, switches=before.switches)


def _exchanged(rules: Sequence[Rule], rule: Rule) -> tuple[Rule, ...]:
    """In its place, since of two that are equally good the first wins."""
    if not any(one.id == rule.id for one in rules):
        return (*rules, rule)
    return tuple(rule if one.id == rule.id else one for one in rules)


class WithoutRule:
    """An exact index that does not know one rule."""

    def __init__(self, index: ExactIndex, rule_id: str) -> None:
        self._index = index
        self._id = rule_id

    def find(self, portal: str, path: str, pairs: Pairs, now: datetime) -> ExactRule | None:
        """See ExactIndex."""
        return next(iter(self.candidates(portal, path, pairs, now)), None)

    def candidates(self, portal: str, path: str, pairs: Pairs, now: datetime) -> list[ExactRule]:
        """See ExactIndex."""
        return [rule for rule in self._index.candidates(portal, path, pairs, now) if rule.id != self._id]

    def at(self, address: Address) -> Sequence[ExactRule]:
        """See ExactIndex."""
        return [rule for rule in self._index.at(address) if rule.id != self._id]

    def names_at(self, portal: str, path: str) -> frozenset[str]:
        """See ExactIndex: what is kept of a key may be more than any rule asks for."""
        return self._index.names_at(portal, path)

    def alone(self, portal: str) -> Alone:  # noqa: ARG002 - as ExactIndex has it
        """See ExactIndex: finds nothing, so that everybody asks `candidates`."""
        return Alone()

    def shape(self, number: int) -> Shape:
        """See ExactIndex."""
        return self._index.shape(number)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __iter__(self) -> Iterator[ExactRule]:
        return (rule for rule in self._index if rule.id != self._id)
