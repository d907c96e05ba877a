"""A file is looked at to the last octet once, and again after anything has happened to it."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import IO

import pytest

from redirect_rules import snapshot_seal, verification
from redirect_rules.snapshot_file import path_of
from redirect_rules.snapshot_seal import SnapshotRefused, sealed
from redirect_rules.snapshot_writer import write
from redirect_rules.verification import analysed, note, note_analysed, note_of, note_of_analysis, open_verified
from tests.redirect_rules.test_snapshot_file import CONTENTS


@pytest.fixture
def path(tmp_path: Path) -> Path:
    write(tmp_path, CONTENTS)
    return path_of(tmp_path, 1)


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The lengths of what was hashed."""
    lengths: list[int] = []
    hash_of = snapshot_seal._hash_of

    def counted(file: IO[bytes], length: int) -> bytes:
        lengths.append(length)
        return hash_of(file, length)

    monkeypatch.setattr(snapshot_seal, "_hash_of", counted)
    return lengths


def test_a_file_is_looked_at_once(path: Path, looks: list[int]) -> None:
    open_verified(path).close()
    open_verified(path).close()
    assert len(looks) == 1


def test_what_was_looked_at_when_it_was_written_is_not_looked_at_again(path: Path, looks: list[int]) -> None:
    note(path)
    open_verified(path).close()
    assert not looks


def test_what_is_not_looked_at_again_is_read_ahead_of_visitors(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[int, int, int]] = []
    monkeypatch.setattr(os, "posix_fadvise", lambda _, *what: asked.append(what))
    open_verified(path).close()
    assert not asked  # every octet was just read
    open_verified(path).close()
    meta, body = sealed(path, full=False)
    assert asked == [(body - sum(meta.table), sum(meta.table), os.POSIX_FADV_WILLNEED)]


@pytest.mark.parametrize("what", ["no memory", "no such call"])
def test_without_the_memory_for_it_nothing_is_read_ahead(
    path: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    def refused(*_: int) -> None:
        raise OSError(what)

    monkeypatch.setattr(os, "posix_fadvise", refused)
    if what == "no memory":
        monkeypatch.setattr(os, "sysconf", lambda _: 1)
        monkeypatch.delattr(os, "posix_fadvise")
    for _ in range(2):
        open_verified(path).close()


def damaged(path: Path) -> None:
    octets = bytearray(path.read_bytes())
    octets[len(octets) // 2] ^= 1
    path.write_bytes(octets)


def damaged_and_set_back(path: Path) -> None:
    status = path.stat()
    damaged(path)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


@pytest.mark.parametrize("happens", [damaged, damaged_and_set_back])
def test_what_was_written_to_is_looked_at_again(path: Path, happens: Callable[[Path], None]) -> None:
    open_verified(path).close()
    happens(path)
    with pytest.raises(SnapshotRefused, match="damaged"):
        open_verified(path)


def test_a_copy_is_looked_at(path: Path, looks: list[int], tmp_path: Path) -> None:
    note(path)
    copy = tmp_path / "copy" / path.name
    copy.parent.mkdir()
    shutil.copy2(path, copy)
    shutil.copy2(note_of(path), note_of(copy))
    open_verified(copy).close()
    assert len(looks) == 1


def test_a_note_that_cannot_be_read_or_written_only_costs_time(path: Path, looks: list[int]) -> None:
    note_of(path).mkdir()
    open_verified(path).close()
    open_verified(path).close()
    assert len(looks) == 2


def test_a_file_without_an_error_is_noted_with_the_program_that_found_none(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert analysed(path) is None
    note_analysed(path, 7)
    assert analysed(path) == 7
    monkeypatch.setattr(verification, "_program", lambda: "another")
    assert analysed(path) is None


@pytest.mark.parametrize("text", ["", "7", "7 x y", "x", "\xff"])
def test_a_note_that_cannot_be_read_is_none(text: str, path: Path) -> None:
    note_of_analysis(path).write_text(text, "latin-1")
    assert analysed(path) is None


def test_what_was_written_since_was_not_analysed(path: Path) -> None:
    note_analysed(path, 0)
    path.write_bytes(path.read_bytes())
    assert analysed(path) is None
