"""Attacks on the token endpoint and what stands beside it: each is named with what is expected."""

import asyncio
import base64
import json
from urllib.parse import urlencode

import pytest
from joserfc.jwk import ECKey

from tests.sign_in_peers.issuer import NOW, SECRET, VERIFIER, Answer, Desk, basic, proof, signed


def refused(answer: Answer, error: str, status: int = 400) -> bool:
    return (answer.status, answer.json()["error"]) == (status, error)


async def test_10_a_code_that_comes_again_kills_what_it_was_exchanged_for(desk: Desk) -> None:
    code = (await desk.sign_in(scope="openid offline_access"))["code"]
    first = (await desk.exchange(code)).json()
    assert refused(await desk.exchange(code), "invalid_grant")
    assert (await desk.userinfo(first["access_token"])).status == 401
    refreshed = await desk.token(grant_type="refresh_token", refresh_token=first["refresh_token"])
    assert refused(refreshed, "invalid_grant")
    assert [event.event for event in desk.audit].count("code.replayed") == 1


async def test_11_of_twenty_who_redeem_one_code_at_once_one_gets_tokens(desk: Desk) -> None:
    code = (await desk.sign_in())["code"]
    answers = await asyncio.gather(*(desk.exchange(code) for _ in range(20)))
    assert sorted(answer.status for answer in answers) == [200, *[400] * 19]
    # The others were replays, which kills what the first one got.
    winner = next(answer.json() for answer in answers if answer.status == 200)
    assert (await desk.userinfo(winner["access_token"])).status == 401


async def test_12_a_code_that_another_client_shows_is_burned(desk: Desk) -> None:
    code = (await desk.sign_in())["code"]
    stolen = await desk.exchange(code, "beta", redirect_uri="https://alpha.example/cb")
    assert refused(stolen, "invalid_grant")
    assert refused(await desk.exchange(code), "invalid_grant")


@pytest.mark.parametrize("verifier", [None, "", "w" * 43, VERIFIER[:-1], VERIFIER + "v", "v" * 200, "ü" * 43])
async def test_13_a_verifier_is_needed_and_must_fit_and_the_code_is_gone(desk: Desk, verifier: str | None) -> None:
    code = (await desk.sign_in())["code"]
    assert refused(await desk.exchange(code, code_verifier=verifier), "invalid_grant")
    assert refused(await desk.exchange(code), "invalid_grant")


async def test_13_the_challenge_is_no_verifier(desk: Desk) -> None:
    told = await desk.sign_in()
    challenge = desk.request()["code_challenge"]
    assert refused(await desk.exchange(told["code"], code_verifier=challenge), "invalid_grant")


@pytest.mark.parametrize(
    "uri", [None, "https://alpha.example/cb?tenant=1", "https://alpha.example/CB", "https://evil.example/cb"]
)
async def test_1_the_redirect_uri_of_the_exchange_is_that_of_the_request(desk: Desk, uri: str | None) -> None:
    code = (await desk.sign_in())["code"]
    assert refused(await desk.exchange(code, redirect_uri=uri), "invalid_grant")


async def test_14_duplicates_and_a_query_are_refused(desk: Desk) -> None:
    code = (await desk.sign_in())["code"]
    form = urlencode(
        {
            "grant_type": "authorization_code",
            "code": code,
            "code_verifier": VERIFIER,
            "redirect_uri": "https://alpha.example/cb",
        }
    )
    headers = {"Authorization": basic("alpha", SECRET)}
    for target, body in (
        ("/token", f"{form}&code=x"),
        ("/token", f"{form}&grant_type=refresh_token"),
        (f"/token?code={code}", form),
    ):
        assert refused(await desk.ask("POST", target, headers, body), "invalid_request")
    assert (await desk.ask("POST", "/token", headers, form)).status == 200


async def test_14_two_ways_of_client_authentication_at_once_are_refused(desk: Desk) -> None:
    headers = {"Authorization": basic("alpha", SECRET)}
    answer = await desk.ask("POST", "/token", headers, f"grant_type=x&client_id=alpha&client_secret={SECRET}")
    assert refused(answer, "invalid_request")


async def test_16_a_refresh_token_that_comes_again_after_the_grace_ends_the_family(desk: Desk) -> None:
    first = await desk.tokens(scope="openid offline_access")
    second = (await desk.token(grant_type="refresh_token", refresh_token=first["refresh_token"])).json()
    desk.clock.now += 6
    assert refused(await desk.token(grant_type="refresh_token", refresh_token=first["refresh_token"]), "invalid_grant")
    assert refused(await desk.token(grant_type="refresh_token", refresh_token=second["refresh_token"]), "invalid_grant")
    assert (await desk.userinfo(second["access_token"])).status == 401
    assert "refresh.replayed" in [event.event for event in desk.audit]


async def test_16_within_the_grace_it_is_a_lost_answer(desk: Desk) -> None:
    first = await desk.tokens(scope="openid offline_access")
    await desk.token(grant_type="refresh_token", refresh_token=first["refresh_token"])
    desk.clock.now += 4
    again = await desk.token(grant_type="refresh_token", refresh_token=first["refresh_token"])
    assert again.status == 200
    assert (await desk.token(grant_type="refresh_token", refresh_token=again.json()["refresh_token"])).status == 200


async def test_16_a_refresh_token_of_another_client_is_refused(desk: Desk) -> None:
    body = await desk.tokens(scope="openid offline_access")
    answer = await desk.token("beta", grant_type="refresh_token", refresh_token=body["refresh_token"])
    assert refused(answer, "invalid_grant")


async def test_17_a_refresh_widens_nothing(desk: Desk) -> None:
    body = await desk.tokens(scope="openid email offline_access")
    token = body["refresh_token"]
    for scope in ("openid profile", "openid email citizen offline_access", "admin"):
        assert refused(await desk.token(grant_type="refresh_token", refresh_token=token, scope=scope), "invalid_scope")
    narrow = await desk.token(grant_type="refresh_token", refresh_token=token, scope="openid")
    assert narrow.json()["scope"] == "openid"
    told = (await desk.userinfo(narrow.json()["access_token"])).json()
    assert "email" not in told


async def test_17_a_client_gets_no_more_than_its_record_allows(desk: Desk) -> None:
    everything = json.dumps({"userinfo": {"citizen_id": None, "email": {"essential": True}, "name": None}})
    body = await desk.tokens(name="eta", scope="openid profile email citizen address phone", claims=everything)
    told = (await desk.userinfo(body["access_token"])).json()
    assert told.keys() - {"sub", "acr", "auth_time", "amr", "account_type"} == {"name"}


async def test_28_a_body_without_end_is_cut_off(desk: Desk) -> None:
    answer = await desk.ask("POST", "/token", body="code=" + "a" * 200_000)
    assert refused(answer, "invalid_request", 413)


async def test_31_an_assertion_is_good_once(desk: Desk) -> None:
    assertion = desk.assertion("zeta")
    form = {
        "grant_type": "authorization_code",
        "code": "x",
        "client_assertion": assertion,
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
    }
    assert refused(await desk.ask("POST", "/token", body=urlencode(form)), "invalid_grant")
    assert refused(await desk.ask("POST", "/token", body=urlencode(form)), "invalid_client", 401)


async def test_31_a_dpop_proof_is_good_once_at_each_place(desk: Desk) -> None:
    key = ECKey.generate_key("P-256")
    shown = proof(key, "POST", f"{desk.broker.issuer}/token", NOW)
    body = await desk.exchange((await desk.sign_in())["code"])
    assert body.status == 200
    for expected in (200, 400):
        code = (await desk.sign_in())["code"]
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": "https://alpha.example/cb"}
        answer = await desk.token("alpha", {"DPoP": shown}, **form, code_verifier=VERIFIER)
        assert answer.status == expected


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "signin.localhost:8080@evil.example"])
async def test_33_no_address_is_made_of_what_a_request_says_of_its_host(desk: Desk, host: str) -> None:
    poison = {
        "Host": host,
        "X-Forwarded-Host": "evil.example",
        "X-Forwarded-Proto": "gopher",
        "Forwarded": "host=evil.example",
    }
    document = await desk.ask("GET", "/.well-known/openid-configuration", poison)
    assert "evil" not in document.text
    left = await desk.ask("GET", f"/authorize?{urlencode(desk.request())}", poison)
    assert "evil" not in left.location
    assert "signin.localhost" in left.location


async def test_25_tokens_are_good_for_one_thing_each(desk: Desk) -> None:
    code = (await desk.sign_in(scope="openid offline_access"))["code"]
    body = (await desk.exchange(code)).json()
    assert (await desk.userinfo(body["refresh_token"])).status == 401
    assert (await desk.userinfo(body["id_token"])).status == 401
    assert (await desk.userinfo(code)).status == 401
    for wrong in (body["access_token"], body["id_token"], code):
        assert refused(await desk.token(grant_type="refresh_token", refresh_token=wrong), "invalid_grant")
        assert refused(await desk.exchange(wrong), "invalid_grant")


async def test_27_an_expired_token_is_no_token(desk: Desk) -> None:
    body = await desk.tokens()
    desk.clock.now += 301
    assert (await desk.userinfo(body["access_token"])).status == 401


@pytest.mark.parametrize("way", ["query", "header and body", "twice in the header"])
async def test_42_a_token_in_the_url_or_twice_is_refused(desk: Desk, way: str) -> None:
    token = (await desk.tokens())["access_token"]
    match way:
        case "query":
            answer = await desk.ask("GET", f"/userinfo?access_token={token}")
        case "header and body":
            answer = await desk.ask(
                "POST", "/userinfo", {"Authorization": f"Bearer {token}"}, urlencode({"access_token": token})
            )
        case _:
            answer = await desk.ask("GET", "/userinfo", {"Authorization": f"Bearer {token}, Bearer {token}"})
    assert answer.status in {400, 401}


async def test_42_nothing_that_opens_a_door_is_written_down(
    desk: Desk, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level("DEBUG")
    browser = desk.browser()
    told = await desk.sign_in(browser, scope="openid profile citizen offline_access")
    body = (await desk.exchange(told["code"])).json()
    await desk.exchange(told["code"])
    await desk.userinfo(body["access_token"])
    await desk.token(headers={"Authorization": basic("alpha", "wrong-secret")}, grant_type="x")
    await desk.authorize(desk.browser(), id_token_hint=body["id_token"], state="private-state", prompt="bad")
    out, err = capfd.readouterr()
    written = "\n".join([caplog.text, out, err, *map(str, desk.audit)])
    secrets = [told["code"], body["access_token"], body["refresh_token"], body["id_token"], SECRET, "wrong-secret"]
    secrets += ["private-state", VERIFIER, *browser.cookies.values(), "001054000123", "Nguyễn", "n-0S6"]
    assert not [secret for secret in secrets if secret in written]


async def test_44_a_wrong_secret_and_an_unknown_client_are_answered_alike(desk: Desk) -> None:
    wrong = await desk.token("alpha", {"Authorization": basic("alpha", "wrong")}, grant_type="x")
    unknown = await desk.token("alpha", {"Authorization": basic("nobody", "wrong")}, grant_type="x")
    assert (wrong.status, wrong.body) == (unknown.status, unknown.body)
    assert wrong.headers["WWW-Authenticate"].startswith("Basic")


async def test_18_assertions_and_proofs_without_a_signature_are_refused(desk: Desk) -> None:
    claims = {"iss": "zeta", "sub": "zeta", "aud": desk.broker.issuer, "exp": NOW + 60, "jti": "1"}
    body = base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode()
    for alg in ("none", "None", "HS256"):
        head = base64.urlsafe_b64encode(json.dumps({"alg": alg}).encode()).rstrip(b"=").decode()
        form = {"grant_type": "authorization_code", "code": "x", "client_assertion": f"{head}.{body}."}
        form["client_assertion_type"] = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
        assert refused(await desk.ask("POST", "/token", body=urlencode(form)), "invalid_client", 401)


async def test_21_a_proof_may_hold_no_private_and_no_symmetric_key(desk: Desk) -> None:
    key = ECKey.generate_key("P-256")
    for described in (key.as_dict(private=True), {"kty": "oct", "k": "AAAA"}, {}, None):
        claims = {"htm": "POST", "htu": f"{desk.broker.issuer}/token", "iat": NOW, "jti": "1"}
        shown = signed(claims, key, header={"typ": "dpop+jwt", "jwk": described, "kid": None})
        answer = await desk.token("alpha", {"DPoP": shown}, grant_type="authorization_code", code="x")
        assert refused(answer, "invalid_dpop_proof")


async def test_40_consent_that_was_not_given_on_our_page_is_none(desk: Desk) -> None:
    browser = desk.browser()
    page = await desk.come_back(browser, await desk.authorize(browser, "theta"))
    form = {**page.form(), "answer": "allow"}
    # From another site; from another browser; with the form of another person; without the cookie of the page.
    crossed = await browser.post("/consent", form, {"Sec-Fetch-Site": "cross-site"})
    assert crossed.status == 403
    stranger = desk.browser()
    await desk.sign_in(stranger)
    assert (await stranger.post("/consent", form)).status == 400
    without = desk.browser()
    without.cookies = {name: value for name, value in browser.cookies.items() if "page" not in name}
    assert (await without.post("/consent", form)).status == 400
    assert (await browser.post("/consent", form)).told()["code"]
    assert (await browser.post("/consent", form)).status == 400  # once


async def test_40_a_choice_and_a_step_up_are_bound_to_the_browser_as_well(desk: Desk) -> None:
    browser = desk.browser()
    desk.home.person = type(desk.home.person)(level=1)
    await desk.sign_in(browser)
    page = await desk.authorize(browser, "eta")
    assert page.status == 200
    stranger = desk.browser()
    assert (await stranger.post("/step-up", {**page.form(), "answer": "allow"})).status == 400
    assert (await browser.post("/step-up", {**page.form(), "answer": "deny"})).told()["error"] == "access_denied"
