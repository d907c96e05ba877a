"""Login tickets that are stolen, guessed, used twice or by another: 30 seconds, one use, one client, one browser.

Attacks 7, 44 and 49, and login CSRF through a portal.
"""

import asyncio
from dataclasses import replace
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from sso.limits import LIMITS, RATES
from sso.model import digest
from tests.sign_in_peers.fixtures import IN_ONE_LOOP, edge, standing_edge, store_url
from tests.sign_in_peers.issuer import HOME, SECRET, Answer, basic
from tests.sign_in_peers.portals import CLIENTS, OTHER, PORTAL, Standing, Visitor

__all__ = ["edge", "standing_edge", "store_url"]

pytestmark = IN_ONE_LOOP

BROWSER_SECRET = "b" * 43


async def way_back(edge: Standing, visitor: Visitor, host: str = PORTAL) -> str:
    """A visitor signs in at a portal; the address with the ticket, not yet asked for."""
    left = await visitor.ask(edge.address("/vi/nps/x", host))
    page = await visitor.ask(left.location)
    if page.location.startswith(HOME):
        page = await visitor.ask(edge.desk.home.approve(page.location))
    assert "/_edge/sign-in/done?" in page.location
    return page.location


async def test_a_ticket_opens_once(edge: Standing) -> None:
    visitor = edge.visitor()
    done = await way_back(edge, visitor)
    kept = dict(visitor.cookies[f"{PORTAL}.localhost:{edge.port}"])
    assert (await visitor.ask(done)).status == 303
    visitor.cookies[f"{PORTAL}.localhost:{edge.port}"] = kept
    again = await visitor.ask(done)
    assert (again.status, "sign-in-portal" in str(again.headers.getall("Set-Cookie", []))) == (400, False)


async def test_twenty_browsers_at_once_get_one_cookie(edge: Standing) -> None:
    visitor = edge.visitor()
    done = await way_back(edge, visitor)
    kept = dict(visitor.cookies[f"{PORTAL}.localhost:{edge.port}"])
    line = "; ".join(f"{name}={value}" for name, value in kept.items())
    pages = await asyncio.gather(*(edge.visitor().ask(done, headers={"Cookie": line}) for _ in range(20)))
    assert sorted(page.status for page in pages).count(303) == 1


async def test_a_ticket_stolen_on_the_way_is_worth_nothing_in_another_browser(edge: Standing) -> None:
    done = await way_back(edge, edge.visitor())
    thief = edge.visitor()
    assert (await thief.ask(done)).status == 400
    own = await way_back(edge, thief)  # who is in the middle of a sign-in, too
    stolen = parse_qs(urlsplit(done).query)["ticket"][0]
    mixed = f"{own.partition('ticket=')[0]}ticket={stolen}"
    assert (await thief.ask(mixed)).status == 400
    assert not any("sign-in-portal" in name for kept in thief.cookies.values() for name in kept)


async def test_an_attacker_s_ticket_signs_nobody_in_as_the_attacker(edge: Standing) -> None:
    prepared = await way_back(edge, edge.visitor())
    victim = edge.visitor()
    page = await victim.ask(prepared)
    assert page.status == 400
    assert victim.cookies.get(f"{PORTAL}.localhost:{edge.port}", {}) == {}


async def test_a_ticket_of_one_portal_opens_no_other(edge: Standing) -> None:
    visitor = edge.visitor()
    done = await way_back(edge, visitor)
    visitor.cookies[f"{OTHER}.localhost:{edge.port}"] = dict(visitor.cookies[f"{PORTAL}.localhost:{edge.port}"])
    elsewhere = edge.address(f"/_edge/sign-in/done?{urlsplit(done).query}", OTHER)
    assert (await visitor.ask(elsewhere)).status == 400


# Systems that take tickets themselves


async def fetched(edge: Standing, client: str = "motcua", *, visitor: Visitor | None = None) -> str:
    """A ticket for a system, in a browser whose secret is BROWSER_SECRET."""
    asked = urlencode(
        {"client_id": client, "return": f"https://{client}.example/cb", "browser": digest(BROWSER_SECRET)}
    )
    someone = visitor or edge.visitor()
    page = await someone.ask(f"{edge.desk.broker.issuer}/ticket?{asked}")
    if page.location.startswith(HOME):
        page = await someone.ask(edge.desk.home.approve(page.location))
    assert page.location.startswith(f"https://{client}.example/cb?ticket=")
    return parse_qs(urlsplit(page.location).query)["ticket"][0]


async def redeemed(
    edge: Standing, ticket: str, client: str = "motcua", *, browser: str = BROWSER_SECRET, secret: str = SECRET
) -> Answer:
    form = urlencode({"ticket": ticket, "browser": browser})
    visitor = edge.visitor()
    headers = {"Authorization": basic(client, secret), "Content-Type": "application/x-www-form-urlencoded"}
    page = await visitor.ask(
        f"{edge.desk.broker.issuer}/ticket/redeem", method="POST", headers=headers, data=form.encode()
    )
    return Answer(page.status, dict(page.headers), page.text.encode(), ())


async def test_a_system_is_told_once_whom_its_ticket_stands_for(edge: Standing) -> None:
    ticket = await fetched(edge)
    told = await redeemed(edge, ticket)
    assert told.status == 200
    assert told.json()["name"] == "Nguyễn Văn An"
    assert (await redeemed(edge, ticket)).json()["error"] == "invalid_grant"


async def test_a_ticket_is_burned_by_another_client(edge: Standing) -> None:
    edge.desk.broker.clients = CLIENTS | {"thief": replace(CLIENTS["motcua"], id="thief")}
    ticket = await fetched(edge)
    assert (await redeemed(edge, ticket, "thief")).json()["error"] == "invalid_grant"
    assert (await redeemed(edge, ticket)).json()["error"] == "invalid_grant"


async def test_a_ticket_without_its_browser_s_secret_is_burned(edge: Standing) -> None:
    ticket = await fetched(edge)
    assert (await redeemed(edge, ticket, browser="guess")).status == 400
    assert (await redeemed(edge, ticket)).status == 400


async def test_a_ticket_of_a_portal_is_none_for_a_system(edge: Standing) -> None:
    done = await way_back(edge, edge.visitor())
    ticket = parse_qs(urlsplit(done).query)["ticket"][0]
    assert (await redeemed(edge, ticket, "khanhhoa")).status == 400


@pytest.mark.parametrize(
    "uri", ["https://evil.example/cb", "https://motcua.example/cb/../x", "https://MOTCUA.example/cb", ""]
)
async def test_a_ticket_goes_to_registered_addresses_only(edge: Standing, uri: str) -> None:
    asked = urlencode({"client_id": "motcua", "return": uri, "browser": digest(BROWSER_SECRET)})
    page = await edge.visitor().ask(f"{edge.desk.broker.issuer}/ticket?{asked}")
    assert (page.status, page.location) == (400, "")


# 44: guessing


async def test_nobody_locks_a_system_out_by_made_up_tickets(edge: Standing) -> None:
    """Anybody can open its return address with one, and it asks what they stand for: from its one address."""
    for number in range(LIMITS["ticket"].most + 5):
        assert (await redeemed(edge, f"made-up-{number}", "langson")).status == 400
    assert (await redeemed(edge, await fetched(edge, "langson"), "langson")).status == 200


async def test_who_guesses_tickets_at_a_portal_is_locked_out_and_nobody_else(edge: Standing) -> None:
    visitor = edge.visitor()
    for number in range(LIMITS["ticket"].most + 1):
        begun = parse_qs(urlsplit(await way_back(edge, visitor)).query)["way"][0]
        guess = edge.address(f"/_edge/sign-in/done?way={begun}&ticket=guess-{number}")
        assert (await visitor.ask(guess)).status == 400
    assert (await visitor.ask(await way_back(edge, visitor))).status == 429
    # Another portal's door is open to the same address.
    assert (await edge.visitor().go(edge.address("/vi/nps/x", OTHER))).status == 200


async def test_who_guesses_a_secret_is_locked_out(edge: Standing) -> None:
    edge.desk.broker.clients = CLIENTS | {"guessed": replace(CLIENTS["motcua"], id="guessed")}
    for _ in range(LIMITS["client-secret"].most + 1):
        assert (await redeemed(edge, "t", "guessed", secret="wrong")).status == 401
    assert (await redeemed(edge, "t", "guessed")).status == 429


async def test_a_network_that_begins_sign_ins_without_end_waits_and_its_neighbours_do_not(edge: Standing) -> None:
    statuses = {
        (await edge.visitor().ask(entry)).status for entry in [await _entry(edge)] for _ in range(RATES["sign-in"].most)
    }
    assert statuses == {303}
    crowded = await edge.visitor().ask(await _entry(edge))
    assert (crowded.status, crowded.headers["Retry-After"]) == (429, "60")
    other = await edge.visitor().ask((await edge.visitor().ask(edge.address("/vi/nps/x", OTHER))).location)
    assert other.status == 303


async def _entry(edge: Standing) -> str:
    return (await edge.visitor().ask(edge.address("/vi/nps/x"))).location
