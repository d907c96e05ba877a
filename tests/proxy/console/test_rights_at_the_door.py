"""Role × province × deed, both ways, however somebody has come in: by password, by the broker, with a token."""

import json
from itertools import product
from pathlib import Path

import pytest
from aiohttp.test_utils import TestServer

from proxy.console.app import Console
from proxy.console.calls import Answer, Call, Download, Route
from proxy.console.desk import Desk
from proxy.console.pages import ConsolePages
from proxy.console.sessions import begun
from redirect_rules.objects import Change, Kind, Ref
from redirect_rules.people import Token, digest_of, limited
from redirect_rules.rights import CENTRE, DEEDS, EVERYWHERE, Deed, Role
from tests.conftest import AUTUMN
from tests.proxy.console.brokers import office
from tests.proxy.console.conftest import Clock, at

LANG_SON, BAC_NINH = "20", "24"
PLACES = (CENTRE, LANG_SON, BAC_NINH)
HELD = (EVERYWHERE, LANG_SON)
CELLS = tuple(product(Role, HELD, Deed, PLACES))
CROWD = {f"{role}.{'everywhere' if held == EVERYWHERE else held}": (role, held) for role, held in product(Role, HELD)}


def allowed(role: Role, held: str, deed: Deed, place: str) -> bool:
    """What the table in docs/console.md says; test_rights.py holds the table itself to its letters."""
    return deed in DEEDS[role] and held in {EVERYWHERE, place}


def told(call: Call) -> Answer:
    """What whoever asks may do where."""
    may = [[deed.value, place] for deed in Deed for place in PLACES if call.person.may(deed, place)]
    return Download("may.json", "application/json", json.dumps([call.person.actor, may]).encode())


def hired(desk: Desk) -> None:
    for actor, (role, held) in CROWD.items():
        grant = {"role": role.value} if held == EVERYWHERE else {"role": role.value, "province": held}
        body = {"name": actor, "grants": [grant]}
        desk.store.put(Ref(Kind.PERSON, "", actor), body, Change("setup", "a test", AUTUMN), seen_version=0)


def expected(role: Role, held: str) -> list[list[str]]:
    return [[deed.value, place] for deed in Deed for place in PLACES if allowed(role, held, deed, place)]


def test_the_table_has_every_cell_both_ways() -> None:
    """Each deed is allowed somewhere and refused somewhere to each role that has it, and refused to who has it not."""
    for role, deed in product(Role, Deed):
        ways = {allowed(role, held, deed, place) for held, place in product(HELD, PLACES)}
        assert ways == ({True, False} if deed in DEEDS[role] else {False}), (role, deed)


@pytest.mark.parametrize("way", ["password", "broker"])
async def test_who_is_at_a_browser_may_what_the_table_says(desk: Desk, clock: Clock, way: str) -> None:
    hired(desk)
    routes = [Route("GET", "/may", told)]
    wrong = {}
    async with TestServer(Console(desk, ConsolePages(), routes, secure=False).application()) as server:
        for actor, (role, held) in CROWD.items():
            cookie = f"cookie-of-{actor}".ljust(43, "x")
            sid = "sid" if way == "broker" else ""
            desk.people.begin(begun(actor, cookie, "csrf", now=clock.now, way=way, sid=sid))
            async with at(server.make_url("/")) as browser:
                browser.session.cookie_jar.update_cookies({"console": cookie}, server.make_url("/"))
                found = json.loads(await browser.text("/may"))
            if found != [actor, expected(role, held)]:
                wrong[actor] = found
    assert not wrong


async def test_who_has_come_all_the_way_by_the_broker_may_neither_more_nor_less(
    furnished: Path, tmp_path: Path, clock: Clock
) -> None:
    async with office(furnished, tmp_path, clock) as house:
        hired(house.desk)
        for number, actor in enumerate(("editor.20", "approver.everywhere", "auditor.20", "administrator.everywhere")):
            house.issuer.person = f"account-{number}"
            async with at(house.base) as browser:
                await house.linked(browser, actor)
                seen = {
                    place: (await browser.get(place)).status for place in ("/rules", "/import", "/audit", "/people")
                }
            deeds = DEEDS[CROWD[actor][0]]
            needed = {"/rules": Deed.SEE, "/import": Deed.EDIT, "/audit": Deed.SEE_TRAIL, "/people": Deed.EDIT_PEOPLE}
            assert seen == {path: 200 if deed in deeds else 403 for path, deed in needed.items()}, actor


def test_a_token_gives_its_deeds_where_its_owner_may_and_nothing_else(desk: Desk) -> None:
    hired(desk)
    wrong = []
    for actor, (role, held) in CROWD.items():
        for only in Deed:
            secret = f"dvc_{actor}_{only.value}".ljust(40, "x")
            desk.people.put_token(
                Token(
                    f"{actor}-{only}",
                    actor,
                    "t",
                    digest_of(secret),
                    frozenset({only}),
                    AUTUMN,
                    AUTUMN.replace(year=2099),
                )
            )
            token = desk.people.token(digest_of(secret), today=AUTUMN.date().isoformat())
            assert token is not None
            program = limited(desk.person(token.actor), token.deeds)
            wrong += [
                (actor, only, deed, place)
                for deed, place in product(Deed, PLACES)
                if program.may(deed, place) != (deed is only and allowed(role, held, deed, place))
            ]
    assert not wrong
    assert len(CELLS) == len(CROWD) * len(Deed) * len(PLACES)
