"""The page on which officers sign in shows the ways that there are, and no other."""

from pathlib import Path

from tests.proxy.console.brokers import office
from tests.proxy.console.conftest import Browser, Clock, at

BY_BROKER, BY_PASSWORD = 'href="/sign-in/broker', 'type="password"'


async def test_without_a_broker_there_is_only_the_password(anybody: Browser) -> None:
    page = await anybody.text("/sign-in")
    assert BY_PASSWORD in page
    assert BY_BROKER not in page
    assert "/invitation" not in page
    for path in ("/sign-in/broker", "/invitation", "/callback/broker"):
        assert (await anybody.get(path)).status == 404


async def test_with_one_it_comes_first_and_the_password_waits_behind_it(
    furnished: Path, tmp_path: Path, clock: Clock
) -> None:
    async with office(furnished, tmp_path, clock) as house, at(house.base) as browser:
        page = await browser.text("/sign-in?next=/rules?state=off")
        assert 'href="/sign-in/broker?next=%2Frules%3Fstate%3Doff"' in page
        main = page.partition("<main")[2]
        assert main.index(BY_BROKER) < main.index("<details") < main.index(BY_PASSWORD)
        wrong = await browser.post("/sign-in", {"actor": "xem", "password": "wrong"})
        assert "<details open>" in await wrong.text()
        house.desk.people.close_passwords("trung.uong", now=clock.now)
        page = await browser.text("/sign-in")
        assert BY_BROKER in page
        assert BY_PASSWORD not in page


async def test_it_leads_nowhere_else(anybody: Browser) -> None:
    for goal in ("https://evil.example", "//evil.example", "/%5Cevil.example"):
        page = await anybody.text(f"/sign-in?next={goal}")
        assert 'name="next" value="/"' in page
