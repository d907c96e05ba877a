"""What the rules have to say, each sentence with a code and its facts, so that it can be said in other languages.

The library speaks English.  Whoever shows its sentences to people of another language takes `code` and `facts` and
fills in their own; this table is the whole list of what they must be able to say.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final, Self

SAYINGS: Final[Mapping[str, str]] = MappingProxyType(
    {
        # why a visit is decided as it is, in the order in which it is looked at
        "trace.host.nobody": "no portal of ours",
        "trace.host.portal": "{host} is {portal} ({kind}, {life})",
        "trace.phase.is": "{phase}",
        "trace.pilot.in": "closed already for this visitor: {phase}",
        "trace.client.is": "{client} as {asker}",
        "trace.key.is": "{key}",
        "trace.passes.out-of-scope": "outside the retired paths of this host: here it is the goal",
        "trace.passes.still": "still {phase}",
        "trace.passes.kept": "kept alive by the portal",
        "trace.passes.rule": "{rule} says so",
        "trace.passes.unclosed": "no rule closes this, and the portal lives on",
        "trace.switch.pass": "everything passes, whatever the rules say",
        "trace.switch.home": "whatever is closed leads to the front page",
        "trace.rule.none": "none knows this page",
        "trace.rule.found": "{rule} by {template} ({source})",
        "trace.destination.refused": "{destination} refused: {why}",
        "trace.destination.unfilled": "{destination} cannot be filled",
        "trace.destination.found": "{destination} → {target}",
        "trace.destination.needs": "{destination} needs {parameter}, which is not known",
        "trace.lookup.found": "{table} {id}: {code}",
        "trace.locality.is": "{locality} is {commune}",
        "trace.locality.split": "{locality} was split: ask",
        "trace.locality.unknown": "{locality} is not known",
        "trace.situation.is": "{asker} × {situation}",
        "trace.answer.is": "{answer}",
        # addresses that cannot be read
        "address.host": "the Host header is not a host name",
        "address.scheme": "that is no http or https address",
        "address.long": "the address is too long",
        "address.slash": "the address does not begin with a slash",
        "address.parts": "the address has too many parts",
        "address.control": "the address has control characters in it",
        "address.escape": "the address has a % that begins no escape",
        "address.half": "the address has half a character in it",
        # addresses that nobody is sent to
        "target.long": "longer than {most} characters",
        "target.character": "a character that may not stand in a URL",
        "target.no-url": "no URL",
        "target.scheme": "not https",
        "target.user": "user information before the host",
        "target.host": "the host is not on the list of allowed hosts",
        "target.loop": "this edge would answer that address itself: a loop",
        # rules that cannot be kept
        "rule.twice": "{id!r} is the id of another rule: choose a new one",
        "rule.tie": "{template} is known as well by {rule} (line {line}): make one of them more specific",
        "rule.id": "{id!r} is no id: write small letters, digits and hyphens",
        "rule.one-of": "write `paths` (templates), `exact` (addresses as they stand) or `regex`: one of them",
        "rule.exact-captures": "an exact path has no {{captures}}: write it under `paths`",
        "rule.address": "{text!r}: {why}",
        "rule.pairs": "{text!r}: after the ? write name=value, with a value",
        "rule.sensitive": "{text!r}: {names} is never looked at: remove it",
        "rule.type": "{type!r} is no type: write one of {types}",
        "rule.when": '{text!r} names no parameter: write "vneid=1", or "keyword" for any value',
        "rule.to": 'where does it lead? write a destination, for example to = ["home"]',
        "rule.leads-nowhere": "a rule that says {action} leads nowhere: remove `to`",
        "rule.last": "the last destination must need nothing, for the case that nothing is known",
        "rule.name-or-url": 'name a destination, or spell a url: {{ destination = "home" }}',
        "rule.destination": "there is no destination {name!r}: one of {names}",
        "rule.parameter": "no destination takes {parameter!r}: one of {names}",
        "rule.filling": "{text!r}: write {{capture}}, {{capture|lookup}} or a text without braces",
        "rule.capture": "nothing captures {name!r}: {names}",
        "rule.path": "{text!r}: write a path that begins with / and has no ?; parameters go to `when` and `query`",
        "rule.devious": "{text!r}: write the path without dot segments and backslashes",
        "rule.hole": "{text!r}: write one {{name:type}} in a segment; {{rest:path}} only at the end",
        "rule.hole-type": "{text!r}: {type!r} is no type: write one of {types}, or path at the end",
        "rule.expression": "{pattern!r} is no RE2 expression: {why}",
        # what analysis finds
        "finding.elsewhere-first": (
            "{address} is said by {rule} to lead elsewhere ({source}), and that wins: keep one of the two"
        ),
        "finding.elsewhere": "{address} is said by {rule} to lead elsewhere: keep one of the two",
        "finding.decided": "{rule} ({template}) decides every visit to {address}: remove one of the two",
        "finding.pinned": "{rule} ({address}) decides every visit: remove one of the two",
        "finding.covered": "{rule} ({other}) takes every path of {template}: remove one of the two",
        "finding.tie": "{template} is known as well by {rule}: make one of them more specific",
        "finding.unnamed-family": "no portal names this family: add it to a portal's families, or remove it",
        "finding.out-of-scope": "{template} is outside the retired paths of {portal}",
        "finding.under-scope": "{path} is outside the retired paths of {portal}: write one under its scope",
        "finding.ours": "everything under /{prefix} is the edge's own: choose another path",
        "finding.our-file": "{path} is answered by the edge itself: remove the rule",
        "finding.turned": "valid_until is not later than valid_from: correct one of them",
        "finding.over": "its time was over on {at}: remove it, or give it a later valid_until",
        "finding.no-portal": "there is no portal {portal!r}: correct its id",
        "finding.no-visit": "{path}: {why}: no visit has this path",
        "finding.spelt": "{path} is not what visits are looked up by: write {canonical}",
        "finding.no-table": (
            "the table {table} of {portal} is not there, or empty: bring one with the columns id and code"
        ),
        "finding.no-family-table": (
            "no portal that names the family has a table {table}: its numbers lead nowhere until one has"
        ),
        "finding.table-unasked": "no rule asks the table {table}: remove it, or write a rule with {{capture|{table}}}",
        "finding.weight": (
            "its templates have so many shapes that a page could take {weight} µs to look up, {most} at most: write "
            "literals where holes tell nothing apart, and fewer conditions"
        ),
        "finding.url-holes": "nothing fills the {{}} of {url}: spell the whole address",
        "finding.target": "{target}: {why}: write an https address on one of {allowed}",
        "finding.loop": "nobody arrives: {chain}: write where it should end",
        "finding.leads-here": "leads to what is answered here: {chain}: name a destination of the national portal",
        "finding.leads-over": "leads over what is answered here: {chain}: write {end}",
        "finding.unfilled": "no form of {name} can be filled from {parameters}",
        "finding.no-form": (
            "{name} has no form in force now: give it one in destinations, or name another destination"
        ),
        "finding.no-form-from": (
            "{name} has no form in force from {at} on: give it one in destinations, or name another destination"
        ),
        "finding.no-destination": "there is no destination {name!r}: one of {names}",
    }
)
"""By code: the sentence in English, with its facts in braces."""


class Said(str):
    """A sentence in English that knows how it was made."""

    __slots__ = ("code", "facts")

    code: str
    facts: Mapping[str, str]

    @classmethod
    def of(cls, code: str, facts: Mapping[str, Any], *, before: str = "") -> Self:
        """Say something; `before` stands before it, for who reads English."""
        made = cls(before + SAYINGS[code].format(**facts))
        made.code = code
        # A fact may be a sentence itself.
        made.facts = {name: fact if isinstance(fact, Said) else str(fact) for name, fact in facts.items()}
        return made

    def __reduce__(self) -> tuple[Any, ...]:
        """Copies and messages between processes keep what it is made of."""
        return type(self).again, (str(self), self.code, dict(self.facts))

    @classmethod
    def again(cls, text: str, code: str, facts: Mapping[str, str]) -> Self:
        """One that was said before, as it was kept: its code may be another release's."""
        made = cls(text)
        made.code, made.facts = code, facts
        return made


def say(code: str, /, **facts: Any) -> Said:
    """A sentence of the table with its facts filled in.  Raises KeyError for what is not in it."""
    return Said.of(code, facts)
