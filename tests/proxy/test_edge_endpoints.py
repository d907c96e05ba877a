"""/_edge/…: what is ours on every portal's host, and what is nobody's there."""

import json

import pytest
from aiohttp.web import Response

from proxy.closed_pages import ClosedPages
from proxy.cutover import Cutover
from proxy.edge_endpoints import EdgeEndpoints
from proxy.forwarding import Forwarding
from proxy.locality_choice import LocalityChoice
from proxy.packs import Packs
from proxy.pages import Pages
from proxy.passing.policy import Routes, UpstreamsRow
from proxy.presentation import Presenter
from proxy.troubles import Troubles
from proxy.turns import Answered
from redirect_rules.hits import Choice
from redirect_rules.model import Pilot, Schedule
from tests.conftest import AUTUMN, settings_with
from tests.proxy.conftest import MODEL, day, made_portal, with_portals
from tests.proxy.test_turns import ID, decided, turn_for


def over(packs: Packs, pages: Pages, *, counts: bool = True) -> EdgeEndpoints:
    """Our endpoints where nobody signs in."""
    snapshot, settings = packs.snapshot, settings_with()
    presenter = Presenter(snapshot, {"vi": "Tiếng Việt"}, 30, counts)
    troubles, cutover = Troubles(pages, presenter, lambda: AUTUMN), Cutover(snapshot, presenter)
    closed = ClosedPages(snapshot, settings, presenter, pages)
    forwarding = Forwarding(Routes(UpstreamsRow()), None, cutover, troubles, None)
    choice = LocalityChoice(snapshot, presenter, pages)
    return EdgeEndpoints(snapshot, settings, presenter, choice, cutover, closed, forwarding, troubles, None)


async def answered(
    packs: Packs, pages: Pages, target: str, *, method: str = "GET", counts: bool = True, host: str = MODEL
) -> tuple[Answered, Response]:
    turn = turn_for(packs, target, {"Host": host}, method=method)
    made = await over(packs, pages, counts=counts).answered(turn, decided(turn, packs.snapshot))
    assert made is not None
    assert isinstance(made.response, Response)
    assert made.response.headers["X-Request-Id"] == ID
    return made, made.response


@pytest.mark.parametrize("target", ["/", "/vi", "/vi/_edge/locality", "/robots.txt", "/_edges"])
async def test_what_does_not_begin_with_our_prefix_is_about_a_page(packs: Packs, pages: Pages, target: str) -> None:
    turn = turn_for(packs, target)
    assert await over(packs, pages).answered(turn, decided(turn, packs.snapshot)) is None


# what is asked for                          how          and how it is answered
ENDPOINTS = [
    ("/_edge/locality?q=ba+dinh",            "GET",       200),
    ("/_edge/locality?q=ba+dinh",            "HEAD",      200),
    ("/_edge/locality?q=ba+dinh",            "POST",      404),
    ("/_edge/announcement",                  "POST",      204),
    ("/_edge/announcement",                  "GET",       404),
    ("/_edge/notice/stopped",                "POST",      204),
    ("/_edge/notice/whatever",               "POST",      404),
    ("/_edge/pilot/dung-thu",                "GET",       404),  # there is no pilot
    ("/_edge/sign-in",                       "GET",       404),  # nobody signs in here
    ("/_edge",                               "GET",       404),
    ("/_edge/nothing",                       "GET",       404),
]  # fmt: skip


@pytest.mark.parametrize(("target", "method", "status"), ENDPOINTS)
async def test_endpoints_are_known_by_path_and_method(
    packs: Packs, pages: Pages, target: str, method: str, status: int
) -> None:
    made, response = await answered(packs, pages, target, method=method)
    assert response.status == status
    assert (made.entry.outcome, made.entry.portal, made.decision) == ("ours", "langson", None)


async def test_what_became_of_the_countdown_counts_as_a_choice(packs: Packs, pages: Pages) -> None:
    made, _ = await answered(packs, pages, "/_edge/notice/stopped", method="POST")
    assert made.hit is not None
    assert made.hit.outcome == Choice.STOPPED
    uncounted, response = await answered(packs, pages, "/_edge/notice/stopped", method="POST", counts=False)
    assert (uncounted.hit, response.status) == (None, 404)


async def test_communes_are_found_by_name_for_scripts_too(packs: Packs, pages: Pages) -> None:
    _, response = await answered(packs, pages, "/_edge/locality?q=ba+dinh&format=json")
    assert json.loads(response.body)["matches"][0]["name"] == "Phường Ba Đình"  # type: ignore[arg-type]  # bytes


async def test_who_has_seen_enough_of_the_announcement_is_spared_for_a_week(packs: Packs, pages: Pages) -> None:
    _, response = await answered(packs, pages, "/_edge/announcement", method="POST")
    cookie = response.cookies["_edge_announced"]
    assert (cookie.value, cookie["max-age"], cookie["httponly"]) == ("off", "604800", "")


async def test_testers_join_by_their_word_and_leave(packs: Packs, pages: Pages) -> None:
    begins = day(2026, 10, 1)
    schedule = Schedule(begins, day(2027, 2, 1), pilot=Pilot(begins, word="dung-thu"))
    piloted = with_portals(packs, made_portal(packs, "pilot.example.vn", schedule=schedule))
    # the word            what becomes of them
    for word, ticket in (("dung-thu", "join"), ("leave", "leave"), ("another", None)):
        _, response = await answered(piloted, pages, f"/_edge/pilot/{word}", host="pilot.example.vn")
        kept = response.headers.get("Set-Cookie", "")
        assert response.status == (200 if ticket else 404)
        assert kept.startswith(f"_edge_pilot={ticket}; ") if ticket else not kept
    _, posted = await answered(piloted, pages, "/_edge/pilot/dung-thu", host="pilot.example.vn", method="POST")
    assert posted.status == 404


async def test_without_a_gate_other_proxies_are_answered_by_the_issuer_itself(packs: Packs, pages: Pages) -> None:
    turn = turn_for(packs, "/_edge/sign-in/check")
    assert await over(packs, pages).at_issuer(turn.request, ID, "/_edge/sign-in/check") is None
