"""What officers do, from the first click to the last, as their browsers do it without scripts."""

import asyncio
import re

import pytest
from aiohttp import ClientResponse
from yarl import URL

from proxy.console.desk import Desk
from redirect_rules.decision import Decision, Visit, decide
from redirect_rules.model import ClientClass
from tests.conftest import AUTUMN
from tests.proxy.console.conftest import Browser, at

OLD = "https://dichvucong.langson.gov.vn/vi/trang-cu-khong-ai-biet"
RULE = {
    "owner": "langson",
    "id": "trang-cu",
    "addresses": OLD,
    "action": "redirect",
    "leads": "procedure-list",
    "samples": OLD,
    "reason": "citizens ask for it",
}


async def followed(browser: Browser, response: ClientResponse) -> str:
    """The page that a form leads to."""
    assert response.status == 303, await response.text()
    return await browser.text(response.headers["Location"])


async def ended(browser: Browser, response: ClientResponse) -> str:
    """The page of a piece of work, when it has ended."""
    assert response.status == 303, await response.text()
    async with asyncio.timeout(90):
        while True:
            page = await browser.text(response.headers["Location"])
            if "data-again" not in page:
                return page
            await asyncio.sleep(0.2)


def leads_to(desk: Desk) -> str:
    """Where the old address leads now, by what serves."""
    visit = Visit(OLD.split("/")[2], "/" + OLD.split("/", 3)[3], "GET", ClientClass.NAVIGATION, None)
    decision = decide(visit, desk.published().snapshot, AUTUMN)
    assert isinstance(decision, Decision)
    return decision.rule.id if decision.rule else ""


async def test_an_unmapped_link_becomes_a_rule_is_approved_by_another_goes_live_and_is_undone(
    base: URL, desk: Desk
) -> None:
    assert leads_to(desk) == ""
    async with at(base, "lang.son") as editor, at(base, "phe.duyet") as approver, at(base, "trung.uong") as centre:
        first = await followed(centre, await centre.post("/drafts/request", {"message": "the first number"}))
        assert "the first number" in first
        assert "/drafts/approve" not in first, "nobody approves their own"
        await followed(approver, await approver.post("/drafts/approve", {"number": "1"}))
        page = await ended(approver, await approver.post("/drafts/publish", {"number": "1", "message": "the first"}))
        assert "Bản số 1 có hiệu lực" in page

        explained = await editor.text(f"/explain?url={OLD}")
        (link,) = re.findall(r'href="(/rules/new\?url=[^"]+)"', explained)
        form = await editor.text(link.replace("&amp;", "&"))
        assert 'value="langson" selected' in form
        saved = await followed(editor, await editor.post("/rules/new", RULE))
        assert "Đã lưu langson/trang-cu vào bản nháp" in saved
        assert "https://dichvucong.gov.vn/tra-cuu-thu-tuc/danh-sach" in saved, "the sample, by the draft"
        assert leads_to(desk) == "", "a draft changes nothing for people"

        effect = await ended(editor, await editor.post("/drafts/effect", {"days": "28"}))
        assert "địa chỉ khác nhau sẽ thay đổi" in effect
        await followed(editor, await editor.post("/drafts/request", {"message": "an old page"}))
        drafts = await approver.text("/drafts")
        assert "rule portal:langson/trang-cu" in drafts
        await followed(approver, await approver.post("/drafts/approve", {"number": "2"}))
        page = await ended(approver, await approver.post("/drafts/publish", {"number": "2", "message": "an old page"}))
        assert "Bản số 2 có hiệu lực" in page
        assert leads_to(desk) == "langson/trang-cu"

        back = await followed(centre, await centre.post("/drafts/roll-back", {"number": "1", "reason": "a mistake"}))
        assert "Bản số 1 đang phục vụ lại" in back
        assert leads_to(desk) == ""


async def test_an_editor_of_one_province_gets_nowhere_in_another(base: URL, desk: Desk) -> None:
    async with at(base, "lang.son") as editor:
        response = await editor.post("/rules/new", {**RULE, "owner": "bacgiang", "addresses": "/cu"})
        assert response.status == 403
        assert "province 24" in await response.text()
        assert (await editor.post("/drafts/publish", {"message": "x"})).status == 403
        assert (await editor.post("/drafts/switch", {"portal": "langson", "position": "home"})).status == 403


async def test_what_was_typed_is_still_there_when_something_is_wrong(administrator: Browser) -> None:
    wrong = {**RULE, "addresses": "https://elsewhere.example/a\nno slash", "leads": "nowhere", "reason": ""}
    response = await administrator.post("/rules/new", wrong)
    assert response.status == 422
    page = await response.text()
    assert "https://elsewhere.example/a: không thuộc cổng này" in page
    assert "no slash: hãy bắt đầu bằng / hoặc https://" in page
    assert "https://elsewhere.example/a" in page
    assert 'href="#reason"' in page


async def test_a_destination_that_does_not_exist_is_told(administrator: Browser) -> None:
    response = await administrator.post("/rules/new", {**RULE, "leads": "nowhere"})
    assert response.status == 422
    assert "nowhere" in await response.text()


async def test_of_two_who_edit_the_same_rule_the_second_is_told(base: URL) -> None:
    async with at(base, "trung.uong") as one, at(base, "bien.tap") as other:
        await followed(one, await one.post("/rules/new", RULE))
        form = await other.text("/rules/langson/trang-cu/edit")
        version = form.partition('name="version" value="')[2].partition('"')[0]
        await followed(one, await one.post("/rules/langson/trang-cu/edit", {**RULE, "version": version, "note": "one"}))
        second = await other.post("/rules/langson/trang-cu/edit", {**RULE, "version": version, "note": "two"})
        assert second.status == 409
        assert "Người khác vừa sửa" in await second.text()
        assert "one" in await one.text("/rules/langson/trang-cu")


async def test_a_rule_is_removed_and_brought_back(administrator: Browser) -> None:
    await followed(administrator, await administrator.post("/rules/new", RULE))
    page = await administrator.text("/rules/langson/trang-cu")
    version = page.partition('name="version" value="')[2].partition('"')[0]
    await followed(
        administrator,
        await administrator.post("/rules/langson/trang-cu/remove", {"version": version, "reason": "not needed"}),
    )
    assert (await administrator.get("/rules/langson/trang-cu")).status == 404
    restored = await administrator.post("/rules/langson/trang-cu/restore", {"to": version, "reason": "needed"})
    assert "Đã lấy lại" in await followed(administrator, restored)


async def test_many_rules_are_shown_then_changed_then_undone(administrator: Browser) -> None:
    chosen = {"owner": "igate2", "change": "tag", "value": "kiem-tra", "reason": "to be looked at"}
    page = await (await administrator.post("/rules/bulk", chosen)).text()
    seen = page.partition('name="seen" value="')[2].partition('"')[0]
    assert int(seen) > 5
    done = await followed(administrator, await administrator.post("/rules/bulk", {**chosen, "seen": seen}))
    assert f"Đã sửa {seen} quy tắc" in done
    assert "kiem-tra" in done
    batch = done.partition("Tên lần sửa: ")[2].partition("<")[0]
    undone = await followed(administrator, await administrator.post("/rules/undo", {"batch": batch}))
    assert "kiem-tra" not in undone


async def test_a_file_is_looked_at_imported_and_undone(administrator: Browser) -> None:
    lines = f"old_url,new_url\n{OLD},https://dichvucong.gov.vn/\n{OLD}/2,https://dichvucong.gov.vn/\n"
    form = {"text": lines, "mode": "add", "portal": "", "action": "redirect", "reason": "a list", "do": "dry-run"}
    looked = await ended(administrator, await administrator.post("/import", form))
    assert "Đây là xem trước" in looked
    assert (await administrator.text("/rules?q=/vi/trang-cu")).count("trang-cu-khong-ai-biet") == 0
    done = await ended(administrator, await administrator.post("/import", {**form, "do": "import"}))
    batch = done.partition('name="batch" value="')[2].partition('"')[0]
    listed = await administrator.text("/rules?q=/vi/trang-cu")
    assert "trang-cu-khong-ai-biet" in listed
    exported = await (await administrator.get("/rules.csv?q=/vi/trang-cu")).text()
    assert OLD in exported
    await followed(administrator, await administrator.post("/rules/undo", {"batch": batch}))
    assert "trang-cu-khong-ai-biet" not in (await administrator.text("/rules?q=/vi/trang-cu")).split("<table>")[-1]


async def test_an_import_reaches_no_further_than_its_author(base: URL) -> None:
    lines = "old_url,new_url\nhttps://dichvucong.bacgiang.gov.vn/cu,https://dichvucong.gov.vn/\n"
    async with at(base, "lang.son") as editor:
        form = {"text": lines, "mode": "add", "action": "redirect", "reason": "a list", "do": "import"}
        page = await ended(editor, await editor.post("/import", form))
        assert "không thành" in page
        assert "province 24" in page


async def test_a_switch_acts_without_a_number_and_is_turned_back(base: URL, desk: Desk) -> None:
    async with at(base, "van.hanh") as operator:
        form = {"portal": "langson", "position": "home", "reason": "the upstream is on fire"}
        assert "langson" in await followed(operator, await operator.post("/drafts/switch", form))
        assert desk.published().snapshot.switches
        await followed(operator, await operator.post("/drafts/switch", {**form, "position": "off"}))
        assert not desk.published().snapshot.switches


@pytest.mark.parametrize("hostile", ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "{{7*7}}", "{x}"])
async def test_what_is_stored_is_shown_and_never_run(administrator: Browser, hostile: str) -> None:
    rule = {**RULE, "note": hostile, "owned_by": hostile, "tags": hostile.replace(",", ""), "reason": hostile}
    page = await followed(administrator, await administrator.post("/rules/new", rule))
    assert "<script>alert" not in page
    assert "<img src=x" not in page
    assert "49" not in page.partition("<dl")[2].partition("</dl>")[0]
    assert "<script>alert" not in await administrator.text("/rules")
