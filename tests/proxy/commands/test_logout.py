"""`dvc-edge logout` where nothing runs, and what it says of a client; over a real store in test_sessions.py."""

from dataclasses import replace
from pathlib import Path

import pytest

from proxy.cli import main
from proxy.commands.logout import row
from sso.stores.embedded import EmbeddedValkey
from tests.sso.specimens import DELIVERY, NOW


def said(capsys: pytest.CaptureFixture[str], *words: str, status: int = 0) -> str:
    assert main([*words]) == status
    captured = capsys.readouterr()
    return captured.out + captured.err


def test_without_a_running_edge_the_store_is_started_for_the_command(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DVC_EDGE__STATE__FOLDER", str(tmp_path))
    assert "nothing waits" in said(capsys, "logout", "status")
    assert not EmbeddedValkey(tmp_path / "sign-in").socket.exists()


def test_a_store_that_does_not_answer_is_said_in_words(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DVC_EDGE__SSO__STORE", "redis://127.0.0.1:1/0")
    assert "the store does not answer" in said(capsys, "logout", "status", status=2)
    monkeypatch.setenv("DVC_EDGE__SSO__STORE", "http://127.0.0.1/")
    assert "write redis://" in said(capsys, "logout", "status", status=2)


def test_a_client_in_a_row() -> None:
    waiting = replace(DELIVERY, id="2", created_at=NOW - 9, next_at=NOW + 5, attempts=2, last_error="timeout")
    done = replace(DELIVERY, id="3", state="delivered")
    assert row("langson", [DELIVERY, waiting, done]) == {
        "client": "langson",
        "waiting": 2,
        "delivered": 1,
        "given_up": 0,
        "oldest": NOW - 9,
        "next_attempt": NOW,
        "errors": {"timeout": 1},
        "late": False,
    }


@pytest.mark.parametrize(("pause", "late"), [(3_600, False), (3_601, True)])
def test_what_waits_for_more_than_an_hour_is_late(pause: int, *, late: bool) -> None:
    assert row("langson", [replace(DELIVERY, next_at=DELIVERY.created_at + pause)])["late"] is late
