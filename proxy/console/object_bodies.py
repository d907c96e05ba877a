"""Portals, destinations, families and lookups as programs send them: checked by the forms that the files of conf/ have.

Whether the whole draft holds together is told by the analysis before anything is published.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from pydantic import BaseModel, ValidationError

from proxy.console.calls import Mistake
from redirect_rules.bodies import body_of
from redirect_rules.objects import Kind
from redirect_rules.packs import DestinationRow
from redirect_rules.parsing import FamilyRow
from redirect_rules.portals import PortalRow
from redirect_rules.rights import Deed
from redirect_rules.schedules import ScheduleRow

MOST_ENTRIES: Final = 200_000
"""Lines of one lookup."""
LONGEST_ENTRY: Final = 400


@dataclass(frozen=True, slots=True)
class Sort:
    """One sort of object."""

    path: str  # in addresses: "portals"
    one: str  # in words: "portal"
    kind: Kind
    row: type[BaseModel] | None  # None: a lookup, whose lines are checked here
    name: str  # the key that names it
    deed: Deed

    @property
    def scoped(self) -> bool:
        """Whether each belongs to a portal or family."""
        return self.kind is Kind.LOOKUP


SORTS: Final = (
    Sort("portals", "portal", Kind.PORTAL, PortalRow, "id", Deed.EDIT_PORTALS),
    Sort("destinations", "destination", Kind.DESTINATION, DestinationRow, "name", Deed.EDIT),
    Sort("families", "family", Kind.FAMILY, FamilyRow, "family", Deed.EDIT),
    Sort("lookups", "lookup", Kind.LOOKUP, None, "name", Deed.EDIT),
)


def checked_body(sort: Sort, id_: str, body: Mapping[str, Any]) -> dict[str, Any]:
    """The body that is kept of one.  Raises Mistake, with a line for each thing that is wrong."""
    if sort.row is None:
        return {"entries": _entries(body)}
    if body.get("rule"):
        raise Mistake(("body.rule", "rules are kept one by one: PUT /rules/{owner}/{id}"))
    try:
        row = sort.row.model_validate({**body, sort.name: body.get(sort.name, id_)})
    except ValidationError as error:
        found = [(".".join(map(str, ("body", *one["loc"]))), one["msg"]) for one in error.errors(include_url=False)]
        raise Mistake(*found) from None
    if getattr(row, sort.name) != id_:
        raise Mistake((f"body.{sort.name}", f"it is {id_!r} in the address: give the same, or leave it out"))
    if isinstance(row, PortalRow):
        schedules = [row.schedule, *(own.schedule for own in row.paths)]
        disorders = [one.disorder() for one in schedules if isinstance(one, ScheduleRow)]
        if wrong := [("body.schedule", disorder) for disorder in disorders if disorder]:
            raise Mistake(*wrong)
    return body_of(row)


def _entries(body: Mapping[str, Any]) -> dict[str, str]:
    entries = body.get("entries")
    if not isinstance(entries, dict) or set(body) != {"entries"}:
        raise Mistake(("body", 'a lookup says {"entries": {old: code}} and nothing else'))
    if len(entries) > MOST_ENTRIES:
        raise Mistake(("body.entries", f"at most {MOST_ENTRIES:,}"))
    for old, code in entries.items():
        fits = isinstance(code, str) and code.strip() == code != "" and old.strip() == old != ""
        if not fits or len(old) > LONGEST_ENTRY or len(code) > LONGEST_ENTRY or not (old + code).isprintable():
            raise Mistake((f"body.entries.{old[:60]}", "an id and a code, each a short text without blanks around it"))
    return dict(entries)
