"""Rows as people write them ↔ bodies as a store keeps them, and the shipped files as packs of objects.

A body is the JSON of its row: keys as in the file, what has its default left out.  So a rule in a file, in the store
and in an export is one and the same, and comparing two is comparing texts.
"""

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from typing import Any, TypeAlias

from pydantic import BaseModel

from redirect_rules.audit import canonical_json
from redirect_rules.canonical import canonical_key
from redirect_rules.exact import ExactRule, address
from redirect_rules.model import Action
from redirect_rules.objects import Body, Kind, Put, Ref, State, Stored
from redirect_rules.parsing import FamilyRow, PortalRulesRow, RuleRow, parse_lookup, read
from redirect_rules.portals import PortalsRow
from redirect_rules.schedules import instant
from redirect_rules.sources import Document
from redirect_rules.store import PackState

Objects: TypeAlias = Mapping[Ref, Body]

_ACTIONS = {action.value: action for action in Action}
_PLAIN_KEYS = frozenset(
    {"id", "exact", "action", "to", "valid_from", "valid_until", "note", "legal_basis", "owner", "tags"}
)
_KEYS_OF_THEIR_OWN = re.compile(r"(?:/[a-z0-9_-]+(?:\.html)?)+(?<!/index\.html)(?<!/default\.html)\Z")


@dataclass(frozen=True, slots=True)
class Pack:
    """The objects of one shipped file."""

    name: str  # "family/igate2", "portals", "destinations", "rules/langson", "lookup/langson/procedure"
    version: int  # 0: the file has none
    objects: Objects

    @property
    def state(self) -> PackState:
        """What a store remembers of it."""
        whole = [[*ref, body] for ref, body in sorted(self.objects.items(), key=lambda item: item[0])]
        return PackState(self.name, self.version, hashlib.sha256(canonical_json(whole).encode()).hexdigest())


def body_of(row: BaseModel) -> dict[str, Any]:
    """The body of any row: JSON by alias, defaults left out."""
    return row.model_dump(mode="json", by_alias=True, exclude_defaults=True)


def rule_put(scope: str, row: RuleRow, *, seen_version: int = 0, state: State = State.ON) -> Put:
    """How a rule is written to a store."""
    return Put(Ref(Kind.RULE, scope, row.id), body_of(row), seen_version, state)


def rule_row(rule: Stored) -> RuleRow:
    """The row of a rule that is kept.  Raises pydantic's ValidationError where a later release wrote it."""
    return RuleRow.model_validate_json(rule.text)


def exact_rules(portal: str, body: Body, *, fold_case: bool) -> tuple[ExactRule, ...] | None:
    """The plain addresses of a portal's rule, for an index of millions; None where it asks for more than one knows.

    Plain: `exact`, and at most one destination with fixed arguments or one address, perhaps with a second destination
    that needs nothing.  Raises BadTarget for an address that has no key.
    """
    addresses = body.get("exact")
    if not addresses or not _PLAIN_KEYS.issuperset(body) or any("{" in text for text in addresses):
        return None
    leads = _plain_goals(body.get("to", ()))
    if leads is None:
        return None
    destination, arguments, url, otherwise = leads
    rule_id = f"{portal}/{body['id']}"
    action = _ACTIONS[body["action"]]
    begin, end = _at(body.get("valid_from")), _at(body.get("valid_until"))
    return tuple(
        [
            ExactRule(
                portal, *_address(text, fold_case), action, rule_id, destination, arguments, url, begin, end, otherwise
            )
            for text in addresses
        ]
    )


def _address(text: str, fold_case: bool) -> tuple[str, tuple[tuple[str, str], ...]]:  # noqa: FBT001 - a portal's word
    if is_its_own_key(text):
        return text, ()
    key = canonical_key("", text, fold_case=fold_case)
    return address(key.path, key.pairs)


def is_its_own_key(address: str) -> bool:
    """Whether an address is its own key on every portal: nothing to decode, to fold, to resolve or to leave out."""
    return _KEYS_OF_THEIR_OWN.match(address) is not None


def _plain_goals(goals: Sequence[Any]) -> tuple[str, tuple[tuple[str, str], ...], str, str] | None:
    """Destination, arguments, url and second destination; None where captures or lookups are asked for."""
    if not goals:
        return "", (), "", ""
    first, *others = goals
    if len(others) > 1 or (others and not isinstance(others[0], str)):
        return None
    otherwise = others[0] if others else ""
    if isinstance(first, str):
        return (first, (), "", otherwise)
    if any("{" in value for value in first.values()):
        return None
    arguments = tuple([(name, text) for name, text in first.items() if name not in {"destination", "url"}])
    url = first.get("url", "")
    return None if url and otherwise else (first.get("destination", ""), arguments, url, otherwise)


@lru_cache(maxsize=1_024)
def _at(text: str | None) -> datetime | None:
    return None if text is None else instant(text)


def family_pack(document: Document) -> Pack:
    """A file of conf/families/.  Raises Problems."""
    row = read(document, FamilyRow)
    family: dict[Ref, Body] = {Ref(Kind.FAMILY, "", row.family): body_of(row.model_copy(update={"rule": []}))}
    return Pack(f"family/{row.family}", row.version, family | _rules(f"family:{row.family}", row.rule))


def portal_rules_pack(document: Document) -> Pack:
    """A file of conf/rules/.  Raises Problems."""
    row = read(document, PortalRulesRow)
    return Pack(f"rules/{row.portal}", 0, _rules(f"portal:{row.portal}", row.rule))


def portals_pack(document: Document) -> Pack:
    """conf/portals.toml: the portals, and what those of one kind have in common.  Raises Problems."""
    row = read(document, PortalsRow)
    objects: dict[Ref, Body] = {
        Ref(Kind.DEFAULTS, "", kind.value): body_of(common) for kind, common in row.defaults.items()
    }
    objects |= {Ref(Kind.PORTAL, "", portal.id): body_of(portal) for portal in row.portal}
    return Pack("portals", 0, objects)


def destinations_pack(document: Document) -> Pack:
    """conf/destinations.toml, which was checked before.  The allowed hosts stay with the operator.  Raises Problems."""
    named = document.data.get("destination", [])
    return Pack("destinations", 0, {Ref(Kind.DESTINATION, "", one["name"]): _plain(one) for one in named})


def lookup_pack(source: str, text: str, *, portal: str, name: str) -> Pack:
    """A file of conf/lookups/.  Raises Problems."""
    table = parse_lookup(source, text, portal=portal, name=name)
    body = {"entries": dict(table.entries)}
    return Pack(f"lookup/{portal}/{name}", 0, {Ref(Kind.LOOKUP, f"portal:{portal}", name): body})


def _rules(scope: str, rows: Iterable[RuleRow]) -> dict[Ref, Body]:
    return {put.ref: put.body for put in (rule_put(scope, row) for row in rows)}


def _plain(value: Any) -> Any:
    """What TOML read, as JSON: instants as texts that say their offset."""
    match value:
        case dict():
            return {key: _plain(inner) for key, inner in value.items()}
        case list():
            return [_plain(inner) for inner in value]
        case datetime() | date():
            return instant(value).isoformat()
    return value
