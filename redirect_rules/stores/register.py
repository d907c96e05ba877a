"""The register of reviews and snapshots.  What may be done is decided in `publications`; here it is kept."""

from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Table, func, insert, select, update

from redirect_rules import publications
from redirect_rules.audit import utc_text
from redirect_rules.objects import Change
from redirect_rules.publications import Published, Review, ReviewState, SnapshotState, WrongState
from redirect_rules.stores.database import Database
from redirect_rules.stores.ledger import Ledger
from redirect_rules.stores.tables import REVIEWS, SNAPSHOTS


class SqlPublications:
    """Keeps the promises of `Publications`.  `four_eyes`: whether a second person has to approve."""

    def __init__(self, database: Database, *, four_eyes: bool) -> None:
        self._database = database
        self._four_eyes = four_eyes

    def request(self, message: str, change: Change, *, activates_at: datetime | None = None) -> Review:
        """Ask that the draft as it stands be published."""
        with self._database.writing() as connection:
            ledger = Ledger(connection, change)
            number = _next_number(connection, REVIEWS)
            review = Review(number, ledger.revision, message, change.actor, change.at, activates_at)
            connection.execute(insert(REVIEWS), _values(review))
            ledger.close("request", f"review {number}", revision=review.revision, message=message)
        return review

    def approve(self, review: int, change: Change) -> Review:
        """Say yes.  Raises LookupError, WrongState, FourEyes, DraftChanged."""
        with self._database.writing() as connection:
            ledger = Ledger(connection, change)
            decided = publications.approved(
                _review(connection, review), change, revision=ledger.revision, four_eyes=self._four_eyes
            )
            _keep(connection, REVIEWS, decided)
            ledger.close("approve", f"review {review}", revision=decided.revision)
        return decided

    def decline(self, review: int, change: Change) -> Review:
        """Say no, or withdraw.  Raises LookupError, WrongState."""
        with self._database.writing() as connection:
            ledger = Ledger(connection, change)
            decided = publications.declined(_review(connection, review), change)
            _keep(connection, REVIEWS, decided)
            ledger.close("decline", f"review {review}", revision=decided.revision)
        return decided

    def prepare(
        self,
        change: Change,
        *,
        revision: int,
        review: int | None = None,
        message: str = "",
        activates_at: datetime | None = None,
    ) -> Published:
        """Number a snapshot of the draft at `revision`.  Raises LookupError, NotApproved, WrongState, DraftChanged."""
        with self._database.writing() as connection:
            ledger = Ledger(connection, change)
            snapshot = publications.prepared(
                None if review is None else _review(connection, review),
                change,
                number=_next_number(connection, SNAPSHOTS),
                revision=revision,
                four_eyes=self._four_eyes,
                message=message,
                activates_at=activates_at,
            )
            connection.execute(insert(SNAPSHOTS), _values(snapshot))
            ledger.close("prepare", f"snapshot {snapshot.number}", revision=revision, review=review)
        return snapshot

    def seal(self, number: int, digest: str, change: Change) -> Published:
        """Record the hash of its file; its review is done.  Raises LookupError, WrongState."""
        return self._step("seal", number, change, lambda snapshot: publications.sealed(snapshot, digest))

    def fail(self, number: int, change: Change) -> Published:
        """Record that no file could be made.  Raises LookupError, WrongState."""
        return self._step("fail", number, change, publications.failed)

    def activate(self, number: int, change: Change) -> Published:
        """Put a snapshot in force, an earlier one too.  Raises LookupError, WrongState."""
        return self._step("activate", number, change, publications.activated)

    def active(self) -> Published | None:
        """The snapshot in force."""
        return next((one for one in self.snapshots() if one.state is SnapshotState.ACTIVE), None)

    def snapshots(self) -> tuple[Published, ...]:
        """All of them, the newest first."""
        with self._database.reading() as connection:
            return tuple(map(_published_of, connection.execute(select(SNAPSHOTS).order_by(SNAPSHOTS.c.number.desc()))))

    def reviews(self) -> tuple[Review, ...]:
        """All of them, the newest first."""
        with self._database.reading() as connection:
            return tuple(map(_review_of, connection.execute(select(REVIEWS).order_by(REVIEWS.c.number.desc()))))

    def _step(self, action: str, number: int, change: Change, step: Callable[[Published], Published]) -> Published:
        with self._database.writing() as connection:
            ledger = Ledger(connection, change)
            after = step(_snapshot(connection, number))
            if after.state is SnapshotState.READY and after.review is not None:
                _close_review(connection, after.review)
            if after.state is SnapshotState.ACTIVE:
                active = SNAPSHOTS.c.state == SnapshotState.ACTIVE.value
                connection.execute(update(SNAPSHOTS).where(active).values(state=SnapshotState.REPLACED.value))
            _keep(connection, SNAPSHOTS, after)
            ledger.close(action, f"snapshot {number}", hash=after.hash, revision=after.revision)
        return after


def _close_review(connection: Connection, number: int) -> None:
    if _review(connection, number).state not in {ReviewState.OPEN, ReviewState.APPROVED}:
        raise WrongState(f"review {number} has led to another snapshot, or was declined")
    done = update(REVIEWS).where(REVIEWS.c.number == number).values(state=ReviewState.PUBLISHED.value)
    connection.execute(done)


def _next_number(connection: Connection, table: Table) -> int:
    number: int = connection.execute(select(func.coalesce(func.max(table.c.number), 0) + 1)).scalar_one()
    return number


def _keep(connection: Connection, table: Table, one: Review | Published) -> None:
    connection.execute(update(table).where(table.c.number == one.number).values(_values(one)))


def _values(one: Review | Published) -> dict[str, Any]:
    return {key: utc_text(value) if isinstance(value, datetime) else value for key, value in asdict(one).items()}


def _review(connection: Connection, number: int) -> Review:
    row = connection.execute(select(REVIEWS).where(REVIEWS.c.number == number)).first()
    if row is None:
        raise LookupError(f"there is no review {number}")
    return _review_of(row)


def _snapshot(connection: Connection, number: int) -> Published:
    row = connection.execute(select(SNAPSHOTS).where(SNAPSHOTS.c.number == number)).first()
    if row is None:
        raise LookupError(f"there is no snapshot {number}")
    return _published_of(row)


def _review_of(row: Row[Any]) -> Review:
    values = dict(row._mapping) | {"state": ReviewState(row.state)}  # noqa: SLF001 - SQLAlchemy's public name for it
    return Review(**values | {name: _instant(values[name]) for name in ("requested_at", "activates_at", "decided_at")})


def _published_of(row: Row[Any]) -> Published:
    values = dict(row._mapping) | {"state": SnapshotState(row.state)}  # noqa: SLF001 - as above
    return Published(**values | {name: _instant(values[name]) for name in ("at", "activates_at")})


def _instant(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
