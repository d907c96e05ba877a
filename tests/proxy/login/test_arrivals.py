"""Back from an upstream: whose session it is, what is kept of it, and what went wrong there."""

from dataclasses import replace

from sso.model import Destination, digest
from sso.upstreams.directory import Upstreams
from sso.vocabulary import Level
from tests.sign_in_peers.issuer import AN, BINH, CLIENTS, HOME, Desk, home_upstream


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


async def test_an_upstream_that_is_down_is_a_page_that_says_when_to_try_again(desk: Desk) -> None:
    browser = desk.browser()
    left = await desk.authorize(browser)
    desk.home.fails = True
    answer = await desk.come_back(browser, left)
    assert answer.status == 503
    assert int(answer.headers["Retry-After"]) > 0
    assert not answer.location


async def test_who_says_no_at_the_upstream_comes_back_with_that(desk: Desk) -> None:
    browser = desk.browser()
    left = await desk.authorize(browser)
    told = (await desk.come_back(browser, left, error="access_denied")).told()
    assert (told["error"], told["state"], told["iss"]) == ("access_denied", "the state", desk.broker.issuer)


async def test_what_the_upstream_signed_is_kept_sealed_for_the_way_out(desk: Desk) -> None:
    upstream = home_upstream()
    assert upstream.endpoints
    endpoints = replace(upstream.endpoints, end_session_endpoint=f"{HOME}/end")
    known = {"home": replace(upstream, endpoints=endpoints)}
    desk.broker.upstreams = Upstreams(known, desk.home, issuer=desk.broker.issuer)
    await desk.sign_in()
    session = (await desk.store.sessions_of("home", AN.sub))[0]
    assert session.upstream_id_token
    assert session.upstream_id_token.count(".") == 0
    opened = desk.broker.signer.unseal(session.upstream_id_token, purpose="upstream-id-token")
    assert opened.count(".") == 2


async def test_where_there_is_no_way_out_nothing_of_it_is_kept(desk: Desk) -> None:
    await desk.sign_in()
    assert (await desk.store.sessions_of("home", AN.sub))[0].upstream_id_token is None


async def test_a_client_that_went_out_of_service_meanwhile_is_a_page(desk: Desk) -> None:
    browser = desk.browser()
    left = await desk.authorize(browser)
    desk.broker.clients = {name: one for name, one in desk.broker.clients.items() if name != "alpha"}
    for answer in ({}, {"error": "access_denied"}):
        page = await desk.come_back(browser, left, **answer)
        assert (page.status, page.location) == (400, "")
        desk.broker.clients = CLIENTS
        left = await desk.authorize(browser)
        desk.broker.clients = {name: one for name, one in CLIENTS.items() if name != "alpha"}


async def test_what_the_upstream_refuses_for_a_portal_is_a_page_that_leads_back(desk: Desk) -> None:
    destination = Destination("alpha", "", "alpha.example", "/cb", scheme="https", browser=digest("b"))
    browser = desk.browser()
    attempt, left = await desk.broker.upstreams.begin(
        "home", destination, level=Level.ONE, browser=None, now=desk.clock.now, secrets=desk.broker.secrets
    )
    await desk.store.begin(attempt, seconds=600)
    browser.cookies["sign-in-browser"] = left.cookies[0].value
    page = await browser.get(desk.home.approve(left.uri, error="access_denied"))
    assert page.status == 400
    assert 'href="https://alpha.example/out"' in page.text
