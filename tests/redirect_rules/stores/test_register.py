"""Reviews and snapshots in a database; the policy itself is tested in test_publications.py."""

from datetime import timedelta

import pytest

from redirect_rules.objects import NEW
from redirect_rules.publications import DraftChanged, FourEyes, NotApproved, ReviewState, SnapshotState, WrongState
from redirect_rules.stores.sql import SqlStore
from tests.redirect_rules.conftest import Opener
from tests.redirect_rules.kept import NEWS, NOON, by, rule


def approved(store: SqlStore) -> int:
    """The number of an approved review."""
    review = store.publications.request("Tháng 11", by("an"), activates_at=NOON + timedelta(hours=1))
    return store.publications.approve(review.number, by("binh", minutes=1)).number


def published(store: SqlStore) -> int:
    """The number of a snapshot in force."""
    review = approved(store)
    with store.reading() as workspace:
        revision = workspace.revision
    number = store.publications.prepare(by("an"), revision=revision, review=review).number
    store.publications.seal(number, f"hash {number}", by("an"))
    return store.publications.activate(number, by("an")).number


def test_a_draft_is_asked_for_approved_and_published(store: SqlStore) -> None:
    store.put(NEWS, rule("news"), by("an"), seen_version=NEW)
    number = published(store)
    (snapshot,) = store.publications.snapshots()
    assert store.publications.active() == snapshot
    assert (snapshot.number, snapshot.revision, snapshot.hash, snapshot.message) == (number, 1, "hash 1", "Tháng 11")
    assert (snapshot.actor, snapshot.approved_by, snapshot.state) == ("an", "binh", SnapshotState.ACTIVE)
    assert snapshot.activates_at == NOON + timedelta(hours=1)
    (review,) = store.publications.reviews()
    assert (review.state, review.decided_by, review.decided_at) == (
        ReviewState.PUBLISHED,
        "binh",
        NOON + timedelta(minutes=1),
    )
    actions = [entry.action for entry in store.trail.entries()]
    assert actions == ["put", "request", "approve", "prepare", "seal", "activate"]
    assert store.trail.verify() is None


def test_a_draft_that_changed_is_not_the_one_that_was_asked_for(store: SqlStore) -> None:
    review = store.publications.request("m", by("an"))
    store.put(NEWS, rule("news"), by("chi"), seen_version=NEW)
    with pytest.raises(DraftChanged):
        store.publications.approve(review.number, by("binh"))


def test_nor_the_one_that_was_approved(store: SqlStore) -> None:
    review = approved(store)
    version = store.put(NEWS, rule("news"), by("chi"), seen_version=NEW).version
    with pytest.raises(DraftChanged):
        store.publications.prepare(by("an"), revision=version, review=review)


def test_whoever_asks_cannot_approve(store: SqlStore) -> None:
    review = store.publications.request("m", by("an"))
    head = store.trail.head()
    with pytest.raises(FourEyes):
        store.publications.approve(review.number, by("an"))
    assert store.publications.reviews()[0].state is ReviewState.OPEN
    assert store.trail.head() == head
    with pytest.raises(NotApproved):
        store.publications.prepare(by("an"), revision=0, review=review.number)


def test_two_eyes_are_enough_where_the_operator_says_so(opened: Opener) -> None:
    store = opened(four_eyes=False)
    assert store.publications.prepare(by("an"), revision=0, message="alone").approved_by == ""


def test_a_rollback_is_an_earlier_number_in_force(store: SqlStore) -> None:
    one, two = published(store), published(store)
    assert store.publications.activate(one, by("an")).state is SnapshotState.ACTIVE
    states = {snapshot.number: snapshot.state for snapshot in store.publications.snapshots()}
    assert states == {one: SnapshotState.ACTIVE, two: SnapshotState.REPLACED}


def test_a_file_that_cannot_be_made_leaves_the_review_open_for_another(store: SqlStore) -> None:
    review = approved(store)
    first = store.publications.prepare(by("an"), revision=0, review=review)
    store.publications.fail(first.number, by("an"))
    second = store.publications.prepare(by("an"), revision=0, review=review)
    third = store.publications.prepare(by("an"), revision=0, review=review)
    assert second.number == first.number + 1
    store.publications.seal(second.number, "hash", by("an"))
    with pytest.raises(WrongState):
        store.publications.seal(third.number, "hash", by("an"))


def test_a_declined_review_leads_nowhere(store: SqlStore) -> None:
    review = store.publications.request("m", by("an")).number
    assert store.publications.decline(review, by("binh")).state is ReviewState.DECLINED
    with pytest.raises(WrongState):
        store.publications.approve(review, by("chi"))


def test_what_is_not_there_is_not_found(store: SqlStore) -> None:
    with pytest.raises(LookupError):
        store.publications.approve(5, by("an"))
    with pytest.raises(LookupError):
        store.publications.activate(5, by("an"))
    assert store.publications.active() is None
