"""A system that people sign in for, on its way into force: one person asks for it as it shall be, another agrees.

Pure, and ignorant of what a record says: whoever lets it serve checks that.  Only a new name needs nobody else, and
taking a system out of service, which must be quick; back into service it needs two again.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final, Self, TypeAlias

from redirect_rules.objects import Change
from redirect_rules.publications import FourEyes, WrongState

Record: TypeAlias = Mapping[str, Any]
"""A client as its file describes it, as JSON knows it; dates are texts."""

HARMLESS: Final = frozenset({"name"})
"""What one person may change alone: it opens nothing, and tells nobody anything."""


@dataclass(frozen=True, slots=True)
class Enrolment:
    """How far a client has come."""

    serving: Record | None = None  # what was agreed to last
    wanted: Record | None = None  # what somebody has asked for since
    asked_by: str = ""
    asked_at: datetime | None = None
    suspended: bool = False  # nobody is signed in for it, whatever `serving` says
    did: str = ""  # the last step: "asked", "agreed", "declined", "renamed", "suspended"

    @property
    def body(self) -> dict[str, Any]:
        """As a store keeps it."""
        return {
            "serving": self.serving,
            "wanted": self.wanted,
            "asked_by": self.asked_by,
            "asked_at": self.asked_at.isoformat() if self.asked_at else None,
            "suspended": self.suspended,
            "did": self.did,
        }

    @classmethod
    def of(cls, body: Mapping[str, Any]) -> Self:
        """One that was kept."""
        asked_at = body.get("asked_at")
        return cls(
            serving=body.get("serving"),
            wanted=body.get("wanted"),
            asked_by=body.get("asked_by", ""),
            asked_at=datetime.fromisoformat(asked_at) if asked_at else None,
            suspended=bool(body.get("suspended")),
            did=body.get("did", ""),
        )


def differing(one: Record | None, other: Record | None) -> frozenset[str]:
    """The keys in which two records differ."""
    left, right = one or {}, other or {}
    return frozenset(key for key in {*left, *right} if left.get(key) != right.get(key))


def asked(enrolment: Enrolment, record: Record, change: Change) -> Enrolment:
    """Somebody wants it so; what somebody else had asked for before is replaced.  Raises WrongState."""
    serves = enrolment.serving is not None and not enrolment.suspended
    changed = differing(enrolment.serving, record)
    if serves and not changed:
        raise WrongState("this is what serves already: nothing was asked for")
    if serves and changed <= HARMLESS and enrolment.wanted is None:
        return replace(enrolment, serving=record, did="renamed")
    return replace(enrolment, wanted=record, asked_by=change.actor, asked_at=change.at, did="asked")


def agreed(enrolment: Enrolment, change: Change) -> Enrolment:
    """It serves as it was wanted.  Raises WrongState where nothing is, FourEyes to whoever asked."""
    if enrolment.wanted is None:
        raise WrongState("nothing waits for an answer here")
    if _same_person(enrolment.asked_by, change.actor):
        raise FourEyes(f"{enrolment.asked_by} asked for this: somebody else has to agree")
    return Enrolment(serving=enrolment.wanted, did="agreed")


def declined(enrolment: Enrolment) -> Enrolment:
    """It stays as it was.  Raises WrongState."""
    if enrolment.wanted is None:
        raise WrongState("nothing waits for an answer here")
    return replace(enrolment, wanted=None, asked_by="", asked_at=None, did="declined")


def suspended(enrolment: Enrolment, record: Record | None = None) -> Enrolment:
    """Nobody is signed in for it any more, and what was asked for before is asked for no more.  Raises WrongState.

    record  what serves by the operator's file, where the register does not know the client yet
    """
    serving = enrolment.serving if enrolment.serving is not None else record
    if serving is None or enrolment.suspended:
        raise WrongState("it does not serve")
    return Enrolment(serving=serving, suspended=True, did="suspended")


def _same_person(one: str, other: str) -> bool:
    return one.strip().casefold() == other.strip().casefold()
