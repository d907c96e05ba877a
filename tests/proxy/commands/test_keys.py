"""`dvc-edge keys`, as people and scripts call it."""

import json
from pathlib import Path
from typing import Any

import pytest

from proxy.cli import main
from sso.keys import KEEP_SECONDS, OVERLAP_SECONDS

HOUR = OVERLAP_SECONDS


@pytest.fixture(autouse=True)
def _state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DVC_EDGE__STATE__FOLDER", str(tmp_path))
    at(monkeypatch, 1_795_000_000)


def at(monkeypatch: pytest.MonkeyPatch, instant: int) -> None:
    monkeypatch.setattr("proxy.commands.keys.now", lambda: instant)
    monkeypatch.setattr("proxy.commands.sign_in.now", lambda: instant)


def said(capsys: pytest.CaptureFixture[str], *words: str, status: int = 0) -> str:
    assert main(["keys", *words]) == status
    captured = capsys.readouterr()
    return captured.out + captured.err


def states(capsys: pytest.CaptureFixture[str], *words: str) -> dict[str, str]:
    listed: Any = json.loads(said(capsys, *(words or ("list",)), "--json"))
    return {key["kid"]: key["algorithm"] + " " + key["state"] for key in listed["keys"]}


def test_a_key_comes_signs_and_goes(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    first = states(capsys)
    assert sorted(first.values()) == ["ES256 current", "ES256 next", "RS256 current", "RS256 next"]
    assert "rotate in 60 minutes" in said(capsys, "rotate", status=2)
    at(monkeypatch, 1_795_000_000 + HOUR)
    turned = states(capsys, "rotate")
    assert [turned[kid] for kid in first] == ["ES256 retired", "ES256 current", "RS256 retired", "RS256 current"]
    at(monkeypatch, 1_795_000_000 + HOUR + KEEP_SECONDS)
    left = states(capsys, "retire")
    assert sorted(left.values()) == ["ES256 current", "ES256 next", "RS256 current", "RS256 next"]


def test_a_key_that_has_become_known_is_changed_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    before = states(capsys)
    known = next(kid for kid, state in before.items() if state == "ES256 current")
    states(capsys, "rotate", "ES256", "--at-once")
    assert "wait a day" in said(capsys, "retire", known[:8], status=2)
    assert known not in states(capsys, "retire", known[:8], "--at-once")


def test_what_is_there_already_is_not_generated(capsys: pytest.CaptureFixture[str]) -> None:
    assert "rotate first" in said(capsys, "generate", "ES256", status=2)
    assert "salt   version 2" in said(capsys, "generate", "salt")


def test_people_see_what_they_may_do_and_nothing_secret(capsys: pytest.CaptureFixture[str]) -> None:
    text = said(capsys, "list")
    assert "signs since 2026-11-18" in text
    assert "may sign from" in text
    assert "PRIVATE" not in text


def test_another_master_key_is_told(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    said(capsys, "list")
    (tmp_path / "keys/master.key").unlink()
    assert "DVC_EDGE_SSO_MASTER_KEY_FILE" in said(capsys, "list", status=2)
