"""Inviting officers, taking the broker's door away again, and who may: the pages beside what test_whole.py opens."""

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from redirect_rules.invitations import digest_of_code
from redirect_rules.objects import Kind, Ref
from tests.proxy.console.brokers import Office, is_in, office
from tests.proxy.console.conftest import OFFICERS, Browser, Clock, at


@pytest.fixture
async def house(furnished: Path, tmp_path: Path, clock: Clock) -> AsyncIterator[Office]:
    async with office(furnished, tmp_path, clock, CONSOLE__PASSWORDS="keep") as opened:
        yield opened


@pytest.fixture
async def centre(house: Office) -> AsyncIterator[Browser]:
    async with at(house.base, "trung.uong") as browser:
        yield browser


def link_in(page: str) -> str:
    """The invitation that the page shows."""
    found = re.search(r'<p class="code">(http[^<]+)</p>', page)
    assert found
    return found[1]


async def test_a_new_person_is_invited_by_a_link_that_is_shown_once(house: Office, centre: Browser) -> None:
    new = {"actor": "moi.den", "name": "Mới", "role": "editor", "province": "20", "reason": "new in Lạng Sơn"}
    response = await centre.post("/people/new", new)
    assert (response.status, response.headers["Location"]) == (303, "/people/moi.den")
    response = await centre.post("/people/moi.den/invite", {"invite-reason": "first day"})
    link = link_in(await response.text())
    code = link.partition("code=")[2]
    assert link == f"{house.base}invitation?code={code}"
    again = await centre.text("/people/moi.den")
    assert code not in again
    assert "Lời mời của trung.uong" in again
    assert "đã mời" in await centre.text("/people")
    async with at(house.base) as officer:
        assert "moi.den" in await officer.text(f"/invitation?code={code}")
        await house.comes(officer, f"/sign-in/broker?code={code}")
        assert await is_in(officer) == "moi.den"
        assert "Đã gắn" in await officer.text("/account")
        assert 'type="password"' not in await officer.text("/account")  # there is none to change
    entries = [(one.actor, one.action, one.reason) for one in house.desk.store.trail.entries()][-2:]
    assert entries == [("trung.uong", "invite", "first day"), ("moi.den", "link", "invited by trung.uong")]


async def test_a_reason_is_needed_and_a_person(house: Office, centre: Browser) -> None:
    for step in ("invite", "unlink"):
        assert (await centre.post(f"/people/lang.son/{step}", {f"{step}-reason": " "})).status == 422
        assert (await centre.post(f"/people/nobody/{step}", {f"{step}-reason": "x"})).status == 404
    assert house.desk.people.invited(now=house.desk.clock()) == []


async def test_unlinking_puts_them_out_at_once(house: Office, centre: Browser) -> None:
    async with at(house.base) as officer:
        await house.linked(officer, "lang.son")
        assert "VNeID" in await centre.text("/people")
        response = await centre.post("/people/lang.son/unlink", {"unlink-reason": "has left"})
        assert response.status == 303
        assert await is_in(officer) == ""
        assert (await house.comes(officer)).status == 403


async def test_removing_a_person_removes_every_door(house: Office, centre: Browser) -> None:
    code = house.invite("lang.son")
    async with at(house.base) as officer:
        await house.linked(officer, "bien.tap")
        for actor in ("lang.son", "bien.tap"):
            stored = house.desk.store.get(Ref(Kind.PERSON, "", actor))
            assert stored is not None
            form = {"reason": "has left", "version": str(stored.version)}
            assert (await centre.post(f"/people/{actor}/remove", form)).status == 303
        assert await is_in(officer) == ""
    assert house.desk.people.invitation(digest_of_code(code) or "", now=house.desk.clock()) is None
    assert house.desk.people.links() == []


async def test_nobody_but_an_administrator_invites_or_unlinks(house: Office) -> None:
    wrong = {}
    for actor in OFFICERS:
        async with at(house.base) as browser:
            await browser.enter(actor)
            for step in ("invite", "unlink"):
                status = (await browser.post(f"/people/xem/{step}", {f"{step}-reason": "x"})).status
                if (status == 403) is (actor == "trung.uong"):
                    wrong[actor, step] = status
    assert not wrong
    assert [one.actor for one in house.desk.people.invited(now=house.desk.clock())] == []  # invited, then unlinked


async def test_where_there_is_no_broker_nobody_is_invited(administrator: Browser) -> None:
    assert (await administrator.post("/people/lang.son/invite", {"invite-reason": "x"})).status == 404
    assert "/invite" not in await administrator.text("/people/lang.son")
