"""A file is made whole or not at all."""

import subprocess
import sys
import textwrap
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from redirect_rules import snapshot_file, snapshot_seal, snapshot_writer
from redirect_rules.snapshot_file import numbers, open_snapshot, path_of
from redirect_rules.snapshot_writer import Amended, SnapshotNotWritten, amend, write
from redirect_rules.sources import Problems
from redirect_rules.stores.lmdb_compiler import Changed, NotThere
from tests.redirect_rules.test_snapshot_file import CONTENTS, NOW, RULES, published


def test_progress_is_told_by_stage(tmp_path: Path) -> None:
    told: list[tuple[str, int]] = []
    write(tmp_path, CONTENTS, progress=lambda *at: told.append(at))
    assert told[:2] == [("writing", 4_096), ("writing", 5_001)]
    assert told[-2:] == [("checking", 0), ("checking", 5_000)]


def test_a_file_grows_beyond_its_first_map(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshot_writer, "_FIRST_MAP", 1 << 16)
    monkeypatch.setattr(snapshot_seal, "_BLOCK", 16)
    write(tmp_path, CONTENTS)
    open_snapshot(path_of(tmp_path, 1), full=True).close()


def test_rules_that_cannot_be_compiled_leave_nothing_behind(tmp_path: Path) -> None:
    published(tmp_path, 1)
    with pytest.raises(Problems):
        write(tmp_path, replace(CONTENTS, number=2, rules=RULES + RULES[:1]))
    assert numbers(tmp_path) == [1]
    assert len(list(tmp_path.iterdir())) == 2


# What goes wrong while it is written                            what is said
LIES: list[tuple[str, object, str]] = [
    ("_BLOCK", None, "not in order"),
    ("content", lambda _: "0" * 64, "what was read back is not what was written"),
    ("at", lambda *_: (), "import-1/0 is not found again"),
]


@pytest.mark.parametrize(("name", "lie", "said"), LIES)
def test_a_file_that_does_not_hold_what_was_put_in_is_never_put_in_place(
    name: str, lie: object, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    published(tmp_path, 1)
    if name == "content":
        monkeypatch.setattr(snapshot_file.SnapshotFile, name, lie)
    elif name == "at":
        monkeypatch.setattr("redirect_rules.stores.lmdb_index.LmdbIndex.at", lie)
    else:
        items: Iterator[tuple[bytes, bytes]] = iter([(b"b", b""), (b"a", b"")])
        monkeypatch.setattr(snapshot_writer, "exact_items", lambda *_, **__: items)
    with pytest.raises(SnapshotNotWritten, match=said):
        write(tmp_path, replace(CONTENTS, number=2))
    assert numbers(tmp_path) == [1]
    assert len(list(tmp_path.iterdir())) == 2


FULL_DISK = """
    import resource, sys
    from dataclasses import replace
    from datetime import UTC, datetime
    from pathlib import Path
    from redirect_rules.exact import ExactRule
    from redirect_rules.model import Action
    from redirect_rules.snapshot_file import open_current
    from redirect_rules.snapshot_writer import Contents, SnapshotNotWritten, write
    from redirect_rules.stores import sorted_runs

    folder, limit, held = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    sorted_runs.MOST_HELD_BYTES = held
    rules = [ExactRule("p", f"/{i:0100}", (), Action.PASS, f"x/{i}") for i in range(20_000)]
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    try:
        write(folder, Contents(2, rules, (), (), datetime.now(UTC), "", ""))
    except SnapshotNotWritten as error:
        print("not written:", error)
    with open_current(folder).snapshot as snapshot:
        print("serving", snapshot.meta.number, len(snapshot.exact))
"""


@pytest.mark.parametrize(("limit", "held"), [(0, 1 << 28), (4_096, 1 << 28), (2_000_000, 1 << 28), (100_000, 1 << 19)])
def test_with_a_full_disk_the_last_good_file_goes_on(tmp_path: Path, limit: int, held: int) -> None:
    published(tmp_path, 1)
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(FULL_DISK), str(tmp_path), str(limit), str(held)],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parent.parent.parent,
    )
    assert done.returncode == 0, done.stderr
    assert "not written:" in done.stdout
    assert "serving 1 10" in done.stdout
    assert len(list(tmp_path.iterdir())) == 2


def test_a_file_is_made_from_another(tmp_path: Path) -> None:
    base = write(tmp_path, CONTENTS)
    come = [RULES[0]._replace(destination="home", arguments=()), RULES[1]._replace(path="/new", valid_until=NOW)]
    with open_snapshot(path_of(tmp_path, 1)) as file:
        meta = amend(tmp_path, Amended(2, file, RULES[:3], come, NOW, "an", "three go, two come"))
        documents = list(file.documents())
    with open_snapshot(path_of(tmp_path, 2), full=True, content=meta.content) as file:
        assert set(file.exact) == {*RULES[3:], *come}
        assert list(file.documents()) == documents
        assert {key: dict(table) for key, table in file.lookups.items()} == {
            ("langson", "procedures"): {"629d": "1.001193"}
        }
        assert file.content() == meta.content != base.content
        assert (meta.number, meta.actor, meta.message) == (2, "an", "three go, two come")
        assert (meta.counts["rules"], meta.counts["exact"]) == (4_999, 5_000)
        assert meta.instants == [NOW.isoformat()]
    with open_snapshot(path_of(tmp_path, 1), full=True) as file:
        assert set(file.exact) == set(RULES)


def test_what_is_made_from_another_without_a_change_has_its_hash(tmp_path: Path) -> None:
    write(tmp_path, CONTENTS)
    with open_snapshot(path_of(tmp_path, 1)) as file:
        assert amend(tmp_path, Amended(2, file, (), (), NOW, "an", "")).content == file.meta.content


def test_what_cannot_be_made_from_another_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, replace(CONTENTS, rules=RULES[:100]))
    with open_snapshot(path_of(tmp_path, 1)) as file:
        with pytest.raises(NotThere):
            amend(tmp_path, Amended(2, file, RULES[100:101], (), NOW, "an", ""))
        with pytest.raises(Problems):
            amend(tmp_path, Amended(2, file, (), [RULES[0]._replace(id="other")], NOW, "an", ""))
        monkeypatch.setattr(snapshot_writer, "changed_items", lambda *_, **__: Changed(frozenset(), ()))
        with pytest.raises(SnapshotNotWritten, match="is still there"):
            amend(tmp_path, Amended(2, file, RULES[:1], (), NOW, "an", ""))
        with pytest.raises(SnapshotNotWritten, match="not found again"):
            amend(tmp_path, Amended(2, file, (), RULES[100:101], NOW, "an", ""))
    assert [path.name for path in tmp_path.iterdir()] == ["00000001.snapshot"]
