"""The notice page in a real browser: the countdown, the ways to stop it, and the ways back."""

import asyncio
from collections.abc import Iterable

import pytest
import pytest_asyncio
from playwright.async_api import expect

from tests.browser.conftest import NewVisitor, Visitor
from tests.browser.samples import CODE_SEARCH, NATIONAL

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session"), pytest.mark.xdist_group("browser")]

HOME = f"{NATIONAL}/"
SOON = "/notice?_seconds=1"


@pytest_asyncio.fixture(loop_scope="session")
async def patient(visitor: Visitor) -> Visitor:
    """A visitor whose clock stands still until a test lets time pass."""
    await visitor.page.clock.install(time=0)
    await visitor.page.clock.pause_at(1_000)
    return visitor


async def has_stayed(visitor: Visitor) -> bool:
    """Let much more time pass than any countdown: whoever is still on our host was not carried off."""
    await visitor.page.clock.run_for(40_000)
    await visitor.page.evaluate("fetch('/').catch(() => 0)")  # a navigation that had begun would win by now
    return not visitor.page.url.startswith(NATIONAL)


# ── the countdown ─────────────────────────────────────────────────────────────────────────────────────────────────


async def test_the_countdown_ends_at_the_target(visitor: Visitor) -> None:
    await visitor.opens(SOON)
    await visitor.page.wait_for_url(HOME)


async def test_back_leads_to_the_page_before_the_notice(visitor: Visitor) -> None:
    await visitor.opens("/")
    await visitor.opens(SOON)
    await visitor.page.wait_for_url(HOME)
    await visitor.page.go_back()
    assert visitor.is_at == "/"


async def test_it_counts_to_a_deadline_and_speaks_six_times_at_most(patient: Visitor) -> None:
    await patient.opens("/notice")
    await patient.page.evaluate("""() => {
        window.heard = [];
        new MutationObserver(() => heard.push(document.getElementById('said').textContent))
            .observe(document.getElementById('said'), {childList: true, characterData: true, subtree: true});
    }""")
    assert await patient.text("#timer") == "Tự động chuyển trang sau 30 giây"
    await patient.page.clock.run_for(12_000)
    assert await patient.text("#timer") == "Tự động chuyển trang sau 18 giây"
    await patient.page.clock.run_for(17_900)
    heard = await patient.page.evaluate("heard")
    assert [text.split(".")[0] for text in heard] == [
        "Trang sẽ tự động chuyển sau 30 giây",
        "Còn 20 giây",
        "Còn 10 giây",
        "Còn 5 giây",
    ]
    assert not patient.page.url.startswith(NATIONAL)
    await patient.page.clock.run_for(200)
    await patient.page.wait_for_url(HOME)


async def test_time_slept_through_does_not_count(patient: Visitor) -> None:
    """A phone that wakes up an hour later shows the page, not the target."""
    await patient.opens("/notice")
    await patient.page.clock.run_for(5_000)
    await patient.page.clock.fast_forward(3_600_000)
    await patient.page.clock.run_for(500)
    assert await patient.text("#timer") == "Tự động chuyển trang sau 24 giây"


async def test_two_loads_are_one_countdown(visitor: Visitor) -> None:
    await visitor.opens(SOON)
    await visitor.page.reload()
    await visitor.page.wait_for_url(HOME)
    await asyncio.sleep(1.2)
    assert visitor.requests.count(HOME) == 1


async def test_without_a_network_nobody_is_sent_off(patient: Visitor) -> None:
    await patient.page.add_init_script("Object.defineProperty(navigator, 'onLine', {get: () => false})")
    await patient.opens(SOON)
    assert await has_stayed(patient)
    assert (await patient.text("#said")).startswith("Máy đang mất kết nối mạng")


async def test_a_hidden_tab_waits(patient: Visitor) -> None:
    await patient.page.add_init_script("""
        window.isHidden = true;
        Object.defineProperty(document, 'hidden', {get: () => window.isHidden});
    """)
    await patient.opens(SOON)
    assert await has_stayed(patient), "opened in the background, it must wait to be seen"
    await show(patient, hidden=False)
    await patient.page.clock.run_for(300)
    await show(patient, hidden=True)
    assert await has_stayed(patient), "put into the background, it must wait too"
    await show(patient, hidden=False)
    await patient.page.clock.run_for(900)
    assert not patient.page.url.startswith(NATIONAL), "after a pause there is time to read on"
    await patient.page.clock.run_for(200)
    await patient.page.wait_for_url(HOME)


async def show(visitor: Visitor, *, hidden: bool) -> None:
    await visitor.page.evaluate(
        "hidden => { window.isHidden = hidden; document.dispatchEvent(new Event('visibilitychange')); }", hidden
    )


# ── staying ───────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_the_first_control_stops_and_the_second_goes(visitor: Visitor) -> None:
    await visitor.opens("/notice-dossier")
    await visitor.page.keyboard.press("Tab")
    assert await visitor.focus() == "stop"
    await visitor.page.keyboard.press("Tab")
    assert await visitor.focus() == "now"


@pytest.mark.parametrize("key", ["Enter", "Space"])
async def test_it_stops_from_the_keyboard(patient: Visitor, key: str) -> None:
    await patient.opens(SOON)
    await patient.page.keyboard.press("Tab")
    await patient.page.keyboard.press(key)
    assert await has_stayed(patient)
    assert await patient.focus() == "stop", "the focus stays where it was"
    assert await patient.text("#said") == "Đã dừng. Trang này không tự chuyển nữa."


async def test_the_stop_outlives_a_reload(patient: Visitor) -> None:
    await patient.opens(SOON)
    await patient.page.click("#stop")
    assert patient.is_at == "/notice?_stay=1"
    await patient.page.reload()
    assert await has_stayed(patient)
    await expect(patient.page.locator("#stop")).to_be_hidden()
    await expect(patient.page.locator("#still")).to_be_visible()


async def test_the_stop_holds_in_the_other_language_and_at_the_old_address(patient: Visitor) -> None:
    await patient.opens(SOON)
    await patient.page.click("#stop")
    await patient.page.click("nav a")
    await expect(patient.page.locator("html")).to_have_attribute("lang", "en")
    await patient.opens(SOON)
    assert await has_stayed(patient)


async def test_a_stop_is_for_one_page_alone(visitor: Visitor) -> None:
    await visitor.opens("/notice?_seconds=20")  # a busy machine clicks late
    await visitor.page.click("#stop")
    await visitor.opens("/notice-unmapped?_seconds=1")
    await visitor.page.wait_for_url(HOME)


async def test_it_stops_where_nothing_can_be_remembered(patient: Visitor) -> None:
    await patient.page.add_init_script("""
        Object.defineProperty(window, 'sessionStorage', {get: () => { throw new Error('forbidden'); }});
        history.replaceState = () => { throw new Error('forbidden'); };
    """)
    await patient.opens(SOON)
    await patient.page.click("#stop")
    assert await has_stayed(patient)


# ── going now, and coming back ────────────────────────────────────────────────────────────────────────────────────


async def test_going_now_from_the_keyboard_and_back_finds_it_stopped(patient: Visitor) -> None:
    await patient.opens("/notice?_seconds=2")
    await patient.page.keyboard.press("Tab")
    await patient.page.keyboard.press("Tab")
    await patient.page.keyboard.press("Enter")
    await patient.page.wait_for_url(HOME)
    await patient.page.go_back()
    assert patient.is_at.startswith("/notice")
    assert await has_stayed(patient)
    await expect(patient.page.locator("#stop")).to_be_hidden()


async def test_whoever_comes_back_from_elsewhere_is_not_carried_off(visitor: Visitor) -> None:
    await visitor.opens(SOON)
    await visitor.opens("/gone")
    await visitor.page.go_back()
    assert visitor.is_at == SOON
    await asyncio.sleep(1.5)
    assert visitor.is_at == SOON


async def test_a_page_kept_alive_by_the_browser_is_stopped_too(patient: Visitor) -> None:
    await patient.opens(SOON)
    await patient.page.evaluate("dispatchEvent(new PageTransitionEvent('pageshow', {persisted: true}))")
    assert await has_stayed(patient)
    await expect(patient.page.locator("#still")).to_be_visible()


async def test_opening_the_target_in_a_new_tab_stops_this_one(patient: Visitor) -> None:
    await patient.opens(SOON)
    async with patient.page.context.expect_page() as opened:
        await patient.page.click("#now", modifiers=["Control"])
    await (await opened.value).close()
    assert await has_stayed(patient)


# ── what stands after # ───────────────────────────────────────────────────────────────────────────────────────────


FRAGMENTS = {
    "#/ke-khai/2.000987": CODE_SEARCH.format(code="2.000987"),
    "#/thu-tuc?ma=2.000987.000.00.00.H29&x=1": CODE_SEARCH.format(code="2.000987"),
    "#%2Fke-khai%2F2.000987": CODE_SEARCH.format(code="2.000987"),
    "#/tra-cuu-ho-so": f"{NATIONAL}/tra-cuu-ho-so",
    "#!/TraCuu": f"{NATIONAL}/tra-cuu-ho-so",
    "#/tra-cuu-thu-tuc": HOME,
    "#/nop-ho-so": HOME,
    "#top": HOME,
    "#12.0009871": HOME,
    "#%E0%A4%A": HOME,
}


async def aims(visitor: Visitor, fragments: Iterable[str]) -> dict[str, str]:
    """Where the page wants to go for each fragment; its link and its text say the same."""
    found: dict[str, str] = {}
    for number, fragment in enumerate(fragments):
        await visitor.opens(f"/notice?{number}{fragment}")
        found[fragment] = await visitor.page.get_attribute("#now", "href") or ""
        assert await visitor.text("#address") == found[fragment]
    return found


async def test_a_fragment_is_understood_in_the_browser(visitor: Visitor) -> None:
    assert await aims(visitor, FRAGMENTS) == FRAGMENTS


async def test_a_fragment_changes_all_that_names_the_target_and_is_never_sent(visitor: Visitor) -> None:
    await visitor.page.set_viewport_size({"width": 1280, "height": 800})
    await visitor.opens("/notice-unmapped?_seconds=1#/ke-khai/2.000987")
    assert await visitor.text("#destination") == "Thủ tục hành chính mã số 2.000987"
    await expect(visitor.page.locator("#qr")).to_be_hidden()
    await expect(visitor.page.locator("#unmapped")).to_be_hidden()
    assert "2.000987" not in "".join(visitor.requests).partition("#")[0]
    await visitor.page.wait_for_url(CODE_SEARCH.format(code="2.000987"))


async def test_a_fragment_survives_the_stop_and_the_other_language(visitor: Visitor) -> None:
    await visitor.opens("/notice#/ke-khai/2.000987")
    await visitor.page.click("#stop")
    assert visitor.is_at == "/notice?_stay=1#/ke-khai/2.000987"
    await visitor.page.click("nav a")
    await expect(visitor.page.locator("#now")).to_have_attribute("href", CODE_SEARCH.format(code="2.000987"))


HOSTILE_FRAGMENTS = (
    "#https://evil.example/1.000000",
    "#//evil.example/2.000987",
    "#javascript:alert(1)//2.000987",
    '#"><img src=x onerror=alert(1)>2.000987',
    "#/tra-cuu/https:%2f%2fevil.example",
    "#2.000987@evil.example",
    "#2.000987%00.evil.example",
    "#/2.000987&url=https://evil.example",
)


async def test_no_fragment_chooses_the_host(visitor: Visitor) -> None:
    for fragment, target in (await aims(visitor, HOSTILE_FRAGMENTS)).items():
        assert target.startswith(f"{NATIONAL}/"), fragment
        assert "evil" not in target, fragment
    drawn = "[src^='data:image/png;base64,']"  # by us: the QR code
    assert await visitor.page.locator(f"main img:not({drawn})").count() == 0


# ── without JavaScript ────────────────────────────────────────────────────────────────────────────────────────────


async def test_without_javascript_nobody_is_moved_and_a_link_leads_on(new_visitor: NewVisitor) -> None:
    visitor = await new_visitor(java_script_enabled=False)
    await visitor.opens(SOON)
    await asyncio.sleep(1.5)
    await expect(visitor.page.locator("#stop")).to_be_hidden()
    await expect(visitor.page.locator("#timer")).to_be_hidden()
    await visitor.page.click("#now")
    await visitor.page.wait_for_url(HOME)


async def test_one_page_is_one_request(visitor: Visitor) -> None:
    await visitor.opens("/notice-procedure")
    await asyncio.sleep(0.5)
    assert visitor.requests == [f"{visitor.base_url}/notice-procedure"]
