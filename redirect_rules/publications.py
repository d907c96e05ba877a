"""The register of what was asked for, approved and published, and who may do which.

A review is a request to publish the draft as it stands; any later change of the draft makes its approval worthless.  A
snapshot is prepared (it has a number), sealed (its file has a hash) and activated; activating an earlier one is a
rollback.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from redirect_rules.objects import Change


class ReviewState(StrEnum):
    """How far a request has come."""

    OPEN = "open"
    APPROVED = "approved"
    DECLINED = "declined"
    PUBLISHED = "published"


class SnapshotState(StrEnum):
    """How far a snapshot has come."""

    PREPARED = "prepared"
    READY = "ready"
    ACTIVE = "active"
    REPLACED = "replaced"  # was active once
    FAILED = "failed"


_BEEN_IN_FORCE = frozenset({SnapshotState.ACTIVE, SnapshotState.REPLACED})


@dataclass(frozen=True, slots=True)
class Review:
    """A request to publish."""

    number: int
    revision: int  # of the draft that it is about
    message: str
    requested_by: str
    requested_at: datetime
    activates_at: datetime | None = None  # None: at once
    state: ReviewState = ReviewState.OPEN
    decided_by: str = ""
    decided_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Published:
    """A snapshot in the register."""

    number: int
    revision: int  # of the draft that it was made from
    hash: str  # of its file; "" until it is sealed
    message: str
    actor: str
    approved_by: str  # "" where nobody had to
    at: datetime
    activates_at: datetime
    state: SnapshotState
    review: int | None = None


class FourEyes(Exception):
    """Whoever asks for a publication cannot approve it."""


class DraftChanged(Exception):
    """The draft is not the one that was looked at."""


class NotApproved(Exception):
    """A second person has to approve first."""


class WrongState(Exception):
    """The review or the snapshot is not at this point any more, or not yet; the text says where it is."""


def approved(review: Review, change: Change, *, revision: int, four_eyes: bool) -> Review:
    """The review after somebody's yes.  Raises WrongState, FourEyes, DraftChanged."""
    _must_be_open(review)
    if four_eyes and _same_person(change.actor, review.requested_by):
        raise FourEyes(f"{review.requested_by} asked for this publication: somebody else has to approve it")
    _must_be_about(review, revision)
    return replace(review, state=ReviewState.APPROVED, decided_by=change.actor, decided_at=change.at)


def declined(review: Review, change: Change) -> Review:
    """The review after somebody's no, or after its author withdrew it.  Raises WrongState."""
    if review.state not in {ReviewState.OPEN, ReviewState.APPROVED}:
        raise WrongState(f"review {review.number} is {review.state}")
    return replace(review, state=ReviewState.DECLINED, decided_by=change.actor, decided_at=change.at)


def prepared(
    review: Review | None,
    change: Change,
    *,
    number: int,
    revision: int,
    four_eyes: bool,
    message: str = "",
    activates_at: datetime | None = None,
) -> Published:
    """The snapshot that may now be made from the draft at `revision`.  Raises NotApproved, WrongState, DraftChanged.

    activates_at  not before then, nor before the instant that was approved; None: as soon as it is ready
    """
    if review is None and four_eyes:
        raise NotApproved("a publication has to be requested, and approved by a second person")
    if review is None:
        begins = max(activates_at or change.at, change.at)
        return Published(number, revision, "", message, change.actor, "", change.at, begins, SnapshotState.PREPARED)
    if review.state is ReviewState.OPEN and four_eyes:
        raise NotApproved(f"nobody has approved review {review.number} yet")
    if review.state not in {ReviewState.OPEN, ReviewState.APPROVED}:
        raise WrongState(f"review {review.number} is {review.state}")
    _must_be_about(review, revision)
    return Published(
        number=number,
        revision=revision,
        hash="",
        message=message or review.message,
        actor=change.actor,
        approved_by=review.decided_by,
        at=change.at,
        activates_at=max(activates_at or change.at, review.activates_at or change.at, change.at),
        state=SnapshotState.PREPARED,
        review=review.number,
    )


def sealed(snapshot: Published, digest: str) -> Published:
    """The snapshot once its file is written.  Raises WrongState."""
    if snapshot.state is not SnapshotState.PREPARED or not digest:
        raise WrongState(f"snapshot {snapshot.number} is {snapshot.state}")
    return replace(snapshot, state=SnapshotState.READY, hash=digest)


def failed(snapshot: Published) -> Published:
    """The snapshot whose file could not be made.  Raises WrongState."""
    if snapshot.state is not SnapshotState.PREPARED:
        raise WrongState(f"snapshot {snapshot.number} is {snapshot.state}")
    return replace(snapshot, state=SnapshotState.FAILED)


def activated(snapshot: Published) -> Published:
    """The snapshot in force.  Raises WrongState for one without a file."""
    if snapshot.state in {SnapshotState.PREPARED, SnapshotState.FAILED}:
        raise WrongState(f"snapshot {snapshot.number} is {snapshot.state}: it has no file")
    return replace(snapshot, state=SnapshotState.ACTIVE)


def due(snapshots: Iterable[Published], now: datetime) -> Published | None:
    """The newest snapshot that waits for an instant which has come.

    One that was overtaken, because a later number has been in force already, waits for ever.
    """
    known = tuple(snapshots)
    reached = max((one.number for one in known if one.state in _BEEN_IN_FORCE), default=0)
    ready = (one for one in known if one.state is SnapshotState.READY and one.number > reached)
    return max((one for one in ready if one.activates_at <= now), key=lambda one: one.number, default=None)


def _must_be_open(review: Review) -> None:
    if review.state is not ReviewState.OPEN:
        raise WrongState(f"review {review.number} is {review.state}")


def _must_be_about(review: Review, revision: int) -> None:
    if review.revision != revision:
        raise DraftChanged(f"review {review.number} is about draft {review.revision}; the draft is {revision} now")


def _same_person(one: str, other: str) -> bool:
    return one.strip().casefold() == other.strip().casefold()


class Publications(Protocol):
    """The register.  Every step is an entry of the audit trail."""

    def request(self, message: str, change: Change, *, activates_at: datetime | None = None) -> Review:
        """Ask that the draft as it stands be published."""
        ...

    def approve(self, review: int, change: Change) -> Review:
        """Say yes.  Raises LookupError and what `approved` raises."""
        ...

    def decline(self, review: int, change: Change) -> Review:
        """Say no, or withdraw.  Raises LookupError, WrongState."""
        ...

    def prepare(
        self,
        change: Change,
        *,
        revision: int,
        review: int | None = None,
        message: str = "",
        activates_at: datetime | None = None,
    ) -> Published:
        """Number a snapshot of the draft at `revision`.  Raises LookupError and what `prepared` raises."""
        ...

    def seal(self, number: int, digest: str, change: Change) -> Published:
        """Record the hash of its file.  Raises LookupError, WrongState."""
        ...

    def fail(self, number: int, change: Change) -> Published:
        """Record that no file could be made; the review may be tried again.  Raises LookupError, WrongState."""
        ...

    def activate(self, number: int, change: Change) -> Published:
        """Put a snapshot in force, an earlier one too.  Raises LookupError, WrongState."""
        ...

    def active(self) -> Published | None:
        """The snapshot in force."""
        ...

    def snapshots(self) -> tuple[Published, ...]:
        """All of them, the newest first."""
        ...

    def reviews(self) -> tuple[Review, ...]:
        """All of them, the newest first."""
        ...
