"""`dvc-edge check`: everything is read, and every mistake of every file is told at once."""

import re
from collections.abc import Sequence
from pathlib import Path

import pytest

from proxy.cli import main
from redirect_rules.portals import PortalRow
from redirect_rules.schedules import ScheduleRow
from redirect_rules.sources import Document
from tests.conftest import CONF

MANUAL = (CONF.parent / "docs/passing.md").read_text("utf-8")
EXAMPLES: Sequence[str] = re.findall(r"```toml\n(.*?)```", MANUAL, re.DOTALL)


def check(capsys: pytest.CaptureFixture[str], status: int, **environ: str) -> str:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environ.items():
            patch.setenv(name, value)
        assert main(["check", "--config", str(CONF / "edge.toml")]) == status
    said = capsys.readouterr()
    return said.out + said.err


def test_the_documented_upstreams_are_sound(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "upstreams.toml").write_text("\n".join(text for text in EXAMPLES if "[[upstream]]" in text))
    said = check(capsys, 0, DVC_EDGE__PASSING__FILE=str(tmp_path / "upstreams.toml"))
    assert "2 upstreams, 3 origins" in said


def test_the_documented_deployment_is_sound(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (passing,) = [Document("docs", text).data["passing"] for text in EXAMPLES if "[passing]" in text]
    environ = {f"DVC_EDGE__PASSING__{key.upper()}": _toml(value) for key, value in passing.items()}
    check(capsys, 0, **environ, DVC_EDGE__LISTEN__PROXY_PROTOCOL="true")


def _toml(value: object) -> str:
    return str(value).replace("'", '"')


def test_the_example_that_is_shipped_is_sound_once_its_comments_are_taken_off(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = (CONF / "upstreams.toml").read_text("utf-8").splitlines()
    example = [line.removeprefix("# ") for line in lines if re.match(r"# (?:\[|\w+ = )", line)]
    text = "\n".join(line for line in example if "ca_file" not in line)
    assert text.count("[[") == 2
    (tmp_path / "upstreams.toml").write_text(text)
    said = check(capsys, 0, DVC_EDGE__PASSING__FILE=str(tmp_path / "upstreams.toml"))
    assert "1 upstreams, 2 origins" in said


def test_a_certificate_that_cannot_be_read_is_told_with_its_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = '[[upstream]]\nname = "a"\norigins = [{ url = "https://10.0.0.5" }]\ntls.ca_file = "ca/none.pem"\n'
    (tmp_path / "upstreams.toml").write_text(text)
    said = check(capsys, 2, DVC_EDGE__PASSING__FILE=str(tmp_path / "upstreams.toml"))
    assert f"{tmp_path}/upstreams.toml:4: {CONF}/ca/none.pem: No such file or directory" in said


def test_the_documented_pilot_is_sound() -> None:
    (portal,) = [Document("docs", text).data["portal"][0] for text in EXAMPLES if "[[portal]]" in text]
    row = ScheduleRow.model_validate(portal["schedule"])
    assert row.disorder() == ""
    assert row.schedule().pilot is not None
    assert set(portal) <= set(PortalRow.model_fields)


def test_a_broken_file_of_what_was_agreed_on_in_the_console_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    demonstration = CONF / "demonstration"
    environ = {
        "DVC_EDGE__STATE__FOLDER": str(tmp_path),
        "DVC_EDGE__SSO__ISSUER": "http://signin.localhost:8080",
        "DVC_EDGE__SSO__ENVIRONMENT": "development",
        "DVC_EDGE__SSO__CLIENTS": str(demonstration / "clients"),
        "DVC_EDGE__SSO__UPSTREAMS": str(demonstration / "upstreams"),
        "DVC_EDGE__SSO__PATHS": str(demonstration / "sign_in.toml"),
    }
    check(capsys, 0, **environ)
    (tmp_path / "clients").mkdir()
    (tmp_path / "clients/moi.toml").write_text('id = "moi"\ncolour = "red"\n')
    said = check(capsys, 2, **environ)
    assert "clients/moi.toml:2: colour: unknown key" in said
