"""Systems that people sign in for, from the first step of the form to the file that the edge reads, and back."""

import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientResponse
from yarl import URL

from proxy.console import clientele
from proxy.console.desk import Desk
from proxy.login.opening import clients_folder
from sso import client_folder
from sso.clients import secret_digest
from sso.model import Client
from tests.proxy.console.conftest import Browser, at, hire

SECOND = "thu.hai"
LANG_SON = "quan.tri.ls"
BAC_NINH = "quan.tri.bn"
NEW: dict[str, str] = {
    "id": "motcua-moi",
    "province": "20",
    "name_vi": "Một cửa mới",
    "formats": "oidc",
    "redirect_uris": "https://motcua.langson.gov.vn/cb",
    "post_logout_redirect_uris": "",
    "backchannel_logout_uri": "https://motcua.langson.gov.vn/dang-xuat",
    "authentication": "client_secret_basic",
    "signing_algorithm": "ES256",
    "profile": "basic",
    "attributes": "name",
    "legal_basis": "Nghị định 118/2025/NĐ-CP",
    "level": "2",
    "consent": "never",
    "step": "send",
    "go": "ask",
    "version": "0",
    "reason": "the province has asked",
}
PAGE = "/clients/-/motcua-moi"


@pytest.fixture(autouse=True)
def administrators(desk: Desk) -> None:
    everybody: dict[str, list[dict[str, str]]] = {
        SECOND: [{"role": "administrator"}],
        LANG_SON: [{"role": "administrator", "province": "20"}],
        BAC_NINH: [{"role": "administrator", "province": "24"}],
    }
    hire(desk, everybody)


@asynccontextmanager
async def two(base: URL) -> AsyncIterator[tuple[Browser, Browser]]:
    async with at(base, "trung.uong") as one, at(base, SECOND) as other:
        yield one, other


def served(desk: Desk) -> dict[str, Client]:
    """What the edge would read now."""
    return dict(client_folder.read(clients_folder(desk.settings)).clients)


def version_of(page: str) -> str:
    return page.partition('name="version" value="')[2].partition('"')[0]


Form = Mapping[str, str] | list[tuple[str, str]]


async def asked(browser: Browser, fields: Form = NEW, path: str = "/clients/new") -> ClientResponse:
    return await browser.post(path, fields if isinstance(fields, list) else dict(fields))


async def answered(
    browser: Browser, step: str, path: str = PAGE, reason: str = "agreed by telephone"
) -> ClientResponse:
    page = await browser.text(path)
    return await browser.post(f"{path}/{step}", {"version": version_of(page), "reason": reason})


async def serving(one: Browser, other: Browser, fields: Mapping[str, str] = NEW) -> str:
    """A client that two have agreed on; its secret."""
    response = await asked(one, fields)
    page = await response.text()
    assert response.status == 200, page
    secret = re.findall(r'<pre tabindex="0" id="secret">([^<]+)</pre>', page)[0]
    assert (await answered(other, "agree", f"/clients/-/{fields['id']}")).status == 303
    return str(secret)


async def test_a_new_system_serves_when_another_agrees_and_its_secret_is_shown_once(base: URL, desk: Desk) -> None:
    async with two(base) as (one, other):
        response = await asked(one)
        page = await response.text()
        assert response.status == 200
        (secret,) = re.findall(r'<pre tabindex="0" id="secret">([^<]+)</pre>', page)
        assert len(secret) == 43, "256 bits"
        assert served(desk) == {}, "nothing serves that one person wanted"
        assert secret not in await one.text(PAGE)
        own = await answered(one, "agree")
        assert own.status == 409
        assert "người khác phải đồng ý" in await own.text()
        assert served(desk) == {}
        assert (await answered(other, "agree")).status == 303
        client = served(desk)["motcua-moi"]
        assert client.secret_digests == (secret_digest(secret),)
        assert client.redirect_uris == ("https://motcua.langson.gov.vn/cb",)
    everything = [path.read_bytes() for path in desk.state.folder.rglob("*") if path.is_file()]
    assert not [octets for octets in everything if secret.encode() in octets], "kept nowhere as itself"


async def test_a_changed_address_waits_for_another_and_can_be_taken_back(base: URL, desk: Desk) -> None:
    async with two(base) as (one, other):
        await serving(one, other)
        before = served(desk)["motcua-moi"]
        first = version_of(await one.text(PAGE))
        changed = {**NEW, "version": first, "redirect_uris": "https://motcua.langson.gov.vn/moi"}
        assert (await asked(one, changed, f"{PAGE}/edit")).status == 303
        assert served(desk)["motcua-moi"] == before
        page = await other.text(PAGE)
        assert '<del><span class="code">https://motcua.langson.gov.vn/cb' in page
        assert '<ins><span class="code">https://motcua.langson.gov.vn/moi' in page
        assert (await answered(other, "agree")).status == 303
        assert served(desk)["motcua-moi"].redirect_uris == ("https://motcua.langson.gov.vn/moi",)

        page = await other.text(PAGE)
        assert f'name="to" value="{first}"' in page
        back = await other.post(f"{PAGE}/restore", {"to": first, "version": version_of(page), "reason": "a mistake"})
        assert back.status == 303
        assert (await answered(one, "agree")).status == 303
        assert served(desk)["motcua-moi"] == before


async def test_taking_back_brings_no_old_secret_back(base: URL, desk: Desk) -> None:
    async with two(base) as (one, other):
        await serving(one, other)
        first = version_of(await one.text(PAGE))
        (old,) = served(desk)["motcua-moi"].secret_digests
        await one.post(f"{PAGE}/secret", {"version": first, "reason": "quarterly"})
        await answered(other, "agree")
        assert served(desk)["motcua-moi"].secret_digests[0] == old
        newest = {"version": version_of(await one.text(PAGE)), "reason": "they have changed", "only-newest": "yes"}
        assert (await one.post(f"{PAGE}/secret", newest)).status == 303
        await answered(other, "agree")
        (new,) = served(desk)["motcua-moi"].secret_digests
        assert new != old
        page = await one.text(PAGE)
        back = await one.post(f"{PAGE}/restore", {"to": first, "version": version_of(page), "reason": "x"})
        assert back.status == 409, "but for its secrets nothing differs"
        assert old not in str(served(desk)["motcua-moi"].secret_digests)


async def test_out_of_service_by_one_and_back_by_two(base: URL, desk: Desk) -> None:
    async with two(base) as (one, other):
        await serving(one, other)
        assert (await answered(one, "suspend", reason="it was broken into")).status == 303
        kept = client_folder.read(clients_folder(desk.settings))
        assert "motcua-moi" in kept.suspended
        assert "tạm ngừng" in await one.text("/clients")
        assert (await answered(one, "resume")).status == 303
        assert (await answered(one, "agree")).status == 409
        assert served(desk) == {}
        assert (await answered(other, "agree")).status == 303
        assert "motcua-moi" in served(desk)


async def test_a_system_of_the_operators_file_is_changed_here_and_the_files_word_ends(base: URL, desk: Desk) -> None:
    async with two(base) as (one, other):
        page = await one.text("/clients/-/langson/edit?step=send")
        moved = "https://moi.langson.gov.vn/cb"
        fields = hidden(page, step="send", go="ask", reason="they have moved", redirect_uris=moved)
        response = await asked(one, fields, "/clients/-/langson/edit")
        assert response.status == 303, await response.text()
        assert "đang chờ duyệt thay đổi" in await one.text("/clients"), "the file goes on serving"
        assert (await answered(other, "agree", "/clients/-/langson")).status == 303
        client = served(desk)["langson"]
        assert client.redirect_uris == ("https://moi.langson.gov.vn/cb",)
        assert client.formats == {"oidc", "header", "forward-auth"}
        assert client.secret_digests, "the secret of the file goes on"


def hidden(page: str, **typed: str) -> list[tuple[str, str]]:
    """The last step of the form as a browser would send it, with other values in some fields."""
    form = page.partition('<form method="post" action="/clients/')[2].partition("</form>")[0]
    found = re.findall(r'<input type="hidden" name="([a-z_]+)" value="([^"]*)"', form)
    kept = [(name, unescape(value)) for name, value in found if name not in {"csrf", *typed}]
    return [*kept, *typed.items()]


async def test_a_system_that_protected_paths_need_keeps_what_they_need(base: URL, desk: Desk) -> None:
    async with at(base, "trung.uong") as one:
        page = await one.text("/clients/-/langson/edit?step=send")
        fields = hidden(page, step="send", go="ask", reason="x", formats="oidc")  # no more header, no forward-auth
        response = await asked(one, fields, "/clients/-/langson/edit")
        text = await response.text()
        assert response.status == 422
        assert "header" in text, "an edge that starts again could not read its paths"
        assert not (clients_folder(desk.settings) / "langson.toml").exists()


WRONG: list[tuple[dict[str, str], str]] = [
    ({"redirect_uris": "http://a.gov.vn/cb"}, "Viết https"),
    ({"redirect_uris": "https://a.gov.vn/cb\nhttps://a.gov.vn/x/../y"}, "không được có . hoặc .."),
    ({"redirect_uris": "https://10.0.0.1/cb"}, "Viết tên miền"),
    ({"redirect_uris": ""}, "ít nhất một địa chỉ quay về"),
    ({"legal_basis": ""}, "căn cứ pháp lý"),
    ({"id": "Một Cửa"}, "Viết chữ thường"),
    ({"id": "khanhhoa"}, "đã có hệ thống khác dùng"),
    ({"name_vi": ""}, "Không được để trống"),
    ({"reason": ""}, "Không được để trống"),
    ({"authentication": "private_key_jwt"}, "dán khóa công khai"),
    ({"authentication": "private_key_jwt", "jwks": '{"keys": [{"kty": "EC", "d": "x"}]}'}, "khóa RIÊNG"),
    ({"authentication": "private_key_jwt", "jwks": "nonsense"}, "Không đọc được"),
    ({"authentication": "magic"}, "Hãy chọn một trong các mục"),
    ({"profile": "fapi2"}, "FAPI 2.0 cần chứng minh"),
    ({"formats": "header"}, "cần một cổng"),
    ({"formats": ""}, "ít nhất một cách kết nối"),
    ({"portals": "bacgiang"}, "không thuộc tỉnh này"),
    ({"backchannel_logout_uri": "https://10.1.2.3/x"}, "mạng nội bộ"),
    ({"upstreams": "nobody"}, "không tồn tại"),
    ({"attributes": "soul"}, "Hãy chọn một trong các mục"),
]
"""What is typed instead, and what is told."""


async def test_what_is_wrong_is_told_in_words_and_nothing_is_asked_for(base: URL, desk: Desk) -> None:
    untold: list[dict[str, str]] = []
    async with at(base, "trung.uong") as one:
        for typed, told in WRONG:
            response = await asked(one, {**NEW, **typed})
            if response.status != 422 or told not in await response.text():
                untold.append(typed)
    assert not untold
    assert clientele.one(desk, "motcua-moi") is None


async def test_each_step_keeps_what_was_typed_in_the_others(base: URL) -> None:
    async with at(base, "trung.uong") as one:
        first = {**NEW, "step": "speaks", "go": "next"}
        page = await (await one.post("/clients/new", first)).text()
        assert "Địa chỉ quay về sau đăng nhập" in page
        assert '✓ <span class="code">https://motcua.langson.gov.vn/cb' in page
        assert '<input type="hidden" name="legal_basis" value="Nghị định 118/2025/NĐ-CP">' in page
        wrong = {**NEW, "step": "addresses", "go": "next", "redirect_uris": "http://a.gov.vn/cb"}
        response = await one.post("/clients/new", wrong)
        page = await response.text()
        assert response.status == 422, "it does not go on from a step with something wrong in it"
        assert "✗ http://a.gov.vn/cb" in page
        back = await (await one.post("/clients/new", {**wrong, "go": "back"})).text()
        assert 'name="redirect_uris" value="http://a.gov.vn/cb"' in back, "back it goes, with everything"
        check = await one.post("/clients/new", {**wrong, "go": "check"})
        assert check.status == 200, "looking is no mistake"
        last = await (await one.post("/clients/new", {**NEW, "step": "told", "go": "next"})).text()
        assert "mod_auth_openidc" in last
        assert "OIDCRedirectURI https://motcua.langson.gov.vn/cb" in last


async def test_the_administrator_of_a_province_does_it_there_and_nowhere_else(base: URL, desk: Desk) -> None:
    async with at(base, LANG_SON) as here, at(base, BAC_NINH) as there, at(base, "trung.uong") as centre:
        assert (await asked(there)).status == 403, "a form that says another province"
        assert (await asked(here)).status == 200
        for step in ("agree", "decline", "suspend", "resume", "restore", "secret", "write-out", "test"):
            fields = {"version": "1", "reason": "x", "to": "1"}
            assert (await there.post(f"{PAGE}/{step}", fields)).status == 403, step
        assert (await there.get(f"{PAGE}/edit")).status == 403
        assert (await asked(there, {**NEW, "province": "24"}, f"{PAGE}/edit")).status == 403
        assert (await there.get(PAGE)).status == 200, "everybody may look"
        assert "agree" not in (await there.text(PAGE)).partition("<main")[2]
        assert (await answered(centre, "agree")).status == 303
        stolen = await asked(there, {**NEW, "province": "24"})
        assert stolen.status == 422, "nor is an id taken over by another province"
        assert (await asked(there, {**NEW, "id": "langson", "province": "24"})).status == 422
    assert served(desk)["motcua-moi"].sector == "motcua-moi"


async def test_no_province_puts_itself_into_the_sector_of_another(base: URL, desk: Desk) -> None:
    async with at(base, BAC_NINH) as there, at(base, "trung.uong") as centre:
        response = await asked(there, {**NEW, "province": "24", "sector": "langson"})
        assert response.status == 200
        entry = clientele.one(desk, "motcua-moi")
        assert entry is not None
        assert entry.latest["sector"] == "motcua-moi", "what a form says of it counts from the centre alone"
        shared = await asked(centre, {**NEW, "id": "chung", "sector": "langson"})
        assert shared.status == 200
        entry = clientele.one(desk, "chung")
        assert entry is not None
        assert entry.latest["sector"] == "langson"


async def test_other_roles_look_and_do_nothing(base: URL, desk: Desk) -> None:
    for actor in ("bien.tap", "phe.duyet", "van.hanh", "kiem.toan", "xem", "lang.son"):
        async with at(base, actor) as browser:
            assert (await browser.get("/clients")).status == 200
            page = await browser.text("/clients/-/langson")
            assert "<form" not in page.partition("<main")[2], actor
            assert "/clients/new" not in await browser.text("/clients")
            assert (await asked(browser)).status == 403, actor
    assert clientele.one(desk, "motcua-moi") is None


SCRIPT = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>"


async def test_a_name_is_shown_as_it_was_typed_and_does_nothing(base: URL) -> None:
    async with two(base) as (one, other):
        await serving(
            one, other, {**NEW, "name_vi": SCRIPT, "name_en": SCRIPT, "legal_basis": SCRIPT, "reason": SCRIPT}
        )
        for path in ("/clients", PAGE, f"{PAGE}/edit", f"{PAGE}/edit?step=send", "/clients/register", "/clients/keys"):
            page = await one.text(path)
            assert "<script>alert" not in page, path
            assert "<img src=x" not in page, path


async def test_of_two_who_answer_at_once_the_second_is_told(base: URL, desk: Desk) -> None:
    async with two(base) as (one, other):
        await asked(one)
        seen = version_of(await other.text(PAGE))
        changed = {**NEW, "version": seen, "redirect_uris": "https://evil.example/cb"}
        assert (await asked(one, changed, f"{PAGE}/edit")).status == 303
        late = await other.post(f"{PAGE}/agree", {"version": seen, "reason": "looks fine"})
        assert late.status == 409, "they have agreed to what they saw, and to nothing else"
        assert served(desk) == {}


async def test_a_form_without_its_token_changes_nothing(base: URL, desk: Desk) -> None:
    async with at(base, "trung.uong") as one:
        one.csrf = ""
        assert (await asked(one)).status == 403
        assert (await one.post("/clients/-/langson/suspend", {"reason": "x"})).status == 403
    assert served(desk) == {}


async def test_what_was_not_written_out_is_told_and_written(base: URL, desk: Desk) -> None:
    async with two(base) as (one, other):
        await serving(one, other)
        for path in clients_folder(desk.settings).rglob("*.toml"):
            path.unlink()
        assert "chưa đến được máy phục vụ" in await one.text(PAGE)
        assert (await one.post(f"{PAGE}/write-out", {})).status == 303
        assert "chưa đến được máy phục vụ" not in await one.text(PAGE)
        assert "motcua-moi" in served(desk)


async def test_the_trail_has_every_step_with_its_reason(base: URL, desk: Desk) -> None:
    async with two(base) as (one, other):
        await serving(one, other)
        await answered(one, "suspend", reason="it was broken into")
    steps = [(entry.actor, entry.reason) for entry in desk.store.trail.entries() if "motcua-moi" in entry.subject]
    assert steps == [
        ("trung.uong", "the province has asked"),
        (SECOND, "agreed by telephone"),
        ("trung.uong", "it was broken into"),
    ]


async def test_filters_find_by_state_province_and_word(base: URL) -> None:
    async with two(base) as (one, _):
        await asked(one)

        async def found(query: str) -> list[str]:
            return re.findall(r'<th scope="row"><a href="/clients/-/([a-z-]+)"', await one.text(f"/clients?{query}"))

        assert await found("state=waiting") == ["motcua-moi"]
        assert await found("province=20") == ["langson", "motcua-moi"]
        assert await found("province=centre") == ["ho-tich"]
        assert await found("word=h%E1%BB%99+t%E1%BB%8Bch") == ["ho-tich"]


def test_the_files_of_operators_are_there_as_they_are(desk: Desk) -> None:
    entries: dict[str, Any] = {entry.id: entry for entry in clientele.everybody(desk)}
    assert set(entries) == {"langson", "khanhhoa", "ho-tich"}
    assert {entry.state for entry in entries.values()} == {"serving"}
    assert entries["langson"].province == "20"
    assert not (Path(clients_folder(desk.settings))).exists()
