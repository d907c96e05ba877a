"""What comes next to a request, over HTTP."""

from collections import Counter

from tests.sign_in_peers.issuer import Desk


async def test_a_fresh_sign_in_costs_at_most_six_round_trips(desk: Desk) -> None:
    trips: Counter[str] = Counter()
    store = desk.store

    class Counted:
        def __getattr__(self, name: str) -> object:
            trips[name] += 1
            return getattr(store, name)

    desk.broker.store = Counted()  # type: ignore[assignment]  # it counts and hands on
    await desk.tokens()
    assert set(trips.values()) == {1}
    assert sum(trips.values()) <= 6, trips


async def test_a_second_client_asks_nobody_anything(desk: Desk) -> None:
    browser = desk.browser()
    await desk.sign_in(browser)
    answer = await desk.authorize(browser, "beta")
    assert "code" in answer.told()


async def test_while_the_upstream_is_down_who_is_signed_in_goes_on(desk: Desk) -> None:
    browser = desk.browser()
    await desk.sign_in(browser)
    desk.home.fails = True
    assert "code" in (await desk.authorize(browser, "beta")).told()


async def test_who_lately_agreed_costs_no_more_than_six_round_trips_either(desk: Desk) -> None:
    browser = desk.browser()
    page = await desk.come_back(browser, await desk.authorize(browser, "delta"))
    await browser.post("/consent", {**page.form(), "answer": "allow"})
    trips: Counter[str] = Counter()
    store = desk.store

    class Counted:
        def __getattr__(self, name: str) -> object:
            trips[name] += 1
            return getattr(store, name)

    desk.broker.store = Counted()  # type: ignore[assignment]  # it counts and hands on
    await desk.tokens(None, "delta")
    assert sum(trips.values()) <= 6, trips
    assert trips["consents"] == 1
