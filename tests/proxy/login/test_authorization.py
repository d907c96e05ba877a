"""What a client asks for: by a browser, pushed, signed, or in a form from its own site."""

from urllib.parse import urlencode

import pytest

from sso import authorize
from tests.sign_in_peers.issuer import EC, NOW, Desk, signed

FROM_ELSEWHERE = {"Sec-Fetch-Site": "cross-site"}


async def test_consent_always_is_asked_every_time_and_prompt_login_is_not_asked_twice(desk: Desk) -> None:
    browser = desk.browser()
    for _ in range(2):
        left = await desk.authorize(browser, "theta", prompt="login", max_age="0")
        page = await desk.come_back(browser, left)
        assert page.status == 200
        desk.clock.now += 100
        assert "code" in (await browser.post("/consent", {**page.form(), "answer": "allow"})).told()


# A form from the client's own site: our cookie does not come with it


@pytest.mark.parametrize("headers", [FROM_ELSEWHERE, {}], ids=["cross-site", "an old browser"])
async def test_a_form_from_the_client_s_site_is_sent_once_more_by_us_and_nobody_is_asked_again(
    desk: Desk, headers: dict[str, str]
) -> None:
    browser = desk.browser()
    await desk.sign_in(browser)
    session = browser.cookies.pop("sign-in")
    browser.cookies.clear()
    page = await browser.post("/authorize", desk.request("beta", login_hint="<b>"), headers)
    assert (page.status, page.location) == (200, "")
    assert f'action="{desk.broker.issuer}/authorize"' in page.text
    assert "<b>" not in page.text  # 39
    browser.cookies["sign-in"] = session
    answer = await browser.post("/authorize", page.form(), {"Sec-Fetch-Site": "same-origin"})
    assert "code" in answer.told()


async def test_nobody_goes_round_whose_browser_keeps_no_cookies(desk: Desk) -> None:
    page = await desk.browser().post("/authorize", desk.request(), FROM_ELSEWHERE)
    answer = await desk.browser().post("/authorize", page.form(), {"Sec-Fetch-Site": "same-origin"})
    assert answer.location.startswith("https://home.example/authorize?")


@pytest.mark.parametrize("site", ["same-origin", "same-site", "none"])
async def test_a_form_of_our_own_site_is_taken_as_it_is(desk: Desk, site: str) -> None:
    answer = await desk.browser().post("/authorize", desk.request(), {"Sec-Fetch-Site": site})
    assert answer.location.startswith("https://home.example/authorize?")


@pytest.mark.parametrize("changes", [
    {"redirect_uri": "https://evil.example/cb"},
    {"redirect_uri": None},
    {"client_id": "nobody"},
    {"client_id": None},
])  # fmt: skip
async def test_no_form_of_a_stranger_is_sent_on(desk: Desk, changes: dict[str, str | None]) -> None:
    given = {name: value for name, value in {**desk.request(), **changes}.items() if value is not None}
    page = await desk.browser().post("/authorize", given, FROM_ELSEWHERE)
    assert (page.status, page.form()) == (400, {})


async def test_only_what_a_request_may_consist_of_is_sent_on(desk: Desk) -> None:
    given = {**desk.request(), "answer": "allow", "upstream": "x", "resend": "1", "action": "https://evil.example"}
    page = await desk.browser().post("/authorize", given, FROM_ELSEWHERE)
    assert set(page.form()) <= {*authorize.PARAMETERS, "resent"}
    assert "evil" not in page.text


async def test_what_is_there_twice_is_not_sent_on(desk: Desk) -> None:
    body = urlencode([*desk.request().items(), ("scope", "openid")])
    answer = await desk.ask("POST", "/authorize", FROM_ELSEWHERE, body)
    assert answer.told()["error"] == "invalid_request"


async def test_a_signed_request_from_elsewhere_is_sent_on_and_read_then(desk: Desk) -> None:
    told = {**desk.request("zeta"), "aud": desk.broker.issuer, "iss": "zeta", "exp": NOW + 60}
    form = {"client_id": "zeta", "request": signed(told, EC)}
    browser = desk.browser()
    page = await browser.post("/authorize", form, FROM_ELSEWHERE)
    assert page.form() == {**form, "resent": "1"}
    answer = await browser.post("/authorize", page.form(), {"Sec-Fetch-Site": "same-origin"})
    assert answer.location.startswith("https://home.example/authorize?")


async def test_a_refusal_on_a_page_leads_back_to_the_client_that_asked(desk: Desk) -> None:
    page = await desk.authorize(desk.browser(), redirect_uri="https://evil.example/cb")
    assert page.status == 400
    assert 'href="https://alpha.example/out"' in page.text
    assert "evil" not in page.text
    nobody = await desk.authorize(desk.browser(), client_id="nobody")
    assert 'href="https://' not in nobody.text.partition("<main")[2].partition("</main>")[0]
