"""Everything that an answer is made of belongs to one edition; nothing of a visitor is kept in it."""

from dataclasses import replace

import pytest
from aiohttp.test_utils import make_mocked_request
from multidict import CIMultiDict

from proxy.audiences import Facts
from proxy.edition import Edition
from proxy.packs import Packs
from proxy.pages import Pages
from proxy.turns import Answered
from redirect_rules.decision import Decision
from redirect_rules.model import ClientClass
from redirect_rules.units import Era, LocalityCode
from tests.proxy.conftest import MODEL
from tests.proxy.lanes import lane_over

BROWSER = {"Host": MODEL, "User-Agent": "Mozilla/5.0", "Accept": "text/html"}


async def answered(edition: Edition, target: str, headers: dict[str, str], method: str = "GET") -> Answered:
    return await edition.answered(make_mocked_request(method, target, CIMultiDict(headers)), "k7m2-9fxd-3hqp")


# what the head says beside Host and agent               what is known of the asker
FACTS = [
    ({},                                                  {}),
    ({"Accept-Language": "en"},                           {"language": "en"}),
    ({"Accept-Language": "fr"},                           {}),
    ({"Accept-Encoding": "gzip, br"},                     {"coding": "gzip"}),
    ({"Accept-Encoding": "gzip;q=0.5, br"},               {"coding": "br"}),
    ({"Cookie": "a=b; _edge_place=new:00004"},            {"place": LocalityCode(Era.NEW, "00004")}),
    ({"Cookie": "_edge_place=nonsense"},                  {}),
    ({"Host": MODEL + ".localhost:8080"},                 {}),
    ({"Sec-Fetch-Dest": "iframe"},                        {"clients": (ClientClass.FRAME,) * 3}),
    ({"X-Nothing": "a", "Referer": "b", "Range": "c"},    {}),
]  # fmt: skip


@pytest.mark.parametrize(("headers", "known"), FACTS)
async def test_of_an_asker_only_what_answers_depend_on_is_known(
    packs: Packs, pages: Pages, headers: dict[str, str], known: dict[str, object]
) -> None:
    classes = (ClientClass.NAVIGATION, ClientClass.DOWNLOAD, ClientClass.DOWNLOAD)
    nobody = Facts("GET", MODEL, classes, "vi", "", None)
    async with lane_over(packs, pages) as lane:
        edition = lane.edge._edition
        turn = (await answered(edition, "/vi?_lang=en&_place=new:00008", {**BROWSER, **headers})).turn
        assert turn is not None
        assert edition.facts(turn) == nobody._replace(**known)  # type: ignore[arg-type]


async def test_an_answer_about_a_page_brings_its_decision(packs: Packs, pages: Pages) -> None:
    async with lane_over(packs, pages) as lane:
        made = await answered(lane.edge._edition, "/vi", BROWSER)
        assert isinstance(made.decision, Decision)
        assert made.entry.rule == made.decision.rule.id if made.decision.rule else None
        for target, host in (("/_edge/locality", MODEL), ("/%zz", MODEL), ("/", "a.example")):
            assert (await answered(lane.edge._edition, target, {**BROWSER, "Host": host})).decision is None


async def test_what_is_in_hand_is_finished_by_the_edition_that_began_it(packs: Packs, pages: Pages) -> None:
    async with lane_over(packs, pages) as lane:
        before = lane.edge._edition
        lane.edge.adopt(replace(packs, snapshot=replace(packs.snapshot, portals={})))
        assert (await answered(before, "/vi", BROWSER)).response.status == 200
        assert (await answered(lane.edge._edition, "/vi", BROWSER)).response.status == 421
