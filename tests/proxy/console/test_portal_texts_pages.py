"""Sentences of one portal: typed, looked at as a page, kept in the draft, said by the number that is published."""

from yarl import URL

from proxy.console.desk import Desk
from proxy.console.portal_texts_pages import _wanted
from redirect_rules.objects import Kind, Ref
from tests.proxy.console.conftest import Browser, at

PATH = "/portals/-/langson/texts"
OFFICE = "hoặc đến số 1 đường Hùng Vương."
FORM = {"section": "help", "texts": "vi", "text.help.office": OFFICE, "text.help.call": "", "version": "0"}


async def test_a_section_shows_its_shipped_sentences_each_with_a_field(administrator: Browser) -> None:
    page = await administrator.text(f"{PATH}?section=help")
    assert "Cần giúp đỡ, gọi {hotline}" in page
    assert 'name="text.help.office"' in page
    assert 'name="text.gone.title"' not in page
    english = await administrator.text(f"{PATH}?section=help&texts=en")
    assert "Cần giúp đỡ" not in english


async def test_what_is_typed_is_seen_as_a_page_and_not_kept(administrator: Browser, desk: Desk) -> None:
    response = await administrator.post(f"{PATH}/preview", FORM | {"look": "notice"})
    assert response.status == 200
    assert response.headers["Content-Security-Policy"].endswith("; sandbox")
    assert OFFICE in await response.text()
    assert desk.store.get(Ref(Kind.TEXTS, "portal:langson", "pages")) is None


async def test_each_page_that_says_the_sentences_can_be_looked_at(administrator: Browser) -> None:
    for look, said in (("notice", "đã ngừng hoạt động"), ("not-sent", "CHƯA"), ("frame", "đã chuyển")):
        assert said in await administrator.text(f"{PATH}/preview?look={look}")


async def test_a_portal_that_is_not_closed_yet_is_shown_as_on_the_day(administrator: Browser, desk: Desk) -> None:
    stored = desk.store.get(Ref(Kind.PORTAL, "", "langson"))
    assert stored is not None
    form = {"own": "yes", "notice_at": "2027-01-01T00:00", "probation_days": "30", "reason": "x"}
    await administrator.post("/portals/-/langson/schedule", {**form, "version": str(stored.version)})
    assert "1/1/2027" in await administrator.text(f"{PATH}/preview?look=notice")


async def test_it_is_kept_in_the_draft_and_said_by_what_is_compiled(administrator: Browser, desk: Desk) -> None:
    assert (await administrator.post(PATH, {**FORM, "reason": "the province asked"})).status == 303
    portal = next(one for one in desk.drafted().snapshot.all_portals if one.id == "langson")
    assert portal.texts == {"vi": {"help.office": OFFICE}}
    served = next(one for one in desk.published().snapshot.all_portals if one.id == "langson")
    assert served.texts == {}
    assert OFFICE in await administrator.text(f"{PATH}?section=help")


async def test_an_empty_field_is_the_shipped_sentence_again_and_other_sections_stay(
    administrator: Browser, desk: Desk
) -> None:
    await administrator.post(PATH, {**FORM, "reason": "x"})
    ref = Ref(Kind.TEXTS, "portal:langson", "pages")
    gone = {"section": "gone", "texts": "vi", "text.gone.title": "Đã chuyển", "reason": "x"}
    await administrator.post(PATH, {**gone, "version": str(desk.store.get(ref).version)})  # type: ignore[union-attr]
    again = {**FORM, "text.help.office": "", "reason": "x"}
    await administrator.post(PATH, {**again, "version": str(desk.store.get(ref).version)})  # type: ignore[union-attr]
    assert desk.store.get(ref).body == {"texts": {"vi": {"gone.title": "Đã chuyển"}}}  # type: ignore[union-attr]


async def test_a_sentence_that_cannot_be_said_is_refused_and_stays_in_its_field(
    administrator: Browser, desk: Desk
) -> None:
    for text, said in (("gọi {nobody}", "{nobody}"), ("gọi {", "braces"), ("x" * 601, "600 ký tự")):
        response = await administrator.post(PATH, {**FORM, "text.help.call": text, "reason": "x"})
        page = await response.text()
        assert response.status == 422, text
        assert said in page
        assert text in page
        assert 'href="#text.help.call"' in page
    assert desk.store.get(Ref(Kind.TEXTS, "portal:langson", "pages")) is None


async def test_what_is_typed_is_shown_and_never_run(administrator: Browser) -> None:
    hostile = "<script>alert(1)</script>"
    page = await (await administrator.post(f"{PATH}/preview", {**FORM, "text.help.office": hostile})).text()
    assert hostile not in page
    assert "&lt;script&gt;" in page


async def test_an_editor_of_the_province_writes_them_and_nobody_of_another(base: URL) -> None:
    async with at(base, "lang.son") as editor:
        assert (await editor.post(PATH, {**FORM, "reason": "x"})).status == 303
        assert (await editor.post("/portals/-/hanoi/texts", {**FORM, "reason": "x"})).status == 403
    async with at(base, "xem") as viewer:
        assert (await viewer.post(PATH, {**FORM, "reason": "x"})).status == 403


async def test_a_key_that_no_field_has_is_not_taken(administrator: Browser, desk: Desk) -> None:
    await administrator.post(PATH, {**FORM, "text.sign-in.title": "x", "text.nonsense": "x", "reason": "x"})
    stored = desk.store.get(Ref(Kind.TEXTS, "portal:langson", "pages"))
    assert stored is not None
    assert stored.body == {"texts": {"vi": {"help.office": OFFICE}}}


def test_the_keys_are_those_that_the_pages_of_closed_portals_ask_for() -> None:
    assert {"closed.title", "help.office"} <= _wanted()
    assert not any(key.startswith(("sign-in.", "trouble.")) for key in _wanted())
