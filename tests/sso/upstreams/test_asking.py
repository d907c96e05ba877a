"""What we say to an upstream."""

import base64
from dataclasses import replace
from urllib.parse import parse_qs, urlsplit

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey

from sso.upstreams.asking import Wish, authorization_uri, end_session_uri, s256, token_request, with_query
from sso.upstreams.discovery import Metadata
from sso.vocabulary import Level
from tests.sso.upstreams.provider import NOW, SECRET, Provider, upstream_of

METADATA = Metadata("https://x.example", "https://x.example/a?tenant=vn", "https://x.example/t")
WISH = Wish("https://us.example/callback/vneid", "state", Level.TWO, nonce="n", code_verifier="v" * 43)
PLAIN = upstream_of(Provider())


def asked(wish: Wish, **changes: object) -> dict[str, list[str]]:
    return parse_qs(urlsplit(authorization_uri(replace(PLAIN, **changes), METADATA, wish)).query)  # type: ignore[arg-type]


def test_a_visitor_leaves_with_everything_that_must_come_back() -> None:
    query = asked(WISH)
    assert query["tenant"] == ["vn"]
    assert query["state"] == ["state"]
    assert query["nonce"] == ["n"]
    assert query["code_challenge"] == [s256("v" * 43)]
    assert query["code_challenge_method"] == ["S256"]
    assert query["response_type"] == ["code"]
    assert not {"prompt", "max_age", "acr_values", "login_hint", "ui_locales"} & set(query)


def test_the_example_of_the_standard_has_its_challenge() -> None:
    # RFC 7636 appendix B
    assert s256("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk") == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"


def test_a_wish_is_passed_on_in_the_upstreams_words() -> None:
    wish = replace(WISH, force=True, max_age=0, login_hint="x", ui_locales=("vi", "en"))
    query = asked(wish, ask_level={Level.TWO: "LoA2"})
    assert (query["prompt"], query["max_age"], query["acr_values"]) == (["login"], ["0"], ["LoA2"])
    assert (query["login_hint"], query["ui_locales"]) == (["x"], ["vi en"])


def test_basic_authentication_encodes_both_halves() -> None:
    form, headers = token_request(PLAIN, code="c", redirect_uri="r", code_verifier="v", now=NOW, jti="j")
    name, _, secret = base64.b64decode(headers["Authorization"].removeprefix("Basic ")).decode().partition(":")
    assert name == "dvc-edge"
    assert ":" not in secret  # RFC 6749 §2.3.1: the secret has one itself
    assert SECRET not in dict(form).values()
    assert dict(form)["code_verifier"] == "v"


def test_a_secret_may_go_in_the_body() -> None:
    plain = replace(PLAIN, client_authentication="client_secret_post")
    form, headers = token_request(plain, code="c", redirect_uri="r", code_verifier=None, now=NOW, jti="j")
    assert (dict(form)["client_secret"], headers) == (SECRET, {})
    assert "code_verifier" not in dict(form)


def test_a_key_may_prove_who_we_are() -> None:
    key = ECKey.generate_key("P-256", {"kid": "ours"})
    plain = replace(PLAIN, client_authentication="private_key_jwt", signing_key=key, client_secret="")
    form, headers = token_request(plain, code="c", redirect_uri="r", code_verifier="v", now=NOW, jti="j")
    assertion = jwt.decode(dict(form)["client_assertion"], key, algorithms=["ES256"])
    assert assertion.header["kid"] == "ours"
    assert assertion.claims == {
        "iss": "dvc-edge",
        "sub": "dvc-edge",
        "aud": PLAIN.issuer,
        "jti": "j",
        "iat": NOW,
        "exp": NOW + 60,
    }
    assert (headers, "client_secret" in dict(form)) == ({}, False)


@pytest.mark.parametrize(
    ("uri", "made"), [("https://x/a", "https://x/a?b=c%2Fd"), ("https://x/a?e", "https://x/a?e&b=c%2Fd")]
)
def test_parameters_are_added_to_those_that_are_there(uri: str, made: str) -> None:
    assert with_query(uri, {"b": "c/d", "f": None}) == made


def test_a_person_can_be_sent_to_end_the_upstreams_session_too() -> None:
    metadata = replace(METADATA, end_session_endpoint="https://x.example/out")
    uri = end_session_uri(metadata, client_id="dvc-edge", id_token="t", back_to="https://us.example/", state="")
    assert uri is not None
    assert parse_qs(urlsplit(uri).query) == {
        "id_token_hint": ["t"],
        "client_id": ["dvc-edge"],
        "post_logout_redirect_uri": ["https://us.example/"],
    }
    assert end_session_uri(METADATA, client_id="c", id_token=None, back_to="", state="") is None
