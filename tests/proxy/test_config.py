"""The configuration: read once, complained about whole, then frozen."""

import tomllib
from pathlib import Path

import pytest

from proxy import config
from proxy.config import Settings
from redirect_rules.sources import Document, Problems

EXAMPLE = Path(__file__).parent.parent.parent / "conf/edge.toml"


def parsed(text: str, environ: dict[str, str] | None = None) -> Settings:
    return config.parse(Document("edge.toml", text), environ or {}, folder=Path("/etc/dvc-edge"))


def complaints(text: str, environ: dict[str, str] | None = None) -> list[str]:
    with pytest.raises(Problems) as caught:
        parsed(text, environ)
    return [str(problem) for problem in caught.value.problems]


def test_the_shipped_file_names_every_key_with_its_default() -> None:
    shipped = config.load(EXAMPLE, {})
    assert shipped.model_dump() == Settings().model_dump()
    named = set(Document("edge.toml", EXAMPLE.read_text("utf-8")).data)
    assert named == set(Settings.model_fields) - {"folder"}


def test_nothing_at_all_is_a_configuration() -> None:
    assert parsed("").listen.port == 8080


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
        config.load(tmp_path / "none.toml", {})


def test_a_named_configuration_is_the_only_one_looked_at(tmp_path: Path) -> None:
    with pytest.raises(Problems, match="--config FILE"):
        config.find({"DVC_EDGE_CONFIG": str(tmp_path / "none.toml")})
    assert config.find({"DVC_EDGE_CONFIG": str(EXAMPLE)}) == EXAMPLE


def test_a_checkout_we_stand_in_is_found_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(EXAMPLE.parent.parent)
    assert config.find({}) == Path("conf/edge.toml")


# [sso] → what there is to mend; "" where nothing
ISSUERS = {
    'issuer = ""': "",
    'issuer = "https://signin.example.vn"': "",
    'issuer = "https://signin.example.vn:8443"': "",
    'issuer = "http://signin.localhost:8080"\nenvironment = "development"': "",
    'issuer = "http://signin.localhost:8080"': "must be https",
    'issuer = "http://signin.example.vn"\nenvironment = "development"': "must be https",
    'issuer = "https://signin.example.vn"\nenvironment = "development"': "for issuers on",
    'issuer = "https://signin.example.vn/"': "without a path",
    'issuer = "https://signin.example.vn/sso"': "without a path",
    'issuer = "https://Signin.example.vn"': "small letters",
    'issuer = "https://me@signin.example.vn"': "without a path",
    'issuer = "signin.example.vn"': "without a path",
    'issuer = "https://signin.example.vn:x"': "is no address",
    'private_networks = ["10.20.0.0"]': "",
    'private_networks = ["intern"]': "is no network",
    "simulator = 8090": "only with environment",
    'simulator = 8090\nenvironment = "development"': "",
}


@pytest.mark.parametrize("text", ISSUERS)
def test_an_issuer_is_an_origin_that_browsers_keep_cookies_for(text: str) -> None:
    if expected := ISSUERS[text]:
        (complaint,) = complaints(f"[sso]\n{text}")
        assert expected in complaint
    else:
        assert parsed(f"[sso]\n{text}").sso.issuer == (tomllib.loads(text).get("issuer") or "")


# The console as a client of the broker: text, complaint
BY_BROKER = '[console]\nsecret_file = "s"\n'
CONSOLES = [
    (BY_BROKER, "public: the broker sends officers back to this address"),
    (BY_BROKER + 'public = "https://console.example.vn"', "there is none: name sso.issuer"),
    (BY_BROKER + 'secret = "s"\npublic = "https://console.example.vn"', "secret_file says it already"),
    (
        '[console]\nsecret = "s"\npublic = "https://console.example.vn"\n[sso]\nissuer = "https://signin.example.vn"',
        "a secret is not written down here",
    ),
    ('[console]\npublic = "http://console.example.vn"', "must be https"),
    ('[console]\npublic = "https://console.example.vn/"', "without a path"),
    ('[console]\npublic = "https://Console.example.vn"', "small letters"),
    ('[console]\npublic = "https://console.example.vn:x"', "is no address"),
]


@pytest.mark.parametrize(("text", "complaint"), CONSOLES)
def test_a_console_that_the_broker_could_not_know_is_refused(text: str, complaint: str) -> None:
    (found,) = complaints(text)
    assert complaint in found


def test_a_secret_of_the_console_stands_in_no_description() -> None:
    sso = '[sso]\nissuer = "http://signin.localhost"\nenvironment = "development"\n'
    settings = parsed(sso + '[console]\nsecret = "demonstration"\npublic = "http://console.localhost:8083"')
    assert settings.console.by_broker
    assert "demonstration" not in repr(settings)
