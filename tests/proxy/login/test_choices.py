"""What people answer on our pages: with which account, stronger or not, and whether they agree."""

from proxy.pages import Pages
from sso.model import Session
from sso.stores.valkey import ValkeyStore
from tests.sign_in_peers.issuer import AN, HOME, Desk, Person, issuing


async def test_where_there_are_several_upstreams_people_choose(state: ValkeyStore, pages: Pages) -> None:
    async with issuing(state, pages, upstreams=("home", "second")) as desk:
        browser = desk.browser()
        page = await desk.authorize(browser)
        assert page.status == 200
        chosen = await browser.post("/choose", {**page.form(), "upstream": "second"})
        assert "callback%2Fsecond" in chosen.location
        assert "code" in (await desk.come_back(browser, chosen)).told()
        again = await browser.post("/choose", {**page.form(), "upstream": "home"})
        assert again.status == 400  # a page's choice is made once
        page = await desk.authorize(desk.browser())
        unknown = await browser.post("/choose", {**page.form(), "upstream": "third"})
        assert unknown.status == 400


async def test_a_step_up_keeps_the_person_and_raises_the_level(desk: Desk) -> None:
    browser = desk.browser()
    desk.home.person = Person(level=1)
    await desk.sign_in(browser)
    page = await desk.authorize(browser, "eta")
    assert page.status == 200
    desk.home.person = Person(level=2)
    answer = await desk.come_back(browser, await browser.post("/step-up", {**page.form(), "answer": "allow"}))
    assert "code" in answer.told()
    session: Session = (await desk.store.sessions_of("home", AN.sub))[0]
    assert session.identity.level == 2


async def test_who_does_not_agree_is_not_told_about(desk: Desk) -> None:
    browser = desk.browser()
    page = await desk.come_back(browser, await desk.authorize(browser, "theta"))
    told = (await browser.post("/consent", {**page.form(), "answer": "deny"})).told()
    assert (told["error"], told["state"]) == ("access_denied", "the state")


async def test_a_consent_page_lasts_no_longer_than_the_session(desk: Desk) -> None:
    browser = desk.browser()
    page = await desk.come_back(browser, await desk.authorize(browser, "theta"))
    session = await desk.store.sessions_of("home", AN.sub)
    await desk.store.end(session[0].id)
    answer = await browser.post("/consent", {**page.form(), "answer": "allow"})
    assert answer.location.startswith(HOME)  # sign in again; nothing was given out
