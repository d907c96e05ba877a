"""What engineers copy: with their own addresses, without a secret, and readable by the programs that it is for."""

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from proxy.console.client_snippets import Place, snippets
from sso.clients import secret_digest
from sso.vocabulary import SCOPES, Claim

ISSUER = "https://signin.example.vn"
RECORD: dict[str, Any] = {
    "id": "langson",
    "name": {"vi": "Một cửa"},
    "formats": ["oidc", "header", "forward-auth", "ticket"],
    "redirect_uris": ["https://motcua.langson.example/cb?x='$(;)"],
    "post_logout_redirect_uris": ["https://motcua.langson.example/bye"],
    "backchannel_logout_uri": "https://motcua.langson.example/out",
    "secret_digests": [secret_digest("a secret")],
    "attributes": ["name", "citizen_id"],
    "refresh_tokens": True,
}


def told(record: dict[str, Any] = RECORD) -> dict[str, str]:
    return {one.key: one.text for one in snippets(record, ISSUER, [Place("dichvucong.langson.gov.vn")])}


FORMATS = {
    "oidc": {"values", "node", "apache", "php"},
    "header": {"header-php", "header-java", "keys"},
    "forward-auth": {"nginx"},
    "ticket": {"ticket"},
}


@pytest.mark.parametrize("format_", FORMATS)
def test_each_way_of_connecting_has_its_own(format_: str) -> None:
    assert told({**RECORD, "formats": [format_]}).keys() == FORMATS[format_]


def test_addresses_and_scopes_are_those_of_the_record() -> None:
    found = told()
    for key in ("values", "node", "apache", "php", "ticket"):
        assert "https://motcua.langson.example/cb" in found[key], key
    assert 'scope: "openid profile citizen offline_access"' in found["node"]
    assert "dichvucong.langson.gov.vn" in found["nginx"]
    assert all(RECORD["secret_digests"][0] not in text for text in found.values())


@pytest.mark.parametrize("claim", [claim for claim in Claim if claim is not Claim.ACCOUNT_TYPE], ids=str)
def test_a_claim_is_asked_for_by_the_scope_that_brings_it(claim: Claim) -> None:
    (line,) = [line for line in told({**RECORD, "attributes": [claim.value]})["values"].splitlines() if "scope" in line]
    asked = line.split()[1:]
    assert any(claim in SCOPES[scope] for scope in asked)


def test_who_signs_is_told_so_and_gets_nothing_for_programs_that_only_know_secrets() -> None:
    found = told({**RECORD, "formats": ["oidc"], "authentication": "private_key_jwt"})
    assert found.keys() == {"values", "node"}
    assert "PrivateKeyJwt" in found["node"]


def needs(program: str) -> str:
    found = shutil.which(program)
    if found is None:
        pytest.skip(f"{program} is not installed here: what is made for it cannot be read by it")
    return found


@pytest.mark.parametrize("authentication", ["client_secret_basic", "client_secret_post", "private_key_jwt", "none"])
def test_node_can_read_it(tmp_path: Path, authentication: str) -> None:
    file = tmp_path / "client.mjs"
    file.write_text(told({**RECORD, "authentication": authentication})["node"])
    subprocess.run([needs("node"), "--check", file], check=True, timeout=60)


def test_nginx_can_read_it(tmp_path: Path) -> None:
    server = told()["nginx"].replace("http://EDGE", "http://127.0.0.1:8080")
    file = tmp_path / "nginx.conf"
    file.write_text(
        f"pid {tmp_path}/pid;\nerror_log stderr;\nevents {{}}\n"
        f"http {{ access_log off; server {{ listen 127.0.0.1:1;\n{server}\n}} }}\n"
    )
    subprocess.run([needs("nginx"), "-t", "-p", tmp_path, "-c", file], check=True, timeout=60)


def test_php_can_read_it(tmp_path: Path) -> None:
    for key in ("php", "header-php"):
        file = tmp_path / f"{key}.php"
        file.write_text(told()[key])
        subprocess.run([needs("php"), "-l", file], check=True, timeout=60)
