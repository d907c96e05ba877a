"""One line for each request, and no person in it: secrets are sent in every place there is, then searched for."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from typing import Final

import pytest
import pytest_asyncio

from proxy.access_log import masked_path
from proxy.journal import LONGEST_HELD_SECONDS
from proxy.packs import Packs
from proxy.pages import Pages
from redirect_rules.canonical import canonical_key
from redirect_rules.masking import MASK
from tests.conftest import RunningEdge, Start
from tests.proxy.conftest import MODEL, edge_over, request_bytes, say

KEYS: Final = [
    *("at", "id", "method", "status", "bytes", "us"),
    *("portal", "phase", "client", "outcome", "rule", "destination", "path"),
]
PERSON: Final = ["User-Agent: Mozilla/5.0", "Accept: text/html"]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shipped(packs: Packs, pages: Pages) -> AsyncIterator[RunningEdge]:
    async with edge_over(packs, pages) as edge:
        yield edge


# where it stands              target                                        header                          the secret
SECRETS: Final = {
    "a keyword":              ("/?keyword=Nguyen+Thi+Khong+Ghi",             "",                             "Khong"),
    "a keyword with marks":   ("/?keyword=Nguy%E1%BB%85n",                   "",                             "%E1%BB%85"),
    "an unknown parameter":   ("/vi?cccd=001199012345",                      "",                             "001199012345"),
    "a dossier code":         ("/tra-cuu-tien-do?doccode=000.00.53.H48-220921-0099", "",                     "220921"),
    "a session":              ("/vi?sid=A1B2C3D4E5",                         "",                             "A1B2C3D4E5"),
    "a token":                ("/vi?access_token=eyJhbGciOi",                "",                             "eyJhbGciOi"),
    "a payment's code":       ("/KetQuaThanhToanDVCQG?data=559202_x&secureCode=9f8e7d", "",                  "9f8e7d"),
    "a payment's data":       ("/KetQuaThanhToanDVCQG?data=559202_x&secureCode=9f8e7d", "",                  "559202"),
    "a way back":             ("/dich-vu-cong/cong-dan/dang-nhap?return-url=%2Fho-so-cua-lan", "",           "ho-so-cua-lan"),
    "a bare token":           ("/vi?eyJhbGciOiJIUzI1NiJ9.e30.secret",        "",                             "eyjhbgcioi"),
    "a bare number":          ("/vi?001199012345",                           "",                             "001199012345"),
    "a bare address":         ("/vi?lan@example.vn",                         "",                             "lan@"),
    "a place name":           ("/_edge/locality?q=thon+cua+toi&_from=/vi",   "",                             "cua"),
    "a chosen commune":       ("/vi?_place=new:00004",                       "",                             "00004"),
    "a dossier in the path":  ("/tra-cuu-ho-so/000.00.53.H48-220921-0099",   "",                             "220921"),
    "an old dossier there":   ("/tra-cuu-ho-so/H48.21-220921-0099",          "",                             "220921"),
    "a new dossier there":    ("/tra-cuu-ho-so/G22.99.3-241219795252",       "",                             "241219795252"),
    "a dossier, encoded":     ("/tra-cuu-ho-so/000%2E00%2E53%2EH48%2D220921%2D0099", "",                     "220921"),
    "an identity card there": ("/ho-so/001199012345/xem",                    "",                             "001199012345"),
    "a telephone there":      ("/lien-he/0912345678",                        "",                             "0912345678"),
    "a mail address there":   ("/dang-ky/lan.nguyen@example.vn",             "",                             "lan.nguyen"),
    "the same, encoded":      ("/dang-ky/lan.nguyen%40example.vn",           "",                             "lan.nguyen"),
    "a session in the path":  ("/gioi-thieu;jsessionid=0A1B2C3D4E5F",        "",                             "0a1b2c"),
    "where nothing is known": ("/khong-co/001199012345?ten=Lan",             "",                             "001199012345"),
    "a bad request":          ("/%zz/001199012345",                          "",                             "001199012345"),
    "a target too long":      ("/001199012345/" + "a" * 9_000,               "",                             "001199012345"),
    "a cookie":               ("/vi",                                        "Cookie: JSESSIONID=lanlanlan", "lanlanlan"),
    "our own cookie":         ("/vi",                                        "Cookie: _edge_place=new:00004", "00004"),
    "the page before":        ("/vi",                                        "Referer: https://a.example/lanlanlan", "lanlanlan"),
    "the browser":            ("/vi",                                        "X-Agent: lanlanlan-phone",     "lanlanlan"),
    "an address":             ("/vi",                                        "X-Forwarded-For: 203.0.113.77", "203.0.113.77"),
    "an address, RFC 7239":   ("/vi",                                        "Forwarded: for=203.0.113.77",  "203.0.113.77"),
    "a password":             ("/vi",                                        "Authorization: Basic bGFubGFubGFu", "bGFubGFubGFu"),
    "a host":                 ("/vi",                                        "X-Real-IP: 203.0.113.77",      "203.0.113.77"),
}  # fmt: skip


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize(("target", "header", "secret"), SECRETS.values(), ids=SECRETS.keys())
async def test_no_secret_is_written_down(
    shipped: RunningEdge, caplog: pytest.LogCaptureFixture, target: str, header: str, secret: str
) -> None:
    before = len(shipped.log.getvalue())
    headers = [*PERSON, *([header] if header else [])]
    with caplog.at_level(logging.DEBUG):
        for method in ("GET", "HEAD", "POST"):
            await say(shipped, request_bytes(target, headers=headers, method=method))
    written = shipped.log.getvalue()[before:]
    assert written.count("\n") == 3
    assert secret.lower() not in written.lower()
    assert secret.lower() not in caplog.text.lower()
    # The loopback address is ours; a visitor's stands in the same place.
    assert "127.0.0.1" not in written


@pytest.mark.asyncio(loop_scope="module")
async def test_no_secret_is_counted(shipped: RunningEdge) -> None:
    for target, header, _ in SECRETS.values():
        await say(shipped, request_bytes(target, headers=[*PERSON, *([header] if header else [])]))
    host, port = shipped.addresses.operations
    async with shipped.session.get(f"http://{host}:{port}/metrics") as response:
        exposed = (await response.text()).lower()
    assert "dvc_edge_requests_total" in exposed
    long_enough = {secret.lower() for _, _, secret in SECRETS.values() if len(secret) > 5}
    assert not [secret for secret in long_enough if secret in exposed]


@pytest.mark.asyncio(loop_scope="module")
async def test_a_wrong_host_is_not_written_down(shipped: RunningEdge) -> None:
    before = len(shipped.log.getvalue())
    await say(shipped, request_bytes("/vi", "lan-nguyen.example"))
    written = shipped.log.getvalue()[before:]
    assert '"note": "wrong-host"' in written
    assert "lan-nguyen" not in written


# what is asked                                            what the line says
LINES: Final = [
    ("/vi/thu-tuc-hanh-chinh/chi-tiet?MA=1.001193&x=1",     {"rule": "igate2/procedure-by-code", "destination": "procedure", "path": "/vi/thu-tuc-hanh-chinh/chi-tiet?ma&x", "outcome": "notice", "status": 200}),
    ("/khong-co-trang-nay",                                 {"rule": "unmapped", "destination": "home", "path": "/khong-co-trang-nay", "outcome": "notice"}),
    ("/nop-ho-so/145156",                                   {"rule": "eform/draft", "destination": "-", "outcome": "pass", "status": 503}),
    ("/nop-ho-so?vneid=1",                                  {"rule": "one-time-login/flagged", "path": "/nop-ho-so?vneid", "outcome": "pass"}),
    ("/tra-cuu-ho-so/000.00.53.H48-220921-0099/in",         {"path": f"/tra-cuu-ho-so/{MASK}/in", "destination": "dossier-lookup"}),
    ("/_edge/locality?q=a",                                 {"outcome": "ours", "path": "-"}),
]  # fmt: skip


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize(("target", "said"), LINES)
async def test_a_line_says_what_an_operator_needs(
    shipped: RunningEdge, target: str, said: dict[str, str | int]
) -> None:
    before = len(shipped.log.getvalue())
    heard = await say(shipped, request_bytes(target, headers=PERSON))
    await asyncio.sleep(LONGEST_HELD_SECONDS * 2)
    (line,) = shipped.log.getvalue()[before:].splitlines()
    entry = json.loads(line)
    assert list(entry) == KEYS
    assert said.items() <= entry.items()
    assert entry["portal"] == "langson"
    assert entry["id"] == heard.reply.headers["x-request-id"]
    assert entry["status"] == heard.reply.status
    assert entry["bytes"] == len(heard.reply.body)
    assert entry["at"] == "2026-11-01T09:00:00.000+07:00"


@pytest.mark.asyncio(loop_scope="module")
async def test_an_answer_without_a_body_is_written_down_as_such(shipped: RunningEdge) -> None:
    before = len(shipped.log.getvalue())
    await say(shipped, request_bytes("/vi", method="HEAD", headers=PERSON))
    async with asyncio.timeout(10):  # an answer that was given before is written down a moment later
        while not shipped.log.getvalue()[before:].endswith("\n"):  # noqa: ASYNC110 - another timer is waited for
            await asyncio.sleep(0.01)
    assert json.loads(shipped.log.getvalue()[before:])["bytes"] == 0


@pytest.mark.asyncio(loop_scope="module")
async def test_a_line_stays_short_whatever_is_asked(shipped: RunningEdge) -> None:
    before = len(shipped.log.getvalue())
    names = "&".join(f"{'n' * 60}{number}=1" for number in range(80))
    await say(shipped, request_bytes(f"/{'a/' * 1_000}?{names}", headers=PERSON))
    assert len(shipped.log.getvalue()[before:]) < 2_000


# path and query                                      written as                       why
MASKED: Final = [
    ("/ho-so/1234567",                                 f"/ho-so/{MASK}",               "seven digits are somebody's"),
    ("/nop-ho-so/145156",                              "/nop-ho-so/145156",            "six are a page's"),
    ("/a1234567890b",                                  f"/a{MASK}b",                   "wherever they stand"),
    ("/vi/procedure/detail/629dae4edb4662230f940e11",  f"/vi/procedure/detail/629dae4edb{MASK}f940e11", "a digit run in an id goes too: better so than the other way round"),
    ("/x?b=1&A=2&b=3",                                 "/x?a&b",                       "names in lower case, sorted, once"),
    ("/x?%0a=1&a%20b=2&9=3",                           "/x",                           "what is no name is left out"),
    ("/x?_p_WAR_q_tenThuTuc=Lan",                      "/x?_p_war_q_tenthutuc",        "a portlet's"),
    ("/",                                              "/",                            "the root"),
]  # fmt: skip


@pytest.mark.parametrize(("target", "written", "why"), MASKED)
def test_a_path_is_written_without_people(target: str, written: str, why: str) -> None:
    assert masked_path(canonical_key(MODEL, target)) == written


async def test_an_operator_can_have_no_log_at_all(start: Start) -> None:
    async with start(environ={"DVC_EDGE__LOG__ACCESS": "false"}) as edge:
        await edge.get("https://dichvucong.langson.gov.vn/vi")
        await say(edge, b"nonsense\r\n\r\n")
        assert edge.log.getvalue() == ""
