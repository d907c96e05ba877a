"""What serves and the draft are compared as visitors would notice it, page beside page and class by class."""

import re
from urllib.parse import quote

from proxy.console.desk import Desk
from proxy.console.preview_pages import alike
from redirect_rules.explaining import Explanation
from redirect_rules.objects import Change, Kind, Ref
from tests.conftest import AUTUMN
from tests.proxy.console.conftest import Browser

OLD = "https://dichvucong.langson.gov.vn/vi/trang-cu"


def kept(desk: Desk, action: str, *to: str) -> None:
    body = {"id": "trang-cu", "exact": ["/vi/trang-cu"], "action": action, "to": [*to]}
    ref = Ref(Kind.RULE, "portal:langson", "trang-cu")
    desk.store.put(ref, body, Change("test", "a test", AUTUMN), seen_version=0)


async def test_where_nothing_differs_it_says_so(administrator: Browser) -> None:
    page = await administrator.text(f"/preview?url={quote(OLD)}")
    assert "Không ai thấy gì khác" in page
    assert page.count("<iframe") == 2


async def test_what_a_draft_would_change_is_seen_side_by_side(administrator: Browser, desk: Desk) -> None:
    kept(desk, "redirect", "procedure-list")
    page = await administrator.text(f"/preview?url={quote(OLD)}")
    assert "Có người sẽ thấy khác" in page
    assert page.count("<iframe") == 1, "of a redirect there is no page"
    row = re.search(r"<th scope=\"row\">Người mở trang.*?</tr>", page, re.DOTALL)
    assert row is not None
    assert "hiện thông báo rồi chuyển" in row[0]
    assert "chuyển ngay" in row[0]
    assert "langson/trang-cu" in page


async def test_the_page_in_a_frame_runs_nothing_and_nobody_else_frames_it(administrator: Browser) -> None:
    response = await administrator.get(f"/preview/page?which=today&url={quote(OLD)}")
    assert response.status == 200
    policy = response.headers["Content-Security-Policy"]
    assert policy.endswith("; sandbox")
    assert "frame-ancestors 'self'" in policy
    html = await response.text()
    assert "đã ngừng hoạt động" in html
    assert "<script" not in html


async def test_where_there_is_no_page_there_is_none(administrator: Browser) -> None:
    for asked in (
        "url=https%3A%2F%2Fnobody.example%2F",
        "url=",
        f"at=tomorrow&url={quote(OLD)}",
        f"url={'x' * 8_001}",
    ):
        assert (await administrator.get(f"/preview/page?which=today&{asked}")).status == 404, asked
    assert (await administrator.get(f"/preview?url={quote(OLD)}&at=tomorrow")).status == 422


async def test_a_draft_that_cannot_be_served_is_told_and_not_compared(administrator: Browser, desk: Desk) -> None:
    kept(desk, "redirect", "nowhere")
    response = await administrator.get(f"/preview?url={quote(OLD)}")
    assert response.status == 422
    assert "nowhere" in await response.text()


def test_a_difference_is_what_a_visitor_sees_and_no_other() -> None:
    one = Explanation(
        url="",
        portal=None,
        phase=None,
        client_class="",
        key=None,
        rule="a",
        outcome="pass",
        destination=None,
        target=None,
        trace=[],
    )
    assert alike(one, {**one, "rule": "b"})
    assert not alike(one, {**one, "outcome": "notice"})
    assert not alike(one, {**one, "target": "https://dichvucong.gov.vn/"})
