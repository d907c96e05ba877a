"""OpenID Connect Basic OP, module by module.

It mirrors the list of modules of the OpenID Foundation's conformance suite, and is no certification: the suite itself
is a program of its own.  What differs from the suite's plan is said at the module.
"""

import base64
import hashlib
import json
from typing import Any
from urllib.parse import urlencode

import pytest
from joserfc import jwt
from joserfc.jwk import KeySet

from sso.vocabulary import Level
from tests.sign_in_peers.issuer import AN, CHALLENGE, EC, HOME, NOW, VERIFIER, Answer, Browser, Desk, signed


async def claims_of(desk: Desk, id_token: str) -> dict[str, Any]:
    """What an ID token says, verified with the published keys as a client would."""
    keys = KeySet.import_key_set((await desk.ask("GET", "/jwks")).json())
    return dict(jwt.decode(id_token, keys, algorithms=["ES256", "RS256"]).claims)


def goes_home(answer: Answer) -> bool:
    """Whether the person has to sign in."""
    return answer.status == 303 and answer.location.startswith(f"{HOME}/authorize?")


async def error_of(answer: Answer) -> str:
    assert answer.status == 303, answer.text
    return answer.told()["error"]


async def signed_in(desk: Desk, name: str = "alpha") -> Browser:
    browser = desk.browser()
    await desk.sign_in(browser, name)
    return browser


async def test_oidcc_server(desk: Desk) -> None:
    told = await desk.sign_in()
    assert told["state"] == "the state"
    assert told["iss"] == desk.broker.issuer
    body = (await desk.exchange(told["code"])).json()
    assert body["token_type"] == "Bearer"
    claims = await claims_of(desk, body["id_token"])
    digest = hashlib.sha256(body["access_token"].encode()).digest()[:16]
    assert claims["at_hash"] == base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
    assert claims["iss"] == desk.broker.issuer
    assert claims["aud"] == "alpha"
    assert claims["nonce"] == "n-0S6"
    assert claims["auth_time"] == NOW
    assert claims["acr"] == Level.TWO.acr
    assert claims["amr"] == ["pwd", "otp"]
    assert claims["exp"] - claims["iat"] == 300
    assert claims["sid"]
    assert "azp" not in claims  # one audience


async def test_oidcc_server_client_secret_post(desk: Desk) -> None:
    body = await desk.tokens(name="beta")
    assert (await claims_of(desk, body["id_token"]))["aud"] == "beta"


async def test_a_client_cannot_use_a_way_of_authentication_that_is_not_its_own(desk: Desk) -> None:
    told = await desk.sign_in()
    body = {"grant_type": "authorization_code", "code": told["code"], "redirect_uri": "https://alpha.example/cb"}
    form = {**body, "code_verifier": VERIFIER, "client_id": "alpha", "client_secret": "s" * 43}
    assert (await desk.ask("POST", "/token", body=urlencode(form))).status == 401


async def test_oidcc_response_type_missing(desk: Desk) -> None:
    answer = await desk.authorize(desk.browser(), response_type=None)
    assert await error_of(answer) == "invalid_request"
    assert answer.told()["state"] == "the state"


@pytest.mark.parametrize(("name", "algorithm"), [("alpha", "ES256"), ("beta", "RS256")])
async def test_oidcc_idtoken_signature(desk: Desk, name: str, algorithm: str) -> None:
    body = await desk.tokens(name=name)
    header = json.loads(base64.urlsafe_b64decode(body["id_token"].split(".")[0] + "=="))
    published = {key["kid"]: key["alg"] for key in (await desk.ask("GET", "/jwks")).json()["keys"]}
    assert (header["alg"], published[header["kid"]]) == (algorithm, algorithm)
    await claims_of(desk, body["id_token"])


async def test_oidcc_userinfo_get(desk: Desk) -> None:
    body = await desk.tokens(scope="openid profile")
    answer = await desk.userinfo(body["access_token"])
    assert answer.json()["sub"] == (await claims_of(desk, body["id_token"]))["sub"]
    assert answer.json()["name"] == AN.name


async def test_oidcc_userinfo_post_header(desk: Desk) -> None:
    body = await desk.tokens()
    answer = await desk.ask("POST", "/userinfo", {"Authorization": f"Bearer {body['access_token']}"})
    assert answer.json()["sub"]


async def test_oidcc_userinfo_post_body(desk: Desk) -> None:
    body = await desk.tokens()
    answer = await desk.ask("POST", "/userinfo", body=urlencode({"access_token": body["access_token"]}))
    assert answer.json()["sub"]


async def test_userinfo_is_signed_for_a_client_that_wants_it(desk: Desk) -> None:
    body = await desk.tokens(name="beta", scope="openid email")
    answer = await desk.userinfo(body["access_token"])
    assert answer.headers["Content-Type"] == "application/jwt"
    claims = await claims_of(desk, answer.text)
    assert (claims["iss"], claims["aud"], claims["email"]) == (desk.broker.issuer, "beta", AN.email)


async def test_oidcc_ensure_request_without_nonce_succeeds_for_code_flow(desk: Desk) -> None:
    body = await desk.tokens(nonce=None)
    assert "nonce" not in await claims_of(desk, body["id_token"])


# scope → the claims that it brings, from userinfo and not from the ID token
SCOPES: dict[str, dict[str, object]] = {
    "profile": {"name": AN.name, "birthdate": "1954-09-02"},
    "email": {"email": AN.email},
    "address": {"address": {"formatted": AN.address}},
    "phone": {"phone_number": AN.phone},
}


@pytest.mark.parametrize("scope", [*SCOPES, " ".join(SCOPES)], ids=lambda scope: str(scope).replace(" ", "+"))
async def test_oidcc_scope(desk: Desk, scope: str) -> None:
    """oidcc-scope-profile, -email, -address, -phone, -all"""
    body = await desk.tokens(scope=f"openid {scope}")
    told = (await desk.userinfo(body["access_token"])).json()
    wanted = {name: value for word in scope.split() for name, value in SCOPES[word].items()}
    assert {name: told.get(name) for name in wanted} == wanted
    assert not {name for word in SCOPES for name in SCOPES[word]} & told.keys() - wanted.keys()
    assert not wanted.keys() & (await claims_of(desk, body["id_token"])).keys()
    assert set(body["scope"].split()) == {"openid", *scope.split()}


async def test_oidcc_ensure_other_scope_order_succeeds(desk: Desk) -> None:
    assert "sub" in (await desk.userinfo((await desk.tokens(scope="email openid"))["access_token"])).json()


@pytest.mark.parametrize("display", ["page", "popup"])
async def test_oidcc_display(desk: Desk, display: str) -> None:
    """oidcc-display-page, oidcc-display-popup: every display gets the page."""
    assert "code" in await desk.sign_in(display=display)


async def test_oidcc_prompt_login(desk: Desk) -> None:
    browser = await signed_in(desk)
    desk.clock.now += 100
    answer = await desk.authorize(browser, prompt="login")
    assert goes_home(answer)
    told = (await desk.come_back(browser, answer)).told()
    body = (await desk.exchange(told["code"])).json()
    assert (await claims_of(desk, body["id_token"]))["auth_time"] == NOW + 100


async def test_oidcc_prompt_none_not_logged_in(desk: Desk) -> None:
    assert await error_of(await desk.authorize(desk.browser(), prompt="none")) == "login_required"


async def test_oidcc_prompt_none_logged_in(desk: Desk) -> None:
    browser = desk.browser()
    first = await desk.tokens(browser)
    told = (await desk.authorize(browser, prompt="none")).told()
    second = (await desk.exchange(told["code"])).json()
    one, other = await claims_of(desk, first["id_token"]), await claims_of(desk, second["id_token"])
    assert (one["sub"], one["auth_time"], one["sid"]) == (other["sub"], other["auth_time"], other["sid"])


async def test_oidcc_max_age_1(desk: Desk) -> None:
    browser = await signed_in(desk)
    desk.clock.now += 5
    answer = await desk.authorize(browser, max_age="1")
    assert goes_home(answer)
    told = (await desk.come_back(browser, answer)).told()
    body = (await desk.exchange(told["code"])).json()
    assert (await claims_of(desk, body["id_token"]))["auth_time"] == NOW + 5


async def test_oidcc_max_age_10000(desk: Desk) -> None:
    browser = await signed_in(desk)
    desk.clock.now += 5
    assert "code" in (await desk.authorize(browser, max_age="10000")).told()


async def test_oidcc_id_token_hint(desk: Desk) -> None:
    browser = desk.browser()
    hint = (await desk.tokens(browser))["id_token"]
    desk.clock.now += 1_000  # it has expired: still a hint (OIDC Core §3.1.2.1)
    assert "code" in (await desk.authorize(browser, prompt="none", id_token_hint=hint)).told()


async def test_an_id_token_hint_of_somebody_else_is_not_answered_with_this_person(desk: Desk) -> None:
    hint = (await desk.tokens())["id_token"]
    desk.home.person = type(AN)(sub="account-2")
    other = await signed_in(desk)
    assert await error_of(await desk.authorize(other, prompt="none", id_token_hint=hint)) == "login_required"


async def test_oidcc_login_hint(desk: Desk) -> None:
    answer = await desk.authorize(desk.browser(), login_hint="001054000123")
    assert goes_home(answer)
    assert "001054000123" not in answer.location


async def test_oidcc_ui_locales(desk: Desk) -> None:
    browser = await signed_in(desk, "theta")
    page = await desk.authorize(browser, "theta", ui_locales="fr en")
    assert page.headers["Content-Language"] == "en"


async def test_oidcc_claims_locales(desk: Desk) -> None:
    assert "code" in await desk.sign_in(claims_locales="se")


async def test_oidcc_claims_essential(desk: Desk) -> None:
    asked = {"userinfo": {"name": {"essential": True}}, "id_token": {"birthdate": {"essential": True}}}
    body = await desk.tokens(claims=json.dumps(asked))
    assert (await desk.userinfo(body["access_token"])).json()["name"] == AN.name
    assert (await claims_of(desk, body["id_token"]))["birthdate"] == "1954-09-02"


async def test_oidcc_ensure_request_with_unknown_parameter_succeeds(desk: Desk) -> None:
    assert "code" in await desk.sign_in(extra="foobar")


async def test_oidcc_ensure_request_with_acr_values_succeeds(desk: Desk) -> None:
    body = await desk.tokens(acr_values=f"urn:unknown:9 {Level.TWO.acr}")
    assert (await claims_of(desk, body["id_token"]))["acr"] == Level.TWO.acr


async def test_oidcc_codereuse(desk: Desk) -> None:
    code = (await desk.sign_in())["code"]
    first = (await desk.exchange(code)).json()
    again = await desk.exchange(code)
    assert (again.status, again.json()["error"]) == (400, "invalid_grant")
    assert (await desk.userinfo(first["access_token"])).status == 401


async def test_oidcc_codereuse_30seconds(desk: Desk) -> None:
    """The store forgets nothing for thirty seconds: what the suite waits for, without the waiting."""
    code = (await desk.sign_in())["code"]
    first = (await desk.exchange(code)).json()
    desk.clock.now += 30
    again = await desk.exchange(code)
    assert (again.status, again.json()["error"]) == (400, "invalid_grant")
    assert (await desk.userinfo(first["access_token"])).status == 401


async def test_oidcc_ensure_registered_redirect_uri(desk: Desk) -> None:
    answer = await desk.authorize(desk.browser(), redirect_uri="https://alpha.example/cb2")
    assert (answer.status, answer.location) == (400, "")
    assert answer.headers["Content-Type"].startswith("text/html")


async def test_oidcc_ensure_post_request_succeeds(desk: Desk) -> None:
    browser = desk.browser()
    # A form from the client's site brings no cookie of ours, so our own page sends it once more by itself.
    page = await browser.post("/authorize", desk.request())
    answer = await browser.post("/authorize", page.form(), {"Sec-Fetch-Site": "same-origin"})
    assert goes_home(answer)
    assert "code" in (await desk.come_back(browser, answer)).told()


async def test_oidcc_request_uri_unsigned_supported_correctly_or_rejected_as_unsupported(desk: Desk) -> None:
    answer = await desk.authorize(desk.browser(), request_uri="https://alpha.example/request.jwt")
    assert await error_of(answer) == "request_uri_not_supported"


async def test_oidcc_unsigned_request_object_supported_correctly_or_rejected_as_unsupported(desk: Desk) -> None:
    unsigned = ".".join(
        base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()
        for part in ({"alg": "none"}, desk.request())
    )
    assert await error_of(await desk.authorize(desk.browser(), request=f"{unsigned}.")) == "request_not_supported"
    answer = await desk.authorize(desk.browser(), "zeta", request=f"{unsigned}.")
    assert await error_of(answer) == "invalid_request_object"


async def test_oidcc_ensure_request_object_with_redirect_uri(desk: Desk) -> None:
    inside = {**desk.request("zeta", redirect_uri="https://zeta.example/cb?tenant=1"), "iss": "zeta"}
    signed_request = signed({**inside, "aud": desk.broker.issuer, "exp": NOW + 60}, EC)
    browser = desk.browser()
    answer = await desk.authorize(browser, "zeta", request=signed_request, redirect_uri=None)
    back = await desk.come_back(browser, answer)
    assert back.location.startswith("https://zeta.example/cb?tenant=1&code=")


async def test_oidcc_ensure_request_with_valid_pkce_succeeds(desk: Desk) -> None:
    """Here every request has it: one without is refused, which the suite's plan allows since OAuth 2.1."""
    assert "code" in await desk.sign_in(code_challenge=CHALLENGE)


async def test_oidcc_alternate_happy_flow(desk: Desk) -> None:
    """Form post instead of a query."""
    browser = desk.browser()
    page = await desk.come_back(browser, await desk.authorize(browser, response_mode="form_post"))
    assert page.status == 200
    told = page.form()
    assert (told["state"], told["iss"]) == ("the state", desk.broker.issuer)
    assert 'action="https://alpha.example/cb"' in page.text
    assert (await desk.exchange(told["code"])).status == 200


async def test_oidcc_refresh_token(desk: Desk) -> None:
    body = await desk.tokens(scope="openid email offline_access")
    refreshed = await desk.token(grant_type="refresh_token", refresh_token=body["refresh_token"])
    assert refreshed.status == 200
    new = refreshed.json()
    assert new["refresh_token"] != body["refresh_token"]
    one, other = await claims_of(desk, body["id_token"]), await claims_of(desk, new["id_token"])
    assert {name: one[name] for name in ("iss", "sub", "aud", "auth_time", "sid")} == {
        name: other[name] for name in ("iss", "sub", "aud", "auth_time", "sid")
    }
    assert (await desk.userinfo(new["access_token"])).json()["email"] == AN.email
