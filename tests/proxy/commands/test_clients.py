"""`dvc-edge clients`, and what `dvc-edge check` says of them."""

import json
import shutil
from pathlib import Path

import pytest

from proxy.cli import main
from sso.clients import secret_digest
from tests.conftest import CONF


def test_a_secret_is_shown_once_with_its_digest(capsys: pytest.CaptureFixture[str]) -> None:
    secrets = []
    for _ in range(2):
        assert main(["clients", "secret", "--json"]) == 0
        made = json.loads(capsys.readouterr().out)
        assert secret_digest(made["secret"]) == made["digest"]
        assert len(made["secret"]) == 43  # 256 bits
        secrets.append(made["secret"])
    assert secrets[0] != secrets[1]
    main(["clients", "secret"])
    assert "not shown again" in capsys.readouterr().out


def test_clients_are_listed_with_what_they_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["clients", "list", "--config", str(CONF / "edge.toml")]) == 0
    text = capsys.readouterr().out
    assert "langson          level 2  forward-auth+header+oidc  told: account_type, birthdate, citizen_id, name" in text
    assert main(["clients", "list", "--json", "--config", str(CONF / "edge.toml")]) == 0
    assert {row["id"] for row in json.loads(capsys.readouterr().out)} == {"langson", "khanhhoa", "ho-tich"}


def test_check_tells_mistakes_of_clients_with_their_lines(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(CONF / "clients", tmp_path / "clients")
    monkeypatch.setenv("DVC_EDGE__SSO__CLIENTS", str(tmp_path / "clients"))
    assert main(["check", "--config", str(CONF / "edge.toml")]) == 0
    assert "3 clients" in capsys.readouterr().out
    with (tmp_path / "clients/langson.toml").open("a", encoding="utf-8") as file:
        file.write("[lifetimes]\ncode = 600\n")
    assert main(["check", "--config", str(CONF / "edge.toml")]) == 2
    assert "clients/langson.toml:" in capsys.readouterr().err
