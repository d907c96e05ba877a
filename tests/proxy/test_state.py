"""What is served from a state folder, whatever else is dead."""

import shutil
from datetime import timedelta
from pathlib import Path

import pytest

from proxy.state import State, served
from redirect_rules.packs import Packs
from redirect_rules.publishing import publish
from redirect_rules.seeding import packs_of, seed
from redirect_rules.snapshot_file import CURRENT, path_of
from redirect_rules.snapshot_seal import SnapshotRefused
from redirect_rules.store import NEW, Change, Kind, Put, Ref
from tests.conftest import AUTUMN, settings_with


@pytest.fixture(scope="session")
def published(tmp_path_factory: pytest.TempPathFactory, packs: Packs) -> Path:
    """A state folder with two published numbers, made once, and copied for each test."""
    folder = tmp_path_factory.mktemp("published")
    state = State.of(settings_with({"DVC_EDGE__STATE__FOLDER": str(folder)}))
    with state.store() as store:
        seed(store, packs_of(packs.sources), at=AUTUMN)
        for name in ("one", "two"):
            body = {"id": name, "exact": [f"/{name}"], "action": "gone"}
            store.apply([Put(Ref(Kind.RULE, "portal:langson", name), body, NEW)], Change("an", "x", AUTUMN))
            publish(store, packs.sources, state.snapshots, Change("an", name, AUTUMN))
    return folder


@pytest.fixture
def state(tmp_path: Path, published: Path) -> State:
    """Two published numbers."""
    shutil.copytree(published, tmp_path, dirs_exist_ok=True, symlinks=True)
    return State.of(settings_with({"DVC_EDGE__STATE__FOLDER": str(tmp_path)}))


def number(state: State) -> int:
    packs = served(settings_with({"DVC_EDGE__STATE__FOLDER": str(state.folder)}), AUTUMN, full=True)
    packs.close()
    return packs.snapshot.number


def test_before_the_first_number_the_shipped_files_serve(tmp_path: Path) -> None:
    assert served(settings_with({"DVC_EDGE__STATE__FOLDER": str(tmp_path)}), AUTUMN).snapshot.number == 0


def test_the_current_number_serves_without_any_database(state: State) -> None:
    for path in state.folder.glob("rules.db*"):
        path.unlink()
    assert number(state) == 2


def test_a_damaged_number_gives_way_to_the_one_before_it(state: State, caplog: pytest.LogCaptureFixture) -> None:
    octets = bytearray(path_of(state.snapshots, 2).read_bytes())
    octets[len(octets) // 2] ^= 1
    path_of(state.snapshots, 2).write_bytes(octets)
    assert number(state) == 1
    assert "damaged" in caplog.text


def test_an_unreadable_pointer_gives_way_to_the_newest_good_number(state: State) -> None:
    (state.snapshots / CURRENT).write_text("?")
    assert number(state) == 2


def test_when_no_number_is_good_nothing_is_guessed(state: State) -> None:
    for each in (1, 2):
        path_of(state.snapshots, each).write_bytes(b"")
    with pytest.raises(SnapshotRefused):
        number(state)


def test_unreadable_switches_are_complained_of_and_change_nothing(
    state: State, caplog: pytest.LogCaptureFixture
) -> None:
    (state.snapshots / "SWITCHES").write_text("{")
    assert number(state) == 2
    assert "the switches stay as they were" in caplog.text


def test_a_number_that_waited_serves_at_a_start_after_its_instant(state: State, packs: Packs) -> None:
    with state.store() as store:
        body = {"id": "three", "exact": ["/three"], "action": "gone"}
        store.apply([Put(Ref(Kind.RULE, "portal:langson", "three"), body, NEW)], Change("an", "x", AUTUMN))
        at = AUTUMN + timedelta(hours=1)
        publish(store, packs.sources, state.snapshots, Change("an", "x", AUTUMN), at=at)
    assert number(state) == 2
    later = served(settings_with({"DVC_EDGE__STATE__FOLDER": str(state.folder)}), at)
    assert later.snapshot.number == 3
    later.close()
