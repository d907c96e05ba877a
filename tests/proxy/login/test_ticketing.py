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


async def test_a_client_without_tickets_gets_none(edge: Standing) -> None:
    edge.desk.broker.clients = CLIENTS | {"motcua": replace(CLIENTS["motcua"], formats=frozenset({"oidc"}))}
    wish = urlencode({"client_id": "motcua", "return": "https://motcua.example/cb", "browser": digest("b")})
    page = await edge.visitor().ask(f"{edge.desk.broker.issuer}/ticket?{wish}")
    assert (page.status, page.location) == (400, "")
