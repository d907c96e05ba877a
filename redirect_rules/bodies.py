"""Rows as people write them ↔ bodies as a store keeps them, and the shipped files as packs of objects.

A body is the JSON of its row: keys as in the file, what has its default left out.  So a rule in a file, in the store
and in an export is one and the same, and comparing two is comparing texts.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, TypeAlias

from pydantic import BaseModel

from redirect_rules.audit import canonical_json
from redirect_rules.parsing import FamilyRow, PortalRulesRow, RuleRow, parse_lookup, read
from redirect_rules.portals import PortalsRow
from redirect_rules.schedules import instant
from redirect_rules.sources import Document
from redirect_rules.store import Body, Kind, PackState, Put, Ref, State, Stored

Objects: TypeAlias = Mapping[Ref, Body]


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
