"""The configuration's file: found in an order, complained about whole, with the environment on top."""

from pathlib import Path

import pytest

from proxy import config_file
from proxy.config import Settings
from redirect_rules.sources import Document, Problems

EXAMPLE = Path(__file__).parent.parent.parent / "conf/edge.toml"


def parsed(text: str, environ: dict[str, str] | None = None) -> Settings:
    return config_file.parse(Document("edge.toml", text), environ or {}, folder=Path("/etc/dvc-edge"))


def complaints(text: str, environ: dict[str, str] | None = None) -> list[str]:
    with pytest.raises(Problems) as caught:
        parsed(text, environ)
    return [str(problem) for problem in caught.value.problems]


def test_paths_are_relative_to_the_file() -> None:
    assert parsed("").path("portals.toml") == Path("/etc/dvc-edge/portals.toml")


# text                                     complaint
MISTAKES = [
    ("[listen]\nport = 99999", "edge.toml:2: listen.port: Input should be less than or equal to 65535 (not 99999)"),
    ("[listen]\n\nport = '8080'", "edge.toml:3: listen.port: write a whole number (not '8080')"),
    ("[listen]\nprot = 1", "edge.toml:2: listen.prot: unknown key: remove it, or correct its spelling (not 1)"),
    ("[lissten]\nport = 1", "edge.toml:1: lissten: unknown key: remove it, or correct its spelling"),
    ("[log]\naccess = 'yes'", "edge.toml:2: log.access: write true or false (not 'yes')"),
    ("folder = '/x'", "edge.toml:1: folder: unknown key: remove it, or correct its spelling"),
    ("[listen\n", "edge.toml:1: not TOML: Expected ']' at the end of a table declaration"),
]


@pytest.mark.parametrize(("text", "complaint"), MISTAKES)
def test_a_mistake_names_file_line_and_remedy(text: str, complaint: str) -> None:
    assert complaints(text) == [complaint]


def test_every_mistake_is_reported_at_once() -> None:
    assert len(complaints("[listen]\nport = -1\nhots = 'x'\n[notice]\nseconds = 9999\n")) == 3


# variable                                     where it lands
VARIABLES = [
    ("DVC_EDGE__LISTEN__PORT", "8081", lambda s: s.listen.port == 8081),
    ("DVC_EDGE__LISTEN__HOST", "0.0.0.0", lambda s: s.listen.host == "0.0.0.0"),
    ("DVC_EDGE__LOG__ACCESS", "false", lambda s: s.log.access is False),
    ("DVC_EDGE__PREVIEW__HOST_SUFFIXES", '["test", "localhost"]', lambda s: s.preview.host_suffixes[0] == "test"),
]


@pytest.mark.parametrize(("name", "value", "landed"), VARIABLES)
def test_the_environment_wins_over_the_file(name: str, value: str, landed: object) -> None:
    assert callable(landed)
    assert landed(parsed("[listen]\nport = 1\nhost = 'a'\n[log]\naccess = true", {name: value}))


def test_a_mistake_in_the_environment_names_its_variable() -> None:
    assert complaints("", {"DVC_EDGE__LISTEN__PORT": "many"}) == [
        "environment DVC_EDGE__LISTEN__PORT: listen.port: write a whole number (not 'many')"
    ]
    assert "environment DVC_EDGE__LISTN__PORT" in complaints("", {"DVC_EDGE__LISTN__PORT": "1"})[0]


def test_other_variables_are_nobodys_business() -> None:
    assert parsed("", {"DVC_EDGE_CONFIG": "x", "PATH": "/bin"}) == parsed("")


def test_a_file_that_is_not_there_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(Problems, match="cannot be read"):
        config_file.load(tmp_path / "none.toml", {})


def test_a_named_configuration_is_the_only_one_looked_at(tmp_path: Path) -> None:
    with pytest.raises(Problems, match="--config FILE"):
        config_file.find({"DVC_EDGE_CONFIG": str(tmp_path / "none.toml")})
    assert config_file.find({"DVC_EDGE_CONFIG": str(EXAMPLE)}) == EXAMPLE


def test_a_checkout_we_stand_in_is_found_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(EXAMPLE.parent.parent)
    assert config_file.find({}) == Path("conf/edge.toml")
