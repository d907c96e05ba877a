"""FAPI 2.0 Security Profile, module by module, for a client that is put on it.

It mirrors the suite's list (`fapi2-security-profile-final-…`), and is no certification.
"""

import json
import secrets
from typing import Any
from urllib.parse import urlencode

import pytest
from joserfc.jwk import ECKey

from tests.sign_in_peers.issuer import EC_FAPI, RSA, VERIFIER, Answer, Desk, proof, signed

KEY = ECKey.generate_key("P-256")
OTHER = ECKey.generate_key("P-256")


async def pushed(
    desk: Desk, assertion: str | None = None, headers: dict[str, str] | None = None, **changes: str | None
) -> Answer:
    form = desk.request("gamma", **changes)
    if assertion is not None:
        form["client_assertion"] = assertion
    own = dict(headers or {})
    desk.authenticate("gamma", form, own)
    return await desk.ask("POST", "/par", own, urlencode(form))


async def code_of(desk: Desk, **changes: str | None) -> str:
    answer = await pushed(desk, None, None, **changes)
    assert answer.status == 201, answer.text
    browser = desk.browser()
    query = urlencode({"client_id": "gamma", "request_uri": answer.json()["request_uri"]})
    return (await desk.come_back(browser, await browser.get(f"/authorize?{query}"))).told()["code"]


def at_token(desk: Desk, key: Any = KEY, **changes: Any) -> dict[str, str]:
    return {"DPoP": proof(key, "POST", f"{desk.broker.issuer}/token", desk.clock.now, **changes)}


async def exchanged(desk: Desk, code: str, headers: dict[str, str], **changes: str) -> Answer:
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": "https://gamma.example/cb"}
    return await desk.token("gamma", headers, **{**form, "code_verifier": VERIFIER, **changes})


async def test_happy_flow(desk: Desk) -> None:
    answer = await exchanged(desk, await code_of(desk), at_token(desk))
    assert answer.status == 200, answer.text
    body = answer.json()
    assert body["token_type"] == "DPoP"
    uri = f"{desk.broker.issuer}/userinfo"
    shown = proof(KEY, "GET", uri, desk.clock.now, token=body["access_token"])
    told = await desk.ask("GET", "/userinfo", {"Authorization": f"DPoP {body['access_token']}", "DPoP": shown})
    assert told.json()["sub"]


async def test_par_only(desk: Desk) -> None:
    answer = await desk.authorize(desk.browser(), "gamma")
    assert answer.told()["error"] == "invalid_request"


async def test_par_request_uri_is_good_once(desk: Desk) -> None:
    uri = (await pushed(desk)).json()["request_uri"]
    query = urlencode({"client_id": "gamma", "request_uri": uri})
    assert (await desk.browser().get(f"/authorize?{query}")).status == 303
    again = await desk.browser().get(f"/authorize?{query}")
    assert (again.status, again.location) == (400, "")


async def test_par_request_uri_of_another_client(desk: Desk) -> None:
    uri = (await pushed(desk)).json()["request_uri"]
    answer = await desk.browser().get(f"/authorize?{urlencode({'client_id': 'alpha', 'request_uri': uri})}")
    assert (answer.status, answer.location) == (400, "")


async def test_par_lives_for_a_minute(desk: Desk) -> None:
    assert (await pushed(desk)).json()["expires_in"] == 60


async def test_par_refuses_a_request_uri_inside(desk: Desk) -> None:
    assert (await pushed(desk, request_uri="urn:ietf:params:oauth:request_uri:x")).status == 400


async def test_par_without_client_authentication(desk: Desk) -> None:
    answer = await desk.ask("POST", "/par", body=urlencode(desk.request("gamma")))
    assert (answer.status, answer.json()["error"]) == (401, "invalid_client")


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"code_challenge": None, "code_challenge_method": None}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge_method": None}, "invalid_request"),
        ({"redirect_uri": "https://gamma.example/other"}, "invalid_request"),
        ({"response_type": "code id_token"}, "unsupported_response_type"),
        ({"scope": "profile"}, "invalid_scope"),
    ],
)
async def test_par_answers_errors_itself(desk: Desk, changes: dict[str, str | None], error: str) -> None:
    answer = await pushed(desk, None, None, **changes)
    assert (answer.status, answer.json()["error"]) == (400, error)


async def test_codes_live_for_a_minute_at_most(desk: Desk) -> None:
    from sso.profiles import code_seconds  # noqa: PLC0415 - one user

    assert code_seconds(desk.broker.clients["gamma"]) <= 60


# What a client assertion says → whether it is taken
ASSERTIONS: dict[str, tuple[dict[str, Any], int]] = {
    "aud = issuer": ({}, 201),
    "aud = token endpoint": ({"aud": "http://signin.localhost:8080/token"}, 401),
    "aud = PAR endpoint": ({"aud": "http://signin.localhost:8080/par"}, 401),
    "aud = issuer in a list": ({"aud": ["http://signin.localhost:8080"]}, 401),
    "aud = issuer with a slash": ({"aud": "http://signin.localhost:8080/"}, 401),
    "nbf 8 s ahead": ({"nbf": 8}, 201),
    "nbf 60 s ahead": ({"nbf": 60}, 401),
    "iat 8 s ahead": ({"iat": 8}, 201),
    "iat 60 s ahead": ({"iat": 60}, 401),
    "expired": ({"exp": -300}, 401),
    "no exp": ({"exp": None}, 401),
    "no jti": ({"jti": None}, 401),
    "another iss": ({"iss": "alpha"}, 401),
    "another sub": ({"sub": "alpha"}, 401),
}


@pytest.mark.parametrize("case", ASSERTIONS)
async def test_client_assertion(desk: Desk, case: str) -> None:
    changes, status = ASSERTIONS[case]
    now = desk.clock.now
    claims: dict[str, Any] = {
        "iss": "gamma",
        "sub": "gamma",
        "aud": desk.broker.issuer,
        "exp": 60,
        "jti": secrets.token_hex(8),
    }
    claims.update(changes)
    for name in ("exp", "nbf", "iat"):
        if isinstance(claims.get(name), int):
            claims[name] += now
    given = {name: value for name, value in claims.items() if value is not None}
    assert (await pushed(desk, assertion=signed(given, EC_FAPI))).status == status


async def test_client_assertion_by_rs256_is_refused(desk: Desk) -> None:
    assert (await pushed(desk, assertion=desk.assertion("gamma", RSA))).status == 401


async def test_client_assertion_by_ps256_is_taken(desk: Desk) -> None:
    now = desk.clock.now
    claims = {"iss": "gamma", "sub": "gamma", "aud": desk.broker.issuer, "exp": now + 60, "jti": "1"}
    assert (await pushed(desk, assertion=signed(claims, RSA, alg="PS256"))).status == 201


async def test_client_assertion_is_good_once(desk: Desk) -> None:
    assertion = desk.assertion("gamma")
    assert (await pushed(desk, assertion=assertion)).status == 201
    assert (await pushed(desk, assertion=assertion)).status == 401


async def test_tokens_are_bound_to_a_key(desk: Desk) -> None:
    answer = await exchanged(desk, await code_of(desk), {})
    assert (answer.status, answer.json()["error"]) == (400, "invalid_dpop_proof")


async def test_a_bound_token_is_no_bearer_token(desk: Desk) -> None:
    token = (await exchanged(desk, await code_of(desk), at_token(desk))).json()["access_token"]
    answer = await desk.userinfo(token)
    assert answer.status == 401
    assert 'error="invalid_token"' in answer.headers["WWW-Authenticate"]


async def test_a_bound_token_needs_the_key_that_it_was_given_to(desk: Desk) -> None:
    token = (await exchanged(desk, await code_of(desk), at_token(desk))).json()["access_token"]
    uri = f"{desk.broker.issuer}/userinfo"
    stolen = proof(OTHER, "GET", uri, desk.clock.now, token=token)
    answer = await desk.ask("GET", "/userinfo", {"Authorization": f"DPoP {token}", "DPoP": stolen})
    assert answer.status == 401
    assert answer.headers["WWW-Authenticate"].startswith("DPoP ")


# What a DPoP proof says → whether it is taken
PROOFS: dict[str, tuple[dict[str, Any], int]] = {
    "iat 10 s ago": ({"iat": -10}, 200),
    "iat 10 s ahead": ({"iat": 10}, 200),
    "iat 90 s ago": ({"iat": -90}, 400),
    "iat 90 s ahead": ({"iat": 90}, 400),
    "htm GET": ({"htm": "GET"}, 400),
    "htu elsewhere": ({"htu": "https://evil.example/token"}, 400),
    "htu with a query": ({"htu": "http://signin.localhost:8080/token?x=1"}, 200),
    "htu in capitals": ({"htu": "HTTP://SIGNIN.localhost:8080/token"}, 200),
    "no jti": ({"jti": ""}, 400),
}


@pytest.mark.parametrize("case", PROOFS)
async def test_dpop_proof(desk: Desk, case: str) -> None:
    changes, status = PROOFS[case]
    given = {name: value + desk.clock.now if name == "iat" else value for name, value in changes.items()}
    answer = await exchanged(desk, await code_of(desk), at_token(desk, **given))
    assert answer.status == status, answer.text


async def test_dpop_proof_is_good_once(desk: Desk) -> None:
    headers = at_token(desk)
    assert (await exchanged(desk, await code_of(desk), headers)).status == 200
    again = await exchanged(desk, await code_of(desk), headers)
    assert again.json()["error"] == "invalid_dpop_proof"


async def test_dpop_jkt_binds_the_code(desk: Desk) -> None:
    code = await code_of(desk, dpop_jkt=KEY.thumbprint())
    answer = await exchanged(desk, code, at_token(desk, OTHER))
    assert answer.json()["error"] == "invalid_grant"


async def test_a_proof_at_par_binds_the_code(desk: Desk) -> None:
    shown = proof(KEY, "POST", f"{desk.broker.issuer}/par", desk.clock.now)
    answer = await pushed(desk, headers={"DPoP": shown})
    query = urlencode({"client_id": "gamma", "request_uri": answer.json()["request_uri"]})
    browser = desk.browser()
    code = (await desk.come_back(browser, await browser.get(f"/authorize?{query}"))).told()["code"]
    assert (await exchanged(desk, code, at_token(desk, OTHER))).json()["error"] == "invalid_grant"


async def test_a_client_that_authenticates_may_change_its_key_at_a_refresh(desk: Desk) -> None:
    """RFC 9449 §5"""
    body = (await exchanged(desk, await code_of(desk, scope="openid offline_access"), at_token(desk))).json()
    form = {"grant_type": "refresh_token", "refresh_token": body["refresh_token"]}
    assert (await desk.token("gamma", {}, **form)).json()["error"] == "invalid_dpop_proof"
    answer = await desk.token("gamma", at_token(desk, OTHER), **form)
    assert (answer.status, answer.json()["token_type"]) == (200, "DPoP")


async def test_a_public_client_refreshes_with_the_key_of_its_first_tokens(desk: Desk) -> None:
    """RFC 9449 §5"""
    told = await desk.sign_in(name="epsilon", scope="openid offline_access")
    form = {"grant_type": "authorization_code", "code": told["code"], "redirect_uri": "https://epsilon.example/cb"}
    body = (await desk.token("epsilon", at_token(desk), **form, code_verifier=VERIFIER)).json()
    again = {"grant_type": "refresh_token", "refresh_token": body["refresh_token"]}
    assert (await desk.token("epsilon", at_token(desk, OTHER), **again)).json()["error"] == "invalid_grant"
    assert (await desk.token("epsilon", at_token(desk), **again)).status == 200


async def test_signed_request_object_at_par(desk: Desk) -> None:
    now = desk.clock.now
    inside = {**desk.request("gamma"), "iss": "gamma", "aud": desk.broker.issuer, "exp": now + 60, "nbf": now}
    form = {"request": signed(inside, EC_FAPI, header={"typ": "oauth-authz-req+jwt"})}
    desk.authenticate("gamma", form, {})
    answer = await desk.ask("POST", "/par", body=urlencode(form))
    assert answer.status == 201, answer.text
    del inside["nbf"]
    form = {"request": signed(inside, EC_FAPI)}
    desk.authenticate("gamma", form, {})
    answer = await desk.ask("POST", "/par", body=urlencode(form))
    assert json.loads(answer.body)["error"] == "invalid_request_object"
