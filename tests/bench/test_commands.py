"""Commands as an operator gives them."""

from pathlib import Path

import pytest

from bench.commands import CommandFailed, command, pointer_moved_at


def test_a_command_says_what_it_took_and_what_it_said(tmp_path: Path) -> None:
    took = command("rules", "history", "--state", str(tmp_path / "var"))
    assert "nothing was published yet" in took.said
    assert took.cpu_seconds > 0
    assert took.wall_seconds > 0


def test_a_command_that_fails_is_told_with_its_own_words(tmp_path: Path) -> None:
    with pytest.raises(CommandFailed, match="nowhere"):
        command("rules", "import", str(tmp_path / "nowhere.csv"), "--mode", "add", "--state", str(tmp_path / "var"))


def test_the_pointer_has_moved_when_its_file_was_written(tmp_path: Path) -> None:
    assert pointer_moved_at(tmp_path) == 0
    (tmp_path / "snapshots").mkdir()
    (tmp_path / "snapshots/CURRENT").write_text("1")
    assert pointer_moved_at(tmp_path) > 0
