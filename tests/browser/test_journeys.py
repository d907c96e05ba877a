"""Whole journeys against the real edge: an old address is opened, and somebody ends on the right page."""

import asyncio
import io
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import expect

from proxy.app import create_app
from proxy.packs import Packs
from proxy.pages import Pages
from proxy.serve import running
from tests.browser.conftest import NewVisitor
from tests.conftest import AUTUMN, settings_with

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session"), pytest.mark.xdist_group("browser")]

BIRTH = "/vi/thu-tuc-hanh-chinh/chi-tiet?ma=1.001193"
BIRTH_PAGE = "https://dichvucong.gov.vn/thu-tuc-hanh-chinh/019d2bfd-3fe0-70ac-b9d6-5e9e20d6eef7"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def base_url(packs: Packs, pages: Pages) -> AsyncIterator[str]:
    """The portal of Hà Nội behind a real edge that sends people on after two seconds."""
    settings = settings_with({"DVC_EDGE__NOTICE__SECONDS": "2"})
    app = create_app(settings, parts=(packs, pages), clock=lambda: AUTUMN, log=io.StringIO())
    async with running(app) as addresses:
        yield f"http://dichvucong.hanoi.gov.vn.localhost:{addresses.edge[1]}"


async def test_who_does_nothing_arrives_and_back_leads_to_where_they_were(new_visitor: NewVisitor) -> None:
    visitor = await new_visitor()
    await visitor.page.goto("about:blank")
    await visitor.opens(BIRTH)
    assert "Thủ tục đăng ký khai sinh" in await visitor.text("#destination")
    await visitor.page.wait_for_url(BIRTH_PAGE, timeout=6_000)
    await visitor.page.go_back()
    assert visitor.page.url == "about:blank"


async def test_who_stays_is_left_in_peace_after_a_reload_too(new_visitor: NewVisitor) -> None:
    visitor = await new_visitor()
    await visitor.opens(BIRTH)
    await visitor.page.keyboard.press("Tab")
    assert await visitor.focus() == "stop"
    await visitor.page.keyboard.press("Enter")
    assert visitor.is_at == f"{BIRTH}&_stay=1"
    await visitor.page.reload()
    await asyncio.sleep(2.5)
    assert visitor.is_at == f"{BIRTH}&_stay=1"


async def test_a_split_commune_is_asked_about_and_the_choice_is_carried_and_remembered(new_visitor: NewVisitor) -> None:
    visitor = await new_visitor()
    await visitor.opens(BIRTH)
    await visitor.page.fill("#q", "phuong cong vi")
    places = visitor.page.locator("#matches a")
    await expect(places).to_have_count(2)  # Ngọc Hà and Giảng Võ: nobody chooses for the visitor
    await places.nth(1).click()
    await visitor.page.wait_for_url("**_place=new*")
    assert "provinceCode=01&wardCode=00025" in str(await visitor.page.get_attribute("#now", "href"))
    await visitor.opens(BIRTH + "&_stay=1")  # another day: the cookie remembers
    assert "wardCode=00025" in str(await visitor.page.get_attribute("#now", "href"))
    await visitor.page.click("text=Bỏ lựa chọn này")
    assert await visitor.page.get_attribute("#now", "href") == BIRTH_PAGE


async def test_what_stands_after_the_hash_finds_its_procedure_and_is_never_sent(new_visitor: NewVisitor) -> None:
    visitor = await new_visitor()
    await visitor.opens("/?_stay=1#/ke-khai/2.000987")
    assert "keyword=2.000987" in str(await visitor.page.get_attribute("#now", "href"))
    assert not [request for request in visitor.requests if "2.000987" in request.partition("#")[0]]


async def test_without_javascript_everything_is_reached_by_links_and_one_form(new_visitor: NewVisitor) -> None:
    visitor = await new_visitor(java_script_enabled=False)
    await visitor.opens(BIRTH)
    await asyncio.sleep(2.5)
    assert visitor.is_at == BIRTH
    await visitor.page.fill("#q", "Trúc Bạch, Ba Đình")
    await visitor.page.click("text=Tìm")
    await visitor.page.locator(".places a").first.click()
    assert "wardCode=00004" in str(await visitor.page.get_attribute("#now", "href"))
    await visitor.page.click("text=English")
    assert await visitor.page.get_attribute("html", "lang") == "en"
    await visitor.page.click("#now")
    assert "provinceCode=01&wardCode=00004" in visitor.page.url


async def test_a_form_that_was_not_sent_gives_back_what_was_typed(new_visitor: NewVisitor) -> None:
    visitor = await new_visitor()
    await visitor.opens("/?_stay=1")
    await visitor.page.evaluate(
        """() => {
          const form = document.createElement('form');
          form.method = 'post';
          form.action = '/dichvucong/tracuu';
          form.innerHTML = '<input name=hoTen value="Nguyễn Văn An"><input type=password name=matKhau value=s3cret>';
          document.body.append(form);
          form.submit();
        }"""
    )
    await visitor.page.wait_for_url("**/dichvucong/tracuu")
    text = await visitor.text("body")
    assert "Hồ sơ CHƯA được gửi" in text
    assert "Nguyễn Văn An" in text
    assert "s3cret" not in text
    await asyncio.sleep(2.5)
    assert visitor.is_at == "/dichvucong/tracuu"  # no timer
