"""Sentences of one portal by programs: kept in the draft a language at a time, refused where no page could say them."""

from typing import Any

from aiohttp import ClientSession
from yarl import URL

from proxy.console.desk import Desk
from tests.proxy.console.test_api import Program, centre, session, token_for

__all__ = ["centre", "session"]

PATH = "/portals/langson/texts/vi"
OFFICE = {"help.office": "hoặc đến số 1 đường Hùng Vương."}


async def test_what_is_kept_is_said_by_the_draft_and_each_language_stays_by_itself(centre: Program, desk: Desk) -> None:
    before = await centre.ok("GET", PATH)
    assert (before["version"], before["texts"]) == (0, {})
    assert {"help.office", "closed.title"} <= {one["key"] for one in before["sentences"]}
    kept = await centre.ok("PUT", PATH, {"texts": OFFICE, "reason": "the province asked"})
    english = {"texts": {"help.office": "or come to 1 Hùng Vương."}, "reason": "r", "seen_version": kept["version"]}
    await centre.ok("PUT", "/portals/langson/texts/en", english)
    portal = next(one for one in desk.drafted().snapshot.all_portals if one.id == "langson")
    assert portal.texts == {"vi": OFFICE, "en": english["texts"]}
    served = next(one for one in desk.published().snapshot.all_portals if one.id == "langson")
    assert served.texts == {}
    assert (await centre.call("PUT", PATH, {"texts": {}, "reason": "r", "seen_version": kept["version"]})).status == 409
    now = await centre.ok("GET", PATH)
    gone = await centre.ok("PUT", PATH, {"texts": {}, "reason": "r", "seen_version": now["version"]})
    assert gone["texts"] == {}, "what is left out is the shipped one again"
    assert (await centre.ok("GET", "/portals/langson/texts/en"))["texts"] == english["texts"]


WRONG: list[tuple[Any, str]] = [
    ({"help.office": "gọi {nobody}"}, "texts.help.office"),
    ({"help.office": "gọi {"}, "texts.help.office"),
    ({"help.office": ""}, "texts.help.office"),
    ({"help.office": "x" * 601}, "texts.help.office"),
    ({"sign-in.title": "x"}, "texts.sign-in.title"),
    ({"nonsense": "x"}, "texts.nonsense"),
    ([], "texts"),
]


async def test_a_sentence_that_no_page_could_say_is_named_and_nothing_is_kept(centre: Program) -> None:
    for texts, named in WRONG:
        response = await centre.call("PUT", PATH, {"texts": texts, "reason": "r"})
        assert response.status == 422, texts
        assert named in str((await response.json())["errors"])
    assert (await centre.call("PUT", PATH, {"texts": OFFICE, "reason": "r", "state": "off"})).status == 422
    assert (await centre.ok("GET", PATH))["version"] == 0


async def test_they_are_written_in_ones_own_province_and_of_portals_that_there_are(
    session: ClientSession, base: URL, desk: Desk
) -> None:
    editor = Program(session, base, token_for(desk, "lang.son"))
    body = {"texts": OFFICE, "reason": "r"}
    assert (await editor.call("PUT", "/portals/hanoi/texts/vi", body)).status == 403
    assert (await editor.call("PUT", "/portals/nowhere/texts/vi", body)).status == 404
    assert (await editor.call("PUT", "/portals/langson/texts/xx", body)).status == 404
    assert (await editor.call("PUT", PATH, body)).status == 200
