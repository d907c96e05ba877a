"""Doubtful communes are settled by whoever may in their province, with a source, in the draft, and approved by another."""

import csv
import io

from yarl import URL

from proxy.console.desk import Desk
from redirect_rules.localities import Ask, Whole
from redirect_rules.objects import Kind, Ref
from redirect_rules.units import Era, LocalityCode
from tests.proxy.console.conftest import Browser, at

CO_BI = "/localities/00553"
GOOD = {
    "successor": "00541",
    "source": "1656/NQ-UBTVQH15",
    "decided_on": "16/06/2025",
    "reason": "the annex",
    "version": "0",
}


async def settled(browser: Browser, **changed: str) -> int:
    return (await browser.post(CO_BI, {**GOOD, **changed})).status


async def test_all_doubtful_communes_are_listed_and_none_is_settled_yet(administrator: Browser) -> None:
    page = await administrator.text("/localities")
    assert page.count('href="/localities/') == 39
    assert "39 nơi chưa được xác định" in page


async def test_a_settled_commune_stands_in_the_draft_and_nobody_is_asked_by_it(
    administrator: Browser, desk: Desk
) -> None:
    code = LocalityCode(Era.OLD, "00553")
    assert await settled(administrator) == 303
    assert isinstance(desk.drafted().book.localities.resolve(code), Whole)
    assert isinstance(desk.published().book.localities.resolve(code), Ask), "not before it is published"
    page = await administrator.text(CO_BI)
    assert "đã ghi vào bản nháp" in page
    assert "1656/NQ-UBTVQH15" in page
    assert "2025-06-16" in page
    assert "settlement 01/00553" in await administrator.text("/drafts") or desk.store.publications.active() is None


async def test_it_is_taken_back(administrator: Browser, desk: Desk) -> None:
    await settled(administrator)
    version = str(desk.store.get(Ref(Kind.SETTLEMENT, "01", "00553")).version)  # type: ignore[union-attr]
    assert (await administrator.post(f"{CO_BI}/remove", {"reason": "a mistake", "version": version})).status == 303
    assert "chưa rõ" in await administrator.text(CO_BI)
    assert isinstance(desk.drafted().book.localities.resolve(LocalityCode(Era.OLD, "00553")), Ask)


MISTAKES: list[tuple[dict[str, str], str]] = [
    ({"source": ""}, "Ghi địa chỉ https"),
    ({"source": "đồng nghiệp nói"}, "Ghi địa chỉ https"),
    ({"decided_on": ""}, "ban hành ngày nào"),
    ({"decided_on": "31/02/2025"}, "16/06/2025"),
    ({"successor": ""}, "successors"),
    ({"successor": "01648"}, "Không có xã, phường nào như vậy trong tỉnh"),
    ({"reason": ""}, 'href="#reason"'),
]


async def test_what_is_missing_is_told_and_what_was_typed_stays(administrator: Browser, desk: Desk) -> None:
    for changed, said in MISTAKES:
        response = await administrator.post(CO_BI, {**GOOD, **changed})
        page = await response.text()
        assert response.status == 422, changed
        assert said in page, changed
        assert changed.get("source", GOOD["source"]) in page
    assert desk.store.get(Ref(Kind.SETTLEMENT, "01", "00553")) is None


async def test_a_commune_that_is_no_candidate_can_be_chosen_too(administrator: Browser, desk: Desk) -> None:
    assert await settled(administrator, successor="", other="00004") == 303
    stored = desk.store.get(Ref(Kind.SETTLEMENT, "01", "00553"))
    assert stored is not None
    assert stored.body["successors"] == ["00004"]


async def test_an_officer_of_another_province_settles_nothing_here(base: URL) -> None:
    async with at(base, "lang.son") as officer:
        assert await settled(officer) == 403
        form = {**GOOD, "successor": "06079"}
        assert (await officer.post("/localities/06079", form)).status == 303, "but in their own"


async def test_of_two_who_settle_at_once_the_second_is_told(administrator: Browser) -> None:
    assert await settled(administrator) == 303
    assert await settled(administrator, successor="00562") == 409


async def test_the_list_can_be_handed_on_and_holds_no_formula(administrator: Browser) -> None:
    await settled(administrator, source="https://vanban.chinhphu.vn/=1+1", decided_on="")
    text = (await (await administrator.get("/localities.csv")).text()).removeprefix("\ufeff")
    rows = {row["code"]: row for row in csv.DictReader(io.StringIO(text))}
    assert len(rows) == 39
    assert (rows["00553"]["settled"], rows["00553"]["by"], rows["00553"]["serves"]) == ("00541", "trung.uong", "")
    assert not any(cell.startswith(("=", "+", "@")) for row in rows.values() for cell in row.values())


async def test_a_place_is_found_as_people_spell_it(administrator: Browser) -> None:
    assert "Xã Cổ Bi" in await administrator.text("/localities?q=co+bi")
    assert (await administrator.get("/localities/00001")).status == 404, "nothing is doubtful about it"
