"""Rows of a list made ready for the store: the rule spelt, what it is searched by, and a mark to compare it by.

All of that hangs on the row alone, so that a process beside the one that writes can do it; what it hands over are
texts, which cross sooner than what they were read from.
"""

import json
from collections.abc import Mapping
from hashlib import blake2b
from json.encoder import encode_basestring
from typing import Any, NamedTuple

from redirect_rules.audit import canonical_json
from redirect_rules.exchange.old_addresses import encoded
from redirect_rules.exchange.rows import ImportedRow
from redirect_rules.stores.columns import Columns, columns_of

_BARE = {"id", "exact", "action", "to"}


class Candidate(NamedTuple):
    """A row that can become a rule, and its rule as a store keeps it."""

    line: int
    portal: str
    key: str  # as in ImportedRow
    id: str
    exact: str  # canonical path; "": a template or an expression matches
    text: str  # the rule: canonical JSON
    mark: bytes  # equal for rules that say the same, whatever their ids
    columns: Columns

    @property
    def rule(self) -> Mapping[str, Any]:
        """The rule, read from its text."""
        rule: dict[str, Any] = json.loads(self.text)
        return rule

    def with_rule(self, rule: Mapping[str, Any]) -> "Candidate":
        """The same line, become another rule."""
        return _spelt(self.line, self.portal, self.key, self.exact, rule)


def candidate(row: ImportedRow) -> Candidate:
    """A row made ready: parameters stand in its address, an expression under its own key."""
    rule = row.rule
    if row.query_equals:
        query = "&".join(f"{encoded(name)}={encoded(value)}" for name, value in row.query_equals)
        rule = {**rule, "exact": [f"{row.exact}?{query}"]}
    elif row.regex:
        rule = {**rule, "regex": row.regex}
    return _spelt(row.line, row.portal, row.key, row.exact, rule)


def _spelt(line: int, portal: str, key: str, exact: str, rule: Mapping[str, Any]) -> Candidate:
    id_ = str(rule["id"])
    before, after = _around_id(rule)
    return Candidate(
        line,
        portal,
        key,
        id_,
        exact,
        f'{before}"id":{encode_basestring(id_)}{after}',
        blake2b(f"{before}{after}".encode(), digest_size=16).digest(),
        columns_of(rule),
    )


def _around_id(rule: Mapping[str, Any]) -> tuple[str, str]:
    """The canonical JSON of a rule, before and after its id."""
    if rule.keys() == _BARE:  # nearly always; the general encoder takes three times as long
        addresses = ",".join(map(encode_basestring, rule["exact"]))
        return (
            f'{{"action":{encode_basestring(rule["action"])},"exact":[{addresses}],',
            f',"to":{_goals(rule["to"])}}}',
        )
    names = sorted(rule)
    before = canonical_json({name: rule[name] for name in names if name < "id"})
    after = canonical_json({name: rule[name] for name in names if name > "id"})
    return (
        before[:-1] + ("," if len(before) > 2 else ""),
        ("," if len(after) > 2 else "") + after[1:],
    )


def _goals(goals: Any) -> str:
    if len(goals) == 1:
        goal = goals[0]
        if isinstance(goal, str):
            return f"[{encode_basestring(goal)}]"
        if len(goal) == 1 and "url" in goal:
            return f'[{{"url":{encode_basestring(goal["url"])}}}]'
    return canonical_json(goals)
