"""A file is looked at to the last octet once, and again after anything has happened to it."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import IO

import pytest

from redirect_rules import snapshot_file
from redirect_rules.snapshot_file import SnapshotRefused, path_of, write
from redirect_rules.verification import note, note_of, open_verified
from tests.redirect_rules.test_snapshot_file import CONTENTS


@pytest.fixture
def path(tmp_path: Path) -> Path:
    write(tmp_path, CONTENTS)
    return path_of(tmp_path, 1)


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The lengths of what was hashed."""
    lengths: list[int] = []
    hash_of = snapshot_file._hash_of

    def counted(file: IO[bytes], length: int) -> bytes:
        lengths.append(length)
        return hash_of(file, length)

    monkeypatch.setattr(snapshot_file, "_hash_of", counted)
    return lengths


def test_a_file_is_looked_at_once(path: Path, looks: list[int]) -> None:
    open_verified(path).close()
    open_verified(path).close()
    assert len(looks) == 1


def test_what_was_looked_at_when_it_was_written_is_not_looked_at_again(path: Path, looks: list[int]) -> None:
    note(path)
    open_verified(path).close()
    assert not looks


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
