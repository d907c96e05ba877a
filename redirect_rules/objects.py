"""What is kept: objects of every kind, what is written about them, and by whom.

An object's version is the number of the audit entry that wrote it: it only grows, and never comes twice.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple, TypeAlias

Body: TypeAlias = Mapping[str, Any]
"""What an object says, as JSON knows it."""

NEW = 0
"""The version to have seen of an object that must not exist yet."""


class Kind(StrEnum):
    """What is kept."""

    PORTAL = "portal"  # its schedule is part of it
    DEFAULTS = "defaults"  # what portals of one kind have in common
    FAMILY = "family"
    RULE = "rule"
    DESTINATION = "destination"
    LOOKUP = "lookup"
    SWITCH = "switch"  # {"position": "home" | "pass"}: acts at once, without publishing
    PERSON = "person"  # {"name": …, "grants": [{"role": "editor", "province": "24"}]}
    NOISE = "noise"  # {"key": …}: a page that needs no rule
    TEXTS = "texts"  # {"texts": {"vi": {"help.office": …}}}: what the pages of one portal say in their own words
    SETTLEMENT = "settlement"  # {"successors": […], "source": …}: what became of a commune, on whose word
    READINESS = "readiness"  # {"state": …, "note": …}: what somebody signed off for a province
    CLIENT = "client"  # a system that people sign in for: `enrolment.Enrolment.body`; written by the office alone
    SIGN_IN = "sign-in"  # {"did": …}: what somebody did by hand with keys, or with sign-outs that wait

    __hash__ = str.__hash__  # Enum's own is written in Python, and a million references are hashed in an import

    @property
    def in_draft(self) -> bool:
        """Whether a change of it makes another draft, which wants another approval."""
        return self not in _BESIDE_THE_DRAFT


_BESIDE_THE_DRAFT = frozenset({Kind.SWITCH, Kind.PERSON, Kind.NOISE, Kind.READINESS, Kind.CLIENT, Kind.SIGN_IN})


class State(StrEnum):
    """Whether an object takes part."""

    ON = "on"
    OFF = "off"  # kept, shown, and left out of every snapshot


class Ref(NamedTuple):
    """Which object: `Ref(Kind.RULE, "portal:langson", "news")`, `Ref(Kind.PORTAL, "", "langson")`."""

    kind: Kind
    scope: str  # of rules and lookups: "portal:ID" or "family:NAME"; "" for everything else
    id: str

    def __str__(self) -> str:
        return f"{self.kind} {self.scope}/{self.id}" if self.scope else f"{self.kind} {self.id}"


class UnnamedActor(ValueError):
    """A write without somebody who answers for it."""


@dataclass(frozen=True, slots=True)
class Change:
    """Who changes something, why and when.  Raises UnnamedActor, or ValueError for an instant without offset."""

    actor: str
    reason: str
    at: datetime
    batch: str | None = None  # a name, never used before, under which the change can be undone

    def __post_init__(self) -> None:
        if not self.actor.strip():
            raise UnnamedActor("every change needs an actor")
        if self.at.tzinfo is None:
            raise ValueError("the instant of a change must be aware")


class Put(NamedTuple):
    """Write an object, a new one or over the version that was seen."""

    ref: Ref
    body: Body
    seen_version: int = NEW
    state: State = State.ON


class PutText(NamedTuple):
    """As `Put`, of a rule that was spelt beforehand: a million of them need not be spelt while others wait to write."""

    ref: Ref
    text: str  # its body as canonical JSON
    columns: tuple[str | None, ...]  # what it is searched by, as `stores.columns` reads it from that body
    seen_version: int = NEW
    state: State = State.ON


class Remove(NamedTuple):
    """Remove the version that was seen."""

    ref: Ref
    seen_version: int


Write: TypeAlias = Put | PutText | Remove


class Stored(NamedTuple):
    """An object as it stands."""

    ref: Ref
    version: int
    state: State
    text: str  # its body as canonical JSON

    @property
    def body(self) -> dict[str, Any]:
        """What it says."""
        body: dict[str, Any] = json.loads(self.text)
        return body


@dataclass(frozen=True, slots=True)
class Revision:
    """An object as it stood from one change to the next."""

    ref: Ref
    version: int
    actor: str
    reason: str
    at: datetime
    batch: str | None
    state: State
    body: Body | None  # None: removed
