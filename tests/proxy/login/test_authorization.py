"""The browser's journey through our pages."""

from collections import Counter
from dataclasses import replace

from proxy.pages import Pages
from sso.model import Session
from sso.stores.valkey import ValkeyStore
from tests.sign_in_peers.issuer import AN, BINH, HOME, Desk, Person, issuing


async def test_a_fresh_sign_in_costs_six_round_trips(desk: Desk) -> None:
    trips: Counter[str] = Counter()
    store = desk.store

    class Counted:
        def __getattr__(self, name: str) -> object:
            trips[name] += 1
            return getattr(store, name)

    desk.broker.store = Counted()  # type: ignore[assignment]  # it counts and hands on
    await desk.tokens()
    assert trips == dict.fromkeys(("begin", "attempt", "open", "issue", "redeem", "keep_tokens"), 1)


async def test_a_second_client_asks_nobody_anything(desk: Desk) -> None:
    browser = desk.browser()
    await desk.sign_in(browser)
    answer = await desk.authorize(browser, "beta")
    assert "code" in answer.told()


async def test_consent_is_asked_once_where_the_record_says_once(desk: Desk) -> None:
    browser = desk.browser()
    page = await desk.come_back(browser, await desk.authorize(browser, "delta", scope="openid profile citizen"))
    assert page.status == 200
    assert AN.name in page.text
    assert AN.citizen_id in page.text
    assert AN.email not in page.text
    answer = await browser.post("/consent", {**page.form(), "answer": "allow"})
    assert "code" in answer.told()
    assert "code" in (await desk.authorize(browser, "delta", scope="openid profile")).told()
    assert {event.event for event in desk.audit} >= {"consent.given", "sign-in.done"}


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


async def test_a_sign_in_gives_a_new_session_and_keeps_who_took_part(desk: Desk) -> None:
    browser = desk.browser()
    await desk.sign_in(browser)
    before = browser.cookies["sign-in"]
    await desk.sign_in(browser, "beta", prompt="login")
    assert browser.cookies["sign-in"] != before
    sessions = await desk.store.sessions_of("home", AN.sub)
    assert [set(session.participations) for session in sessions] == [{"alpha", "beta"}]


async def test_another_person_at_the_same_browser_takes_nothing_over(desk: Desk) -> None:
    browser = desk.browser()
    await desk.sign_in(browser)
    desk.home.person = BINH
    await desk.sign_in(browser, prompt="login")
    assert not await desk.store.sessions_of("home", AN.sub)
    mine = await desk.store.sessions_of("home", BINH.sub)
    assert [set(session.participations) for session in mine] == [{"alpha"}]


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


async def test_an_upstream_that_is_down_is_a_page_that_says_when_to_try_again(desk: Desk) -> None:
    browser = desk.browser()
    left = await desk.authorize(browser)
    desk.home.fails = True
    answer = await desk.come_back(browser, left)
    assert answer.status == 503
    assert int(answer.headers["Retry-After"]) > 0
    assert not answer.location


async def test_while_the_upstream_is_down_who_is_signed_in_goes_on(desk: Desk) -> None:
    browser = desk.browser()
    await desk.sign_in(browser)
    desk.home.fails = True
    assert "code" in (await desk.authorize(browser, "beta")).told()


async def test_who_says_no_at_the_upstream_comes_back_with_that(desk: Desk) -> None:
    browser = desk.browser()
    left = await desk.authorize(browser)
    told = (await desk.come_back(browser, left, error="access_denied")).told()
    assert (told["error"], told["state"], told["iss"]) == ("access_denied", "the state", desk.broker.issuer)


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


async def test_what_the_upstream_signed_is_kept_sealed(desk: Desk) -> None:
    await desk.sign_in()
    session = (await desk.store.sessions_of("home", AN.sub))[0]
    assert session.upstream_id_token
    assert session.upstream_id_token.count(".") == 0
    opened = desk.broker.signer.unseal(session.upstream_id_token, purpose="upstream-id-token")
    assert opened.count(".") == 2


async def test_consent_always_is_asked_every_time_and_prompt_login_is_not_asked_twice(desk: Desk) -> None:
    browser = desk.browser()
    for _ in range(2):
        left = await desk.authorize(browser, "theta", prompt="login", max_age="0")
        page = await desk.come_back(browser, left)
        assert page.status == 200
        desk.clock.now += 100
        assert "code" in (await browser.post("/consent", {**page.form(), "answer": "allow"})).told()
    assert replace(AN) == AN
