"""A draft becomes a number that serves; whatever fails on the way, what serves goes on serving."""

from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from redirect_rules import activation
from redirect_rules.model import Switch
from redirect_rules.objects import Kind, Ref
from redirect_rules.opening import opened as open_number
from redirect_rules.packs import Packs
from redirect_rules.publications import FourEyes, NotApproved, SnapshotState, WrongState
from redirect_rules.publishing import (
    DraftMoved,
    NothingToPublish,
    NumberGone,
    compile_draft,
    overrule,
    publish,
    rollback,
    settle,
)
from redirect_rules.snapshot_file import current, numbers, path_of
from redirect_rules.snapshot_seal import SnapshotRefused
from redirect_rules.snapshot_writer import SnapshotNotWritten
from redirect_rules.sources import Problems
from redirect_rules.stores.sql import SqlStore
from redirect_rules.verification import analysed
from tests.redirect_rules.conftest import Opener
from tests.redirect_rules.kept import NOON, by
from tests.redirect_rules.shelved import add, seeded, serving, winner


@pytest.fixture
def alone(opened: Opener, packs: Packs) -> SqlStore:
    """A store where one person is enough."""
    return seeded(opened(four_eyes=False), packs)


def test_what_was_drafted_serves_once_it_is_published(alone: SqlStore, packs: Packs, tmp_path: Path) -> None:
    add(alone, "one", "/cu/1")
    done = publish(alone, packs.sources, tmp_path, by("an", "the first"))
    assert (done.number, done.state, done.message) == (1, SnapshotState.ACTIVE, "the first")
    assert current(tmp_path) == (1, done.hash)
    with serving(tmp_path) as ours:
        assert (ours.snapshot.number, ours.content, ours.message) == (1, done.hash, "the first")
        assert winner(ours, "/cu/1") == "langson/one"


def test_every_number_can_be_gone_back_to(alone: SqlStore, packs: Packs, tmp_path: Path) -> None:
    for name in ("one", "two", "three"):
        add(alone, name, f"/cu/{name}")
        publish(alone, packs.sources, tmp_path, by("an", name))
    back = rollback(alone, tmp_path, 1, by("binh", "back"))
    assert (back.number, back.state) == (1, SnapshotState.ACTIVE)
    with serving(tmp_path) as ours:
        assert winner(ours, "/cu/one") == "langson/one"
        assert winner(ours, "/cu/two") != "langson/two"
    assert [(one.number, one.state) for one in alone.publications.snapshots()] == [
        (3, SnapshotState.REPLACED),
        (2, SnapshotState.REPLACED),
        (1, SnapshotState.ACTIVE),
    ]
    again = publish(alone, packs.sources, tmp_path, by("an", "again"))
    assert again.number == 4, "the draft is still there, and takes a number of its own"


def test_a_number_that_is_not_there_is_not_gone_back_to(alone: SqlStore, packs: Packs, tmp_path: Path) -> None:
    publish(alone, packs.sources, tmp_path, by("an"))
    with pytest.raises(NumberGone, match="the file of number 7 is not here: one of 1"):
        rollback(alone, tmp_path, 7, by("an"))


def test_a_damaged_number_is_not_gone_back_to(alone: SqlStore, packs: Packs, tmp_path: Path) -> None:
    publish(alone, packs.sources, tmp_path, by("an"))
    add(alone, "two", "/cu/2")
    publish(alone, packs.sources, tmp_path, by("an"))
    octets = bytearray(path_of(tmp_path, 1).read_bytes())
    octets[len(octets) // 2] ^= 1
    path_of(tmp_path, 1).write_bytes(octets)
    add(alone, "three", "/cu/3")
    publish(alone, packs.sources, tmp_path, by("an"), at=NOON + timedelta(hours=1))
    waiting = activation.pending(tmp_path)
    with pytest.raises(SnapshotRefused, match="damaged"):
        rollback(alone, tmp_path, 1, by("an"))
    assert activation.pending(tmp_path) == waiting != (), "what was refused has changed nothing"
    assert current(tmp_path) is not None
    with serving(tmp_path) as ours:
        assert ours.snapshot.number == 2


def test_the_same_draft_twice_is_nothing_to_publish(alone: SqlStore, packs: Packs, tmp_path: Path) -> None:
    publish(alone, packs.sources, tmp_path, by("an"))
    with pytest.raises(NothingToPublish):
        publish(alone, packs.sources, tmp_path, by("an"))
    assert numbers(tmp_path) == [1]


def test_what_waits_for_its_instant_serves_from_then_on(alone: SqlStore, packs: Packs, tmp_path: Path) -> None:
    publish(alone, packs.sources, tmp_path, by("an", "one"))
    add(alone, "two", "/cu/2")
    midnight = NOON + timedelta(hours=12)
    waiting = publish(alone, packs.sources, tmp_path, by("an", "two"), at=midnight)
    assert waiting.state is SnapshotState.READY
    assert activation.in_force(tmp_path, midnight - timedelta(seconds=1)).number == 1
    assert activation.in_force(tmp_path, midnight).number == 2, "no database and no command needed"
    assert settle(alone, tmp_path, by("an", minutes=719)) is None
    done = settle(alone, tmp_path, by("an", minutes=720))
    assert done is not None
    assert (done.number, done.state) == (2, SnapshotState.ACTIVE)
    assert activation.pending(tmp_path) == ()


def test_what_is_published_meanwhile_overtakes_what_waits(alone: SqlStore, packs: Packs, tmp_path: Path) -> None:
    publish(alone, packs.sources, tmp_path, by("an"), at=NOON + timedelta(hours=1))
    add(alone, "two", "/cu/2")
    publish(alone, packs.sources, tmp_path, by("an"))
    assert activation.in_force(tmp_path, NOON + timedelta(hours=2)).number == 2
    assert settle(alone, tmp_path, by("an", minutes=120)) is None


def test_going_back_ends_all_waiting(alone: SqlStore, packs: Packs, tmp_path: Path) -> None:
    publish(alone, packs.sources, tmp_path, by("an"))
    add(alone, "two", "/cu/2")
    publish(alone, packs.sources, tmp_path, by("an"), at=NOON + timedelta(hours=1))
    rollback(alone, tmp_path, 1, by("an"))
    assert activation.in_force(tmp_path, NOON + timedelta(hours=2)).number == 1


def test_a_draft_with_mistakes_is_not_published(alone: SqlStore, packs: Packs, tmp_path: Path) -> None:
    publish(alone, packs.sources, tmp_path, by("an"))
    before = current(tmp_path)
    add(alone, "bad", "/cu/{x:word}")
    with pytest.raises(Problems):
        publish(alone, packs.sources, tmp_path, by("an"))
    assert current(tmp_path) == before
    assert numbers(tmp_path) == [1]
    assert alone.publications.snapshots()[0].state is SnapshotState.FAILED


def test_a_draft_that_analysis_finds_an_error_in_is_not_published(
    alone: SqlStore, packs: Packs, tmp_path: Path
) -> None:
    add(alone, "loop", "/cu/1", to={"url": "https://dichvucong.gov.vn/p/home/"})
    with pytest.raises(Problems, match="langson/loop"):
        publish(alone, packs.sources, tmp_path, by("an"))
    assert current(tmp_path) is None


def test_a_folder_that_takes_no_file_stops_a_publication(alone: SqlStore, packs: Packs, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SnapshotNotWritten):
        publish(alone, packs.sources, tmp_path / "file", by("an"))
    assert alone.publications.snapshots()[0].state is SnapshotState.FAILED


def test_a_draft_that_moved_on_is_not_taken_for_the_one_that_was_meant(
    alone: SqlStore, packs: Packs, tmp_path: Path
) -> None:
    with alone.reading() as workspace:
        revision = workspace.revision
    add(alone, "late", "/cu/1")
    with pytest.raises(DraftMoved):
        compile_draft(alone, packs.sources, tmp_path, 1, by("an"), revision=revision)


def test_old_files_are_removed_but_for_those_that_are_kept(alone: SqlStore, packs: Packs, tmp_path: Path) -> None:
    for name in "abcd":
        add(alone, name, f"/cu/{name}")
        publish(alone, packs.sources, tmp_path, by("an"), keep=2)
    assert numbers(tmp_path) == [4, 3]


# ── two persons ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_with_four_eyes_nothing_is_published_alone(store: SqlStore, packs: Packs, tmp_path: Path) -> None:
    seeded(store, packs)
    with pytest.raises(NotApproved):
        publish(store, packs.sources, tmp_path, by("an"))
    review = store.publications.request("please", by("an"))
    with pytest.raises(NotApproved, match="nobody has approved"):
        publish(store, packs.sources, tmp_path, by("an"), review=review.number)
    with pytest.raises(FourEyes):
        store.publications.approve(review.number, by("an"))
    store.publications.approve(review.number, by("binh"))
    done = publish(store, packs.sources, tmp_path, by("an"), review=review.number)
    assert (done.state, done.approved_by) == (SnapshotState.ACTIVE, "binh")
    with pytest.raises(WrongState):
        publish(store, packs.sources, tmp_path, by("an"), review=review.number)


# ── emergencies ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_switch_acts_through_files_and_is_remembered_in_the_store(alone: SqlStore, tmp_path: Path) -> None:
    ref = Ref(Kind.SWITCH, "", "langson")
    overrule(alone, tmp_path, "langson", Switch.HOME, by("an"))
    assert activation.switches(tmp_path) == {"langson": Switch.HOME}
    stored = alone.get(ref)
    assert stored is not None
    assert stored.body == {"position": "home"}
    overrule(alone, tmp_path, "langson", Switch.PASS, by("an"))
    overrule(alone, tmp_path, "langson", None, by("an"))
    assert activation.switches(tmp_path) == {}
    assert alone.get(ref) is None
    assert len(alone.history(ref)) == 3


def test_a_switch_acts_even_while_the_store_does_not(alone: SqlStore, tmp_path: Path) -> None:
    alone.close()
    broken = SqlStoreThatIsGone()
    with pytest.raises(ConnectionError):
        overrule(broken, tmp_path, "langson", Switch.HOME, by("an"))  # type: ignore[arg-type]
    assert activation.switches(tmp_path) == {"langson": Switch.HOME}


class SqlStoreThatIsGone:
    """What a database looks like when its machine is off."""

    def reading(self) -> object:
        raise ConnectionError


def test_the_packs_of_a_file_know_its_hash(alone: SqlStore, packs: Packs, tmp_path: Path) -> None:
    done = publish(alone, packs.sources, tmp_path, by("an"))
    with closing(open_number(path_of(tmp_path, 1), content=done.hash)) as ours:
        assert ours.content == done.hash
    with pytest.raises(SnapshotRefused):
        open_number(path_of(tmp_path, 1), content="0" * 64)


# ── from what serves ──────────────────────────────────────────────────────────────────────────────────────────────


def test_the_next_number_is_a_copy_unless_all_rules_are_asked_for(
    alone: SqlStore, packs: Packs, tmp_path: Path
) -> None:
    copies = []
    for number, whole in enumerate((False, False, True, False), start=1):
        add(alone, f"page-{number}", f"/cu/{number}")
        publish(alone, packs.sources, tmp_path, by("an"), whole=whole)
        copies.append(analysed(path_of(tmp_path, number)))
    assert copies == [0, 1, 0, 1]
    with serving(tmp_path) as ours:
        assert [winner(ours, f"/cu/{number}") for number in (1, 4)] == ["langson/page-1", "langson/page-4"]


def test_a_copy_of_a_draft_that_is_in_force_is_nothing_to_publish(
    alone: SqlStore, packs: Packs, tmp_path: Path
) -> None:
    publish(alone, packs.sources, tmp_path, by("an"))
    with pytest.raises(NothingToPublish):
        publish(alone, packs.sources, tmp_path, by("an"))


def test_after_going_back_the_draft_is_made_from_what_serves(alone: SqlStore, packs: Packs, tmp_path: Path) -> None:
    for name in ("one", "two"):
        add(alone, name, f"/cu/{name}")
        publish(alone, packs.sources, tmp_path, by("an"))
    rollback(alone, tmp_path, 1, by("an"))
    add(alone, "three", "/cu/three")
    publish(alone, packs.sources, tmp_path, by("an"))
    with serving(tmp_path) as ours:
        assert [winner(ours, f"/cu/{name}") for name in ("one", "two", "three")] == [
            "langson/one",
            "langson/two",
            "langson/three",
        ]
