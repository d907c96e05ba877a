"""What the rules need from a database: errors, and the promises that every implementation keeps.

The promises (tests/redirect_rules/test_store.py holds each implementation to them):

- Every write carries a `Change`: who, why, when.  Nothing is written without an actor.
- A write is whole or it is nothing.  A batch of a million objects is one write.
- Of several writers who saw the same version one wins; the others get ObjectChanged with what is there now.
- Every revision of every object is kept, with its change, and can be restored; removal is a revision.
- Every write is one entry of the audit trail, chained by hashes; the trail can be read and added to, nothing else.
- A reading sees one state of the workspace from its first look to its last, whoever writes meanwhile.

Reading no clock, a store takes instants from its callers.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from redirect_rules.audit import Broken, Chained, Entry, Found, Link, Search
from redirect_rules.objects import Body, Change, Kind, Ref, Revision, State, Stored, Write
from redirect_rules.rule_lists import Mark, Order, RuleFilter

Progress: TypeAlias = Callable[[int], None]
"""Told the number of objects written so far, every few thousand."""


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
