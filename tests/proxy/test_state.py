"""What is served from a state folder, whatever else is dead."""

import shutil
import socket
import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import date, timedelta
from pathlib import Path

import pytest

from proxy.state import State, TablesNotMade, served
from redirect_rules.objects import NEW, Change, Kind, Put, Ref
from redirect_rules.packs import Packs
from redirect_rules.publishing import publish
from redirect_rules.seeding import packs_of, seed
from redirect_rules.snapshot_file import CURRENT, path_of
from redirect_rules.snapshot_seal import SnapshotRefused
from redirect_rules.stores.hits import Span
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


WRITES = """
import sys
from datetime import date
from pathlib import Path
from proxy.state import State
from redirect_rules.hits import Hit
sums = State(Path(sys.argv[1]), f"sqlite:///{sys.argv[1]}/rules.db", False).hit_sums()
sums.add(date(2026, 11, 1), {Hit("langson", "a.vn/a", "notice", "navigation", ""): 3})
sums.close()
print("sqlalchemy" in sys.modules)
"""


def test_whoever_writes_hits_first_has_the_tables_made_by_another_process(tmp_path: Path) -> None:
    folder = tmp_path / "new"
    done = subprocess.run(
        [sys.executable, "-c", WRITES, str(folder)], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout == "False\n", "every worker would hold what only the first start needs"
    store = State(folder, f"sqlite:///{folder}/rules.db", four_eyes=False).hits()
    assert [one.visits for one in store.answered(Span.until(date(2026, 11, 1), 1))] == [3]
    store.close()


def test_tables_of_a_later_release_are_left_as_they_are(state: State) -> None:
    with closing(sqlite3.connect(state.folder / "rules.db")) as connection, connection:
        connection.execute("update alembic_version set version_num = 'v9999'")
    with pytest.raises(TablesNotMade, match=r"tables of a later release \(v9999\): use that release"):
        state.hit_sums()


def test_a_server_that_is_not_there_is_told_in_its_own_words(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with pytest.raises(Exception, match="refused"):
        State(tmp_path, f"postgresql://rules:secret@127.0.0.1:{port}/rules", four_eyes=False).hit_sums()
