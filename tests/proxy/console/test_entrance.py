"""Getting in and out: who signs in, who does not, and what a form from elsewhere is worth."""

import base64
from contextlib import closing
from datetime import timedelta

import pytest
from aiohttp import ClientResponse
from aiohttp.test_utils import TestServer
from yarl import URL

from proxy.console.app import is_ours
from proxy.console.desk import Desk
from proxy.console.passwords import totp
from proxy.console.whole import create_console
from redirect_rules.people import Password
from redirect_rules.stores.database import Database
from tests.proxy.console.conftest import HASHED, OFFICERS, PASSWORD, Browser, Clock, at


async def signs_in(browser: Browser, actor: str, password: str, next_: str = "/explain") -> ClientResponse:
    return await browser.post("/sign-in", {"actor": actor, "password": password, "next": next_})


async def test_whoever_is_not_signed_in_is_led_to_the_entrance_and_back(anybody: Browser) -> None:
    response = await anybody.get("/explain?url=a")
    assert response.status == 303
    assert response.headers["Location"] == "/sign-in?next=%2Fexplain%3Furl%3Da"
    page = await anybody.text(response.headers["Location"])
    assert 'name="next" value="/explain?url=a"' in page
    response = await signs_in(anybody, "xem", PASSWORD, "/explain?url=a")
    assert response.headers["Location"] == "/explain?url=a"


@pytest.mark.parametrize("actor", ["xem", "nobody.of.that.name"])
async def test_a_wrong_password_says_the_same_whether_or_not_there_is_such_an_officer(
    anybody: Browser, actor: str
) -> None:
    response = await signs_in(anybody, actor, "not the password")
    assert response.status == 401
    page = await response.text()
    assert "Tên đăng nhập, mật khẩu hoặc mã không đúng." in page
    assert "not the password" not in page


async def test_guessing_makes_the_account_wait_even_for_the_right_password(anybody: Browser, clock: Clock) -> None:
    for _ in range(5):
        assert (await signs_in(anybody, "xem", "wrong")).status == 401
    assert "tạm khóa" in await (await signs_in(anybody, "xem", PASSWORD)).text()
    clock.now += timedelta(minutes=1, seconds=1)
    assert (await signs_in(anybody, "xem", PASSWORD)).status == 303


async def test_a_code_that_was_used_is_not_good_again_nor_is_the_one_before(
    anybody: Browser, desk: Desk, clock: Clock
) -> None:
    secret = base64.b32encode(b"12345678901234567890").decode()
    desk.people.keep_password(Password("xem", HASHED, totp=secret))

    async def shows(code: str) -> int:
        form = {"actor": "xem", "password": PASSWORD, "code": code}
        return (await anybody.post("/sign-in", form)).status

    now, before = totp(secret, clock.now), totp(secret, clock.now - timedelta(seconds=30))
    assert [await shows(code) for code in ("", now, now, before)] == [401, 303, 401, 401]
    clock.now += timedelta(seconds=30)
    assert [await shows(code) for code in (now, totp(secret, clock.now))] == [401, 303]


async def test_a_telephone_from_before_there_were_seals_is_sealed_by_its_next_sign_in(
    anybody: Browser, desk: Desk, clock: Clock
) -> None:
    secret = base64.b32encode(b"12345678901234567890").decode()
    desk.people.keep_password(Password("xem", HASHED))
    with closing(Database(desk.state.database)) as database:

        def kept() -> str:
            with database.reading() as connection:
                return str(connection.exec_driver_sql("select totp from passwords where actor = 'xem'").scalar_one())

        with database.writing() as connection:
            connection.exec_driver_sql(f"update passwords set totp = '{secret}' where actor = 'xem'")
        form = {"actor": "xem", "password": PASSWORD}
        assert (await anybody.post("/sign-in", form | {"code": "000000"})).status == 401
        assert kept() == secret
        assert (await anybody.post("/sign-in", form | {"code": totp(secret, clock.now)})).status == 303
        assert kept().startswith("sealed:first:")
        clock.now += timedelta(seconds=30)
        assert (await anybody.post("/sign-in", form | {"code": totp(secret, clock.now)})).status == 303
        # The key was lost, or another database's row was put here: nobody gets in, and the page says whom to ask.
        with database.writing() as connection:
            connection.exec_driver_sql("update passwords set totp = 'sealed:lost:x' where actor = 'xem'")
        response = await anybody.post("/sign-in", form | {"code": totp(secret, clock.now)})
        assert response.status == 503
        assert "khóa niêm phong" in await response.text()


async def test_the_code_that_sets_up_a_telephone_does_not_sign_in(administrator: Browser, clock: Clock) -> None:
    page = await (await administrator.post("/account/code", {})).text()
    secret = page.partition('name="secret" value="')[2].partition('"')[0]
    code = totp(secret, clock.now)
    assert (await administrator.post("/account/code/keep", {"secret": secret, "code": code})).status == 303
    form = {"actor": "trung.uong", "password": PASSWORD, "code": code}
    assert (await administrator.post("/sign-in", form)).status == 401
    clock.now += timedelta(seconds=30)
    assert (await administrator.post("/sign-in", {**form, "code": totp(secret, clock.now)})).status == 303


async def test_the_cookie_is_out_of_reach_and_new_at_every_sign_in(anybody: Browser) -> None:
    first = (await signs_in(anybody, "xem", PASSWORD)).headers["Set-Cookie"]
    second = (await signs_in(anybody, "xem", PASSWORD)).headers["Set-Cookie"]
    assert "HttpOnly" in first
    assert "SameSite=Lax" in first
    assert first != second


async def test_signing_in_again_ends_the_session_before(desk: Desk, anybody: Browser, base: URL) -> None:
    await anybody.sign_in("xem")
    (cookie,) = [one.value for one in anybody.session.cookie_jar]
    await signs_in(anybody, "xem", PASSWORD)
    async with at(base) as thief:
        thief.session.cookie_jar.update_cookies({"console": cookie}, base)
        assert (await thief.get("/explain")).status == 303


@pytest.mark.parametrize("actor", OFFICERS)
async def test_signing_out_is_for_good(base: URL, actor: str) -> None:
    async with at(base, actor) as browser:
        cookies = {one.key: one.value for one in browser.session.cookie_jar}
        assert (await browser.post("/sign-out", {})).status == 303
        browser.session.cookie_jar.update_cookies(cookies, base)
        assert (await browser.get("/explain")).status == 303


async def test_who_is_idle_for_half_an_hour_signs_in_again(administrator: Browser, clock: Clock) -> None:
    clock.now += timedelta(minutes=29)
    assert (await administrator.get("/explain")).status == 200
    clock.now += timedelta(minutes=30)
    assert (await administrator.get("/explain")).status == 303


async def test_the_end_of_a_working_day_is_announced(administrator: Browser, clock: Clock) -> None:
    end = clock.now + timedelta(hours=9)
    while clock.now < end - timedelta(minutes=4):
        page = await administrator.text("/explain")
        assert "Phiên làm việc còn" not in page
        clock.now += timedelta(minutes=20)
    clock.now = end - timedelta(minutes=4)
    assert "Phiên làm việc còn 4 phút" in await administrator.text("/explain")


FORGED = [
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
]


@pytest.mark.parametrize("headers", FORGED, ids=str)
async def test_a_form_that_another_site_sends_is_refused(administrator: Browser, headers: dict[str, str]) -> None:
    response = await administrator.post("/sign-out", {}, **headers)
    assert response.status == 403
    assert "Biểu mẫu không được chấp nhận" in await response.text()
    assert (await administrator.get("/explain")).status == 200, "still signed in"


async def test_a_form_without_the_sessions_token_is_refused(administrator: Browser) -> None:
    response = await administrator.session.post(administrator.base.join(URL("/sign-out")), data={"csrf": "guess"})
    assert response.status == 403


@pytest.mark.parametrize(
    "goal",
    ["//evil.example", "/\\evil.example", "https://evil.example", "javascript:1", "/a\r\nSet-Cookie: b", "", "x"],
)
async def test_nobody_is_led_elsewhere_after_signing_in(anybody: Browser, goal: str) -> None:
    assert not is_ours(goal)
    assert (await signs_in(anybody, "xem", PASSWORD, goal)).headers["Location"] == "/"


async def test_whoever_has_no_role_sees_no_page(base: URL) -> None:
    async with at(base) as browser:
        await signs_in(browser, "nguoi.la", PASSWORD)
        response = await browser.get("/explain")
        assert response.status == 403
        assert "chưa được giao vai trò" in await response.text()


async def test_every_answer_has_its_policy(administrator: Browser, anybody: Browser) -> None:
    for browser, path in ((administrator, "/explain"), (administrator, "/nothing"), (anybody, "/sign-in")):
        headers = (await browser.get(path)).headers
        assert "default-src 'none'" in headers["Content-Security-Policy"]
        assert "unsafe" not in headers["Content-Security-Policy"]
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Cache-Control"] == "no-store"


async def test_the_language_is_chosen_and_kept(administrator: Browser) -> None:
    response = await administrator.get("/language/en?to=/explain")
    assert response.headers["Location"] == "/explain"
    assert "Where does this old address lead?" in await administrator.text("/explain")


async def test_behind_tls_the_cookie_is_bound_to_the_host(desk: Desk) -> None:
    async with TestServer(create_console(desk, secure=True)) as server, at(server.make_url("/")) as browser:
        cookie = (await signs_in(browser, "xem", PASSWORD)).headers["Set-Cookie"]
        assert cookie.startswith("__Host-console=")
        assert "Secure" in cookie
        assert "Path=/" in cookie
