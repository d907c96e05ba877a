"""Files of clients: what they mean, and every mistake in them."""

import secrets
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from joserfc import jwk

from redirect_rules.sources import lines_of
from sso import egress
from sso.clients import ClientTable, load_clients, parse, secret_digest, secret_matches
from sso.model import Lifetimes, SubjectAlias
from sso.sources import ConfidentialDocument, Mistakes
from sso.vocabulary import Claim, Level

CONF = Path(__file__).parents[2] / "conf" / "clients"
DIGEST = secret_digest("a secret")
GOOD = {
    "id": '"a"',
    "name": '{ vi = "A" }',
    "sector": '"a"',
    "redirect_uris": '["https://a.example/cb"]',
    "secret_digests": f'["{DIGEST}"]',
}
"""The least that a client is."""


def text(changes: dict[str, str | None] | None = None, tables: str = "") -> str:
    rows = GOOD | (changes or {})
    return "".join(f"{key} = {value}\n" for key, value in rows.items() if value is not None) + tables


def mistakes(written: str, *, development: bool = False, allowed: egress.Networks = ()) -> list[str]:
    try:
        parse(ConfidentialDocument("a.toml", written, lines_of), development=development, allowed=allowed)
    except Mistakes as error:
        return [str(mistake) for mistake in error.mistakes]
    return []


def test_the_shipped_examples_are_sound() -> None:
    clients = load_clients(CONF)
    assert set(clients) == {"langson", "khanhhoa", "ho-tich"}
    assert {client.id for client in clients.values() if client.profile == "fapi2"} == {"ho-tich"}


def test_a_file_means_what_it_says() -> None:
    client = parse(
        ConfidentialDocument(
            "a.toml",
            text(
                {"level": "1", "attributes": '["name", "citizen_id"]', "legal_basis": '"Luật"', "consent": '"once"'},
                '[[aliases]]\nsector = "b"\nsince = 2025-07-01\n[lifetimes]\ncode = 20\n',
            ),
        )
    )
    assert client.level is Level.ONE
    assert client.attributes == {Claim.NAME, Claim.CITIZEN_ID}
    assert client.aliases == (SubjectAlias("b", 1_751_302_800),)  # midnight in Viet Nam
    assert client.lifetimes == Lifetimes(code=20)
    assert client.formats == {"oidc"}


def test_a_client_of_fapi_is_held_to_it_whatever_its_file_says() -> None:
    client = load_clients(CONF)["ho-tich"]
    assert client.dpop_required
    assert client.pushed_request_required


@pytest.mark.parametrize("key", sorted(ClientTable.model_fields))
def test_every_key_is_in_the_manual(key: str) -> None:
    manual = (CONF.parents[1] / "docs/sign-in-operating.md").read_text("utf-8")
    assert f"`{key}" in manual


BAD_URIS = [
    "http://a.example/cb",
    "https://a.example",  # no path: compared octet for octet, clients differ
    "https://user@a.example/cb",
    "https://a.example/cb#x",
    "https://A.example/cb",
    "https://a.example:443/cb",
    "https://a.example/x/../cb",
    "https://a.example/x/%2e%2E/cb",
    "https://a.example/x%2f../cb",
    "https://a.example//cb",
    "https://a.example/c b",
    "https://a.example/cb\\x",
    "https://a.example/*",
    "https://*.example/cb",
    "https://tỉnh.example/cb",
    "https://203.162.4.190/cb",
    "https://0x7f.1/cb",
    "https://intranet/cb",
    "https://localhost/cb",
    "https://a.example:99999/cb",
    "javascript:alert(1)",
    "myapp://cb",
    "//a.example/cb",
    "https:///cb",
    "https://[::1/cb",
]


@pytest.mark.parametrize("key", ["redirect_uris", "post_logout_redirect_uris"])
@pytest.mark.parametrize("uri", BAD_URIS)
def test_an_address_for_people_that_could_lead_astray_is_a_mistake(key: str, uri: str) -> None:
    found = mistakes(text({key: f"['{uri}']"}))
    assert len(found) == 1
    assert f"{key}: " in found[0]


@pytest.mark.parametrize(
    "uri", ["https://a.example/", "https://a.example/cb?x=1&y=2", "https://xn--tnh-ria.example:8443/cb"]
)
def test_other_addresses_are_taken_as_they_are(uri: str) -> None:
    assert parse(ConfidentialDocument("a.toml", text({"redirect_uris": f"['{uri}']"}))).redirect_uris == (uri,)


@pytest.mark.parametrize(
    "uri", ["http://localhost:9000/cb", "http://tinh-demo.localhost:8080/cb", "http://127.0.0.1:9/cb"]
)
def test_plain_http_is_for_localhost_in_development_only(uri: str) -> None:
    written = text({"redirect_uris": f"['{uri}']"})
    assert mistakes(written, development=True) == []
    assert mistakes(written)
    assert mistakes(text({"redirect_uris": "['http://a.example/cb']"}), development=True)


@pytest.mark.parametrize("key", ["backchannel_logout_uri", "jwks_uri"])
@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "10.1.2.3", "169.254.169.254", "0x7f000001", "2130706433", "017700000001", "[::1]", "[::ffff:a00:1]"],
)
def test_an_address_that_we_call_may_not_be_inside(key: str, host: str) -> None:
    assert mistakes(text({key: f"'https://{host}/x'"}))


def test_an_operator_allows_private_addresses_by_network() -> None:
    written = text({"backchannel_logout_uri": "'https://10.20.0.7/out'"})
    assert mistakes(written, allowed=egress.networks(["10.20.0.0/16"])) == []
    assert "allowed_networks" in mistakes(written)[0]
    cloud = text({"backchannel_logout_uri": "'https://169.254.169.254/out'"})
    assert mistakes(cloud, allowed=egress.networks(["0.0.0.0/0"]))


@pytest.mark.parametrize(
    ("changes", "tables", "expected"),
    [
        ({"id": '"Lạng Sơn"'}, "", "a.toml:1: id: write small letters"),
        ({"sector": None}, "", "a.toml: sector: this key is missing: add it"),
        ({"name": '{ en = "A" }'}, "", "a.toml:2: name.vi: this key is missing"),
        ({"nmae": "1"}, "", "a.toml:6: nmae: unknown key"),
        ({"redirect_uris": "[]"}, "", "redirect_uris"),
        ({"redirect_uris": "['https://a.example/cb', 'https://a.example/cb']"}, "", "stands there twice"),
        ({"secret_digests": None}, "", "secret_digests: add one"),
        ({"secret_digests": "['hunter2']"}, "", "a.toml:5: secret_digests.0: not a digest"),
        ({"secret_digests": f'["{DIGEST}", "{DIGEST}", "{DIGEST}"]'}, "", "two at most"),
        ({"authentication": '"private_key_jwt"'}, "", "has no secret: remove them"),
        ({"authentication": '"private_key_jwt"', "secret_digests": None}, "", "its public keys must stand here"),
        ({"authentication": '"none"', "secret_digests": None, "request_object_required": "true"}, "", "public keys"),
        ({"profile": '"fapi2"'}, "", 'fapi2 asks for "private_key_jwt"'),
        ({"level": "3"}, "", "a.toml:6: level"),
        ({"level": "true"}, "", "a.toml:6: level"),
        ({"attributes": '["name"]'}, "", "legal_basis: say by what law"),
        ({"attributes": '["religion"]'}, "", "a.toml:6: attributes"),
        ({"formats": '["header"]'}, "", "portals: a signed header is for portals"),
        ({"formats": "[]"}, "", "formats: name one"),
        ({"formats": '["saml"]'}, "", "a.toml:6: formats"),
        ({}, "[lifetimes]\ncode = 61\n", "a.toml:7: lifetimes.code"),
        ({}, "[[aliases]]\nsector = 'a'\nsince = 2025-07-01\n", "the client's own sector"),
        ({}, "[[aliases]]\nsector = 'b'\nsince = 2025-07-01\nuntil = 2025-07-01\n", "must come after"),
        ({}, "[jwks]\nkeys = []\n", "jwks: write keys"),
        ({}, "[jwks]\nkeys = [{ kty = 'oct', k = 'c2VjcmV0' }]\n", "PRIVATE key"),
        ({}, "[jwks]\nkeys = [{ kty = 'RSA', n = 'AQAB', e = 'AQAB' }]\n", "2,048 bits"),
        ({"jwks_uri": "'https://a.example/jwks'"}, "[jwks]\nkeys = [{ kty = 'x' }]\n", "keep one of the two"),
    ],
)
def test_a_mistake_is_told_with_its_line_and_what_to_write(
    changes: dict[str, str | None], tables: str, expected: str
) -> None:
    found = mistakes(text(changes, tables))
    assert any(expected in one for one in found), found
    assert not any("hunter2" in one for one in found)


def test_every_mistake_of_every_file_is_told_at_once(tmp_path: Path) -> None:
    folder = tmp_path / "clients"
    folder.mkdir()
    (folder / "a.toml").write_text(text({"id": '"A"', "level": "9"}), encoding="utf-8")
    (folder / "b.toml").write_text(text({"portals": '["nowhere"]', "upstreams": '["vneid"]'}), encoding="utf-8")
    (folder / "c.toml").write_text(text(), encoding="utf-8")
    (folder / "d.toml").write_text("id =", encoding="utf-8")
    with pytest.raises(Mistakes) as caught:
        load_clients(folder, known_portals={"langson"}, known_upstreams=set(), lines_of=lines_of)
    told = [str(one) for one in caught.value.mistakes]
    assert [one.partition(": ")[0] for one in told] == [
        *("clients/a.toml:1", "clients/a.toml:6", "clients/b.toml:6", "clients/b.toml:7", "clients/c.toml:1"),
        "clients/d.toml:1",
    ]
    assert "known are langson" in told[2]
    assert "known are none" in told[3]


def test_public_keys_of_a_client_stand_in_its_file() -> None:
    key = jwk.ECKey.generate_key("P-256").as_dict(private=False)
    row = ", ".join(f'{name} = "{key[name]}"' for name in ("kty", "crv", "x", "y"))
    written = text({"authentication": '"private_key_jwt"', "secret_digests": None}, f"[jwks]\nkeys = [{{ {row} }}]\n")
    assert parse(ConfidentialDocument("a.toml", written)).jwks


@settings(max_examples=40, deadline=None)
@given(st.text(), st.text())
def test_a_secret_matches_itself_and_nothing_else(one: str, other: str) -> None:
    client = parse(ConfidentialDocument("a.toml", text({"secret_digests": f'["{DIGEST}", "{secret_digest(one)}"]'})))
    assert secret_matches(client, one)
    assert secret_matches(client, "a secret")
    assert secret_matches(client, other) is (other in {one, "a secret"})


def test_a_client_without_secrets_matches_none() -> None:
    client = parse(ConfidentialDocument("a.toml", text({"authentication": '"none"', "secret_digests": None})))
    assert not secret_matches(client, "")
    assert not secret_matches(client, secrets.token_urlsafe(32))
