"""A schedule is chosen with its consequences before one's eyes, and kept in the draft."""

from datetime import date

from yarl import URL

from proxy.console.desk import Desk
from redirect_rules.hits import Hit
from redirect_rules.model import HO_CHI_MINH, Phase
from redirect_rules.objects import Kind, Ref
from tests.proxy.console.conftest import Browser, at

PATH = "/portals/-/langson/schedule"
LATER = {
    "own": "yes",
    "announced_at": "",
    "notice_at": "2027-01-01T00:00",
    "direct_at": "",
    "retired_at": "",
    "probation_days": "30",
}


def version(desk: Desk) -> str:
    stored = desk.store.get(Ref(Kind.PORTAL, "", "langson"))
    assert stored is not None
    return str(stored.version)


async def test_a_portal_without_a_schedule_of_its_own_shows_what_its_kind_has(administrator: Browser) -> None:
    page = await administrator.text(PATH)
    assert 'id="own-no" name="own" value="no" checked' in page
    assert "27/06/2025 18:00" in page
    assert "đã báo trước → đang thông báo" in page


async def test_what_would_happen_is_shown_for_what_is_typed_and_nothing_is_kept(
    administrator: Browser, desk: Desk
) -> None:
    before = version(desk)
    hit = Hit("langson", "dichvucong.langson.gov.vn/vi/rat-nhieu-nguoi-hoi", "notice", "navigation", "")
    desk.hits.add(date(2026, 11, 1), {hit: 41})
    page = await (await administrator.post(f"{PATH}/try", LATER)).text()
    assert "Theo lịch vừa chọn, chưa lưu" in page
    assert "đang chạy → đang thông báo" in page
    assert "/vi/rat-nhieu-nguoi-hoi" in page, "what people ask for"
    assert "cho qua hệ thống cũ" in page
    assert version(desk) == before


async def test_it_is_kept_in_the_draft_in_the_time_of_viet_nam(administrator: Browser, desk: Desk) -> None:
    form = {**LATER, "reason": "the province asked", "version": version(desk)}
    assert (await administrator.post(PATH, form)).status == 303
    portal = next(one for one in desk.drafted().snapshot.all_portals if one.id == "langson")
    assert portal.schedule.notice_at is not None
    assert portal.schedule.notice_at.astimezone(HO_CHI_MINH).isoformat() == "2027-01-01T00:00:00+07:00"
    assert portal.schedule.announced_at is None
    assert portal.schedule.phase_at(desk.clock()) is Phase.LIVE
    served = next(one for one in desk.published().snapshot.all_portals if one.id == "langson")
    assert served.schedule.phase_at(desk.clock()) is Phase.NOTICE


async def test_the_common_schedule_is_taken_again(administrator: Browser, desk: Desk) -> None:
    for form in (LATER, {**LATER, "own": "no"}):
        await administrator.post(PATH, {**form, "reason": "x", "version": version(desk)})
    stored = desk.store.get(Ref(Kind.PORTAL, "", "langson"))
    assert stored is not None
    assert "schedule" not in stored.body


MISTAKES: list[tuple[dict[str, str], str]] = [
    ({"notice_at": "tomorrow"}, "#notice_at"),
    ({"probation_days": "many"}, "Viết số ngày"),
    ({"probation_days": "99999"}, "Viết số ngày"),
    ({"direct_at": "2026-12-01T00:00"}, "phải theo thứ tự"),
    ({"reason": ""}, "#reason"),
]


async def test_what_is_wrong_is_told_and_stays_in_its_field(administrator: Browser, desk: Desk) -> None:
    for changed, said in MISTAKES:
        form = {**LATER, "reason": "x", "version": version(desk), **changed}
        response = await administrator.post(PATH, form)
        page = await response.text()
        assert response.status == 422, changed
        assert said in page, changed
        assert all(value in page for value in changed.values())


async def test_only_who_may_edit_portals_there_changes_it(base: URL, desk: Desk) -> None:
    form = {**LATER, "reason": "x", "version": version(desk)}
    async with at(base, "bien.tap") as editor:
        assert (await editor.post(PATH, form)).status == 403
        assert '<form method="post" action="/portals' not in await editor.text(PATH)
    async with at(base, "van.hanh") as operator:
        assert (await operator.post(PATH, form)).status == 303


async def test_a_portal_that_is_not_there_has_no_schedule(administrator: Browser) -> None:
    assert (await administrator.get("/portals/-/nobody/schedule")).status == 404
