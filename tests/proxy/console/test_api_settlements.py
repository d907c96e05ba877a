"""Communes that are not clear, by programs: settled on somebody's word, in one's own province, and taken back."""

from typing import Any

import pytest
from aiohttp import ClientSession
from yarl import URL

from proxy.console.desk import Desk
from redirect_rules.localities import Ask, Whole
from redirect_rules.units import Era, LocalityCode
from tests.proxy.console.test_api import Program, centre, session, token_for

__all__ = ["centre", "session"]

CO_BI = "/settlements/00553"
GOOD: dict[str, Any] = {
    "successors": ["00541"],
    "source": "1656/NQ-UBTVQH15",
    "decided_on": "2025-06-16",
    "reason": "the annex",
}


async def test_one_is_settled_in_the_draft_and_taken_back(centre: Program, desk: Desk) -> None:
    everything = (await centre.ok("GET", "/settlements"))["items"]
    assert (len(everything), {one["state"] for one in everything}) == (39, {"open"})
    assert await centre.ok("GET", CO_BI) in everything
    kept = await centre.ok("PUT", CO_BI, GOOD)
    assert (kept["state"], kept["successors"], kept["by"]) == ("draft", ["00541"], "trung.uong")
    assert kept in (await centre.ok("GET", "/settlements"))["items"]
    code = LocalityCode(Era.OLD, "00553")
    assert isinstance(desk.drafted().book.localities.resolve(code), Whole)
    assert isinstance(desk.published().book.localities.resolve(code), Ask), "not before it is published"
    assert (await centre.call("PUT", CO_BI, GOOD)).status == 409, "somebody who did not see it"
    back = {"reason": "no", "seen_version": kept["version"]}
    await centre.ok("DELETE", CO_BI, back)
    assert (await centre.ok("GET", CO_BI))["state"] == "open"
    assert (await centre.call("DELETE", CO_BI, back)).status == 404
    assert "00553" in await (await centre.call("GET", "/exports/settlements.csv")).text()


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"successors": []}, "successors"),
    ({"successors": ["26734"]}, "successors"),
    ({"source": "somebody said so"}, "source"),
    ({"decided_on": None}, "decided_on"),
    ({"decided_on": "16/06/2025"}, "decided_on"),
    ({"reason": ""}, "reason"),
    ({"confidence": "agreed"}, "confidence"),
]


@pytest.mark.parametrize(("changed", "named"), WRONG, ids=lambda one: str(one)[:30])
async def test_what_cannot_be_looked_up_is_refused(centre: Program, changed: dict[str, Any], named: str) -> None:
    response = await centre.call("PUT", CO_BI, GOOD | changed)
    assert response.status == 422
    assert named in str((await response.json())["errors"])


async def test_an_editor_settles_the_communes_of_their_own_province(
    session: ClientSession, base: URL, desk: Desk
) -> None:
    editor = Program(session, base, token_for(desk, "lang.son"))
    assert (await editor.call("PUT", CO_BI, GOOD)).status == 403
    assert (await editor.call("DELETE", CO_BI, {"reason": "no", "seen_version": 1})).status == 403
    assert (await editor.call("PUT", "/settlements/99999", GOOD)).status == 404
