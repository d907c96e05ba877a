"""Choosing a locality, with and without JavaScript."""

import asyncio
import re
from urllib.parse import parse_qsl, urlsplit

import pytest
from playwright.async_api import Route, expect

from tests.browser.conftest import NewVisitor, Visitor
from tests.browser.samples import NATIONAL

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session"), pytest.mark.xdist_group("browser")]


async def types(visitor: Visitor, words: str) -> None:
    await visitor.page.fill("#q", words)
    await expect(visitor.page.locator("#matches-said")).to_have_text(re.compile("^[^…]+$"))


async def test_what_is_typed_is_looked_up_once_it_is_typed(visitor: Visitor) -> None:
    await visitor.opens("/notice-procedure")
    # A slow machine may pause long enough between two letters for "ba" to be asked about first.
    async with visitor.page.expect_response(lambda answer: "q=ba%20%C4%91%C3%ACnh" in answer.url):
        await visitor.page.type("#q", "ba đình", delay=30)
    await expect(visitor.page.locator("#matches li")).to_have_count(3)
    await expect(visitor.page.locator("#matches-said")).to_have_text(re.compile("^[^…]+$"))
    asked = [urlsplit(address) for address in visitor.requests if "/_edge/" in address]
    assert len(asked) <= 2, "not a request for every letter"
    assert dict(parse_qsl(asked[-1].query)) == {
        "format": "json",
        "q": "ba đình",
        "province": "20",
        "_from": "/notice-procedure",
    }
    assert await visitor.text("#matches-said") == (
        "Số địa phương tìm thấy: 3. Còn 4 địa phương khác cùng tên. Quý vị gõ thêm tên huyện, quận cũ để tìm đúng nơi."
    )
    assert await visitor.text("#matches li:first-child small") == "trước đây: Phường Trúc Bạch, Quận Ba Đình"


async def test_a_choice_is_shown_and_is_no_step_of_the_history(visitor: Visitor) -> None:
    await visitor.opens("/")
    await visitor.opens("/notice")
    await types(visitor, "ba dinh")
    await visitor.page.click("#matches li:first-child a")
    await visitor.page.wait_for_url("**/notice?_place=new:00004")
    assert "Phường Ba Đình, thành phố Hà Nội" in await visitor.text("#choose")
    await visitor.page.go_back()
    assert visitor.is_at == "/"


async def test_a_choice_keeps_what_stands_after_the_hash(visitor: Visitor) -> None:
    await visitor.opens("/notice#/ke-khai/2.000987")
    await types(visitor, "ba dinh")
    await visitor.page.click("#matches li:first-child a")
    await visitor.page.wait_for_url("**/notice?_place=new:00004#/ke-khai/2.000987")


async def test_the_countdown_waits_while_the_choice_has_the_focus(visitor: Visitor) -> None:
    await visitor.opens("/notice?_seconds=1")
    await visitor.page.focus("#province")
    await asyncio.sleep(1.5)
    assert visitor.is_at == "/notice?_seconds=1"
    assert (await visitor.text("#timer")).startswith("Tạm dừng đếm")
    await visitor.page.focus("#stop")
    await visitor.page.wait_for_url(f"{NATIONAL}/")


async def test_who_has_begun_to_type_is_waited_for(visitor: Visitor) -> None:
    """On a phone the keyboard is put away to read the answers: the focus is gone, the reader is not."""
    await visitor.opens("/notice?_seconds=4")  # time enough for a busy machine to begin typing
    await types(visitor, "ba dinh")
    await visitor.page.evaluate("document.activeElement.blur()")
    await asyncio.sleep(4.5)
    assert visitor.is_at == "/notice?_seconds=4"
    await expect(visitor.page.locator("#matches")).to_be_visible()


async def test_nothing_found_is_said(visitor: Visitor) -> None:
    await visitor.opens("/notice")
    await types(visitor, "none")
    assert (await visitor.text("#matches-said")).startswith("Không tìm thấy")
    await expect(visitor.page.locator("#matches")).to_be_hidden()


async def test_a_late_answer_to_an_earlier_question_is_dropped(visitor: Visitor) -> None:
    slow = asyncio.Event()

    async def answer(route: Route) -> None:
        if "q=ba%20di&" in route.request.url:
            await slow.wait()
        await route.continue_()

    await visitor.page.route("**/_edge/locality*", answer)
    await visitor.opens("/notice")
    await visitor.page.fill("#q", "ba di")
    await visitor.page.wait_for_timeout(400)
    await types(visitor, "none")
    slow.set()
    await visitor.page.wait_for_timeout(300)
    assert (await visitor.text("#matches-said")).startswith("Không tìm thấy")


async def test_without_a_network_it_says_so_and_the_button_sends_the_form(visitor: Visitor) -> None:
    await visitor.page.route("**/_edge/locality?format=json*", lambda route: route.abort())
    await visitor.opens("/notice")
    await types(visitor, "ba dinh")
    assert (await visitor.text("#matches-said")).startswith("Chưa tìm được do kết nối mạng")
    await visitor.page.press("#q", "Enter")
    await visitor.page.wait_for_url("**/_edge/locality?_from=*")
    assert await visitor.text("h1") == "Địa phương tìm thấy cho “ba dinh”"


@pytest.mark.parametrize("link", ["https://evil.example/", "//evil.example/", "/\\evil.example", "javascript:alert(1)"])
async def test_only_paths_on_this_host_become_links(visitor: Visitor, link: str) -> None:
    match = {"code": "x", "name": "<img src=x onerror=alert(1)>", "province": "Y", "context": "", "link": link}
    good = {**match, "link": "/notice?_place=new:00004"}
    answer = {"matches": [match, good], "more": 0}
    await visitor.page.route("**/_edge/locality*", lambda route: route.fulfill(json=answer))
    await visitor.opens("/notice")
    await types(visitor, "ba dinh")
    assert await visitor.page.locator("#matches a").count() == 1
    assert await visitor.page.get_attribute("#matches a", "href") == "/notice?_place=new:00004"
    drawn = "[src^='data:image/png;base64,']"  # by us: the QR code
    assert await visitor.page.locator(f"main img:not({drawn})").count() == 0


async def test_a_split_unit_is_asked_before_anything_moves(visitor: Visitor) -> None:
    await visitor.opens("/notice-ask?_seconds=1")
    await visitor.page.keyboard.press("Tab")
    assert await visitor.page.evaluate("document.activeElement.textContent") == (
        "Phường Ngọc Hà, Thành phố Hà Nội trước đây: Phường Cống Vị, Quận Ba Đình"
    )
    await expect(visitor.page.locator("#timer")).to_be_hidden()
    await expect(visitor.page.locator("#stop")).to_be_hidden()
    await visitor.page.keyboard.press("Enter")
    await visitor.page.wait_for_url("**/notice-ask?_place=new:00008")


async def test_the_whole_journey_without_javascript(new_visitor: NewVisitor) -> None:
    visitor = await new_visitor(java_script_enabled=False)
    await visitor.opens("/notice")
    await visitor.page.fill("#q", "ba dinh")
    await visitor.page.click("#locality button")
    await visitor.page.wait_for_url("**/_edge/locality?*")
    await visitor.page.click(".places a >> nth=0")
    await visitor.page.wait_for_url("**/notice?_place=new:00004")
    assert "Phường Ba Đình, thành phố Hà Nội" in await visitor.text("#choose")
    await visitor.page.click("#now")
    await visitor.page.wait_for_url(f"{NATIONAL}/")
