"""Metadata: the issuer's own, on hosts that the configuration names, or none."""

import json
from typing import Any

import pytest

from sso.upstreams.discovery import BadMetadata, read, uri_of, uri_problem

ISSUER = "https://sso.example.gov.vn"
HOSTS = frozenset({"sso.example.gov.vn", "login.example.gov.vn"})
PLAIN: dict[str, Any] = {
    "issuer": ISSUER,
    "authorization_endpoint": "https://login.example.gov.vn/authorize",
    "token_endpoint": f"{ISSUER}/token?tenant=vn",
    "jwks_uri": f"{ISSUER}/jwks",
}


def test_what_is_in_order_is_read() -> None:
    metadata = read(json.dumps(PLAIN).encode(), issuer=ISSUER, hosts=HOSTS, development=False)
    assert metadata.token_endpoint == f"{ISSUER}/token?tenant=vn"
    assert metadata.names_issuer is False
    assert metadata.userinfo_endpoint is None


POISON: dict[str, dict[str, Any]] = {
    "another issuer": {"issuer": "https://evil.example"},
    "an issuer with a slash more": {"issuer": ISSUER + "/"},
    "a token endpoint elsewhere": {"token_endpoint": "https://evil.example/token"},
    "an authorization endpoint elsewhere": {"authorization_endpoint": "https://evil.example/a"},
    "keys elsewhere": {"jwks_uri": "https://evil.example/jwks"},
    "keys in the house": {"jwks_uri": "https://169.254.169.254/latest/meta-data"},
    "keys on loopback": {"jwks_uri": "http://127.0.0.1/jwks"},
    "plain http": {"token_endpoint": "http://sso.example.gov.vn/token"},
    "a file": {"jwks_uri": "file:///etc/passwd"},
    "a user": {"token_endpoint": "https://sso.example.gov.vn@evil.example/token"},
    "a backslash": {"token_endpoint": "https://sso.example.gov.vn\\@evil.example/token"},
    "a line end": {"token_endpoint": "https://sso.example.gov.vn/\r\nX: y"},
    "a fragment": {"authorization_endpoint": "https://sso.example.gov.vn/#a"},
    "no port": {"token_endpoint": "https://sso.example.gov.vn:x/token"},
    "no text": {"token_endpoint": ["https://sso.example.gov.vn/token"]},
    "no token endpoint": {"token_endpoint": None},
    "letters that look alike": {"token_endpoint": "https://ѕso.example.gov.vn/token"},
}


@pytest.mark.parametrize("what", POISON)
def test_poison_is_refused(what: str) -> None:
    with pytest.raises(BadMetadata) as refused:
        read(json.dumps(PLAIN | POISON[what]).encode(), issuer=ISSUER, hosts=HOSTS, development=False)
    assert "evil" not in str(refused.value)


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"issuer": "a", "issuer": "b"}', b"{" * 100_000])
def test_what_is_no_document_is_refused(body: bytes) -> None:
    with pytest.raises(BadMetadata):
        read(body, issuer=ISSUER, hosts=HOSTS, development=False)


@pytest.mark.parametrize(
    ("uri", "development", "fine"),
    [
        ("http://vneid.localhost:8090/token", True, True),
        ("http://vneid.localhost:8090/token", False, False),
        ("http://vneid.example/token", True, False),
        ("https://vneid.example/token", True, True),
    ],
)
def test_plain_http_is_for_this_machine_in_development(uri: str, *, development: bool, fine: bool) -> None:
    hosts = frozenset({"vneid.localhost", "vneid.example"})
    assert (uri_problem(uri, hosts=hosts, development=development) == "") is fine


def test_the_document_lies_below_the_issuer() -> None:
    assert uri_of("https://x.example/realm/") == "https://x.example/realm/.well-known/openid-configuration"
