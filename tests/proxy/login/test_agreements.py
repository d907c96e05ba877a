"""Consent: asked where the client's record says so, kept for as long as it says, told about by a page."""

from dataclasses import replace

from proxy.pages import Pages
from sso.model import Client
from sso.stores.valkey import ValkeyStore
from sso.vocabulary import Claim
from tests.sign_in_peers.issuer import AN, BINH, CLIENTS, Answer, Browser, Desk, issuing


async def asked(desk: Desk, browser: Browser, scope: str = "openid profile citizen", **changes: str | None) -> Answer:
    answer = await desk.authorize(browser, "delta", scope=scope, **changes)
    return await desk.come_back(browser, answer) if answer.location.startswith("https://home.") else answer


async def agree(browser: Browser, page: Answer) -> Answer:
    return await browser.post("/consent", {**page.form(), "answer": "allow"})


def with_client(desk: Desk, **changes: object) -> None:
    delta: Client = replace(CLIENTS["delta"], **changes)  # type: ignore[arg-type]  # a table's columns
    desk.broker.clients = {**desk.broker.clients, "delta": delta}


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


async def test_an_agreement_outlives_the_session_and_the_browser(desk: Desk) -> None:
    await agree(first := desk.browser(), await asked(desk, first))
    again = await asked(desk, desk.browser())
    assert "code" in again.told()


async def test_an_agreement_is_one_person_s_alone(desk: Desk) -> None:
    await agree(first := desk.browser(), await asked(desk, first))
    desk.home.person = BINH
    page = await asked(desk, desk.browser())
    assert page.status == 200
    assert AN.name not in page.text


async def test_who_wants_to_know_more_asks_again_and_who_wants_less_does_not(desk: Desk) -> None:
    await agree(browser := desk.browser(), await asked(desk, browser, "openid profile"))
    page = await asked(desk, browser, "openid profile citizen")
    assert page.status == 200
    await agree(browser, page)
    for scope in ("openid", "openid profile", "openid profile citizen"):
        assert "code" in (await asked(desk, browser, scope)).told()


async def test_another_reason_asks_again(desk: Desk) -> None:
    await agree(browser := desk.browser(), await asked(desk, browser))
    with_client(desk, legal_basis="Nghị định 200/2026/NĐ-CP")
    page = await asked(desk, browser)
    assert "Nghị định 200/2026/NĐ-CP" in page.text


async def test_an_agreement_ends_after_the_days_of_the_record(desk: Desk) -> None:
    with_client(desk, consent_days=30)
    await agree(browser := desk.browser(), page := await asked(desk, browser))
    assert "30" in page.text
    desk.clock.now += 30 * 86_400 - 1
    assert "code" in (await asked(desk, desk.browser())).told()
    desk.clock.now += 1
    assert (await asked(desk, desk.browser())).status == 200


async def test_who_does_not_agree_has_agreed_to_nothing(desk: Desk) -> None:
    browser = desk.browser()
    page = await asked(desk, browser)
    denied = await browser.post("/consent", {**page.form(), "answer": "deny"})
    assert denied.told()["error"] == "access_denied"
    assert not await desk.store.consents("home", AN.sub)
    assert (await asked(desk, browser)).status == 200
    assert "consent.refused" in {event.event for event in desk.audit}


async def test_the_store_keeps_an_agreement_under_no_number_of_the_person(state: ValkeyStore, pages: Pages) -> None:
    async with issuing(state, pages) as desk:
        await agree(browser := desk.browser(), await asked(desk, browser))
        found = await state.consents("home", AN.sub)
        assert found["delta"].claims == {Claim.NAME, Claim.CITIZEN_ID, Claim.ACCOUNT_TYPE}
        assert AN.citizen_id not in repr(found)
        assert AN.sub not in repr(found)
