"""Rules of the store → rows of a list, and answers that another server can give.

Another server shows no notice: where the edge would show one and lead on, it leads on at once.  What its language
cannot say (passing, choosing a commune, looking up) is left out, and said to be.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from redirect_rules.bodies import rule_row
from redirect_rules.canonical import canonical_key
from redirect_rules.destinations import Destinations, TargetRefused
from redirect_rules.exact import address
from redirect_rules.exchange.exports.rules import ExportedRule, Kind
from redirect_rules.exchange.rows import ImportedRow
from redirect_rules.importing import keys_of
from redirect_rules.model import Action, Portal
from redirect_rules.objects import Stored

_SENT_ON = frozenset({Action.NOTICE, Action.REDIRECT})


class Unsayable(NamedTuple):
    """A rule that has no place in an export, and why."""

    rule: str
    why: str


def rows_of(rules: Iterable[Stored], portals: Mapping[str, Portal]) -> Iterator[ImportedRow | Unsayable]:
    """Portals' own rules as the rows of a list, one for each address."""
    for stored in rules:
        whose, _, name = stored.ref.scope.partition(":")
        if whose != "portal" or (portal := portals.get(name)) is None:
            yield Unsayable(f"{name}/{stored.ref.id}", "a family's rule is shared by portals: export the pack's file")
            continue
        body = stored.body
        addresses = body.get("exact") or body.get("paths") or [""]
        keys = keys_of(stored, fold_case=portal.fold_case)
        for key, text in zip(keys, addresses, strict=True):
            yield _row(portal, body, key, text)


def _row(portal: Portal, body: Mapping[str, Any], key: str, text: str) -> ImportedRow:
    rule = {name: value for name, value in body.items() if name not in {"exact", "paths", "regex"}}
    if body.get("exact"):
        found = canonical_key("", text, fold_case=portal.fold_case)
        path, query = address(found.path, found.pairs)
        return ImportedRow(0, portal.id, key, {**rule, "exact": [path]}, path, query)
    if body.get("paths"):
        return ImportedRow(0, portal.id, key, {**rule, "paths": [text]})
    return ImportedRow(0, portal.id, key, rule, regex=body["regex"])


def answers_of(
    rules: Iterable[Stored], portals: Mapping[str, Portal], destinations: Destinations, *, now: datetime, lasting: bool
) -> Iterator[ExportedRule | Unsayable]:
    """What another server would answer, one for each address and host.  `lasting`: 301 rather than 302."""
    for stored in rules:
        whose, _, name = stored.ref.scope.partition(":")
        rule_id = f"{name}/{stored.ref.id}"
        if whose != "portal" or (portal := portals.get(name)) is None:
            yield Unsayable(rule_id, "a family's rule is shared by portals")
            continue
        try:
            yield from _answers(stored, portal, destinations, now, 301 if lasting else 302)
        except Unspoken as unspoken:
            yield Unsayable(rule_id, str(unspoken))


class Unspoken(Exception):
    """Another server's language has no word for it."""


def _answers(
    stored: Stored, portal: Portal, destinations: Destinations, now: datetime, status: int
) -> Iterator[ExportedRule]:
    row = rule_row(stored)
    if row.when or row.query:
        raise Unspoken("it asks for parameters in a way that only this edge knows")
    if row.regex:
        raise Unspoken("it is a free expression: write a template")
    if not ((row.valid_from is None or now >= row.valid_from) and (row.valid_until is None or now < row.valid_until)):
        raise Unspoken("it is not in force")
    if row.action is not Action.GONE and row.action not in _SENT_ON:
        raise Unspoken(f"another server cannot {row.action}")
    for host in portal.hosts:
        for text in row.exact:
            key = canonical_key(host, text, fold_case=portal.fold_case)
            path, query = address(key.path, key.pairs)
            target = _target(row.to, destinations, now, path) if row.action in _SENT_ON else ""
            yield ExportedRule(host, path, status if target else 410, target, query, Kind.EXACT, portal.fold_case)
        for text in row.paths:
            target = _target(row.to, destinations, now, "") if row.action in _SENT_ON else ""
            yield ExportedRule(host, text, status if target else 410, target, (), Kind.TEMPLATE, portal.fold_case)


def _target(goals: Iterable[str | dict[str, str]], destinations: Destinations, now: datetime, old_path: str) -> str:
    """The first goal that can be built; captures stay as {name}."""
    for goal in goals:
        given = {"destination": goal} if isinstance(goal, str) else dict(goal)
        name, url = given.pop("destination", ""), given.pop("url", "")
        if any("|" in value for value in given.values()):
            raise Unspoken("it looks a code up in a table")
        if any("{" in value for value in given.values()):
            raise Unspoken("it puts a captured value into a named page, whose address depends on it")
        if old_path:
            given["old_path"] = old_path
        try:
            found = destinations.build_url(url, given) if url else destinations.build(name, given, now=now)
        except TargetRefused as refused:
            raise Unspoken(f"its target is refused: {refused}") from None
        if found is not None:
            return found
        if url and "{" in url:
            return url
    raise Unspoken("none of its destinations can be filled")
