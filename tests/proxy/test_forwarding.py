"""What passes, as far as an edition knows of it: where nothing can be passed on, people read why, and machines do not."""

import json
from dataclasses import replace

import pytest

from proxy.cutover import Cutover
from proxy.forwarding import NOTE, Forwarding, note_of
from proxy.gate_answers import GoTo, TurnedAway
from proxy.packs import Packs
from proxy.pages import Pages
from proxy.passing.passer import CLIENT_CLOSED
from proxy.passing.policy import Routes, UpstreamsRow
from proxy.passing.visitors import Passed
from proxy.presentation import Presenter
from proxy.responses import empty
from proxy.troubles import Troubles
from redirect_rules.decision import Decision
from redirect_rules.model import ClientClass
from tests.conftest import AUTUMN
from tests.proxy.test_turns import ID, decided, turn_for

FORM = "/vi/nps/apply?MaTTHC=1.001193&vneid=1"
SILENT = (ClientClass.ASSET, ClientClass.WEBSOCKET, ClientClass.EVENTSOURCE)
SPOKEN_TO = (ClientClass.NAVIGATION, ClientClass.FRAME, ClientClass.DOWNLOAD)
IN_JSON = (ClientClass.XHR, ClientClass.API)


def over(packs: Packs, pages: Pages) -> Forwarding:
    """What passes where there is nobody to pass it to."""
    presenter = Presenter(packs.snapshot, {"vi": "Tiếng Việt"}, 30)
    troubles = Troubles(pages, presenter, lambda: AUTUMN)
    return Forwarding(Routes(UpstreamsRow()), None, Cutover(packs.snapshot, presenter), troubles, None)


def asked_by(client: ClientClass, decision: Decision) -> Decision:
    return replace(decision, client=client)


@pytest.mark.parametrize("client", [*SILENT, *SPOKEN_TO, *IN_JSON])
async def test_what_has_no_upstream_is_worth_another_try_in_five_minutes(
    packs: Packs, pages: Pages, client: ClientClass
) -> None:
    turn = turn_for(packs, FORM)
    answer = await over(packs, pages).forward(turn, asked_by(client, decided(turn, packs.snapshot)))
    assert (answer.status, answer.headers["Retry-After"], answer.headers["X-Request-Id"]) == (503, "300", ID)
    assert answer.headers["Cache-Control"] == "no-store"
    assert note_of(answer) == ""
    body = bytes(getattr(answer, "body", None) or b"")
    if client in SILENT:
        assert not body, "nobody reads what stands in the place of a picture"
    elif client in IN_JSON:
        assert json.loads(body)["title"] == "no-upstream"
    else:
        assert ID.encode() in body


# who has not signed in      is answered      with words     and asked to sign in
TURNED_AWAY = [
    (ClientClass.NAVIGATION, 401,             True,          True),
    (ClientClass.XHR,        401,             True,          True),
    (ClientClass.ASSET,      401,             False,         True),
    (ClientClass.PREFETCH,   401,             False,         True),
    (ClientClass.NAVIGATION, 503,             True,          False),
    (ClientClass.WEBSOCKET,  503,             False,         False),
]  # fmt: skip


@pytest.mark.parametrize(("client", "status", "spoken", "challenged"), TURNED_AWAY)
def test_who_must_sign_in_is_told_so_in_their_own_way(
    packs: Packs, pages: Pages, client: ClientClass, status: int, *, spoken: bool, challenged: bool
) -> None:
    turn = turn_for(packs, FORM)
    turned_away = TurnedAway(status, "sign-in-needed" if status == 401 else "sign-in-down", "/_edge/sign-in?to=/")
    answer = over(packs, pages).held_back(turn, asked_by(client, decided(turn, packs.snapshot)), turned_away)
    assert answer.status == status
    assert bool(answer.body) is spoken
    assert answer.headers.get("WWW-Authenticate") == ("Portal-Session" if challenged else None)
    if spoken:
        assert b"/_edge/sign-in" in answer.body  # type: ignore[operator]  # bytes
    assert answer.keep_alive is not False


def test_who_posts_and_is_turned_away_begins_anew(packs: Packs, pages: Pages) -> None:
    turn = turn_for(packs, FORM, {"Content-Length": "9"}, method="POST")
    decision = decided(turn, packs.snapshot)
    answer = over(packs, pages).held_back(turn, decision, TurnedAway(401, "sign-in-not-sent"))
    assert answer.keep_alive is False, "what is left of the body is nobody's next request"


def test_a_browser_is_sent_where_people_sign_in_with_the_cookies_that_belong_to_it(packs: Packs, pages: Pages) -> None:
    turn = turn_for(packs, FORM)
    answer = over(packs, pages).held_back(
        turn, decided(turn, packs.snapshot), GoTo("https://a.example/", ("a=b", "c=d"))
    )
    assert (answer.status, answer.headers["Location"]) == (303, "https://a.example/")
    assert answer.headers.getall("Set-Cookie") == ["a=b", "c=d"]


async def test_without_a_gate_no_closed_page_opens_again(packs: Packs, pages: Pages) -> None:
    turn = turn_for(packs, "/vi")
    assert await over(packs, pages).reopened(turn, decided(turn, packs.snapshot)) is None


def test_a_ticket_is_kept_by_those_who_were_given_one(packs: Packs, pages: Pages) -> None:
    turn = turn_for(packs, "/vi")
    decision = decided(turn, packs.snapshot)
    assert over(packs, pages).ticket_cookie(turn, decision) is None
    assert "_edge_pilot=12" in (over(packs, pages).ticket_cookie(replace(turn, drawn=12), decision) or "")


def test_the_log_tells_what_was_not_brought_to_its_end() -> None:
    whole, torn = Passed(200, octets=1, keep=True), Passed(200, octets=1, keep=False, whole=False)
    left = Passed(CLIENT_CLOSED, octets=0, keep=False, whole=False)
    assert [note_of(passed) for passed in (whole, torn, left)] == ["", "torn", "left"]
    late = empty(504, {}, cache="no-store")
    late[NOTE] = "late"
    assert (note_of(late), note_of(empty(204, {}, cache="no-store"))) == ("late", "")
