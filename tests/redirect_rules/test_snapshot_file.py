"""The file of a number comes back whole or not at all, and the last good one goes on serving."""

import os
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import lmdb
import pytest

from redirect_rules import snapshot_seal, snapshot_writer
from redirect_rules.exact import ExactRule
from redirect_rules.model import Action, Lookup
from redirect_rules.snapshot_file import (
    CURRENT,
    NoSnapshot,
    _mapped,
    current,
    numbers,
    open_current,
    open_snapshot,
    path_of,
    point_at,
    removable,
)
from redirect_rules.snapshot_seal import FORMAT, Meta, SnapshotRefused, counts_with, seal
from redirect_rules.snapshot_writer import Amended, Contents, amend, write
from redirect_rules.stores.address_table import TableBytes
from redirect_rules.stores.address_table_writer import TableWriter
from redirect_rules.stores.lmdb_layout import Places

NOW = datetime(2026, 11, 1, tzinfo=UTC)
DOCUMENTS = [("portals.toml", "[[portal]]\n"), ("families/igate2.toml", "# Lạng Sơn\n" * 1_000), ("empty", "")]
RULES = [
    ExactRule("langson", f"/vi/{i * 7_919 % 5_000:024}", (), Action.NOTICE, f"import-1/{i}", "procedure", (("code", "1.001193"),))
    for i in range(5_000)
]  # fmt: skip
CONTENTS = Contents(
    number=1,
    rules=RULES,
    lookups=[Lookup("langson", "procedures", {"629d": "1.001193"})],
    documents=DOCUMENTS,
    made_at=NOW,
    actor="hoa",
    message="Lần đầu",
)


def published(folder: Path, number: int, message: str = "") -> Meta:
    meta = write(folder, replace(CONTENTS, number=number, rules=RULES[:10], message=message))
    point_at(folder, meta)
    return meta


@pytest.fixture(scope="session")
def whole(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    folder = tmp_path_factory.mktemp("whole")
    write(folder, CONTENTS)
    return path_of(folder, 1).read_bytes()


@pytest.fixture
def damaged(tmp_path: Path, whole: bytes) -> Callable[[bytes], Path]:
    def put(octets: bytes) -> Path:
        path_of(tmp_path, 1).write_bytes(octets)
        return path_of(tmp_path, 1)

    return put


NONE = TableBytes(0, 0)


def test_what_was_written_comes_back(tmp_path: Path) -> None:
    meta = write(tmp_path, CONTENTS)
    with open_snapshot(path_of(tmp_path, 1), full=True, content=meta.content) as snapshot:
        assert snapshot.meta == meta
        assert (meta.number, meta.actor, meta.message, meta.made_at) == (1, "hoa", "Lần đầu", NOW)
        assert counts_with(NONE, meta.counts) == {"exact": 5_001, "lookups": 2, "documents": 3, "rules": 5_000}
        assert meta.table.entries > 5_000 * 20
        assert snapshot.exact.addresses is not None
        assert list(snapshot.documents()) == DOCUMENTS
        assert snapshot.lookups["langson", "procedures"]["629d"] == "1.001193"
        assert all(snapshot.exact.find("langson", rule.path, (), NOW) == rule for rule in RULES)
        assert snapshot.content() == meta.content
    assert [path.name for path in tmp_path.iterdir()] == ["00000001.snapshot"]


def test_an_empty_set_of_rules_is_a_file_too(tmp_path: Path) -> None:
    write(tmp_path, replace(CONTENTS, rules=(), lookups=(), documents=()))
    with open_snapshot(path_of(tmp_path, 1), full=True) as snapshot:
        assert snapshot.exact.find("langson", "/", (), NOW) is None
        assert list(snapshot.documents()) == []


def test_the_same_content_has_the_same_hash_whoever_wrote_it_and_when(tmp_path: Path) -> None:
    one = write(tmp_path, CONTENTS)
    same = write(tmp_path, replace(CONTENTS, number=2, rules=RULES[:2] + RULES[2:], actor="minh"))
    other = write(tmp_path, replace(CONTENTS, number=3, rules=RULES[1:]))
    moved = write(tmp_path, replace(CONTENTS, number=4, documents=DOCUMENTS[::-1]))
    assert one.content == same.content
    assert len({one.content, other.content, moved.content}) == 3


def test_a_file_open_twice_is_mapped_once_and_each_closes_for_itself(tmp_path: Path) -> None:
    write(tmp_path, CONTENTS)
    one, other = open_snapshot(path_of(tmp_path, 1)), open_snapshot(path_of(tmp_path, 1))
    one.close()
    one.close()
    assert other.exact.find("langson", RULES[0].path, (), NOW) == RULES[0]
    other.close()
    open_snapshot(path_of(tmp_path, 1)).close()


def test_a_child_process_reads_on_through_what_it_inherited(tmp_path: Path) -> None:
    write(tmp_path, CONTENTS)
    with open_snapshot(path_of(tmp_path, 1)) as snapshot:
        if not (child := os.fork()):
            with open_snapshot(path_of(tmp_path, 1)) as again:
                found = [s.exact.find("langson", RULES[0].path, (), NOW) for s in (snapshot, again)]
            os._exit(0 if found == [RULES[0]] * 2 else 1)
        assert os.waitpid(child, 0)[1] == 0
        assert snapshot.exact.find("langson", RULES[0].path, (), NOW) == RULES[0]


# A file is refused at every length but its own.
def test_a_file_cut_short_or_grown_is_refused(whole: bytes, damaged: Callable[[bytes], Path]) -> None:
    lengths = [*range(0, len(whole), len(whole) // 47), *range(len(whole) - 130, len(whole))]
    for octets in [*(whole[:length] for length in lengths), whole + b"\x00", whole[4_096:], whole + whole]:
        with pytest.raises(SnapshotRefused):
            open_snapshot(damaged(octets))


def flipped(octets: bytes, at: int) -> bytes:
    return octets[:at] + bytes((octets[at] ^ 0x40,)) + octets[at + 1 :]


def test_a_flipped_bit_at_either_end_is_always_noticed(whole: bytes, damaged: Callable[[bytes], Path]) -> None:
    ends = [*range(0, 65_536, 1_499), *range(len(whole) - 65_536, len(whole), 1_499)]
    for at in [*ends, *range(len(whole) - 420, len(whole))]:
        with pytest.raises(SnapshotRefused):
            open_snapshot(damaged(flipped(whole, at)))


def test_a_flipped_bit_anywhere_is_noticed_by_a_full_look(whole: bytes, damaged: Callable[[bytes], Path]) -> None:
    for at in range(0, len(whole), 4_001):
        with pytest.raises(SnapshotRefused, match=r"damaged|newer|seal"):
            open_snapshot(damaged(flipped(whole, at)), full=True)


def test_a_newer_format_is_refused_by_its_name(whole: bytes, damaged: Callable[[bytes], Path]) -> None:
    newer = whole[:-12] + (FORMAT + 1).to_bytes(4, "big") + whole[-8:]
    with pytest.raises(
        SnapshotRefused, match=f"format {FORMAT + 1}, written by a newer version; this one reads {FORMAT}"
    ):
        open_snapshot(damaged(newer))


@pytest.mark.parametrize("version", range(FORMAT))
def test_a_file_is_of_the_format_that_it_was_written_in(
    whole: bytes, damaged: Callable[[bytes], Path], version: int
) -> None:
    other = whole[:-12] + version.to_bytes(4, "big") + whole[-8:]
    with pytest.raises(SnapshotRefused, match="damaged"):
        open_snapshot(damaged(other))


def test_a_file_that_was_written_before_folders_had_numbers_still_serves_and_can_be_amended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as former:
        former.setattr(snapshot_writer, "Places", lambda: Places((), None))
        former.setattr(snapshot_seal, "FORMAT", 1)
        former.setattr(snapshot_writer, "FORMAT", 1)
        write(tmp_path, CONTENTS)
    with open_snapshot(path_of(tmp_path, 1), full=True) as old:
        assert old.meta.format == 1
        assert not old.exact.places.numbers_folders
        assert all(old.exact.find(*rule.address, NOW) == rule for rule in RULES[:100])
        come = RULES[0]._replace(path="/vi/khac", id="import-1/new")
        amend(tmp_path, Amended(2, old, RULES[:1], [come], NOW, "hoa", "sửa"))
    with open_snapshot(path_of(tmp_path, 2), full=True) as new:
        assert new.exact.find(*come.address, NOW) == come
        assert new.exact.find(*RULES[0].address, NOW) is None
        assert len(new.exact) == len(RULES)


def test_a_file_without_a_table_of_addresses_serves_and_can_be_amended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as former:
        former.setattr(TableWriter, "take", lambda *_: None)
        former.setattr(snapshot_seal, "FORMAT", 2)
        former.setattr(snapshot_writer, "FORMAT", 2)
        write(tmp_path, CONTENTS)
    with open_snapshot(path_of(tmp_path, 1), full=True) as old:
        assert (old.meta.format, old.exact.addresses) == (2, None)
        assert old.exact.alone("langson").find(RULES[0].path.encode(), RULES[0].path.rfind("/")) is not None
        come = RULES[0]._replace(path="/vi/khac", id="import-1/new")
        amend(tmp_path, Amended(2, old, RULES[:1], [come], NOW, "hoa", "sửa"))
    with open_snapshot(path_of(tmp_path, 2), full=True) as new:
        assert new.exact.find(*come.address, NOW) == come
        assert new.exact.alone("langson").find(b"/vi/khac", 3) is not None


def test_a_table_is_read_where_this_machines_pages_are_larger_than_the_files(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"p" * 10 + b"e" * 16 + b"s" * 8)  # LMDB's pages are of 32 KiB at most, a system's may be larger
    table = _mapped(path, 10, TableBytes(16, 8))
    assert table is not None
    assert [bytes(part) for part in table] == [b"e" * 16, b"s" * 8]


def test_what_is_amended_is_found_by_its_address(tmp_path: Path) -> None:
    write(tmp_path, CONTENTS)
    other = RULES[1]._replace(destination="search" if RULES[1].destination != "search" else "home")
    come = [RULES[0]._replace(path="/vi/khac", id="import-1/new"), other]
    with open_snapshot(path_of(tmp_path, 1)) as base:
        amend(tmp_path, Amended(2, base, RULES[:2], come, NOW, "hoa", "sửa"))
    with open_snapshot(path_of(tmp_path, 2), full=True) as new:
        alone = new.exact.alone("langson")
        found = [alone.find(rule.path.encode(), rule.path.rfind("/")) for rule in (*RULES, come[0])]
        assert [n for n, record in enumerate(found) if record is None] == [0]
        assert found[1] is not None
        assert new.exact.shape(found[1].number).destination == other.destination
        assert all(new.exact.agrees(rule.portal, rule.path) for rule in (*RULES, *come))


def test_a_file_under_another_number_is_refused(tmp_path: Path, whole: bytes) -> None:
    path_of(tmp_path, 7).write_bytes(whole)
    with pytest.raises(SnapshotRefused, match="this is number 1 under another name"):
        open_snapshot(path_of(tmp_path, 7))


def test_a_file_of_other_content_is_refused(damaged: Callable[[bytes], Path], whole: bytes) -> None:
    with pytest.raises(SnapshotRefused, match="not abc"):
        open_snapshot(damaged(whole), content="abc")


def test_a_seal_around_something_else_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x"
    meta = write(tmp_path, CONTENTS)
    meta = replace(meta, message="forged", counts=counts_with(NONE, meta.counts))
    with lmdb.open(str(path), subdir=False, lock=False, max_dbs=4) as env, env.begin(write=True) as txn:
        for name in (b"meta", b"exact", b"lookups", b"documents"):
            env.open_db(name, txn=txn)
    seal(path, meta, 0)
    with pytest.raises(SnapshotRefused, match="contradicts its seal"):
        open_snapshot(path)
    path.write_bytes(bytes(100_000))
    seal(path, meta, 0)
    with pytest.raises(SnapshotRefused, match="cannot be read"):
        open_snapshot(path)


def emptied(path: Path) -> None:
    path.write_bytes(b"")


def halved(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:9_000])


def scratched(path: Path) -> None:
    path.write_bytes(flipped(path.read_bytes(), 20))


def overwritten(path: Path) -> None:
    path.write_bytes(b"x" * 100_000)


def made_a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def removed(path: Path) -> None:
    path.unlink()


def led_in_a_circle(path: Path) -> None:
    path.unlink()
    path.symlink_to(path)


def exchanged(path: Path) -> None:
    write(path.parent, replace(CONTENTS, number=2))


# What happened to the file of number 2       what is said
BROKEN = [
    (emptied, "cut short"),
    (halved, "cut short"),
    (scratched, "damaged"),
    (overwritten, "cut short, or no snapshot"),
    (made_a_folder, "there is no such file"),
    (removed, "there is no such file"),
    (led_in_a_circle, "there is no such file|cannot be read"),
    (exchanged, "its content has the hash"),
]


@pytest.mark.parametrize(("breaking", "said"), BROKEN)
def test_the_newest_good_file_before_a_broken_one_serves(
    breaking: Callable[[Path], object], said: str, tmp_path: Path
) -> None:
    published(tmp_path, 1)
    write(tmp_path, replace(CONTENTS, number=3))
    published(tmp_path, 2)
    breaking(path_of(tmp_path, 2))
    opened = open_current(tmp_path)
    with opened.snapshot:
        assert opened.snapshot.meta.number == 1
        assert len(opened.complaints) == 1
        assert re.search(said, opened.complaints[0])


def test_all_is_well_without_complaints(tmp_path: Path) -> None:
    meta = published(tmp_path, 1)
    opened = open_current(tmp_path, full=True)
    with opened.snapshot as snapshot:
        assert (snapshot.meta, opened.complaints) == (meta, ())
    assert current(tmp_path) == (1, meta.content)


@pytest.mark.parametrize("pointer", [b"", b"\xff", b"00000009\n", b"9 abc\n"])
def test_an_unreadable_pointer_leads_to_the_newest_good_file(tmp_path: Path, pointer: bytes) -> None:
    for number in (1, 2, 3):
        published(tmp_path, number)
    (tmp_path / CURRENT).write_bytes(pointer)
    path_of(tmp_path, 3).write_bytes(b"")
    opened = open_current(tmp_path)
    with opened.snapshot:
        assert opened.snapshot.meta.number == 2
        assert len(opened.complaints) == 3
    assert removable(tmp_path) == []
    (tmp_path / CURRENT).unlink()
    open_current(tmp_path).snapshot.close()
    (tmp_path / CURRENT).mkdir()
    open_current(tmp_path).snapshot.close()


def test_a_folder_without_files_was_never_published_to(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "missing"):
        with pytest.raises(NoSnapshot, match="there is no snapshot"):
            open_current(folder)


def test_when_no_file_is_good_every_complaint_is_told(tmp_path: Path) -> None:
    for number in (1, 2):
        published(tmp_path, number)
        path_of(tmp_path, number).write_bytes(b"x")
    with pytest.raises(SnapshotRefused, match=r"(?s)00000002.*00000001"):
        open_current(tmp_path)


def test_a_pointer_is_never_moved_to_what_cannot_be_served(tmp_path: Path) -> None:
    meta = published(tmp_path, 1)
    second = write(tmp_path, replace(CONTENTS, number=2))
    for wrong in (replace(second, number=3), replace(meta, number=2)):
        with pytest.raises(SnapshotRefused):
            point_at(tmp_path, wrong)
    assert current(tmp_path) == (1, meta.content)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["00000001.snapshot", "00000002.snapshot", CURRENT]


def test_old_files_are_removable_but_never_the_ones_in_use(tmp_path: Path) -> None:
    metas = {number: published(tmp_path, number) for number in range(1, 6)}
    (tmp_path / ".00000003.snapshot.99.new").touch()
    (tmp_path / ".00000006.snapshot.99.new").touch()
    assert numbers(tmp_path) == [5, 4, 3, 2, 1]
    names = [path.name for path in removable(tmp_path)]
    assert names == ["00000003.snapshot", "00000002.snapshot", "00000001.snapshot", ".00000003.snapshot.99.new"]
    point_at(tmp_path, metas[3])
    assert [path.name for path in removable(tmp_path, keep=1)][:2] == ["00000002.snapshot", "00000001.snapshot"]
