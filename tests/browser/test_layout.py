"""Every page on small, zoomed, printed and spaced-out screens; and the buttons that copy and print."""

import pytest
from playwright.async_api import expect

from tests.browser.conftest import NewVisitor, Visitor
from tests.browser.samples import NOTICES, SAMPLES

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session"), pytest.mark.xdist_group("browser")]

#: Nothing here needs scrolling on a phone of 360 × 640: what happened, where to, what is safe, whom to call.
FIRST_SCREEN = ("h1", "#address", "#stop", "#now", ".kept", ".help a")

#: An address of half a kilobyte, a question that comes first, and what some visitors have to be told besides.
LONGER = {"notice-long", "notice-ask", "notice-merged", "notice-unmapped", "notice-chosen"}

SMALL_TARGETS = """() => [...document.querySelectorAll('button, select, input:not([type=hidden]), a')]
    .filter(node => node.offsetParent && node.getBoundingClientRect().height < 44)
    .map(node => node.outerHTML)"""

#: WCAG 1.4.12
SPACED = "* { line-height: 1.5 !important; letter-spacing: .12em !important; word-spacing: .16em !important; }"


@pytest.mark.parametrize("language", ["vi", "en"])
async def test_the_first_screen_of_a_phone_says_it_all(visitor: Visitor, language: str) -> None:
    for name in sorted(set(NOTICES) - LONGER):
        await visitor.opens(f"/{name}?_lang={language}")
        for selector in FIRST_SCREEN:
            part = visitor.page.locator(selector).first
            if await part.is_visible():
                box = await part.bounding_box()
                assert box is not None
                assert box["y"] + box["height"] <= 640, (name, selector, box)


async def test_nothing_scrolls_sideways_and_every_target_is_large(visitor: Visitor) -> None:
    """320 px is also a window of 1280 px at 400 % zoom (WCAG 1.4.10)."""
    await visitor.page.set_viewport_size({"width": 320, "height": 256})
    for name in SAMPLES:
        await visitor.opens(f"/{name}")
        assert await visitor.page.evaluate("document.documentElement.scrollWidth") <= 320, name
        assert await visitor.page.evaluate(SMALL_TARGETS) == [], name


WIDTH_WITH_STYLE = """css => {
    const style = document.createElement('style');
    style.textContent = css;
    document.head.append(style);
    return document.documentElement.scrollWidth;
}"""


async def test_spaced_out_text_still_fits(new_visitor: NewVisitor) -> None:
    visitor = await new_visitor(bypass_csp=True, viewport={"width": 320, "height": 640})
    for name in SAMPLES:
        await visitor.opens(f"/{name}")
        assert await visitor.page.evaluate(WIDTH_WITH_STYLE, SPACED) <= 320, name


async def test_paper_carries_the_address_the_qr_code_and_the_telephone_number(visitor: Visitor) -> None:
    await visitor.opens("/notice-dossier")
    await visitor.page.emulate_media(media="print")
    for selector in ("h1", "#address", "#qr", "#code", ".help a"):
        await expect(visitor.page.locator(selector)).to_be_visible()
    for selector in ("#stop", "#now", "#locality", "nav", "#timer"):
        await expect(visitor.page.locator(selector)).to_be_hidden()


async def test_the_qr_code_is_for_wide_screens_and_not_for_the_phone_itself(visitor: Visitor) -> None:
    await visitor.opens("/notice")
    await expect(visitor.page.locator("#qr")).to_be_hidden()
    await visitor.page.set_viewport_size({"width": 1024, "height": 768})
    await expect(visitor.page.locator("#qr")).to_be_visible()


async def test_titles_tell_the_pages_apart(visitor: Visitor) -> None:
    titles: dict[str, str] = {}
    for name in ("notice", "notice-procedure", "notice-ministry", "results", "not-sent", "gone", "trouble-internal"):
        await visitor.opens(f"/{name}")
        titles[name] = await visitor.page.title()
    assert len(set(titles.values())) == len(titles)


# ── copying and printing ──────────────────────────────────────────────────────────────────────────────────────────


async def test_a_dossier_code_is_copied(new_visitor: NewVisitor) -> None:
    visitor = await new_visitor(permissions=["clipboard-read", "clipboard-write"])
    await visitor.opens("/notice-dossier")
    await visitor.page.click("[data-copy]")
    await expect(visitor.page.locator(".dossier [role=status]")).to_have_text(" Đã sao chép")
    assert await visitor.page.evaluate("navigator.clipboard.readText()") == "000.00.53.H48-220921-0099"


async def test_it_is_copied_on_old_phones_too(new_visitor: NewVisitor) -> None:
    visitor = await new_visitor(permissions=["clipboard-read", "clipboard-write"])
    await visitor.page.add_init_script("""
        window.clipboard = navigator.clipboard;
        Object.defineProperty(navigator, 'clipboard', {get: () => undefined});
    """)
    await visitor.opens("/notice-dossier")
    await visitor.page.click("[data-copy]")
    await expect(visitor.page.locator(".dossier [role=status]")).to_have_text(" Đã sao chép")
    assert await visitor.page.evaluate("clipboard.readText()") == "000.00.53.H48-220921-0099"


async def test_where_copying_is_refused_the_text_is_left_selected(visitor: Visitor) -> None:
    await visitor.page.add_init_script("""
        navigator.clipboard.writeText = () => Promise.reject(new Error('refused'));
        document.execCommand = () => false;
    """)
    await visitor.opens("/notice-dossier")
    await visitor.page.click("[data-copy]")
    assert (await visitor.text(".dossier [role=status]")).startswith("Chưa sao chép được")
    assert await visitor.page.evaluate("getSelection().toString()") == "000.00.53.H48-220921-0099"


async def test_a_form_that_was_not_sent_is_copied_whole(new_visitor: NewVisitor) -> None:
    visitor = await new_visitor(permissions=["clipboard-read", "clipboard-write"])
    await visitor.opens("/not-sent")
    await visitor.page.click("[data-copy]")
    await expect(visitor.page.locator("[role=status]")).to_have_text(" Đã sao chép")
    copied = str(await visitor.page.evaluate("navigator.clipboard.readText()"))
    assert copied.splitlines()[:2] == ["hoTen: Nguyễn Thị Bình", "noiDung: Kính gửi Ủy ban nhân dân,"]


async def test_the_print_button_prints(visitor: Visitor) -> None:
    await visitor.page.add_init_script("window.print = () => { window.printed = true; }")
    await visitor.opens("/not-sent")
    await visitor.page.click("[data-print]")
    assert await visitor.page.evaluate("window.printed") is True


async def test_without_javascript_no_button_is_shown_that_does_nothing(new_visitor: NewVisitor) -> None:
    visitor = await new_visitor(java_script_enabled=False)
    for name in ("not-sent", "notice-dossier"):
        await visitor.opens(f"/{name}")
        for button in await visitor.page.locator("button:not([type=submit])").all():
            await expect(button).to_be_hidden()


async def test_the_framed_page_leaves_its_frame(visitor: Visitor) -> None:
    await visitor.opens("/framed")
    assert await visitor.page.get_attribute("a", "target") == "_top"
    assert await visitor.page.locator("script").count() == 0
