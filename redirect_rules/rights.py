"""Who may do what, and where: roles by province, in one table.

A province is meant as it is today: whoever has Bắc Ninh has what was Bắc Giang.  What belongs to no province (families,
destinations, the portals of ministries, the national portal) is the centre's.  Nobody gets a right by being asked for
it twice: what no grant gives is refused.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, TypeAlias

from redirect_rules.localities import Localities
from redirect_rules.model import Portal
from redirect_rules.units import Era

Province: TypeAlias = str
"""The code of a province of today: "24"."""

CENTRE: Final[Province] = ""
"""What lies in no province."""

EVERYWHERE: Final = "*"
"""In a grant: every province, and the centre."""


class Deed(StrEnum):
    """What one can want to do."""

    SEE = "see"  # rules, hits, explanations, what is published
    SEE_TRAIL = "see-trail"  # who changed what, and why
    EDIT = "edit"  # rules, lookups and texts; imports; asking for a publication
    EDIT_PORTALS = "edit-portals"  # hosts, schedules, upstreams
    APPROVE = "approve"  # a publication that somebody else asked for
    PUBLISH = "publish"
    ROLL_BACK = "roll-back"
    SWITCH = "switch"  # a portal's emergency switch
    SIGN_OFF = "sign-off"  # lines of the readiness table
    EDIT_CLIENTS = "edit-clients"  # systems that people sign in to
    EDIT_PEOPLE = "edit-people"  # officers, their roles, API tokens of others

    __hash__ = str.__hash__


class Role(StrEnum):
    """What somebody is."""

    VIEWER = "viewer"
    EDITOR = "editor"
    APPROVER = "approver"
    OPERATOR = "operator"
    AUDITOR = "auditor"
    ADMINISTRATOR = "administrator"

    __hash__ = str.__hash__


DEEDS: Final[Mapping[Role, frozenset[Deed]]] = {
    Role.VIEWER: frozenset({Deed.SEE}),
    Role.EDITOR: frozenset({Deed.SEE, Deed.EDIT}),
    Role.APPROVER: frozenset({Deed.SEE, Deed.SEE_TRAIL, Deed.EDIT, Deed.APPROVE, Deed.PUBLISH, Deed.SIGN_OFF}),
    Role.OPERATOR: frozenset({Deed.SEE, Deed.SEE_TRAIL, Deed.SWITCH, Deed.ROLL_BACK, Deed.EDIT_PORTALS}),
    Role.AUDITOR: frozenset({Deed.SEE, Deed.SEE_TRAIL}),
    Role.ADMINISTRATOR: frozenset(Deed),
}
"""What each role may do where it is held."""


@dataclass(frozen=True, slots=True)
class Grant:
    """A role in a province, or everywhere."""

    role: Role
    province: Province | str = EVERYWHERE

    def covers(self, deed: Deed, province: Province) -> bool:
        """Whether it allows this there."""
        return deed in DEEDS[self.role] and self.province in {EVERYWHERE, province}


@dataclass(frozen=True, slots=True)
class Person:
    """An officer, or a program that acts for one."""

    actor: str  # the name in the trail
    grants: frozenset[Grant]

    def may(self, deed: Deed, province: Province) -> bool:
        """Whether they may do this to what lies there."""
        return any(grant.covers(deed, province) for grant in self.grants)

    def may_all(self, deed: Deed, provinces: Iterable[Province]) -> bool:
        """Whether they may do this to what lies in all of these; nothing at all is the centre's affair."""
        return all(self.may(deed, province) for province in set(provinces) or {CENTRE})

    def may_somewhere(self, deed: Deed) -> bool:
        """Whether there is any place where they may."""
        return any(deed in DEEDS[grant.role] for grant in self.grants)

    def provinces_for(self, deed: Deed) -> frozenset[Province | str]:
        """Where they may; EVERYWHERE stands alone."""
        where = frozenset(grant.province for grant in self.grants if deed in DEEDS[grant.role])
        return frozenset({EVERYWHERE}) if EVERYWHERE in where else where


class NotAllowed(Exception):
    """Somebody wanted what no role of theirs gives them.  Says which role would."""

    def __init__(self, person: Person, deed: Deed, province: Province) -> None:
        roles = " or ".join(role.value for role, deeds in DEEDS.items() if deed in deeds)
        where = f"province {province}" if province else "the whole country"
        super().__init__(f"{person.actor} may not {deed.value} here: that takes the role {roles} for {where}")
        self.deed = deed
        self.province = province


def check(person: Person, deed: Deed, provinces: Iterable[Province]) -> None:
    """Raise NotAllowed unless the person may do this in all of these provinces."""
    for province in sorted(set(provinces) or {CENTRE}):
        if not person.may(deed, province):
            raise NotAllowed(person, deed, province)


def province_of(portal: Portal, localities: Localities) -> Province:
    """The province of today that a portal lies in; CENTRE: none."""
    if portal.province is None:
        return CENTRE
    if portal.province.era is Era.NEW:
        return portal.province.code
    return localities.province_of_old(portal.province.code).code


def person_of(actor: str, body: Mapping[str, Any]) -> Person:
    """Read a person as the store keeps them: {"grants": [{"role": "editor", "province": "24"}]}.  Raises ValueError."""
    return Person(actor, frozenset(Grant(Role(one["role"]), one.get("province", EVERYWHERE)) for one in body["grants"]))
