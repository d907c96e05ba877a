"""conf/sign_in.toml as it is found on the disk, and the one that is shipped."""

import re
from pathlib import Path

import pytest

from proxy import config_file
from proxy.gate_opening import read_paths
from proxy.packs import Packs
from proxy.sign_in_paths import PathRow, SignInPaths
from redirect_rules.sources import Problems
from sso.clients import load_clients
from tests.conftest import CONF, settings_with


def test_without_a_file_nothing_is_protected(packs: Packs, tmp_path: Path) -> None:
    settings = settings_with({"DVC_EDGE__SSO__PATHS": str(tmp_path / "none.toml")})
    assert read_paths(settings, packs.snapshot.all_portals, {}) == SignInPaths()


def test_a_file_that_cannot_be_read_is_named(packs: Packs, tmp_path: Path) -> None:
    path = tmp_path / "sign_in.toml"
    path.write_bytes(b"\xff")
    settings = settings_with({"DVC_EDGE__SSO__PATHS": str(path)})
    with pytest.raises(Problems) as problems:
        read_paths(settings, packs.snapshot.all_portals, {})
    assert str(path) in str(problems.value)


@pytest.mark.parametrize("folder", [CONF, CONF / "demonstration"], ids=["shipped", "demonstration"])
def test_what_is_shipped_is_sound(packs: Packs, folder: Path) -> None:
    settings = config_file.load(folder / "edge.toml", {})
    development = settings.sso.environment == "development"
    clients = load_clients(settings.path(settings.sso.clients), development=development)
    paths = read_paths(settings, packs.snapshot.all_portals, clients)
    assert paths.protections.portals
    assert paths.protections.flags == {"vneid": "vneid", "vnconnect": "vnconnect"}


def test_what_the_manual_shows_is_sound(packs: Packs, tmp_path: Path) -> None:
    manual = (CONF.parent / "docs" / "one-time-login.md").read_text("utf-8")
    (example,) = re.findall(r"```toml\n(.*?)```", manual, re.DOTALL)
    (tmp_path / "sign_in.toml").write_text(example, "utf-8")
    settings = settings_with({"DVC_EDGE__SSO__PATHS": str(tmp_path / "sign_in.toml")})
    paths = read_paths(settings, packs.snapshot.all_portals, load_clients(CONF / "clients"))
    assert len(paths.protections.portals["langson"].paths) == 2


def test_every_key_is_in_the_manual() -> None:
    manual = (CONF.parent / "docs" / "one-time-login.md").read_text("utf-8")
    assert [key for key in PathRow.model_fields if f"`{key}`" not in manual] == []
