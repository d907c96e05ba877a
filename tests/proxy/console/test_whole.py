"""Every page: shown to who may see it, refused to who may not, in both languages, with no text missing."""

import re
from datetime import date

import pytest
from yarl import URL

from proxy.console.calls import Route
from proxy.console.desk import Desk
from proxy.console.whole import ROUTES
from redirect_rules.hits import Hit
from tests.conftest import AUTUMN
from tests.proxy.console.conftest import OFFICERS, Browser, at
from tests.proxy.console.test_journeys import ended

FILLED = {
    "/rules/{owner}/{id}": "/rules/igate2/home",
    "/rules/{owner}/{id}/edit": "/rules/igate2/home/edit",
    "/rules/{owner}/{id}/try": "/rules/igate2/home/try",
    "/rules/{owner}/{id}/remove": "/rules/igate2/home/remove",
    "/rules/{owner}/{id}/restore": "/rules/igate2/home/restore",
    "/jobs/{id}": "/jobs/000000000000",
    "/jobs/{id}/stop": "/jobs/000000000000/stop",
    "/portals/{owner}/{id}": "/portals/-/langson",
    "/portals/-/{id}/schedule": "/portals/-/langson/schedule",
    "/portals/-/{id}/schedule/try": "/portals/-/langson/schedule/try",
    "/portals/-/{id}/texts": "/portals/-/langson/texts",
    "/portals/-/{id}/texts/preview": "/portals/-/langson/texts/preview",
    "/destinations/{owner}/{id}": "/destinations/-/home",
    "/families/{owner}/{id}": "/families/-/igate2",
    "/lookups/{owner}/{id}": "/lookups/langson/new",
    "/localities/{code}": "/localities/00553",
    "/localities/{code}/remove": "/localities/00553/remove",
    "/clients/-/{id}": "/clients/-/langson",
    "/clients/-/{id}/edit": "/clients/-/langson/edit",
    **{
        f"/clients/-/{{id}}/{step}": f"/clients/-/langson/{step}"
        for step in ("agree", "decline", "suspend", "resume", "restore", "secret", "write-out", "test")
    },
    "/clients/sign-outs/{id}": "/clients/sign-outs/langson",
    "/readiness/{code}": "/readiness/20",
    "/people/{actor}": "/people/lang.son",
    "/people/{actor}/remove": "/people/lang.son/remove",
    "/people/{actor}/invite": "/people/lang.son/invite",
    "/people/{actor}/unlink": "/people/lang.son/unlink",
    "/tokens/{id}/revoke": "/tokens/abc/revoke",
}
NOT_THERE = {"/preview/page", "/jobs/{id}", "/jobs/{id}/stop", "/tokens/{id}/revoke"}


def address(route: Route) -> str:
    return FILLED.get(route.path, route.path)


def test_every_route_with_names_in_it_is_tried() -> None:
    assert {route.path for route in ROUTES if "{" in route.path} == FILLED.keys()


def test_no_two_routes_are_the_same() -> None:
    named = [(route.method, re.sub(r"\{[^}]*\}", "*", route.path)) for route in ROUTES]
    assert len(named) == len(set(named))


@pytest.mark.parametrize("actor", OFFICERS)
async def test_who_may_do_what_on_every_page(base: URL, desk: Desk, actor: str) -> None:
    """Role × route, both ways: the right opens the page, and only the right does."""
    person = desk.person(actor)
    wrong: dict[str, int] = {}
    async with at(base) as browser:
        await browser.enter(actor)
        for route in ROUTES:
            if route.method == "POST" and route.path in {"/account/password", "/drafts/check", "/drafts/effect"}:
                continue  # begins work, or signs out
            ask = browser.get(address(route)) if route.method == "GET" else browser.post(address(route), {})
            status = (await ask).status
            allowed = person.may_somewhere(route.deed)
            if (status == 403) is allowed and not (allowed and status == 403 and route.method == "POST"):
                wrong[f"{route.method} {route.path}"] = status
            if allowed and status >= 500:
                wrong[f"{route.method} {route.path}"] = status
    assert not wrong


@pytest.mark.parametrize("language", ["vi", "en"])
async def test_every_page_is_whole_in_both_languages(administrator: Browser, desk: Desk, language: str) -> None:
    for path, rule, visits in (("/vi/khong-ai-biet", "", 41), ("/vi", "igate2/home", 7)):
        hit = Hit("langson", f"dichvucong.langson.gov.vn{path}", "notice", "navigation", rule)
        desk.hits.add(date(2026, 11, 1), {hit: visits})
    await administrator.get(f"/language/{language}?to=/")
    broken: dict[str, str] = {}
    for route in ROUTES:
        if route.method != "GET":
            continue
        response = await administrator.get(address(route))
        if response.status != (404 if route.path in NOT_THERE else 200):
            broken[route.path] = f"{response.status}"
        elif response.content_type == "text/html":
            page = await response.text()
            assert f'<html lang="{language}">' in page
            if page.count("<h1") != 1 or page.count("<main") != 1:
                broken[route.path] = "headings"
            ids = re.findall(r' id="([^"]+)"', page)
            if doubled := {one for one in ids if ids.count(one) > 1}:
                broken[route.path] = f"twice: {doubled}"
    assert not broken


async def test_what_nobody_knew_is_seen_ignored_and_gone(administrator: Browser, desk: Desk) -> None:
    key = "dichvucong.langson.gov.vn/vi/khong-ai-biet"
    desk.hits.add(date(2026, 11, 1), {Hit("langson", key, "notice", "navigation", ""): 41})
    assert key in await administrator.text("/")
    page = await administrator.text("/unmapped")
    assert key in page
    assert f"/rules/new?url=https%3A%2F%2F{key.replace('/', '%2F')}" in page
    response = await administrator.post("/unmapped/ignore", {"key": key})
    assert key not in (await administrator.text(response.headers["Location"])).partition("<h2>")[2]


async def test_a_destination_is_corrected_and_mistakes_are_told(administrator: Browser, desk: Desk) -> None:
    page = await administrator.text("/destinations/-/help")
    version = page.partition('name="version" value="')[2].partition('"')[0]
    broken = await administrator.post(
        "/destinations/-/help", {"text": 'name = "help"\nforms = "x"', "version": version, "reason": "r"}
    )
    assert broken.status == 422
    assert "forms" in await broken.text()
    text = 'name = "help"\nforms = [{ url = "https://dichvucong.gov.vn/tro-giup" }]'
    saved = await administrator.post("/destinations/-/help", {"text": text, "version": version, "reason": "moved"})
    assert saved.status == 303
    page = await administrator.text("/destinations/-/help")
    assert "https://dichvucong.gov.vn/tro-giup" in page
    assert "moved" in page


async def test_a_province_signs_off_what_the_edge_cannot_see(base: URL, desk: Desk) -> None:
    async with at(base, "phe.duyet") as approver:
        form = {"column": "sign-in", "state": "yes", "note": "tested on 2 November"}
        assert (await approver.post("/readiness/20", form)).status == 303
        page = await approver.text("/readiness/20")
        assert "tested on 2 November" in page
        assert "phe.duyet" in page
        assert "1/34" in await approver.text("/readiness")
        table = await (await approver.get("/readiness.csv")).text()
        assert "20,Tỉnh Lạng Sơn,,yes,yes" in table


async def test_somebody_gets_a_role_and_loses_it(administrator: Browser, base: URL) -> None:
    form = [("actor", "moi"), ("name", "Người mới"), ("role", "editor"), ("province", "20"), ("reason", "hired")]
    assert (await administrator.post("/people/new", [*form, ("password", "mat khau rat dai 9")])).status == 303
    async with at(base) as browser:
        response = await browser.post("/sign-in", {"actor": "moi", "password": "mat khau rat dai 9"})
        assert response.status == 303
        assert (await browser.get("/rules")).status == 200
        page = await administrator.text("/people/moi")
        version = page.partition('name="version" value="')[2].partition('"')[0]
        await administrator.post("/people/moi/remove", {"version": version, "reason": "left"})
        assert (await browser.get("/rules")).status == 303, "signed out at once"


@pytest.mark.parametrize("password", ["short", "aaaaaaaaaaaaaaaa", "moi moi moi moi"])
async def test_a_password_that_is_easily_guessed_is_refused(administrator: Browser, password: str) -> None:
    form = [("actor", "moi"), ("role", "viewer"), ("province", "*"), ("reason", "x"), ("password", password)]
    assert (await administrator.post("/people/new", form)).status == 422


async def test_an_administrator_cannot_lock_themself_out(administrator: Browser) -> None:
    page = await administrator.text("/people/trung.uong")
    version = page.partition('name="version" value="')[2].partition('"')[0]
    form = {"role": "viewer", "province": "*", "reason": "x", "version": version}
    assert (await administrator.post("/people/trung.uong", form)).status == 422


async def test_a_token_is_shown_once_and_revoked(administrator: Browser, desk: Desk) -> None:
    made = await administrator.post("/tokens", {"name": "nightly", "deed": "see", "days": "30"})
    page = await made.text()
    secret = page.partition('<pre tabindex="0">')[2].partition("<")[0]
    assert secret.startswith("dvc_")
    assert secret not in await administrator.text("/tokens")
    (token,) = desk.people.tokens()
    await administrator.post(f"/tokens/{token.id}/revoke", {})
    (token,) = desk.people.tokens()
    assert not token.holds_at(AUTUMN)


async def test_nobody_revokes_the_token_of_another(base: URL, desk: Desk) -> None:
    async with at(base, "bien.tap") as owner, at(base, "lang.son") as other:
        await owner.post("/tokens", {"name": "mine", "deed": "see", "days": "30"})
        (token,) = desk.people.tokens()
        assert (await other.post(f"/tokens/{token.id}/revoke", {})).status == 404
        assert "mine" not in await other.text("/tokens")


async def test_the_trail_says_who_did_what_and_holds(administrator: Browser) -> None:
    await administrator.post("/unmapped/ignore", {"key": "dichvucong.langson.gov.vn/x", "reason": "a scanner"})
    assert "a scanner" in await administrator.text("/audit?actor=trung.uong")
    assert "a scanner" not in await administrator.text("/audit?actor=nobody")
    assert "a scanner" in await administrator.text("/audit?word=SCANNER&action=put&since=2026-01-01")
    assert "a scanner" not in await administrator.text("/audit?until=2026-01-01")
    assert (await administrator.get("/audit?since=someday")).status == 422
    assert "nhật ký còn nguyên vẹn" in await ended(administrator, await administrator.post("/audit/verify", {}))
    assert "còn nguyên vẹn" in await administrator.text("/audit")
    exported = await (await administrator.get("/audit.csv")).text()
    assert "a scanner" in exported


async def test_a_formula_in_an_export_is_harmless(administrator: Browser) -> None:
    await administrator.post("/unmapped/ignore", {"key": "dichvucong.langson.gov.vn/x", "reason": "=cmd|'/c calc'!A1"})
    assert "'=cmd" in await (await administrator.get("/audit.csv")).text()
