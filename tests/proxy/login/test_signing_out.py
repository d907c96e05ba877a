"""The order of things when somebody signs out; what they see is in tests/conformance/test_logout_*.py."""

from dataclasses import replace
from typing import Any

import pytest

from proxy.login import signing_out
from sso.model import Participation
from sso.store import StoreUnavailable
from tests.sign_in_peers.issuer import AN, Desk


@pytest.fixture
def told(desk: Desk) -> Desk:
    """An issuer whose client alpha wants to hear of sign-outs."""
    broker = desk.broker
    alpha = replace(broker.clients["alpha"], backchannel_logout_uri="https://alpha.example/b")
    beta = replace(broker.clients["beta"], backchannel_logout_uri="https://beta.example/b")
    broker.clients = {**broker.clients, "alpha": alpha, "beta": beta}
    return desk


async def signed_in(desk: Desk) -> tuple[Any, dict[str, str]]:
    browser = desk.browser()
    body = (await desk.exchange((await desk.sign_in(browser))["code"])).json()
    return browser, {"id_token_hint": body["id_token"]}


async def test_clients_are_told_before_the_session_ends(told: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    browser, wish = await signed_in(told)
    end = told.store.end

    async def dying(session: str) -> None:
        raise StoreUnavailable("gone")

    monkeypatch.setattr(told.store, "end", dying)
    assert (await browser.post("/logout", wish)).status == 503
    assert "alpha" in await told.store.deliveries()
    monkeypatch.setattr(told.store, "end", end)
    assert (await browser.post("/logout", wish)).status == 200  # and once more, when the store is there
    assert await told.store.sessions_of("home", AN.sub) == []


async def test_where_clients_cannot_be_told_the_session_goes_on(told: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    browser, wish = await signed_in(told)

    async def dying(deliveries: object) -> None:
        raise StoreUnavailable("gone")

    monkeypatch.setattr(told.store, "enqueue", dying)
    answer = await browser.post("/logout", wish)
    assert answer.status == 503
    assert not answer.set_cookies  # to try again with
    assert await told.store.sessions_of("home", AN.sub)


async def test_a_client_that_joins_in_the_last_moment_hears_of_it_too(told: Desk) -> None:
    await signed_in(told)
    (session,) = await told.store.sessions_of("home", AN.sub)
    await told.store.join(session.id, Participation("beta", "sid-beta", told.clock.now))
    last = await signing_out.end(told.broker, session)  # as it was before
    assert set(last.participations) == {"alpha", "beta"}
    waiting = await told.store.deliveries()
    assert {client: len(found) for client, found in waiting.items()} == {"alpha": 1, "beta": 1}


async def test_another_person_in_the_same_browser_ends_the_first_ones_session_at_the_clients(told: Desk) -> None:
    browser, _ = await signed_in(told)
    told.home.person = replace(AN, sub="account-9")
    answer = await told.authorize(browser, prompt="login")
    await told.come_back(browser, answer)
    assert "alpha" in await told.store.deliveries()
    assert await told.store.sessions_of("home", AN.sub) == []


async def test_what_happened_is_written_down_without_who(told: Desk) -> None:
    browser, wish = await signed_in(told)
    await browser.post("/logout", wish)
    (event,) = [event for event in told.audit if event.event == "logout.begun"]
    assert (event.client, event.upstream, event.level) == ("alpha", "home", 2)
