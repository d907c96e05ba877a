"""The console as a client of the broker: where its secret is, what a browser takes along, what a refusal is called."""

import json
import textwrap
from dataclasses import replace
from pathlib import Path

import pytest
from joserfc.jwk import ECKey

from proxy import config_file
from proxy.config import Settings
from proxy.console.broker import Begun, check_client, level_of, mistake_of, sealed, unsealed, upstream_of
from redirect_rules.sources import Problems
from sso.clients import load_clients, parse
from sso.model import Destination, LoginAttempt
from sso.sources import ConfidentialDocument
from sso.upstreams.failures import Fault, UpstreamRefused, UpstreamUnavailable
from sso.vocabulary import Level
from tests.conftest import CONF, settings_with
from tests.redirect_rules.seals import OTHER_SEAL, SEAL

GOAL = Destination(client="console", portal="", host="", target="/")
ATTEMPT = LoginAttempt("state", "browser", "broker", "nonce", "verifier", GOAL, Level.TWO, 1_795_000_000)
BEGUN = Begun(ATTEMPT, "mark", "/rules?page=2", "digest")
UNDER_WAY = "sign-in under way"


def settings(**console: str) -> Settings:
    environ = {"SSO__ISSUER": "https://signin.example.vn", "CONSOLE__PUBLIC": "https://console.example.vn"}
    environ |= {f"CONSOLE__{name.upper()}": value for name, value in console.items()}
    return settings_with({f"DVC_EDGE__{name}": value for name, value in environ.items()})


def test_what_a_browser_takes_along_comes_back_as_it_was_and_tells_the_browser_nothing() -> None:
    cookie = sealed(BEGUN, SEAL)
    assert unsealed(cookie, SEAL) == BEGUN
    for secret in ("verifier", "nonce", "mark", "digest", "/rules"):
        assert secret not in cookie
    assert "verifier" not in repr(BEGUN)


NONE_OF_OURS = {
    "none": "",
    "short": "x",
    "no seal": "sealed:k1:x",
    "no json": SEAL.seal("no json", purpose=UNDER_WAY),
    "another purpose": SEAL.seal(json.dumps(["{}", "m", "/", ""]), purpose="x"),
    "no attempt": SEAL.seal("[1, 2, 3, 4]", purpose=UNDER_WAY),
    "plain": json.dumps(["{}", "", "/", ""]),
    "another key": sealed(BEGUN, OTHER_SEAL),
}


@pytest.mark.parametrize("what", NONE_OF_OURS)
def test_what_is_none_of_ours_is_nothing(what: str) -> None:
    assert unsealed(NONE_OF_OURS[what], SEAL) is None


def test_the_secret_is_in_a_variable_or_a_file_and_shown_to_nobody(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("from a file\n", "utf-8")
    by_file = upstream_of(settings(secret_file=str(tmp_path / "secret")), {})
    by_variable = upstream_of(settings(secret_variable="SECRET"), {"SECRET": "from a variable"})
    assert (by_file.client_secret, by_variable.client_secret) == ("from a file", "from a variable")
    assert "from a" not in repr((by_file, by_variable))
    assert by_file.client_authentication == "client_secret_basic"


def test_a_key_signs_in_place_of_a_secret(tmp_path: Path) -> None:
    key = ECKey.generate_key("P-256", auto_kid=True)
    (tmp_path / "key.json").write_text(json.dumps(key.as_dict(private=True)), "utf-8")
    upstream = upstream_of(settings(signing_key_file=str(tmp_path / "key.json")), {})
    assert upstream.client_authentication == "private_key_jwt"
    assert upstream.signing_key is not None
    assert upstream.signing_key.get("kid") == key.kid


def test_it_demands_all_that_the_broker_can_give() -> None:
    upstream = upstream_of(settings(secret_variable="SECRET"), {"SECRET": "s"})
    assert (upstream.pkce, upstream.nonce, upstream.names_issuer, upstream.id_token) == (True, True, True, "required")
    assert upstream.scopes == ("openid",)
    assert upstream.mapping.claims == {}  # nobody is known by what the broker tells of them
    assert upstream.mapping.level_untold is None
    assert not upstream.development


WRONG = [
    ({"secret_variable": "NOT_THERE"}, "the environment has no NOT_THERE"),
    ({"secret_file": "/nowhere/secret"}, "cannot be read"),
    ({"signing_key_file": "/nowhere/key"}, "cannot be read"),
    ({"signing_key_file": __file__}, "no private JWK"),
]


@pytest.mark.parametrize(("console", "said"), WRONG, ids=["no variable", "no file", "no key file", "no key"])
def test_what_is_missing_is_said(console: dict[str, str], said: str) -> None:
    with pytest.raises(Problems, match=said):
        upstream_of(settings(**console), {})


@pytest.mark.parametrize("level", Level)
def test_the_level_is_the_operators_to_choose(level: Level) -> None:
    assert level_of(settings(level=str(level.value)).console) is level


def test_every_fault_has_words() -> None:
    told = {fault: mistake_of(UpstreamRefused("broker", fault)) for fault in Fault}
    assert told[Fault.LEVEL] == "broker-level"
    assert told[Fault.DENIED] == "broker-denied"
    assert told[Fault.BROWSER_CHANGED] == "broker-again"
    assert told[Fault.SIGNATURE] == told[Fault.ISSUER_MISMATCH] == "broker-wrong"
    assert mistake_of(UpstreamUnavailable("broker", 60)) == "broker-down"


def test_the_demonstrations_console_is_known_to_its_broker_and_another_is_told_what_is_missing() -> None:
    shipped = config_file.load(CONF / "demonstration" / "edge.toml", {})
    clients = load_clients(CONF / "demonstration" / "clients", development=True)
    check_client(shipped, clients)
    with pytest.raises(Problems, match="no client 'console'"):
        check_client(shipped, {})
    moved = shipped.console.model_copy(update={"public": "https://console.example.vn", "signing_key_file": "x"})
    with pytest.raises(Problems) as raised:
        check_client(shipped.model_copy(update={"console": moved}), clients)
    told = [problem.text for problem in raised.value.problems]
    assert {text.partition(": ")[2] for text in told} == {
        "redirect_uris must name https://console.example.vn/callback/broker",
        "post_logout_redirect_uris must name https://console.example.vn/sign-in",
        "backchannel_logout_uri must name https://console.example.vn/callback/broker/sign-out",
        'authentication = "private_key_jwt"',
    }
    silent = replace(clients["console"], backchannel_logout_uri=None)
    with pytest.raises(Problems, match="backchannel_logout_uri"):
        check_client(shipped, {"console": silent})


def test_the_client_in_the_manual_is_the_one_that_a_console_needs() -> None:
    manual = (CONF.parent / "docs" / "console.md").read_text("utf-8")
    written = manual.partition('        id = "console"')
    text = (written[1] + written[2]).partition("\n\n")[0].replace("…", "0" * 64)
    client = parse(ConfidentialDocument("console.toml", textwrap.dedent(text)))
    check_client(settings(secret_variable="SECRET"), {"console": client})
