"""Attacks on the authorization endpoint: each is named with what is expected."""

import base64
import json
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sso import authorize
from sso.parameters import Parameters
from sso.refusals import Refusal
from sso.vocabulary import Level
from tests.sign_in_peers.issuer import BINH, CHALLENGE, CLIENTS, EC, NOW, RSA, Answer, Desk, signed

# 1. What a registered https://alpha.example/cb is not
VARIANTS = [
    "https://alpha.example/cb/../x",
    "https://alpha.example/cb/",
    "https://alpha.example/cb/x",
    "https://alpha.example/CB",
    "https://ALPHA.example/cb",
    "HTTPS://alpha.example/cb",
    "http://alpha.example/cb",
    "//alpha.example/cb",
    "//evil.example",
    "https://evil.example/cb",
    "https://alpha.example.evil.example/cb",
    "https://alpha.example@evil.example/cb",
    "https://evil.example#@alpha.example/cb",
    "https://evil.example\\@alpha.example/cb",
    "https://alpha.example\\.evil.example/cb",
    "https://alpha.example/cb?x=1",
    "https://alpha.example/cb#x",
    "https://alpha.example:443/cb",
    "https://alpha.example/%2f../cb",
    "https://alpha.example/%63b",
    "https://alpha.example/cb%00",
    "https://alpha.example/cb ",
    " https://alpha.example/cb",
    "https://alpha.example\t/cb",
    "https://xn--alpha-example/cb",
    "https://аlpha.example/cb",
    "https://beta.example/cb",
    "javascript:alert(1)",
    "data:text/html,x",
    "https://alpha.example/out",
    "",
]


def is_a_page(answer: Answer) -> bool:
    return answer.status == 400 and not answer.location and answer.headers["Content-Type"].startswith("text/html")


@pytest.mark.parametrize("uri", VARIANTS)
async def test_1_a_redirect_uri_that_is_not_registered_letter_by_letter_is_a_page(desk: Desk, uri: str) -> None:
    assert is_a_page(await desk.authorize(desk.browser(), redirect_uri=uri))


@settings(max_examples=200, deadline=None)
@given(st.text(min_size=1, max_size=80))
def test_1_nothing_that_is_typed_becomes_a_return_address(uri: str) -> None:
    client = CLIENTS["alpha"]
    parameters = Parameters({"client_id": "alpha", "redirect_uri": uri})
    if uri in client.redirect_uris:
        return
    with pytest.raises(Refusal):
        authorize.return_address(parameters, client)


@pytest.mark.parametrize(
    "broken",
    [
        {"scope": None},
        {"response_type": "token"},
        {"prompt": "none login"},
        {"code_challenge": None},
        {"prompt": "none"},
    ],
)
async def test_3_an_error_never_leads_to_an_address_that_is_not_registered(
    desk: Desk, broken: dict[str, str | None]
) -> None:
    assert is_a_page(
        await desk.authorize(desk.browser(), "alpha", **{**broken, "redirect_uri": "https://evil.example/cb"})
    )


async def test_3_an_unknown_client_is_a_page(desk: Desk) -> None:
    assert is_a_page(await desk.authorize(desk.browser(), "nobody", redirect_uri="https://alpha.example/cb"))


@pytest.mark.parametrize(
    "changes",
    [
        {"code_challenge": None, "code_challenge_method": None},
        {"code_challenge_method": "plain"},
        {"code_challenge_method": None},
        {"code_challenge_method": "s256"},
        {"code_challenge": "short"},
        {"code_challenge": CHALLENGE + "="},
        {"code_challenge": CHALLENGE + "AA"},
    ],
)
async def test_13_pkce_cannot_be_left_out_or_weakened(desk: Desk, changes: dict[str, str | None]) -> None:
    answer = await desk.authorize(desk.browser(), "alpha", **changes)
    assert answer.told()["error"] == "invalid_request"


@pytest.mark.parametrize("name", ["state", "scope", "nonce", "code_challenge", "prompt", "whatever"])
async def test_14_a_parameter_that_is_there_twice_is_refused(desk: Desk, name: str) -> None:
    query = urlencode(desk.request(prompt="login", whatever="1")) + f"&{name}=x"
    answer = await desk.browser().get(f"/authorize?{query}")
    assert answer.told()["error"] == "invalid_request"


@pytest.mark.parametrize("name", ["client_id", "redirect_uri"])
async def test_14_twice_who_asks_or_where_to_answer_is_a_page(desk: Desk, name: str) -> None:
    query = urlencode(desk.request()) + f"&{name}={quote(desk.request()[name])}"
    assert is_a_page(await desk.browser().get(f"/authorize?{query}"))


async def test_14_a_parameter_in_query_and_body_is_refused(desk: Desk) -> None:
    answer = await desk.browser().post("/authorize?scope=openid", desk.request())
    assert answer.told()["error"] == "invalid_request"


@pytest.mark.parametrize(
    "response_type",
    ["token", "id_token", "code token", "code id_token", "code id_token token", "none", "CODE", "code code"],
)
async def test_15_only_codes_are_given(desk: Desk, response_type: str) -> None:
    answer = await desk.authorize(desk.browser(), response_type=response_type)
    assert answer.told()["error"] == "unsupported_response_type"


@pytest.mark.parametrize("mode", ["fragment", "query.jwt", "form_post.jwt", "web_message", "QUERY"])
async def test_15_no_other_response_mode(desk: Desk, mode: str) -> None:
    answer = await desk.authorize(desk.browser(), response_mode=mode)
    assert answer.told()["error"] == "invalid_request"
    assert "#" not in answer.location


def inside(desk: Desk, **changes: Any) -> dict[str, Any]:
    standard = {**desk.request("zeta"), "iss": "zeta", "aud": desk.broker.issuer, "exp": NOW + 60}
    return {name: value for name, value in {**standard, **changes}.items() if value is not None}


async def asked(desk: Desk, token: str) -> dict[str, str]:
    return (await desk.authorize(desk.browser(), "zeta", request=token)).told()


def b64(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()


@pytest.mark.parametrize("alg", ["none", "None", "NONE", "nOnE", "", None, ["none"], 0])
async def test_18_alg_none_in_every_spelling_is_refused(desk: Desk, alg: object) -> None:
    token = f"{b64({'alg': alg, 'typ': 'JWT'})}.{b64(inside(desk))}."
    assert (await asked(desk, token))["error"] == "invalid_request_object"


async def test_19_a_public_key_is_no_secret(desk: Desk) -> None:
    """The key as PEM, DER and JWK, used as an HMAC secret."""
    import hashlib  # noqa: PLC0415 - one user
    import hmac  # noqa: PLC0415 - as above

    secrets = [
        RSA.as_pem(private=False),
        RSA.as_der(private=False),
        json.dumps(RSA.as_dict(private=False)).encode(),
        EC.as_pem(private=False),
    ]
    for secret in secrets:
        for alg in ("HS256", "RS256", "ES256"):
            signing_input = f"{b64({'alg': alg, 'kid': RSA.kid})}.{b64(inside(desk))}"
            mac = hmac.new(secret, signing_input.encode(), hashlib.sha256).digest()
            token = f"{signing_input}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"
            assert (await asked(desk, token))["error"] == "invalid_request_object"


@pytest.mark.parametrize(
    "kid",
    ["../../dev/null", "' OR 1=1 --", "client-ec\x00", "http://evil.example/key", "", 0, None, ["client-ec"], "gamma"],
)
async def test_20_a_kid_is_a_name_and_nothing_else(desk: Desk, kid: object) -> None:
    from joserfc.jwk import ECKey  # noqa: PLC0415 - one user

    stranger = ECKey.generate_key("P-256", {"kid": "client-ec"})
    token = signed(inside(desk), stranger, header={"kid": "client-ec"})
    head, body, signature = token.split(".")
    header = json.loads(base64.urlsafe_b64decode(head + "=="))
    token = f"{b64({**header, 'kid': kid})}.{body}.{signature}"
    assert (await asked(desk, token))["error"] == "invalid_request_object"


@pytest.mark.parametrize("pointer", ["jku", "x5u", "jwk", "x5c"])
async def test_21_keys_in_the_header_are_not_looked_at_and_nothing_is_fetched(desk: Desk, pointer: str) -> None:
    # Whatever the broker would fetch goes through here.
    async def never(*_: object, **__: object) -> object:
        raise AssertionError("a request went out")

    desk.home.get = desk.home.post = never  # type: ignore[method-assign,assignment]
    value: object = {
        "jku": "https://evil.example/jwks",
        "x5u": "https://evil.example/cert",
        "jwk": EC.as_dict(private=False),
        "x5c": ["MIIB"],
    }[pointer]
    token = signed(inside(desk), EC, header={pointer: value})
    assert (await asked(desk, token))["error"] == "invalid_request_object"


@pytest.mark.parametrize(
    "header",
    [
        {"crit": ["exp"]},
        {"crit": ["x"], "x": 1},
        {"crit": []},
        {"b64": False, "crit": ["b64"]},
        {"b64": False},
        {"zip": "DEF"},
    ],
)
async def test_22_extensions_that_must_be_understood_are_refused(desk: Desk, header: dict[str, Any]) -> None:
    head = b64({"alg": "ES256", "kid": EC.kid, **header})
    assert (await asked(desk, f"{head}.{b64(inside(desk))}.{'A' * 86}"))["error"] == "invalid_request_object"
    good = signed(inside(desk), EC).split(".")
    assert (await asked(desk, f"{head}.{good[1]}.{good[2]}"))["error"] == "invalid_request_object"


async def test_25_no_kind_of_token_stands_in_for_another(desk: Desk) -> None:
    browser = desk.browser()
    id_token = (await desk.tokens(browser))["id_token"]
    keys = desk.broker.signer
    claims = {"iss": desk.broker.issuer, "aud": "alpha", "sub": "x", "iat": NOW, "exp": NOW + 60}
    for typ in ("at+jwt", "logout+jwt", "portal-identity+jwt", "userinfo+jwt", "dpop+jwt", "oauth-authz-req+jwt"):
        hint = keys.sign(claims, typ=typ)
        answer = await desk.authorize(browser, prompt="none", id_token_hint=hint)
        assert answer.told()["error"] == "invalid_request", typ
    # An ID token of ours for another client is no hint of this one, and no request object.
    assert (await desk.authorize(browser, "beta", prompt="none", id_token_hint=id_token)).told()["error"]
    assert (await asked(desk, id_token))["error"] == "invalid_request_object"
    # A client assertion is signed by the client's key as well; it is no request.
    assert (await asked(desk, desk.assertion("zeta")))["error"] == "invalid_request_object"


@pytest.mark.parametrize(
    "changes",
    [
        {"exp": str(NOW + 60)},
        {"exp": float("inf")},
        {"exp": NOW + 60.5},
        {"exp": True},
        {"exp": NOW - 600},
        {"iat": NOW + 600},
        {"nbf": NOW + 600},
        {"aud": "https://evil.example"},
        {"aud": []},
        {"iss": "alpha"},
        {"client_id": "alpha"},
        {"sub": "zeta"},
    ],
    ids=str,
)
async def test_27_times_and_parties_of_a_request_object_are_held_to(desk: Desk, changes: dict[str, Any]) -> None:
    assert (await asked(desk, signed(inside(desk, **changes), EC)))["error"] == "invalid_request_object"


@pytest.mark.parametrize(("seconds", "good"), [(-25, True), (25, True), (-600, False), (600, False)])
async def test_54_clocks_may_differ_by_half_a_minute_and_not_by_ten(desk: Desk, seconds: int, good: bool) -> None:  # noqa: FBT001 - a column of the table
    token = signed(inside(desk, iat=NOW + seconds, nbf=NOW + seconds, exp=NOW + seconds + 1), EC)
    assert ("error" not in await asked(desk, token)) is good


async def test_29_a_name_that_is_there_twice_in_json_is_refused(desk: Desk) -> None:
    from joserfc import jws  # noqa: PLC0415 - signs what is no object to Python

    text = json.dumps(inside(desk))[:-1] + ', "scope": "openid profile"}'
    token = jws.serialize_compact({"alg": "ES256", "kid": EC.kid}, text.encode(), EC)
    assert (await asked(desk, token))["error"] == "invalid_request_object"


async def test_30_a_signature_of_zeros_is_none(desk: Desk) -> None:
    head, body, _ = signed(inside(desk), EC).split(".")
    for signature in (bytes(64), bytes(63) + b"\x01", b""):
        encoded = base64.urlsafe_b64encode(signature).rstrip(b"=").decode()
        assert (await asked(desk, f"{head}.{body}.{encoded}"))["error"] == "invalid_request_object"


@pytest.mark.parametrize("value", ["\r\nSet-Cookie: a=b", "a\nb", "a\x00b", "%0d%0aX: y\r\nY: z"])
async def test_37_line_ends_never_reach_a_header(desk: Desk, value: str) -> None:
    for name in ("state", "nonce", "login_hint"):
        answer = await desk.authorize(desk.browser(), "alpha", **{name: value})
        assert answer.status == 400
        assert "Y" not in answer.headers
        assert not any("a=b" in cookie for cookie in answer.set_cookies)


async def test_37_what_is_not_ascii_comes_back_encoded(desk: Desk) -> None:
    told = await desk.sign_in(state="Đăng nhập & 100%")
    assert told["state"] == "Đăng nhập & 100%"
    answer = await desk.authorize(desk.browser(), state="Đăng nhập", prompt="none")
    assert answer.location.isascii()


async def test_38_no_page_may_be_framed(desk: Desk) -> None:
    browser = desk.browser()
    pages = [
        await desk.authorize(browser, redirect_uri="https://evil.example"),
        await desk.come_back(browser, await desk.authorize(browser, "theta")),
    ]
    for page in pages:
        assert page.headers["X-Frame-Options"] == "DENY"
        assert "frame-ancestors 'none'" in page.headers["Content-Security-Policy"]
        assert page.headers["Referrer-Policy"] == "no-referrer"
        assert page.headers["Cache-Control"] == "no-store"


XSS = "\"><script>alert(1)</script><img src=x onerror='alert(1)'>"


async def test_39_nothing_that_was_sent_becomes_markup(desk: Desk) -> None:
    browser = desk.browser()
    page = await desk.come_back(browser, await desk.authorize(browser, state=XSS, response_mode="form_post"))
    assert page.status == 200
    assert "<script>alert" not in page.text
    assert "<img src=x" not in page.text
    assert page.form()["state"] == XSS
    for broken in ({"client_id": XSS}, {"redirect_uri": XSS}, {"error_description": XSS, "redirect_uri": "x"}):
        shown = await browser.get(f"/authorize?{urlencode({**desk.request(), **broken})}")
        assert "<script>alert" not in shown.text
        assert "onerror" not in shown.text


async def test_43_whoever_is_sent_on_is_sent_by_303(desk: Desk) -> None:
    """307 would send a form that was typed here to somebody else."""
    browser = desk.browser()
    posted = await browser.post("/authorize", desk.request(), {"Sec-Fetch-Site": "same-origin"})
    assert posted.status == 303
    assert (await desk.come_back(browser, posted)).status == 303


async def test_48_a_level_in_the_request_is_a_wish_and_never_an_answer(desk: Desk) -> None:
    desk.home.person = BINH  # her account is of level 1
    body = await desk.tokens(acr_values=Level.ONE.acr)
    payload = json.loads(base64.urlsafe_b64decode(body["id_token"].split(".")[1] + "=="))
    assert payload["acr"] == Level.ONE.acr
    told = await desk.sign_in(acr_values=Level.TWO.acr)
    assert told["error"] == "unmet_authentication_requirements"
    essential = json.dumps({"id_token": {"acr": {"essential": True, "values": [Level.TWO.acr]}}})
    assert (await desk.sign_in(claims=essential))["error"] == "unmet_authentication_requirements"
    unknown = json.dumps({"id_token": {"acr": {"essential": True, "value": "urn:made:up"}}})
    assert (await desk.sign_in(claims=unknown))["error"] == "unmet_authentication_requirements"


async def test_50_prompt_none_tells_strangers_nothing(desk: Desk) -> None:
    """Who is no client, or wants the answer elsewhere, sees the same page whether somebody is signed in or not."""
    stranger, known = desk.browser(), desk.browser()
    await desk.sign_in(known)
    for changes in ({"redirect_uri": "https://evil.example/cb"}, {"client_id": "nobody"}):
        query = urlencode({**desk.request(prompt="none"), **changes})
        one, other = await stranger.get(f"/authorize?{query}"), await known.get(f"/authorize?{query}")
        assert (one.status, one.body) == (other.status, other.body)
        assert not one.location
    # Another person's hint and no session at all are one answer.
    hint = (await desk.tokens(desk.browser()))["id_token"]
    desk.home.person = BINH
    other_person = desk.browser()
    await desk.sign_in(other_person)
    for browser in (other_person, desk.browser()):
        told = (await desk.authorize(browser, prompt="none", id_token_hint=hint)).told()
        assert told["error"] == "login_required"


async def test_53_two_clients_cannot_tell_that_they_know_the_same_person(desk: Desk) -> None:
    browser = desk.browser()

    async def payload(name: str) -> dict[str, Any]:
        body = await desk.tokens(browser, name=name)
        return dict(json.loads(base64.urlsafe_b64decode(body["id_token"].split(".")[1] + "==")))

    alpha, beta, eta = await payload("alpha"), await payload("beta"), await payload("eta")
    assert alpha["sub"] != beta["sub"]
    assert alpha["sid"] != beta["sid"]
    assert alpha["sub"] == eta["sub"]  # one sector
    assert alpha["sid"] != eta["sid"]


async def test_5_the_code_of_the_attackers_own_sign_in_does_not_fit_the_verifier_of_the_victim(desk: Desk) -> None:
    theirs = (await desk.sign_in())["code"]
    answer = await desk.exchange(theirs, code_verifier="w" * 43)
    assert answer.json()["error"] == "invalid_grant"
