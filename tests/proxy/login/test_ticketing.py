"""The issuer's side of tickets: entries from portals, tickets for systems, and what a ticket stands for."""

from dataclasses import replace
from urllib.parse import urlencode

import pytest

from sso.adapters.ticket import ENTRY_SECONDS, entry_text
from sso.model import Destination, digest
from sso.vocabulary import Level
from tests.sign_in_peers.fixtures import IN_ONE_LOOP, edge, standing_edge, store_url
from tests.sign_in_peers.issuer import BINH, HOME, SECRET, basic, signer
from tests.sign_in_peers.portals import CLIENTS, PORTAL, Page, Standing, Visitor

__all__ = ["edge", "standing_edge", "store_url"]

pytestmark = IN_ONE_LOOP


def entry(edge: Standing, *, purpose: str = "portal-entry", earlier: int = 0, **changes: object) -> str:
    destination = Destination(
        "khanhhoa",
        "khanhhoa",
        f"{PORTAL}.localhost:{edge.port}",
        "/_edge/sign-in/done?way=w",
        Level.ONE,
        "http",
        "b" * 64,
    )
    text = entry_text(replace(destination, **changes), now=edge.desk.clock.now - earlier)  # type: ignore[arg-type]
    return f"{edge.desk.broker.issuer}/portal?{urlencode({'entry': signer().seal(text, purpose=purpose)})}"


async def test_an_entry_leads_to_the_upstream_and_its_ticket_back_to_the_portal(edge: Standing) -> None:
    visitor = edge.visitor()
    left = await visitor.ask(entry(edge))
    assert left.location.startswith(f"{HOME}/authorize?")
    back = await visitor.ask(edge.desk.home.approve(left.location))
    assert back.location.startswith(edge.address("/_edge/sign-in/done?way=w&ticket="))


async def test_an_entry_may_be_asked_for_again(edge: Standing) -> None:
    visitor, address = edge.visitor(), entry(edge)
    assert [(await visitor.ask(address)).status for _ in range(2)] == [303, 303]


@pytest.mark.parametrize("changes", [
    {"earlier": ENTRY_SECONDS},
    {"purpose": "page"},
    {"client": "nobody"},
    {"client": "langson"},
    {"portal": "langson"},
    {"portal": ""},
])  # fmt: skip
async def test_an_entry_that_is_old_or_not_ours_leads_nowhere(edge: Standing, changes: dict[str, object]) -> None:
    page = await edge.visitor().ask(entry(edge, **changes))  # type: ignore[arg-type]  # a table's columns
    assert (page.status, page.location) == (400, "")


@pytest.mark.parametrize("sealed", ["", "x", "A" * 200, "é"])
async def test_what_nobody_sealed_leads_nowhere(edge: Standing, sealed: str) -> None:
    page = await edge.visitor().ask(f"{edge.desk.broker.issuer}/portal?{urlencode({'entry': sealed})}")
    assert (page.status, page.location) == (400, "")


async def test_a_whole_login_through_the_gate_costs_six_round_trips(
    edge: Standing, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    store = edge.desk.broker.store
    for name in ("begin", "attempt", "session", "open", "join", "put_ticket", "take_ticket", "bind", "bound", "count"):
        whole = getattr(store, name)

        def counted(*args: object, _name: str = name, _whole: object = whole, **more: object) -> object:
            asked.append(_name)
            return _whole(*args, **more)  # type: ignore[operator]

        monkeypatch.setattr(store, name, counted)
    visitor = edge.visitor()
    left = await visitor.ask(edge.address("/vi/nps/x"))
    page = await visitor.ask(left.location)
    done = await visitor.ask(edge.desk.home.approve(page.location))
    assert (await visitor.ask(done.location)).status == 303
    assert asked == ["begin", "attempt", "open", "put_ticket", "take_ticket", "bind"]


# Tickets for systems


async def ticket_for(edge: Standing, visitor: Visitor, client: str = "motcua") -> str:
    wish = urlencode({"client_id": client, "return": f"https://{client}.example/cb?tenant=1", "browser": digest("b")})
    page = await visitor.ask(f"{edge.desk.broker.issuer}/ticket?{wish}")
    if page.location.startswith(HOME):
        page = await visitor.ask(edge.desk.home.approve(page.location))
    prefix = f"https://{client}.example/cb?tenant=1&ticket="
    assert page.location.startswith(prefix)
    return page.location.removeprefix(prefix)


async def redeemed(edge: Standing, ticket: str, client: str = "motcua") -> Page:
    headers = {"Authorization": basic(client, SECRET), "Content-Type": "application/x-www-form-urlencoded"}
    body = urlencode({"ticket": ticket, "browser": "b"}).encode()
    return await edge.visitor().ask(
        f"{edge.desk.broker.issuer}/ticket/redeem", method="POST", headers=headers, data=body
    )


async def test_a_ticket_stands_for_the_person_once(edge: Standing) -> None:
    visitor = edge.visitor()
    told = await redeemed(edge, await ticket_for(edge, visitor))
    assert told.status == 200
    assert '"aud": "motcua"' in told.text
    assert told.headers["Cache-Control"] == "no-store"


async def test_a_second_system_gets_its_ticket_without_a_dialog(edge: Standing) -> None:
    visitor = edge.visitor()
    await ticket_for(edge, visitor)
    wish = urlencode({"client_id": "langson", "return": "https://langson.example/cb", "browser": digest("b")})
    page = await visitor.ask(f"{edge.desk.broker.issuer}/ticket?{wish}")
    assert page.location.startswith("https://langson.example/cb?ticket=")


async def test_a_level_that_is_too_low_gets_none(edge: Standing) -> None:
    edge.desk.home.person = BINH
    wish = urlencode({"client_id": "motcua", "return": "https://motcua.example/cb", "browser": digest("b")})
    visitor = edge.visitor()
    left = await visitor.ask(f"{edge.desk.broker.issuer}/ticket?{wish}")
    page = await visitor.ask(edge.desk.home.approve(left.location))
    assert "ticket=" not in page.location


async def test_a_session_that_ended_meanwhile_makes_a_ticket_worthless(edge: Standing) -> None:
    ticket = await ticket_for(edge, edge.visitor())
    for session in await edge.desk.store.sessions_of("home", "account-1"):
        await edge.desk.store.end(session.id)
    assert (await redeemed(edge, ticket)).status == 400


async def test_what_was_taken_back_meanwhile_makes_a_ticket_worthless(edge: Standing) -> None:
    asking(edge, "motcua", consent="never")
    ticket = await ticket_for(edge, edge.visitor())
    await edge.desk.store.withdraw("home", "account-1", "motcua")
    assert (await redeemed(edge, ticket)).status == 400


async def test_a_client_without_tickets_gets_none(edge: Standing) -> None:
    edge.desk.broker.clients = CLIENTS | {"motcua": replace(CLIENTS["motcua"], formats=frozenset({"oidc"}))}
    wish = urlencode({"client_id": "motcua", "return": "https://motcua.example/cb", "browser": digest("b")})
    page = await edge.visitor().ask(f"{edge.desk.broker.issuer}/ticket?{wish}")
    assert (page.status, page.location) == (400, "")


# Consent, where the client's record wants it


def asking(edge: Standing, client: str = "khanhhoa", **changes: object) -> None:
    record = replace(CLIENTS[client], **{"consent": "once", **changes})  # type: ignore[arg-type]  # a table's columns
    edge.desk.broker.clients = {**CLIENTS, client: record}


def sealed_in(page: Page) -> str:
    return page.text.partition('name="destination" value="')[2].partition('"')[0]


async def answered(edge: Standing, visitor: Visitor, page: Page, answer: str = "allow", **headers: str) -> Page:
    body = urlencode({"destination": sealed_in(page), "answer": answer}).encode()
    own = {"Content-Type": "application/x-www-form-urlencoded", "Sec-Fetch-Site": "same-origin", **headers}
    return await visitor.ask(f"{edge.desk.broker.issuer}/consent", method="POST", headers=own, data=body)


async def question(edge: Standing, visitor: Visitor) -> Page:
    left = await visitor.ask((await visitor.ask(edge.address("/vi/nps/x"))).location)
    return await visitor.ask(edge.desk.home.approve(left.location)) if left.location.startswith(HOME) else left


async def withdrawn(edge: Standing) -> None:
    await edge.desk.store.withdraw("home", "account-1", "khanhhoa")


async def test_a_portal_is_told_after_the_person_has_agreed_and_then_without_a_question(edge: Standing) -> None:
    asking(edge)
    visitor = edge.visitor()
    page = await question(edge, visitor)
    assert (page.status, page.location) == (200, "")
    assert "001054000123" in page.text
    back = await answered(edge, visitor, page)
    assert back.location.startswith(edge.address("/_edge/sign-in/done?way="))
    assert (await visitor.go(back.location)).status == 200
    assert (await edge.visitor().go(edge.address("/vi/nps/x"))).status == 200
    await withdrawn(edge)


async def test_who_says_no_stays_with_us_and_the_portal_learns_nothing(edge: Standing) -> None:
    asking(edge)
    visitor = edge.visitor()
    page = await answered(edge, visitor, await question(edge, visitor), "deny")
    assert (page.status, page.location) == (400, "")
    assert "DN-133" in page.text
    assert edge.told == []
    assert "khanhhoa" not in await edge.desk.store.consents("home", "account-1")


async def test_who_takes_it_back_is_known_to_the_portal_no_more(edge: Standing) -> None:
    asking(edge)
    visitor = edge.visitor()
    await visitor.go((await answered(edge, visitor, await question(edge, visitor))).location)
    assert (await visitor.ask(edge.address("/vi/nps/x"))).status == 200
    await withdrawn(edge)
    assert (await visitor.ask(edge.address("/vi/nps/x"))).status == 303


async def test_40_an_answer_is_this_session_s_and_our_page_s_alone(edge: Standing) -> None:
    asking(edge)
    visitor = edge.visitor()
    page = await question(edge, visitor)
    for who, headers in ((edge.visitor(), {}), (visitor, {"Sec-Fetch-Site": "cross-site"})):
        refused = await answered(edge, who, page, **headers)
        assert (refused.status in {400, 403}, refused.location) == (True, "")
    made_up = replace(page, text='name="destination" value="AAAA"')
    assert (await answered(edge, visitor, made_up)).status == 400
    edge.desk.clock.now += ENTRY_SECONDS + 1
    assert (await answered(edge, visitor, page)).status == 400


async def test_a_system_that_takes_tickets_waits_for_the_answer_too(edge: Standing) -> None:
    asking(edge, "motcua")
    visitor = edge.visitor()
    wish = urlencode({"client_id": "motcua", "return": "https://motcua.example/cb", "browser": digest("b")})
    left = await visitor.ask(f"{edge.desk.broker.issuer}/ticket?{wish}")
    page = await visitor.ask(edge.desk.home.approve(left.location))
    back = await answered(edge, visitor, page)
    assert back.location.startswith("https://motcua.example/cb?ticket=")
