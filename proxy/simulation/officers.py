"""Test persons as officers of the demonstration's console: whoever tries it signs in there by the simulated VNeID.

In production an administrator invites each; here the invitation is used at once, for the name that the demonstration's
own broker will tell of the test person.
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from proxy.simulation.people import PEOPLE, subject_of
from redirect_rules.invitations import digest_of_code, new_code
from redirect_rules.objects import NEW, Change, Kind, Ref
from redirect_rules.people import Invitation, PeopleStore
from redirect_rules.rights import Role
from redirect_rules.store import RuleStore
from sso.claims import pairwise_sub
from sso.keys import Salt

UPSTREAM: Final = "vneid"
SECTOR: Final = "console"
_REASON: Final = "an officer of the demonstration"


@dataclass(frozen=True, slots=True)
class Officer:
    """A test person at work."""

    person: str  # id in PEOPLE
    actor: str
    grants: tuple[Mapping[str, str], ...]


OFFICERS: Final = (
    Officer("an", "an.nguyen", ({"role": Role.ADMINISTRATOR.value},)),
    Officer("giang", "giang.pham", ({"role": Role.APPROVER.value},)),
    Officer("dung", "dung.le", ({"role": Role.EDITOR.value, "province": "56"},)),  # Khánh Hòa
    Officer("binh", "binh.tran", ({"role": Role.VIEWER.value},)),  # whose account is at level 1: refused
)
"""Who may do what; the person who is not among them is a stranger to the console."""


def enlist(store: RuleStore, people: PeopleStore, *, issuer: str, salts: Mapping[int, Salt], now: datetime) -> int:
    """Make them officers, each with a link to their account; how many links were made."""
    made = 0
    for officer in OFFICERS:
        ref = Ref(Kind.PERSON, "", officer.actor)
        body = {"name": PEOPLE[officer.person].name, "grants": [dict(grant) for grant in officer.grants]}
        with store.reading() as workspace:
            is_new = workspace.get(ref) is None
        if is_new:
            store.put(ref, body, Change(officer.actor, _REASON, now), seen_version=NEW)
        subject = pairwise_sub(UPSTREAM, subject_of(UPSTREAM, officer.person), SECTOR, salts[1])
        if people.linked(issuer, subject) == officer.actor:
            continue
        digest = digest_of_code(new_code(secrets.choice)) or ""
        people.invite(Invitation(digest, officer.actor, officer.actor, now, now + timedelta(minutes=1)), _REASON)
        people.link(digest, issuer=issuer, subject=subject, now=now)
        made += 1
    return made
