"""What the rules need from a database: words, errors, and the promises every implementation keeps.

The promises (tests/redirect_rules/test_store.py holds each implementation to them):

- Every write carries a `Change`: who, why, when.  Nothing is written without an actor.
- A write is whole or it is nothing.  A batch of a million objects is one write.
- Of several writers who saw the same version one wins; the others get ObjectChanged with what is there now.
- Every revision of every object is kept, with its change, and can be restored; removal is a revision.
- Every write is one entry of the audit trail, chained by hashes; the trail can be read and added to, nothing else.
- A reading sees one state of the workspace from its first look to its last, whoever writes meanwhile.

An object's version is the number of the audit entry that wrote it: it only grows, and never comes twice.  Reading no
clock, a store takes instants from its callers.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple, Protocol, TypeAlias

from redirect_rules.audit import Broken, Chained, Entry, Found, Link, Search

Body: TypeAlias = Mapping[str, Any]
"""What an object says, as JSON knows it."""

Progress: TypeAlias = Callable[[int], None]
"""Told the number of objects written so far, every few thousand."""

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


@dataclass(frozen=True, slots=True)
class RuleFilter:
    """Which rules to show; what is None does not matter."""

    scope: str | None = None
    key: str | None = None  # canonical path of an exact rule
    key_prefix: str | None = None
    action: str | None = None
    destination: str | None = None
    owner: str | None = None
    tag: str | None = None
    state: State | None = None
    ends_before: datetime | None = None  # by its valid_until

    @property
    def narrows_facets(self) -> bool:
        """Whether it asks for anything that many rules have in common."""
        asked = (self.scope, self.action, self.destination, self.owner, self.tag, self.state)
        return any(one is not None for one in asked)


class Order(StrEnum):
    """How a list goes on."""

    NAME = "name"  # by scope and id
    CHANGED = "changed"  # what was changed last comes first
    ADDRESS = "address"  # by scope and address: always, where an address or its beginning is asked for
    END = "end"  # by the end of their validity: always, where an end is asked for


class Mark(NamedTuple):
    """Where a page ended: its last rule, as it stood there."""

    ref: Ref
    version: int

    @property
    def text(self) -> str:
        """For a link: "portal:langson|news|41"."""
        return f"{self.ref.scope}|{self.ref.id}|{self.version}"

    @classmethod
    def of(cls, stored: Stored) -> "Mark":
        """A page that ends with this rule."""
        return cls(stored.ref, stored.version)

    @classmethod
    def read(cls, text: str) -> "Mark | None":
        """What `text` wrote; None: it did not."""
        scope, _, rest = text.partition("|")
        id_, bar, version = rest.rpartition("|")
        if not (bar and scope and id_ and version.isascii() and version.isdecimal() and len(version) < 16):
            return None
        return cls(Ref(Kind.RULE, scope, id_), int(version))


class ObjectChanged(Exception):
    """Somebody was faster (RuleChanged in the manual).  `current` is what is there now; None: nothing."""

    def __init__(self, ref: Ref, current: Stored | None) -> None:
        now = "it is not there" if current is None else f"its version is {current.version}"
        super().__init__(f"{ref} was changed by somebody else: {now}")
        self.ref = ref
        self.current = current


class TwiceInBatch(ValueError):
    """One object would be written twice by one change."""


class BadObject(ValueError):
    """The store cannot hold this: a name it cannot keep, or a rule whose body has another id."""


class BatchTaken(ValueError):
    """A batch of this name was written before."""


class UnknownVersion(LookupError):
    """No such batch, or no such revision with a body."""


class UndoRefused(Exception):
    """Objects of the batch were changed since: undoing it would undo more than it did."""

    def __init__(self, batch: str, changed: tuple[Ref, ...]) -> None:
        shown = ", ".join(map(str, changed[:5])) + (f" and {len(changed) - 5} more" if len(changed) > 5 else "")
        super().__init__(f"batch {batch!r} cannot be undone, changed since: {shown}")
        self.changed = changed


class StoreBusy(Exception):
    """Another writer did not finish in time.  Nothing was written; try again."""


class StoreTooNew(Exception):
    """The database was made by a later release: this one would misread it."""


class Reading(Protocol):
    """One state of the workspace."""

    @property
    def revision(self) -> int:
        """The number of the last change of the draft; two equal numbers mean the same draft."""
        ...

    def get(self, ref: Ref) -> Stored | None:
        """The object as it stands, or None."""
        ...

    def many(self, refs: Iterable[Ref]) -> dict[Ref, Stored]:
        """Those of the objects that exist."""
        ...

    def at_paths(self, scope: str, paths: Iterable[str]) -> Iterator[Stored]:
        """The rules of a scope whose first exact address has one of these canonical paths, in small letters."""
        ...

    def objects(self, kind: Kind) -> Iterator[Stored]:
        """All objects of a kind, by scope and id.  Rules too, but see `rules`."""
        ...

    def rules(self, scope: str | None = None, *, off_too: bool = False) -> Iterator[Stored]:
        """All rules that are on, by scope and id, in constant memory."""
        ...

    def find(
        self, wanted: RuleFilter, *, after: Ref | Mark | None = None, limit: int = 100, order: Order = Order.NAME
    ) -> list[Stored]:
        """A page of the rules that fit, in their order, beginning after the last one of the page before.

        The order of a filter by address or by end is its own.  A Mark finds its place also when its rule has been
        changed or removed since; a Ref where it stands now.
        """
        ...

    def count(self, wanted: RuleFilter, *, most: int | None = None) -> int:
        """How many rules fit; with `most`, a number above it only says that they are more."""
        ...

    def history(self, ref: Ref) -> list[Revision]:
        """Every revision, the first one first."""
        ...

    def changed_since(self, revision: int, *, most: int) -> frozenset[Ref] | None:
        """Everything that was written or removed after a revision; None: it is more than `most`."""
        ...

    def scopes_of(self, batch: str) -> frozenset[Ref]:
        """Where a batch wrote: of rules and lookups the scopes alone (their id is ""), of other kinds the objects.

        Raises UnknownVersion.
        """
        ...

    def as_of(self, refs: Iterable[Ref], revision: int) -> dict[Ref, Stored]:
        """Those of the objects that existed at a revision, as they stood then."""
        ...


class RuleStore(Protocol):
    """Objects and their history."""

    def reading(self) -> AbstractContextManager[Reading]:
        """Look at one state of the workspace: `with store.reading() as workspace: …`."""
        ...

    def put(self, ref: Ref, body: Body, change: Change, *, seen_version: int, state: State = State.ON) -> Stored:
        """Write one object.  Raises ObjectChanged, BadObject, StoreBusy."""
        ...

    def remove(self, ref: Ref, change: Change, *, seen_version: int) -> None:
        """Remove one object.  Raises ObjectChanged, StoreBusy."""
        ...

    def restore(self, ref: Ref, version: int, change: Change, *, seen_version: int) -> Stored:
        """Write an earlier revision again.  Raises UnknownVersion, ObjectChanged, StoreBusy."""
        ...

    def apply(self, writes: Iterable[Write], change: Change, *, progress: Progress | None = None) -> int:
        """Write all or nothing; the version of everything written.

        Raises ObjectChanged, TwiceInBatch, BadObject, BatchTaken, StoreBusy.
        """
        ...

    def undo(self, batch: str, change: Change, *, progress: Progress | None = None) -> int:
        """Put back what a batch changed; the version of everything written.

        Raises UnknownVersion, UndoRefused, StoreBusy.
        """
        ...


class Trail(Protocol):
    """The audit trail."""

    def entries(self, *, after: int = 0, limit: int | None = None) -> Iterator[Entry]:
        """Entries in their order."""
        ...

    def chain(self, *, after: int = 0, limit: int | None = None) -> Iterator[Chained]:
        """The same with their places in the chain, so that it can be checked elsewhere."""
        ...

    def of_batch(self, batch: str) -> Entry | None:
        """The entry under whose name something was written; None: there is none."""
        ...

    def search(self, wanted: Search, *, before: int | None = None, limit: int = 100) -> Found:
        """The entries that fit, the newest first, beginning before a number.

        Looks through a bounded number of entries, so there may be fewer than `limit` and still more to come.
        """
        ...

    def head(self) -> Link:
        """Where the chain stands: keep it elsewhere, and hand it to `verify` as `known`."""
        ...

    def verify(
        self, *, known: Iterable[Link] = (), contents: bool = True, progress: Progress | None = None
    ) -> Broken | None:
        """The first entry that does not hold, or None.

        With `contents` every revision that is kept is compared with the digest of the change that wrote it.
        `progress` is told of entries now and then.
        """
        ...


@dataclass(frozen=True, slots=True)
class PackState:
    """A pack of shipped objects as it was seeded last."""

    name: str  # "family/igate2", "portals"
    version: int  # 0: it has none, its digest tells
    digest: str


class PackStore(Protocol):
    """What was seeded from the files that are shipped."""

    def states(self) -> dict[str, PackState]:
        """Every pack that was ever seeded, by name."""
        ...

    def shipped(self, pack: str) -> dict[Ref, str]:
        """What the pack held when it was seeded last, as canonical JSON."""
        ...

    def seed(self, pack: PackState, shipped: Mapping[Ref, str], writes: Iterable[Write], change: Change) -> int:
        """Write the objects and remember what was shipped, as one write.  Raises as `RuleStore.apply`."""
        ...
