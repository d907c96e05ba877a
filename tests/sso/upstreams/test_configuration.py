"""conf/upstreams/*.toml: what may stand in it, and what is said of mistakes."""

import json
from pathlib import Path

import pytest
from joserfc.jwk import ECKey

from redirect_rules.sources import lines_of
from sso.sources import ConfidentialDocument, Mistakes
from sso.upstreams.claim_mapping import Source
from sso.upstreams.configuration import load_upstreams, parse
from sso.upstreams.model import Upstream, private_hosts
from sso.vocabulary import AccountType, Claim, Level

ROOT = Path(__file__).parents[3]
PLAIN = """
preset = "vneid"
names = { vi = "VNeID" }
issuer = "https://sso.example.gov.vn"
client_id = "dvc-edge"
secret_variable = "VNEID_SECRET"
"""
ENVIRON = {"VNEID_SECRET": "hush"}


def read(text: str, *, name: str = "vneid.toml", folder: Path = Path(), development: bool = False) -> Upstream:
    return parse(ConfidentialDocument(name, text, lines_of), ENVIRON, folder=folder, development=development)


def complaints(text: str, **how: object) -> list[str]:
    with pytest.raises(Mistakes) as mistakes:
        read(text, **how)  # type: ignore[arg-type]  # as read takes them
    return [str(mistake) for mistake in mistakes.value.mistakes]


def test_what_is_shipped_is_the_demonstration() -> None:
    upstreams = load_upstreams(ROOT / "conf" / "demonstration" / "upstreams", {}, development=True)
    assert list(upstreams) == ["vnconnect", "vneid"]
    assert {upstream.issuer.partition("//")[2].partition(":")[0] for upstream in upstreams.values()} == {
        "vneid.localhost",
        "vnconnect.localhost",
    }
    assert private_hosts(upstreams.values()) == {"vneid.localhost", "vnconnect.localhost"}


def test_what_is_shipped_is_refused_outside_development() -> None:
    with pytest.raises(Mistakes) as mistakes:
        load_upstreams(ROOT / "conf" / "demonstration" / "upstreams", {}, lines_of=lines_of)
    told = [str(mistake) for mistake in mistakes.value.mistakes]
    assert any("vneid.toml:5: issuer: write an https address" in line for line in told)
    assert any("secret: a secret is not written down here" in line for line in told)


def test_vneid_is_oidc_with_words_of_its_own() -> None:
    upstream = read(PLAIN)
    assert (upstream.id, upstream.pkce, upstream.nonce, upstream.id_token) == ("vneid", True, True, "required")
    assert upstream.endpoints is None  # by discovery
    assert upstream.client_secret == "hush"
    assert upstream.mapping.subject == "sub"
    assert upstream.mapping.claims[Claim.CITIZEN_ID] == Source("citizenPid", "citizen-id")
    assert upstream.mapping.levels == {"1": Level.ONE, "2": Level.TWO}
    assert upstream.level is Level.TWO


def test_vnconnect_has_neither_pkce_nor_nonce_nor_id_token() -> None:
    upstream = read(PLAIN.replace('"vneid"', '"vnconnect"'), name="vnconnect.toml")
    assert (upstream.pkce, upstream.nonce, upstream.id_token) == (False, False, "none")
    assert upstream.client_authentication == "client_secret_post"
    assert upstream.endpoints is not None
    assert upstream.endpoints.token_endpoint == "https://sso.example.gov.vn/oauth2/token"
    assert upstream.mapping.subject == "TechID"
    assert upstream.ask_level[Level.ONE] == "LoA1"
    assert upstream.mapping.accounts == {"1": AccountType.CITIZEN, "2": AccountType.ORGANISATION}
    assert not {"userProfileUri", "logoutUri"} & {source.name for source in upstream.mapping.claims.values()}


def test_a_claim_may_be_renamed_and_taken_away() -> None:
    upstream = read(PLAIN + '[claims]\nname = "ten"\nbirthdate = ""\n')
    assert upstream.mapping.claims[Claim.NAME] == Source("ten")
    assert Claim.BIRTHDATE not in upstream.mapping.claims
    assert Claim.CITIZEN_ID in upstream.mapping.claims


def test_a_secret_may_stand_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("from the file\n", "utf-8")
    text = PLAIN.replace('secret_variable = "VNEID_SECRET"', 'secret_file = "secret"')
    assert read(text, folder=tmp_path).client_secret == "from the file"


def test_a_key_may_stand_in_for_a_secret(tmp_path: Path) -> None:
    key = ECKey.generate_key("P-256", {"kid": "ours"})
    (tmp_path / "key.json").write_text(json.dumps(key.as_dict(private=True)), "utf-8")
    text = PLAIN.replace(
        'secret_variable = "VNEID_SECRET"',
        'client_authentication = "private_key_jwt"\nsigning_key_file = "key.json"',
    )
    upstream = read(text, folder=tmp_path)
    assert upstream.signing_key is not None
    assert (upstream.signing_key.kid, upstream.client_secret) == ("ours", "")


def test_neither_secret_nor_key_is_shown(tmp_path: Path) -> None:
    assert "hush" not in repr(read(PLAIN))


WRONG = {
    'issuer = "https://sso.example.gov.vn"': {
        'issuer = "http://sso.example.gov.vn"': "vneid.toml:4: issuer: write an https address",
        'issuer = "http://sso.localhost:8090"': "vneid.toml:4: issuer: write an https address",
        'issuer = "https://user@sso.example.gov.vn"': "vneid.toml:4: issuer: write an address with a host, without a user",
        'issuer = "https://sso.example.gov.vn/#a"': "vneid.toml:4: issuer: write an address with a host",
        "issuer = 1": "vneid.toml:4: issuer: write a text in quotes",
    },
    'names = { vi = "VNeID" }': {'names = { en = "VNeID" }': "vneid.toml:3: names: write at least { vi"},
    'client_id = "dvc-edge"': {'client_id = ""': "vneid.toml:5: client_id: "},
    'secret_variable = "VNEID_SECRET"': {
        'secret_variable = "UNSET"': "vneid.toml:6: secret_variable: the environment has no UNSET: set it",
        'secret_file = "nowhere"': "vneid.toml:6: secret_file: nowhere cannot be read",
        'secret = "written down"': "vneid.toml:6: secret: a secret is not written down here",
        "": "secret_variable: say in one way where the secret is",
        'client_authentication = "private_key_jwt"': "signing_key_file: private_key_jwt needs a key",
        'algorithms = ["HS256", "none"]\nsecret_variable = "VNEID_SECRET"': "vneid.toml:6: algorithms: HS256, none: write some of",
        'scopes = ["profile"]\nsecret_variable = "VNEID_SECRET"': 'vneid.toml:6: scopes: "openid" must be among them',
        'id_token = "none"\nsecret_variable = "VNEID_SECRET"': "nonce: a nonce comes back in an ID token only",
        'discovery = false\nsecret_variable = "VNEID_SECRET"': "endpoints: authorization, token, userinfo, jwks missing",
        'isuer = "x"\nsecret_variable = "VNEID_SECRET"': "vneid.toml:6: isuer: unknown key",
        'secret_variable = "VNEID_SECRET"\n[level]\nclaim = "acr"\nvalues = {}': "level: say what its values mean",
        'secret_variable = "VNEID_SECRET"\n[claims]\nnickname = "x"': "claims.nickname",
    },
}


@pytest.mark.parametrize(
    ("old", "new", "told"), [(old, new, told) for old, news in WRONG.items() for new, told in news.items()]
)
def test_a_mistake_is_told_with_its_place(old: str, new: str, told: str) -> None:
    assert any(told in line for line in complaints(PLAIN.replace(old, new))), complaints(PLAIN.replace(old, new))


def test_endpoints_must_be_where_the_issuer_is_or_where_hosts_says() -> None:
    text = PLAIN.replace('"vneid"', '"vnconnect"', 1)
    text += '[endpoints]\nauthorization = "https://sso.example.gov.vn/a"\n'
    text += 'token = "https://elsewhere.example/t"\nuserinfo = "https://sso.example.gov.vn/u"\n'
    assert "endpoints: token: its host is neither the issuer's nor one of `hosts`" in complaints(text)[0]
    assert read(text.replace("[endpoints]", 'hosts = ["elsewhere.example"]\n[endpoints]')).endpoints is not None


def test_all_mistakes_of_all_files_are_told_at_once(tmp_path: Path) -> None:
    (tmp_path / "one.toml").write_text(PLAIN.replace("https:", "http:"), "utf-8")
    (tmp_path / "Two.toml").write_text(PLAIN, "utf-8")
    (tmp_path / "three.toml").write_text("preset = [", "utf-8")
    with pytest.raises(Mistakes) as mistakes:
        load_upstreams(tmp_path, ENVIRON)
    assert {mistake.source.rpartition("/")[2] for mistake in mistakes.value.mistakes} == {
        "one.toml",
        "Two.toml",
        "three.toml",
    }


def test_two_files_for_one_provider_are_one_too_many(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / f"{name}.toml").write_text(PLAIN, "utf-8")
    with pytest.raises(Mistakes, match=r"one\.toml has the same issuer and client_id"):
        load_upstreams(tmp_path, ENVIRON)
