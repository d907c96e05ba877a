"""What a person has allowed: shown to that person alone, and taken back by them alone."""

from dataclasses import replace

import pytest

from proxy.pages import Pages
from sso.stores.valkey import ValkeyStore
from tests.sign_in_peers.issuer import AN, BINH, CLIENTS, Answer, Browser, Desk, issuing

OWN = {"Sec-Fetch-Site": "same-origin"}


async def agreed(desk: Desk) -> Browser:
    browser = desk.browser()
    page = await desk.come_back(browser, await desk.authorize(browser, "delta", scope="openid profile citizen"))
    await browser.post("/consent", {**page.form(), "answer": "allow"})
    return browser


def marks(page: Answer) -> list[str]:
    return [part.partition('"')[0] for part in page.text.split('name="consent" value="')[1:]]


async def test_who_is_signed_in_sees_whom_they_have_allowed_what(desk: Desk) -> None:
    page = await (await agreed(desk)).get("/allowed")
    assert page.status == 200
    assert "Số định danh cá nhân" in page.text
    assert AN.citizen_id not in page.text
    assert AN.name not in page.text
    assert page.headers["Cache-Control"] == "no-store"
    assert page.headers["X-Frame-Options"] == "DENY"


async def test_who_is_not_signs_in_first_and_then_sees_it(desk: Desk) -> None:
    await agreed(desk)
    browser = desk.browser()
    left = await browser.get("/allowed")
    back = await desk.come_back(browser, left)
    assert back.location == f"{desk.broker.issuer}/allowed"
    page = await browser.get("/allowed")
    assert len(marks(page)) == 1
    sessions = await desk.store.sessions_of("home", AN.sub)
    assert sorted(len(session.participations) for session in sessions) == [0, 1]


async def test_where_there_are_several_accounts_people_choose(state: ValkeyStore, pages: Pages) -> None:
    async with issuing(state, pages, upstreams=("home", "second")) as desk:
        browser = desk.browser()
        page = await browser.get("/allowed")
        assert 'action="/allowed/sign-in"' in page.text
        left = await browser.post("/allowed/sign-in", {"upstream": "second"}, OWN)
        assert "callback%2Fsecond" in left.location
        assert (await desk.come_back(browser, left)).location.endswith("/allowed")


async def test_who_takes_an_agreement_back_is_asked_again_and_it_is_written_down(desk: Desk) -> None:
    browser = await agreed(desk)
    (mark,) = marks(await browser.get("/allowed"))
    done = await browser.post("/allowed/withdraw", {"consent": mark}, OWN)
    assert done.location == f"{desk.broker.issuer}/allowed"
    assert marks(await browser.get("/allowed")) == []
    assert (await desk.authorize(browser, "delta", scope="openid profile citizen")).status == 200
    event = next(event for event in desk.audit if event.event == "consent.withdrawn")
    assert event.client == "delta"


async def test_what_the_client_still_has_is_worth_nothing_afterwards(desk: Desk) -> None:
    browser = await agreed(desk)
    told = (await desk.authorize(browser, "delta", scope="openid profile offline_access")).told()
    tokens = (await desk.exchange(told["code"], "delta")).json()
    others = await desk.tokens(browser, "alpha")
    (mark,) = marks(await browser.get("/allowed"))
    await browser.post("/allowed/withdraw", {"consent": mark}, OWN)
    assert (await desk.userinfo(tokens["access_token"])).status == 401
    refreshed = await desk.token("delta", None, grant_type="refresh_token", refresh_token=tokens["refresh_token"])
    assert refreshed.json()["error"] == "invalid_grant"
    assert (await desk.userinfo(others["access_token"])).status == 200


async def test_the_system_is_told_to_sign_the_person_out_and_the_others_are_not(desk: Desk) -> None:
    heard = {name: f"https://{name}.example/bc" for name in ("alpha", "delta")}
    told = {name: replace(CLIENTS[name], backchannel_logout_uri=uri) for name, uri in heard.items()}
    desk.broker.clients = {**CLIENTS, **told}
    browser = await agreed(desk)
    await desk.sign_in(browser)
    (mark,) = marks(await browser.get("/allowed"))
    await browser.post("/allowed/withdraw", {"consent": mark}, OWN)
    assert set(await desk.store.deliveries()) == {"delta"}
    (session,) = await desk.store.sessions_of("home", AN.sub)
    assert set(session.participations) == {"alpha"}


async def test_40_nobody_else_takes_it_back(desk: Desk) -> None:
    browser = await agreed(desk)
    (mark,) = marks(await browser.get("/allowed"))
    desk.home.person = BINH
    other = desk.browser()
    await desk.sign_in(other)
    for who, form, headers in (
        (other, {"consent": mark}, OWN),
        (desk.browser(), {"consent": mark}, OWN),
        (browser, {"consent": mark}, {"Sec-Fetch-Site": "cross-site"}),
        (browser, {"consent": "delta"}, OWN),
        (browser, {}, OWN),
    ):
        assert (await who.post("/allowed/withdraw", form, headers)).status in {400, 403}
    desk.clock.now += 901
    assert (await browser.post("/allowed/withdraw", {"consent": mark}, OWN)).status == 400
    assert "delta" in await desk.store.consents("home", AN.sub)


async def test_the_page_is_found_where_people_sign_out_and_where_they_agree(desk: Desk) -> None:
    browser = desk.browser()
    page = await desk.come_back(browser, await desk.authorize(browser, "delta"))
    question = await browser.get("/logout")
    assert 'href="/allowed"' in page.text
    assert 'href="/allowed"' in question.text


@pytest.mark.parametrize("method", ["POST", "PUT"])
async def test_the_page_is_asked_for_by_get(desk: Desk, method: str) -> None:
    assert (await desk.ask(method, "/allowed")).status == 405
