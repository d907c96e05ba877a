"""Who may publish what: the policy, without a database."""

from dataclasses import replace
from datetime import timedelta

import pytest

from redirect_rules.publications import (
    DraftChanged,
    FourEyes,
    NotApproved,
    Published,
    Review,
    ReviewState,
    SnapshotState,
    WrongState,
    activated,
    approved,
    declined,
    due,
    failed,
    prepared,
    sealed,
)
from tests.redirect_rules.kept import NOON, by

ASKED = Review(1, revision=7, message="Tháng 11", requested_by="an", requested_at=NOON)
ALLOWED = replace(ASKED, state=ReviewState.APPROVED, decided_by="binh", decided_at=NOON)

# who says yes   four eyes   the draft now   what becomes of it
APPROVALS = [
    ("binh",     True,       7,              None),
    ("an",       True,       7,              FourEyes),
    (" AN ",     True,       7,              FourEyes),
    ("an",       False,      7,              None),
    ("binh",     True,       8,              DraftChanged),
]  # fmt: skip


@pytest.mark.parametrize(("actor", "four_eyes", "revision", "why"), APPROVALS)
def test_a_second_person_approves_what_was_asked(
    actor: str,
    four_eyes: bool,  # noqa: FBT001
    revision: int,
    why: type[Exception] | None,
) -> None:
    if why is None:
        assert approved(ASKED, by(actor), revision=revision, four_eyes=four_eyes).state is ReviewState.APPROVED
        return
    with pytest.raises(why):
        approved(ASKED, by(actor), revision=revision, four_eyes=four_eyes)


# the review                                             four eyes   draft now   what becomes of it
PREPARATIONS = [
    (ALLOWED,                                            True,       7,          None),
    (ALLOWED,                                            True,       8,          DraftChanged),
    (ASKED,                                              True,       7,          NotApproved),
    (ASKED,                                              False,      7,          None),
    (None,                                               True,       7,          NotApproved),
    (None,                                               False,      7,          None),
    (replace(ALLOWED, state=ReviewState.DECLINED),       True,       7,          WrongState),
    (replace(ALLOWED, state=ReviewState.PUBLISHED),      False,      7,          WrongState),
]  # fmt: skip


@pytest.mark.parametrize(("review", "four_eyes", "revision", "why"), PREPARATIONS)
def test_a_snapshot_is_made_of_what_was_approved(
    review: Review | None,
    four_eyes: bool,  # noqa: FBT001
    revision: int,
    why: type[Exception] | None,
) -> None:
    if why is not None:
        with pytest.raises(why):
            prepared(review, by("chi"), number=3, revision=revision, four_eyes=four_eyes)
        return
    snapshot = prepared(review, by("chi"), number=3, revision=revision, four_eyes=four_eyes)
    assert (snapshot.number, snapshot.revision, snapshot.state) == (3, 7, SnapshotState.PREPARED)
    assert snapshot.approved_by == (review.decided_by if review else "")


@pytest.mark.parametrize(("wished", "minutes"), [(None, 10), (5, 10), (30, 30)])
def test_it_is_activated_when_wished_and_never_in_the_past(wished: int | None, minutes: int) -> None:
    at = None if wished is None else NOON + timedelta(minutes=wished)
    review = replace(ALLOWED, activates_at=at)
    snapshot = prepared(review, by("chi", minutes=10), number=1, revision=7, four_eyes=True)
    assert snapshot.activates_at == NOON + timedelta(minutes=minutes)


def snapshot(number: int, state: SnapshotState, *, minutes: int = 0) -> Published:
    at = NOON + timedelta(minutes=minutes)
    return Published(number, 7, "hash", "", "an", "binh", NOON, at, state)


# each step, from each state: what comes of it
STEPS = {
    ("seal", "prepared"): "ready",
    ("fail", "prepared"): "failed",
    ("activate", "ready"): "active",
    ("activate", "active"): "active",
    ("activate", "replaced"): "active",
}


@pytest.mark.parametrize("step", ["seal", "fail", "activate"])
@pytest.mark.parametrize("state", list(SnapshotState))
def test_every_step_from_every_state(step: str, state: SnapshotState) -> None:
    before = snapshot(1, state)
    take = {"seal": lambda: sealed(before, "h"), "fail": lambda: failed(before), "activate": lambda: activated(before)}
    if after := STEPS.get((step, state)):
        assert take[step]().state == after
        return
    with pytest.raises(WrongState):
        take[step]()


def test_a_file_without_a_hash_is_no_file() -> None:
    with pytest.raises(WrongState):
        sealed(snapshot(1, SnapshotState.PREPARED), "")


@pytest.mark.parametrize("state", list(ReviewState))
def test_a_decided_review_is_decided(state: ReviewState) -> None:
    review = replace(ASKED, state=state)
    if state is not ReviewState.OPEN:
        with pytest.raises(WrongState):
            approved(review, by("binh"), revision=7, four_eyes=True)
    if state in {ReviewState.OPEN, ReviewState.APPROVED}:
        assert declined(review, by("an")).state is ReviewState.DECLINED
        return
    with pytest.raises(WrongState):
        declined(review, by("an"))


# snapshots: number, state, minutes after noon                             due ten minutes after noon
DUE = [
    ([],                                                                   None),
    ([(1, "ready", 20)],                                                   None),
    ([(1, "ready", 10)],                                                   1),
    ([(1, "active", 0), (2, "ready", 5), (3, "ready", 10), (4, "ready", 20)], 3),
    ([(1, "active", 0), (2, "prepared", 5), (3, "failed", 5)],             None),
    ([(1, "replaced", 0), (2, "ready", 5), (3, "active", 0)],              None),  # overtaken
    ([(1, "active", 0), (2, "replaced", 0), (3, "ready", 5)],              3),     # after a rollback
]  # fmt: skip


@pytest.mark.parametrize(("known", "number"), DUE)
def test_what_waits_for_its_instant(known: list[tuple[int, str, int]], number: int | None) -> None:
    found = due([snapshot(n, SnapshotState(state), minutes=at) for n, state, at in known], NOON + timedelta(minutes=10))
    assert (found and found.number) == number
