"""The one handler: what goes wrong inside stays inside, and choices are remembered."""

import logging

import pytest

from tests.conftest import BROWSER, RunningEdge, Start

LANG_SON = "https://dichvucong.langson.gov.vn"


async def test_our_own_mistake_is_a_page_with_a_code_and_a_traceback_in_the_log(
    edge: RunningEdge, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("a secret of ours")

    monkeypatch.setattr("proxy.edition.decide", broken)
    with caplog.at_level(logging.ERROR):
        response = await edge.get(LANG_SON + "/")
    text = await response.text()
    assert response.status == 500
    assert response.headers["Cache-Control"] == "no-store"
    assert response.headers["X-Request-Id"] in text
    assert "secret of ours" not in text
    assert "ZeroDivisionError" in caplog.text
    assert response.headers["X-Request-Id"] in caplog.text
    assert '"outcome": "error"' in edge.log.getvalue()


async def test_a_chosen_commune_is_remembered_for_thirty_days_and_used_again(edge: RunningEdge) -> None:
    target = "/vi/thu-tuc-hanh-chinh/chi-tiet?ma=1.001193"
    chosen = await edge.get(f"{LANG_SON}{target}&_place=new:00004")
    cookie = chosen.cookies["_edge_place"]
    assert (cookie.value, cookie["max-age"], cookie["path"], cookie["samesite"]) == ("new:00004", "2592000", "/", "Lax")
    assert cookie["httponly"]
    later = await edge.get(LANG_SON + target, {**BROWSER, "Cookie": "_edge_place=new:00004"})
    assert "wardCode=00004" in later.headers["Link"]
    assert "Cookie" in later.headers["Vary"]
    assert "_edge_place" not in later.cookies


async def test_a_commune_is_forgotten_when_asked(edge: RunningEdge) -> None:
    response = await edge.get(
        f"{LANG_SON}/vi/thu-tuc-hanh-chinh/chi-tiet?ma=1.001193&_place=none",
        {**BROWSER, "Cookie": "_edge_place=new:00004"},
    )
    assert "wardCode" not in response.headers["Link"]
    assert response.cookies["_edge_place"]["max-age"] == "0"


async def test_nobody_is_remembered_who_did_not_choose(edge: RunningEdge) -> None:
    for target in ("/", "/?_place=old:00004", "/?_place=new:99", "/?_place=<script>", "/?_stay=1", "/?_lang=en"):
        assert "Set-Cookie" not in (await edge.get(LANG_SON + target)).headers


async def test_nothing_is_remembered_where_the_operator_says_so(start: Start) -> None:
    async with start(environ={"DVC_EDGE__NOTICE__REMEMBER_PLACE_DAYS": "0"}) as edge:
        assert "Set-Cookie" not in (await edge.get(LANG_SON + "/?_place=new:00004")).headers


async def test_the_language_is_that_of_the_visitor_or_of_the_link(edge: RunningEdge) -> None:
    spoken = [
        ({**BROWSER, "Accept-Language": "en"}, "/", "en"),
        ({**BROWSER, "Accept-Language": "en"}, "/?_lang=vi", "vi"),
        ({**BROWSER, "Accept-Language": "fr"}, "/", "vi"),
    ]
    for headers, target, language in spoken:
        response = await edge.get(LANG_SON + target, headers)
        assert response.headers["Content-Language"] == language
        assert f'<html lang="{language}"' in await response.text()


async def test_a_preview_address_reaches_its_portal(edge: RunningEdge) -> None:
    response = await edge.get(f"http://dichvucong.langson.gov.vn.localhost:{edge.port}/")
    assert response.status == 200
    assert "Lạng Sơn" in await response.text()


async def test_other_suffixes_are_the_operators_to_choose(start: Start) -> None:
    async with start(environ={"DVC_EDGE__PREVIEW__HOST_SUFFIXES": '["xem-truoc.vn"]'}) as edge:
        assert (await edge.get("http://dichvucong.langson.gov.vn.xem-truoc.vn/")).status == 200
        assert (await edge.get("http://dichvucong.langson.gov.vn.localhost/")).status == 421


async def test_the_portal_closes_at_the_very_instant(start: Start) -> None:
    from redirect_rules.schedules import CLOSING  # noqa: PLC0415 - only here

    async with start(at=CLOSING) as edge:
        assert (await edge.get(LANG_SON + "/vi")).status == 200
        edge.clock[0] = CLOSING.replace(year=2025, month=6, day=30, hour=23, minute=59, second=59)
        assert (await edge.get(LANG_SON + "/vi")).status == 503
