"""Two who write the same object at once: one wins, the other is told, and nothing of the loser's is kept."""

import asyncio
from typing import Any

import pytest
from aiohttp import ClientSession
from yarl import URL

from proxy.console.desk import Desk
from redirect_rules.objects import Change, Kind, Ref
from redirect_rules.rights import Deed
from tests.conftest import AUTUMN
from tests.proxy.console.test_api import Program, session, token_for

__all__ = ["session"]

# what is written: its address, what it says the first time, and two who want something else of it
OBJECTS: dict[str, tuple[str, list[dict[str, Any]]]] = {
    "rule": (
        "/rules/langson/hai-nguoi",
        [{"rule": {"exact": [path], "action": "notice", "to": ["home"]}} for path in ("/cu", "/mot", "/hai")],
    ),
    "destination": (
        "/destinations/hai-nguoi",
        [{"body": {"forms": [{"url": f"https://dichvucong.gov.vn/{path}"}]}} for path in ("cu", "mot", "hai")],
    ),
    "family": ("/families/hai-nguoi", [{"body": {"version": number}} for number in (1, 2, 3)]),
    "lookup": ("/lookups/langson/hai-nguoi", [{"body": {"entries": {"a": code}}} for code in ("1", "2", "3")]),
    "portal": (
        "/portals/hai-nguoi",
        [
            {"body": {"kind": "province", "name": {"vi": name}, "hosts": ["hai-nguoi.example.gov.vn"]}}
            for name in ("Một", "Hai", "Ba")
        ],
    ),
    "person": ("/people/hai.nguoi", [{"name": name, "grants": []} for name in ("Một", "Hai", "Ba")]),
}


def of_two(desk: Desk, session: ClientSession, base: URL) -> tuple[Program, Program]:
    """Two programs of two administrators."""
    first = Program(session, base, token_for(desk, "trung.uong", frozenset(Deed)))
    body = {"name": "hai.tay", "grants": [{"role": "administrator"}]}
    change = Change("setup", "a test needs them", AUTUMN)
    desk.store.put(Ref(Kind.PERSON, "", "hai.tay"), body, change, seen_version=0)
    return first, Program(session, base, token_for(desk, "hai.tay", frozenset(Deed)))


@pytest.mark.parametrize("kind", OBJECTS)
async def test_of_two_who_write_the_same_at_once_one_wins_and_the_other_is_told(
    desk: Desk, session: ClientSession, base: URL, kind: str
) -> None:
    one, other = of_two(desk, session, base)
    path, (first, mine, theirs) = OBJECTS[kind]
    both = await asyncio.gather(*(who.call("PUT", path, {**first, "reason": "new"}) for who in (one, other)))
    assert sorted(answer.status for answer in both) == [200, 409], [await answer.text() for answer in both]
    seen = (await one.ok("GET", path))["version"]

    answers = await asyncio.gather(
        *(
            who.call("PUT", path, {**body, "reason": "r", "seen_version": seen})
            for who, body in ((one, mine), (other, theirs))
        )
    )
    assert sorted(answer.status for answer in answers) == [200, 409]
    (won,) = [await answer.json() for answer in answers if answer.status == 200]
    assert await other.ok("GET", path) == won, "what the loser wrote is nowhere"
