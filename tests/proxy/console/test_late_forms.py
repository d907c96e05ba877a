"""What was typed is not lost when the session ends: it comes back, and is sent by whoever is signed in then."""

import re
from datetime import timedelta
from html import unescape

import pytest
from yarl import URL

from proxy.console.calls import Fields
from proxy.console.late_forms import LARGEST, again, is_small
from tests.proxy.console.conftest import Browser, Clock, at

OURS = {"Sec-Fetch-Site": "same-origin"}
TYPED = {"text": 'name = "help"\nforms = []', "version": "1", "reason": "<script>lý do</script>"}


def fields_of(page: str) -> dict[str, str]:
    """The hidden fields of the page's own form."""
    form = page.partition("<main")[2].partition("<form")[2].partition("</form>")[0]
    return {name: unescape(value) for name, value in re.findall(r'name="([^"]+)" value="([^"]*)"', form)}


def test_secrets_and_the_former_sessions_token_are_not_repeated() -> None:
    form = Fields([("a", "1"), ("csrf", "x"), ("password", "p"), ("code", ""), ("a", "2")])
    view = again("/x", form, (), is_signed_in=False)
    assert view.fields == (("a", "1"), ("a", "2"))
    assert view.is_incomplete
    assert not again("/x", Fields([("a", "1"), ("code", "")]), (), is_signed_in=False).is_incomplete
    assert again("/x", Fields([("a", "1")]), ("file",), is_signed_in=False).is_incomplete


def test_only_what_somebody_may_have_typed_is_read_of_strangers() -> None:
    assert is_small(LARGEST)
    assert not is_small(LARGEST + 1)
    assert not is_small(None)


async def test_what_was_typed_before_the_session_ended_is_sent_after_signing_in_again(
    administrator: Browser, base: URL, clock: Clock
) -> None:
    page = await administrator.text("/destinations/-/help")
    version = page.partition('name="version" value="')[2].partition('"')[0]
    typed = TYPED | {"version": version, "text": 'name = "help"\nforms = [{ url = "https://dichvucong.gov.vn/x" }]'}
    clock.now += timedelta(hours=1)
    response = await administrator.post("/destinations/-/help", typed, **OURS)
    assert response.status == 403
    page = await response.text()
    assert "chưa mất gì" in page
    kept = fields_of(page)
    assert kept == typed
    # Signed in again in another tab, with another token; the button of the first tab is pressed.
    administrator.csrf = ""
    await administrator.enter("trung.uong")
    current, administrator.csrf = administrator.csrf, ""
    response = await administrator.post("/destinations/-/help", kept, **OURS)
    assert response.status == 403
    page = await response.text()
    assert "trung.uong" in page
    kept = fields_of(page)
    assert kept == typed | {"csrf": current}
    response = await administrator.post("/destinations/-/help", kept, **OURS)
    assert response.status == 303
    assert "https://dichvucong.gov.vn/x" in await administrator.text("/destinations/-/help")


async def test_markup_that_was_typed_is_shown_and_never_run(administrator: Browser, clock: Clock) -> None:
    clock.now += timedelta(hours=1)
    page = await (await administrator.post("/destinations/-/help", TYPED, **OURS)).text()
    assert "<script>lý" not in page
    assert page.count("&lt;script&gt;") == 2


@pytest.mark.parametrize("headers", [{"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}, {}])
async def test_a_form_of_another_site_or_of_nobody_knows_whom_is_not_offered_again(
    administrator: Browser, headers: dict[str, str]
) -> None:
    """Else whoever plants a form in a browser would have it sent by one click on a page of ours."""
    administrator.csrf = "wrong"
    response = await administrator.post("/destinations/-/help", TYPED, **headers)
    assert response.status == 403
    page = await response.text()
    assert "lý do" not in page
    assert "Biểu mẫu không được chấp nhận" in page


async def test_a_stranger_gets_their_own_form_back_and_nothing_else_of_ours(base: URL) -> None:
    async with at(base) as stranger:
        response = await stranger.post("/destinations/-/help", TYPED, **OURS)
        assert response.status == 403
        assert fields_of(await response.text()) == TYPED
        large = await stranger.post("/destinations/-/help", {"text": "x" * (LARGEST + 1)}, **OURS)
        assert large.status == 403
        assert "xxxx" not in await large.text()
