"""Which authorization requests are taken, as what, and where a refusal of the others goes."""

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sso import authorize, refusals
from sso.authorize import ReturnAddress, Returned
from sso.model import AuthorizationRequest, Client
from sso.parameters import Parameters
from sso.refusals import Cause, Refusal
from sso.vocabulary import Claim, Level
from tests.sign_in_peers.issuer import CHALLENGE, CLIENTS

ALPHA = CLIENTS["alpha"]
GOOD = {
    "client_id": "alpha",
    "redirect_uri": "https://alpha.example/cb",
    "response_type": "code",
    "scope": "openid",
    "code_challenge": CHALLENGE,
    "code_challenge_method": "S256",
}


def taken(client: Client = ALPHA, **changes: Any) -> AuthorizationRequest:
    values = {name: value for name, value in {**GOOD, **changes}.items() if value is not None}
    parameters = Parameters(values)
    address = authorize.return_address(parameters, client)
    return authorize.checked(parameters, client, address, subject_of_hint={"good hint": "person"}.get)


def test_what_is_asked_is_what_is_taken() -> None:
    request = taken(
        state="s", nonce="n", response_mode="form_post", prompt="login consent", max_age="60", login_hint="h",
        ui_locales="vi en", id_token_hint="good hint", dpop_jkt=CHALLENGE, scope="openid email unknown",
    )  # fmt: skip
    assert request == AuthorizationRequest(
        client="alpha", redirect_uri="https://alpha.example/cb", scopes=frozenset({"openid", "email"}),
        code_challenge=CHALLENGE, state="s", nonce="n", response_mode="form_post",
        prompts=frozenset({"login", "consent"}), max_age=60, subject_hint="person", login_hint="h",
        ui_locales=("vi", "en"), jkt=CHALLENGE,
    )  # fmt: skip


# what is changed → why it is refused, at the client's own address
REFUSED: list[tuple[dict[str, Any], Cause]] = [
    ({"response_type": None}, refusals.RESPONSE_TYPE_MISSING),
    ({"response_type": "token"}, refusals.RESPONSE_TYPE),
    ({"response_mode": "fragment"}, refusals.RESPONSE_MODE),
    ({"scope": None}, refusals.SCOPE),
    ({"scope": "OPENID"}, refusals.SCOPE),
    ({"code_challenge": None}, refusals.PKCE_MISSING),
    ({"code_challenge_method": None}, refusals.PKCE_METHOD),
    ({"code_challenge_method": "plain"}, refusals.PKCE_METHOD),
    ({"code_challenge": "x" * 42}, refusals.PKCE_METHOD),
    ({"code_challenge": "ü" * 43}, refusals.PKCE_METHOD),
    ({"prompt": "none login"}, refusals.PROMPT),
    ({"prompt": "create"}, refusals.PROMPT),
    ({"max_age": "-1"}, refusals.MAX_AGE),
    ({"max_age": "1e3"}, refusals.MAX_AGE),
    ({"max_age": "١"}, refusals.MAX_AGE),
    ({"max_age": "9" * 5_000}, refusals.MAX_AGE),
    ({"id_token_hint": "forged"}, refusals.HINT),
    ({"dpop_jkt": "short"}, refusals.JKT),
    ({"claims": "[]"}, refusals.CLAIMS),
    ({"claims": "{"}, refusals.CLAIMS),
    ({"claims": '{"userinfo": []}'}, refusals.CLAIMS),
    ({"claims": '{"userinfo": {"name": 1}}'}, refusals.CLAIMS),
    ({"claims": '{"userinfo": {}, "userinfo": {}}'}, refusals.CLAIMS),
    ({"claims": '{"id_token": {"acr": {"values": "x"}}}'}, refusals.CLAIMS),
    ({"claims": '{"id_token": {"acr": {"essential": true, "value": "urn:x"}}}'}, refusals.ACR_UNKNOWN),
    ({"state": "x" * 3_000}, refusals.RESPONSE_VALUE),
    ({"nonce": "x" * 3_000}, refusals.RESPONSE_VALUE),
]  # fmt: skip


@pytest.mark.parametrize(("changes", "cause"), REFUSED, ids=[f"{change}"[:50] for change, _ in REFUSED])
def test_a_refusal_goes_to_the_proven_address(changes: dict[str, Any], cause: Cause) -> None:
    with pytest.raises(Returned) as returned:
        taken(**changes)
    assert returned.value.cause is cause
    assert returned.value.address.uri == "https://alpha.example/cb"


@pytest.mark.parametrize("uri", [None, "https://alpha.example/cb/", "https://evil.example/cb"])
def test_without_a_proven_address_a_refusal_goes_nowhere(uri: str | None) -> None:
    with pytest.raises(Refusal) as refused:
        taken(redirect_uri=uri)
    assert refused.value.cause is refusals.REDIRECT_URI


def test_only_clients_of_openid_connect_may_ask() -> None:
    clients = {"alpha": ALPHA, "cards": replace(ALPHA, id="cards", formats=frozenset({"ticket"}))}
    assert authorize.client_of(Parameters({"client_id": "alpha"}), clients) is ALPHA
    for name in ("cards", "nobody", "", "ALPHA"):
        with pytest.raises(Refusal):
            authorize.client_of(Parameters({"client_id": name}), clients)


# client's least, what is asked → what must be reached, and whether by all means
LEVELS: list[tuple[Level, dict[str, Any], tuple[Level, bool]]] = [
    (Level.ONE, {}, (Level.ONE, False)),
    (Level.TWO, {}, (Level.TWO, False)),
    (Level.ONE, {"acr_values": Level.TWO.acr}, (Level.TWO, False)),
    (Level.TWO, {"acr_values": Level.ONE.acr}, (Level.TWO, False)),
    (Level.ONE, {"acr_values": f"urn:x {Level.TWO.acr} {Level.ONE.acr}"}, (Level.TWO, False)),
    (Level.ONE, {"claims": {"acr": {"value": Level.TWO.acr}}}, (Level.TWO, False)),
    (Level.ONE, {"claims": {"acr": {"essential": True, "values": [Level.TWO.acr]}}}, (Level.TWO, True)),
    (Level.TWO, {"claims": {"acr": {"essential": True, "values": [Level.ONE.acr]}}}, (Level.TWO, True)),
    (Level.ONE, {"claims": {"acr": {"essential": True}}}, (Level.ONE, False)),
    (Level.ONE, {"claims": {"acr": None}}, (Level.ONE, False)),
]


@pytest.mark.parametrize(("least", "asked", "expected"), LEVELS)
def test_a_request_raises_the_level_and_never_lowers_it(
    least: Level, asked: dict[str, Any], expected: tuple[Level, bool]
) -> None:
    changes = {"claims": json.dumps({"id_token": asked["claims"]})} if "claims" in asked else asked
    request = taken(replace(ALPHA, level=least), **changes)
    assert (request.level, request.level_essential) == expected


def test_claims_are_those_of_the_record_at_most() -> None:
    narrow = replace(ALPHA, attributes=frozenset({Claim.NAME}))
    asked = {"userinfo": {"name": None, "citizen_id": None, "nonsense": None}, "id_token": {"email": None}}
    request = taken(narrow, claims=json.dumps(asked))
    assert (request.claims, request.id_token_claims) == (frozenset({Claim.NAME}), frozenset())


def test_a_sub_by_value_asks_for_that_person() -> None:
    assert taken(claims='{"id_token": {"sub": {"value": "person"}}}').subject_hint == "person"


def test_a_client_without_refresh_tokens_is_not_asked_about_them() -> None:
    request = taken(replace(ALPHA, refresh_tokens=False), scope="openid offline_access")
    assert request.scopes == {"openid"}


def test_only_our_own_request_uris_are_looked_at() -> None:
    assert authorize.request_uri_secret("urn:ietf:params:oauth:request_uri:abc") == "abc"
    with pytest.raises(Refusal) as refused:
        authorize.request_uri_secret("https://alpha.example/request")
    assert refused.value.cause is refusals.REQUEST_URI_FOREIGN


@settings(max_examples=200, deadline=None)
@given(
    st.dictionaries(
        st.sampled_from([*GOOD, "prompt", "max_age", "claims", "state", "acr_values"]), st.text(max_size=30)
    )
)
def test_whatever_is_sent_ends_in_a_request_or_a_refusal(values: dict[str, str]) -> None:
    parameters = Parameters(values)
    try:
        request = authorize.checked(
            parameters, ALPHA, ReturnAddress("alpha", "https://x"), subject_of_hint=lambda _: None
        )
    except Returned:
        return
    assert request.level >= ALPHA.level
    assert "openid" in request.scopes
