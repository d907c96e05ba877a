"""A PostgreSQL of our own, which stops with its block whatever was done to it."""

import signal
from pathlib import Path

import psycopg
import pytest

from bench.postgres import postgres, program

pytestmark = pytest.mark.skipif(program("initdb") is None, reason="PostgreSQL is not installed")


def runs(pid: int) -> bool:
    """Whether there is such a process; one that has ended and that nobody waited for is none."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0] not in "ZX"
    except OSError:
        return False


def test_it_answers_and_ends_with_its_block() -> None:
    with postgres() as database:
        with psycopg.connect(database.url) as connection:
            assert connection.execute("select 1").fetchone() == (1,)
        pid = database.pid
    assert not runs(pid)


def test_one_that_was_stopped_can_be_ended() -> None:
    with postgres() as database:
        database.send(signal.SIGSTOP)
        pid = database.pid
        assert runs(pid)
    assert not runs(pid)


def test_without_its_programs_it_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bench.postgres.program", lambda _: None)
    with pytest.raises(FileNotFoundError, match="not installed"), postgres():
        pass
