"""A rule is tried before it is kept: what is wrong with it, and what it would do to sample addresses."""

import asyncio

from proxy.console.desk import Desk
from redirect_rules.explaining import Question, explain
from tests.conftest import AUTUMN
from tests.proxy.console.conftest import Browser

OLD = "https://dichvucong.langson.gov.vn/vi/trang-moi"
TYPED = {
    "owner": "langson",
    "id": "moi",
    "addresses": "/vi/trang-moi",
    "action": "redirect",
    "leads": "home",
    "samples": OLD,
}


def rule_at(desk: Desk) -> str | None:
    packs = desk.drafted()
    return explain(OLD, Question(AUTUMN), packs.snapshot, suffixes=(), crawlers=packs.crawlers)["rule"]


def live(page: str) -> str:
    """The part that scripts exchange."""
    return page.partition('<div id="live"')[2].partition("</form>")[0]


async def test_a_rule_as_typed_is_tried_beside_the_draft_and_not_kept(administrator: Browser, desk: Desk) -> None:
    part = live(await (await administrator.post("/rules/new/try", TYPED)).text())
    assert "Quy tắc này viết đúng" in part
    assert "không có quy tắc nào" in part, "before"
    assert "langson/moi" in part, "after"
    assert "chuyển ngay" in part
    assert rule_at(desk) is None


MISTAKES: list[tuple[dict[str, str], str]] = [
    ({"id": "A b"}, "“A b” không dùng làm tên được"),
    ({"leads": "nowhere"}, "Không có đích “nowhere”"),
    ({"addresses": "/x/{a:int}"}, "không có kiểu “int”"),
    ({"leads": ""}, "Dẫn đến đâu?"),
    ({"owner": ""}, 'href="#owner"'),
    ({"conditions": "regex = '('"}, "không phải biểu thức RE2"),
]


async def test_mistakes_are_told_in_the_language_of_the_page_while_one_types(administrator: Browser) -> None:
    for changed, said in MISTAKES:
        response = await administrator.post("/rules/new/try", {**TYPED, **changed})
        assert response.status == 200
        assert said in live(await response.text()), changed


async def test_what_was_typed_is_still_in_the_form_without_scripts(administrator: Browser) -> None:
    page = await (await administrator.post("/rules/new/try", {**TYPED, "note": "a note", "reason": "why"})).text()
    for kept in ("/vi/trang-moi", "a note", 'value="why"', OLD):
        assert kept in page
    assert 'action="/rules/new"' in page, "from here it is kept, not tried again"


async def test_a_kept_rule_is_tried_as_changed(administrator: Browser, desk: Desk) -> None:
    await administrator.post("/rules/new", {**TYPED, "reason": "x"})
    page = await (await administrator.post("/rules/langson/moi/try", {**TYPED, "action": "notice"})).text()
    assert 'action="/rules/langson/moi/edit"' in page
    assert "chuyển ngay" in live(page)
    assert "hiện thông báo rồi chuyển" in live(page)
    assert rule_at(desk) == "langson/moi"


async def test_rules_that_the_last_analysis_speaks_of_are_found(administrator: Browser, desk: Desk) -> None:
    page = await administrator.text("/rules?kind=conflict")
    assert "chưa được phân tích lần nào" in page
    over = {"id": "hai", "addresses": "/vi/hai", "valid_until": "2020-01-01", "reason": "x"}
    for changed in ({"reason": "x"}, over):
        await administrator.post("/rules/new", {**TYPED, **changed})
    response = await administrator.post("/drafts/check", {})
    job = response.headers["Location"]
    for _ in range(600):
        if "data-again" not in await administrator.text(job):
            break
        await asyncio.sleep(0.1)
    found = await administrator.text("/rules?kind=conflict&owner=langson")
    assert "Theo lần phân tích mới nhất của bản nháp này" in found
    assert "langson/hai" in found
    assert "langson/moi" not in found.partition("<table>")[2], "nothing is said of it"
    assert "Đã hết hiệu lực từ 2020-01-01T00:00:00+07:00" in found
    await administrator.post("/rules/new", {**TYPED, "id": "ba", "addresses": "/vi/ba", "reason": "x"})
    assert "kết quả có thể đã cũ" in await administrator.text("/rules?kind=conflict&owner=langson")
    assert "langson/hai" not in (await administrator.text("/rules?kind=conflict&owner=igate2")).partition("<table>")[2]
