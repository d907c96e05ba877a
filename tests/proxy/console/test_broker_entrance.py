"""Signing in by the broker: who is let in, who is not, and what the broker's word is worth.  Attack by attack."""

from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
import pytest_asyncio
from aiohttp import ClientSession
from joserfc.jwk import ECKey

from tests.proxy.console.brokers import Claims, Office, is_in, office
from tests.proxy.console.conftest import PASSWORD, Browser, Clock, at

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def built(furnished: Path, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Office]:
    async with office(furnished, tmp_path_factory.mktemp("office"), Clock()) as opened:
        yield opened


@pytest.fixture
def house(built: Office) -> Office:
    built.begin_again()
    return built


@pytest.fixture
def clock(house: Office) -> Clock:
    return house.issuer.clock


@pytest_asyncio.fixture(loop_scope="module")
async def browser(house: Office) -> AsyncIterator[Browser]:
    async with at(house.base) as opened:
        yield opened


# Who is let in


async def test_an_invited_officer_is_linked_and_from_then_on_known(house: Office, browser: Browser) -> None:
    code = house.invite("bien.tap")
    page = await browser.text(f"/invitation?code={code}")
    assert "bien.tap" in page
    assert f"/sign-in/broker?code={code}" in page
    response = await house.comes(browser, f"/sign-in/broker?code={code}")
    assert (response.status, response.headers["Location"]) == (303, "/")
    assert await is_in(browser) == "bien.tap"
    async with at(house.base) as another:
        response = await house.comes(another, "/sign-in/broker?next=/rules")
        assert (response.status, response.headers["Location"]) == (303, "/rules")
        assert await is_in(another) == "bien.tap"


async def test_the_request_asks_for_nothing_but_a_name_and_proves_everything(house: Office, browser: Browser) -> None:
    await house.linked(browser, "bien.tap")
    await house.comes(browser)
    invited, usual = house.issuer.asked
    for asked in (invited, usual):
        assert (asked["scope"], asked["response_type"], asked["client_id"]) == ("openid", "code", "console")
        assert asked["code_challenge_method"] == "S256"
        assert asked["acr_values"] == "urn:dvc-edge:level:2"
        assert asked["redirect_uri"] == f"{house.base}callback/broker"
    # Whoever uses an invitation shows who they are, whoever is signed in at this browser already.
    assert invited["prompt"] == "login"
    assert "prompt" not in usual
    assert invited["nonce"] != usual["nonce"]


async def test_an_account_that_nobody_invited_is_a_stranger_whatever_it_is_called(
    house: Office, browser: Browser
) -> None:
    house.issuer.change = lambda claims: claims.update(name="bien.tap", email="bien.tap@example.vn")
    response = await house.comes(browser)
    assert response.status == 403
    assert "chưa gắn với ai" in await response.text()
    assert await is_in(browser) == ""


async def test_an_invitation_works_once(house: Office, browser: Browser) -> None:
    code = house.invite("bien.tap")
    await house.comes(browser, f"/sign-in/broker?code={code}")
    house.issuer.person = "subject-of-a-thief"
    async with at(house.base) as thief:
        response = await house.comes(thief, f"/sign-in/broker?code={code}")
        assert response.status == 403
        assert "Lời mời này đã dùng" in await response.text()
        assert await is_in(thief) == ""
        assert (await thief.get(f"/invitation?code={code}")).status == 404


async def test_an_invitation_ends_on_the_way_as_well(house: Office, browser: Browser, clock: Clock) -> None:
    code = house.invite("bien.tap")
    clock.now += timedelta(hours=23, minutes=58)
    back = house.issuer.answers(await browser.get(f"/sign-in/broker?code={code}"))
    clock.now += timedelta(minutes=3)
    response = await browser.get(f"/callback/broker?{urlencode(back)}")
    assert response.status == 403
    assert "Lời mời này đã dùng" in await response.text()


async def test_the_account_of_another_person_is_not_linked_a_second_time(house: Office, browser: Browser) -> None:
    await house.linked(browser, "bien.tap")
    async with at(house.base) as other:
        response = await house.comes(other, f"/sign-in/broker?code={house.invite('phe.duyet')}")
        assert response.status == 403
        assert "đã gắn với một người khác" in await response.text()
        assert await is_in(other) == ""
    assert await is_in(browser) == "bien.tap"


async def test_a_new_account_puts_the_former_one_out(house: Office, browser: Browser) -> None:
    await house.linked(browser, "bien.tap")
    house.issuer.person = "new-telephone"
    async with at(house.base) as other:
        await house.linked(other, "bien.tap")
    assert await is_in(browser) == ""
    house.issuer.person = "subject-of-an"
    assert (await house.comes(browser)).status == 403


# What comes back must be what was asked for, in the browser that asked

WRONG: list[tuple[str, Callable[[Claims], None], str]] = [
    ("a lower level", lambda claims: claims.update(acr="urn:dvc-edge:level:1"), "chưa đạt mức độ"),
    ("a level nobody knows", lambda claims: claims.update(acr="urn:dvc-edge:level:9"), "chưa đạt mức độ"),
    ("no level", lambda claims: claims.pop("acr"), "chưa đạt mức độ"),
    ("another issuer", lambda claims: claims.update(iss="https://evil.example"), "Không xác nhận được"),
    ("another audience", lambda claims: claims.update(aud="khanhhoa"), "Không xác nhận được"),
    ("a second audience", lambda claims: claims.update(aud=["console", "x"]), "Không xác nhận được"),
    ("another nonce", lambda claims: claims.update(nonce="x"), "Không xác nhận được"),
    ("no nonce", lambda claims: claims.pop("nonce"), "Không xác nhận được"),
    ("no subject", lambda claims: claims.pop("sub"), "Không xác nhận được"),
    ("an old token", lambda claims: claims.update(iat=claims["iat"] - 4_000), "Không xác nhận được"),
    ("a token that has ended", lambda claims: claims.update(exp=claims["iat"] - 4_000), "Không xác nhận được"),
]


async def test_a_token_that_is_not_what_it_should_be_lets_nobody_in_and_links_nobody(
    house: Office, browser: Browser
) -> None:
    await house.linked(browser, "bien.tap")
    code = house.invite("phe.duyet")
    async with at(house.base) as other:
        for what, change, said in WRONG:
            house.issuer.change = change
            for path in ("/sign-in/broker", f"/sign-in/broker?code={code}"):
                response = await house.comes(other, path)
                assert (response.status, said in await response.text()) == (403, True), what
                assert await is_in(other) == "", what
        assert (await other.get(f"/invitation?code={code}")).status == 200  # nobody has used it


BACK: list[tuple[str, dict[str, str]]] = [
    ("the answer of another issuer (mix-up)", {"iss": "https://evil.example"}),
    ("another state", {"state": "x" * 43}),
    ("an error", {"error": "access_denied", "code": ""}),
    ("nothing", {"code": ""}),
]


async def test_an_answer_that_is_not_to_our_question_exchanges_no_code(house: Office, browser: Browser) -> None:
    for what, changed in BACK:
        assert (await house.comes(browser, **changed)).status == 403, what
        assert await is_in(browser) == "", what
    assert house.issuer.exchanges == 0


async def test_an_answer_without_its_issuer_is_refused(house: Office, browser: Browser) -> None:
    back = house.issuer.answers(await browser.get("/sign-in/broker"))
    del back["iss"]
    assert (await browser.get(f"/callback/broker?{urlencode(back)}")).status == 403
    assert house.issuer.exchanges == 0


async def test_login_csrf_an_answer_planted_in_another_browser_opens_nothing(house: Office, browser: Browser) -> None:
    """An attacker signs in, keeps the answer, and has a victim's browser open it."""
    await house.linked(browser, "bien.tap")
    back = house.issuer.answers(await browser.get("/sign-in/broker"))
    async with at(house.base) as victim:
        response = await victim.get(f"/callback/broker?{urlencode(back)}")
        assert response.status == 403
        assert "không bắt đầu từ trình duyệt này" in await response.text()
        await victim.get("/sign-in/broker")  # nor when the victim has just begun one of their own
        assert (await victim.get(f"/callback/broker?{urlencode(back)}")).status == 403
        assert await is_in(victim) == ""
    assert house.issuer.exchanges == 1  # the linking of the beginning


async def test_an_answer_is_good_once(house: Office, browser: Browser) -> None:
    await house.linked(browser, "bien.tap")
    back = house.issuer.answers(await browser.get("/sign-in/broker"))
    path = f"/callback/broker?{urlencode(back)}"
    assert (await browser.get(path)).status == 303
    assert (await browser.get(path)).status == 403


async def test_an_answer_comes_within_ten_minutes(house: Office, browser: Browser, clock: Clock) -> None:
    back = house.issuer.answers(await browser.get("/sign-in/broker"))
    clock.now += timedelta(minutes=10)
    assert (await browser.get(f"/callback/broker?{urlencode(back)}")).status == 403
    assert house.issuer.exchanges == 0


async def test_a_cookie_that_is_none_of_ours_begins_nothing(house: Office, browser: Browser) -> None:
    back = house.issuer.answers(await browser.get("/sign-in/broker"))
    for cookie in ("", "x", "sealed:first:x", "sealed:other:x", '["{}", "m", "/", ""]'):
        browser.session.cookie_jar.update_cookies({"console-sign-in": cookie}, house.base)
        assert (await browser.get(f"/callback/broker?{urlencode(back)}")).status == 403, cookie


async def test_of_two_cookies_of_one_name_neither_is_believed(house: Office, browser: Browser) -> None:
    response = await browser.get("/sign-in/broker")
    back = house.issuer.answers(response)
    (cookie,) = [f"{one.key}={one.value}" for one in browser.session.cookie_jar]
    async with ClientSession() as raw:  # with no jar's opinion of what is sent
        path = house.base / "callback/broker"
        for header in (f"{cookie}; console-sign-in=planted", f"console-sign-in=planted; {cookie}"):
            answer = await raw.get(path.with_query(back), headers={"Cookie": header}, allow_redirects=False)
            assert answer.status == 403
    assert house.issuer.exchanges == 0


async def test_another_site_begins_no_sign_in(house: Office, browser: Browser) -> None:
    for site in ("cross-site", "same-site"):
        response = await browser.get("/sign-in/broker", **{"Sec-Fetch-Site": site})
        assert response.status == 200
        assert "Set-Cookie" not in response.headers


async def test_nobody_is_sent_elsewhere_after_signing_in(house: Office, browser: Browser) -> None:
    await house.linked(browser, "bien.tap")
    for goal in ("https://evil.example", "//evil.example", "/\\evil.example", "/" + "x" * 2_000):
        response = await house.comes(browser, f"/sign-in/broker?{urlencode({'next': goal})}")
        assert response.headers["Location"] == "/"


async def test_signing_in_begins_a_new_session_and_ends_the_one_before(house: Office, browser: Browser) -> None:
    await house.linked(browser, "bien.tap")
    cookies = {one.key: one.value for one in browser.session.cookie_jar}
    await house.comes(browser)
    assert {one.value for one in browser.session.cookie_jar if one.key == "console"} != {cookies["console"]}
    async with at(house.base) as thief:
        thief.session.cookie_jar.update_cookies(cookies, house.base)
        assert await is_in(thief) == ""


async def test_while_the_broker_is_down_people_are_told_so(furnished: Path, tmp_path: Path) -> None:
    nobody = {"SSO__ISSUER": "http://signin.localhost:1"}
    async with office(furnished, tmp_path, Clock(), **nobody) as house, at(house.base) as browser:
        response = await browser.get("/sign-in/broker")
        assert response.status == 503
        assert "đang không trả lời" in await response.text()


# Passwords, once the broker knows an administrator


async def password_status(house: Office, actor: str = "trung.uong") -> int:
    async with at(house.base) as browser:
        return (await browser.post("/sign-in", {"actor": actor, "password": PASSWORD})).status


async def test_passwords_are_good_until_an_administrator_has_come_by_the_broker(
    house: Office, browser: Browser, clock: Clock
) -> None:
    await house.linked(browser, "bien.tap")  # no administrator: nothing changes
    assert await password_status(house) == 303
    house.issuer.person = "administrators-account"
    await house.linked(browser, "trung.uong")
    assert await password_status(house) == 401
    page = await browser.text("/sign-in")
    assert 'type="password"' not in page
    # The way back in, for whoever runs the machine: this person alone, for a while.
    kept = house.desk.people.password("trung.uong")
    assert kept is not None
    house.desk.people.keep_password(type(kept)("trung.uong", kept.hash, open_until=clock.now + timedelta(hours=24)))
    assert await password_status(house) == 303
    assert await password_status(house, "phe.duyet") == 401
    clock.now += timedelta(hours=24)
    assert await password_status(house) == 401


async def test_passwords_stay_closed_when_the_administrator_is_unlinked(house: Office, browser: Browser) -> None:
    await house.linked(browser, "trung.uong")
    await house.linked(browser, "trung.uong")
    house.desk.people.forget("trung.uong", now=house.desk.clock())
    assert await password_status(house, "phe.duyet") == 401


async def test_passwords_can_be_kept(furnished: Path, tmp_path: Path) -> None:
    async with office(furnished, tmp_path, Clock(), CONSOLE__PASSWORDS="keep") as house, at(house.base) as browser:
        await house.linked(browser, "trung.uong")
        assert await password_status(house) == 303
        assert 'type="password"' in await browser.text("/sign-in")


# Out


async def out(house: Office, token: str) -> int:
    """The broker says so, by its own call."""
    async with ClientSession() as broker:
        address = house.base / "callback/broker/sign-out"
        async with broker.post(address, data={"logout_token": token}) as response:
            return response.status


async def test_signing_out_here_leads_to_the_brokers_way_out(house: Office, browser: Browser) -> None:
    await house.linked(browser, "bien.tap")
    browser.csrf = (await browser.text("/account")).partition('name="csrf" value="')[2].partition('"')[0]
    response = await browser.post("/sign-out", {})
    page = await response.text()
    address = page.partition('<a class="button" href="')[2].partition('"')[0].replace("&amp;", "&")
    asked = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
    assert address.startswith(f"{house.issuer.origin}/logout?")
    assert asked["post_logout_redirect_uri"] == f"{house.base}sign-in"
    assert asked["id_token_hint"].count(".") == 2
    assert await is_in(browser) == ""


async def test_what_ends_at_the_broker_ends_here(house: Office, browser: Browser) -> None:
    await house.linked(browser, "bien.tap")
    house.issuer.sid = "sid-2"
    async with at(house.base) as other:
        await house.comes(other)
        assert await out(house, house.issuer.logout_token(sid="sid-1")) == 200
        assert (await is_in(browser), await is_in(other)) == ("", "bien.tap")
        assert await out(house, house.issuer.logout_token(sid=None)) == 200  # the person, wherever they are
        assert await is_in(other) == ""


FORGED: list[tuple[str, dict[str, Any]]] = [
    ("another key", {"key": ECKey.generate_key("P-256")}),
    ("an ID token's type", {"typ": "at+jwt"}),
    ("another audience", {"aud": "khanhhoa"}),
    ("another issuer", {"iss": "https://evil.example"}),
    ("no event", {"events": None}),
    ("another event", {"events": {"x": {}}}),
    ("a nonce: it is an ID token", {"nonce": "n"}),
    ("nobody", {"sid": None, "sub": None}),
    ("no jti", {"jti": None}),
    ("no time", {"iat": None}),
    ("long ago", {"iat": 1, "exp": 2}),
]


async def test_a_forged_word_ends_nothing(house: Office, browser: Browser) -> None:
    await house.linked(browser, "bien.tap")
    for what, changed in FORGED:
        assert await out(house, house.issuer.logout_token(**changed)) == 400, what
        assert await is_in(browser) == "bien.tap", what
    for token in ("", "x", "a.b.c", "." * 60_000, "." * 70_000):  # no tokens at all
        assert await out(house, token) in {400, 413}
    assert await is_in(browser) == "bien.tap"


async def test_a_word_of_the_broker_counts_once(house: Office, browser: Browser) -> None:
    await house.linked(browser, "bien.tap")
    token = house.issuer.logout_token(sid=None)
    assert await out(house, token) == 200
    await house.comes(browser)
    assert await out(house, token) == 400
    assert await is_in(browser) == "bien.tap"


async def test_the_brokers_word_ends_no_session_by_password(house: Office, browser: Browser) -> None:
    await browser.sign_in("phe.duyet")
    async with at(house.base) as other:
        await house.linked(other, "bien.tap")
    assert await out(house, house.issuer.logout_token(sid="")) in {200, 400}
    assert await is_in(browser) == "phe.duyet"
