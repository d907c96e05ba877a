"""A form that comes to a closed page: what a person typed is shown back, secrets and files are not, nothing hangs."""

import asyncio
import gzip
import html
import re
import time
from collections.abc import AsyncIterator, Sequence
from typing import Final
from urllib.parse import quote_plus

import pytest
import pytest_asyncio

from proxy import forms
from proxy.packs import Packs
from proxy.pages import Pages
from tests.conftest import RunningEdge
from tests.proxy.conftest import Reply, edge_over, request_bytes, say

pytestmark = pytest.mark.asyncio(loop_scope="module")

PERSON: Final = ["User-Agent: Mozilla/5.0", "Accept: text/html", "Accept-Language: vi"]
URLENCODED = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data; boundary=B"
CUT = "Nội dung quá dài nên phần cuối không hiện ở đây."
UNREADABLE = "Chúng tôi không đọc được nội dung quý vị đã nhập"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shipped(packs: Packs, pages: Pages) -> AsyncIterator[RunningEdge]:
    async with edge_over(packs, pages, {"DVC_EDGE__LIMITS__FORM_BODY": "65536"}) as edge:
        yield edge


async def post(edge: RunningEdge, content_type: str, body: bytes, *headers: str) -> Reply:
    """Send a form to a closed page."""
    sent = [*PERSON, f"Content-Type: {content_type}", f"Content-Length: {len(body)}", *headers]
    heard = await say(edge, request_bytes("/nop-ho-so", method="POST", headers=sent, body=body))
    return heard.reply


async def typed(edge: RunningEdge, *pairs: tuple[str, str]) -> Reply:
    """Send names and values as a browser does."""
    body = "&".join(f"{quote_plus(name)}={quote_plus(value)}" for name, value in pairs)
    return await post(edge, URLENCODED, body.encode())


def shown(reply: Reply) -> list[tuple[str, str]]:
    """Names and values on the page."""
    assert reply.status == 410
    assert reply.headers["cache-control"] == "no-store"
    assert "Hồ sơ CHƯA được gửi" in reply.text
    found = re.findall(r"<dt>(.*?)</dt><dd>(.*?)</dd>", reply.text, re.DOTALL)
    return [(html.unescape(name), html.unescape(value)) for name, value in found]


def parts(*fields: tuple[str, bytes]) -> bytes:
    """A multipart body of headers and contents."""
    return b"".join(b"--B\r\n" + head.encode() + b"\r\n\r\n" + body + b"\r\n" for head, body in fields) + b"--B--\r\n"


def field(name: str) -> str:
    return f'Content-Disposition: form-data; name="{name}"'


def attachment(name: str, filename: str) -> str:
    return f'{field(name)}; filename="{filename}"\r\nContent-Type: image/jpeg'


# what was typed                                       why it must be there again
TYPED: Final = [
    ([("ho_ten", "Nguyễn Thị Lan")],                   "letters with marks"),
    ([("a", "1"), ("b", "2"), ("a", "3")],             "in the order of the form, a name twice"),
    ([("ly_do", "dòng một\r\ndòng hai")],              "lines stay lines"),
    ([("x", "1 + 1 = 2 & 100%")],                      "signs that mean something in an address"),
    ([("y", "<b>&amp;\"'</b>")],                       "text that looks like mark-up"),
    ([("so_passport", "B1234567")],                    "a passport is no password"),
    ([("thu_ky_secretary", "Lan")],                    "a secretary is no secret"),
    ([("photo_path", "anh.jpg")],                      "o-t-p in the middle of a word"),
    ([("MaTTHC", "1.001193")],                         "what the page itself filled in for the visitor"),
    ([("ghi_chu", " ")],                               "blank: nothing was typed"),
]  # fmt: skip


@pytest.mark.parametrize(("pairs", "why"), TYPED, ids=[why for _, why in TYPED])
async def test_what_was_typed_is_shown_back(shipped: RunningEdge, pairs: Sequence[tuple[str, str]], why: str) -> None:
    assert shown(await typed(shipped, *pairs)) == [pair for pair in pairs if pair[1].strip()]


async def test_mark_up_is_shown_as_text(shipped: RunningEdge) -> None:
    reply = await typed(shipped, ('<img src=x onerror="a">', "</dd></dl><script>alert(1)</script>"))
    assert "<img" not in reply.text
    assert "<script>alert" not in reply.text
    assert shown(reply) == [('<img src=x onerror="a">', "</dd></dl><script>alert(1)</script>")]


SECRET_NAMES: Final = {
    "passwords": [
        *("password", "Password", "j_password", "new_password2", "txtPassword", "passwd", "pwd", "userPwd"),
        *("matKhau", "mat_khau", "mat-khau", "MatKhauMoi", "mật khẩu", "mat khau"),
    ],
    "codes for once": ["otp", "maOTP", "ma_otp", "otp_code", "pin", "maPin", "pin_code", "cvv", "cvv2", "maXacThuc", "ma_xac_thuc"],
    "tokens": [
        *("access_token", "token", "client_secret", "csrf_token", "_csrf", "csrfmiddlewaretoken", "authenticity_token"),
        *("__RequestVerificationToken", "__VIEWSTATE", "__EVENTVALIDATION", "javax.faces.ViewState", "p_auth"),
        *("jsessionid", "sid", "session", "secureCode", "PHPSESSID", "g-recaptcha-response", "captcha", "maCaptcha"),
    ],
}  # fmt: skip


@pytest.mark.parametrize("name", [name for names in SECRET_NAMES.values() for name in names])
async def test_what_opens_a_door_is_never_shown(shipped: RunningEdge, name: str) -> None:
    reply = await typed(shipped, ("ho_ten", "Lan"), (name, "s3cr3t-9931"))
    assert shown(reply) == [("ho_ten", "Lan")]
    assert "s3cr3t-9931" not in reply.text
    body = parts((field("ho_ten"), b"Lan"), (field(name), b"s3cr3t-9931"))
    assert "s3cr3t-9931" not in (await post(shipped, MULTIPART, body)).text


async def test_files_are_shown_by_their_names_alone(shipped: RunningEdge) -> None:
    body = parts(
        (field("ho_ten"), "Nguyễn Thị Lan".encode()),
        (attachment("cccd", "cccd mặt <trước>.jpg"), b"\xff\xd8\xff CONTENT OF THE PICTURE"),
        (attachment("trong", ""), b""),
    )
    reply = await post(shipped, MULTIPART, body)
    assert shown(reply) == [("ho_ten", "Nguyễn Thị Lan")]
    assert "<li>cccd mặt &lt;trước&gt;.jpg</li>" in reply.text
    assert "CONTENT" not in reply.text
    assert reply.text.count("<li>cccd") == 1


async def test_a_large_file_before_the_text_does_not_cost_the_text(shipped: RunningEdge) -> None:
    body = parts((attachment("anh", "a.jpg"), b"x" * 300_000), (field("ho_ten"), b"Lan"))
    assert shown(await post(shipped, MULTIPART, body)) == [("ho_ten", "Lan")]


async def test_a_form_by_put_is_shown_back_too(shipped: RunningEdge) -> None:
    sent = [*PERSON, f"Content-Type: {URLENCODED}", "Content-Length: 10"]
    heard = await say(shipped, request_bytes("/nop-ho-so", method="PUT", headers=sent, body=b"ho_ten=Lan"))
    assert shown(heard.reply) == [("ho_ten", "Lan")]


async def test_a_compressed_form_is_read(shipped: RunningEdge) -> None:
    assert shown(await post(shipped, URLENCODED, gzip.compress(b"ho_ten=Lan"), "Content-Encoding: gzip")) == [
        ("ho_ten", "Lan")
    ]


# ── limits ────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_value_too_long_is_cut_and_that_is_said(shipped: RunningEdge) -> None:
    reply = await typed(shipped, ("noi_dung", "ă" * 5_000))
    assert shown(reply) == [("noi_dung", "ă" * forms.LONGEST_VALUE)]
    assert CUT in reply.text


async def test_fields_beyond_two_hundred_are_left_out_and_that_is_said(shipped: RunningEdge) -> None:
    reply = await typed(shipped, *((f"f{number}", "1") for number in range(250)))
    assert len(shown(reply)) == forms.MOST_FIELDS
    assert CUT in reply.text


async def test_a_body_beyond_the_limit_is_not_read_to_its_end(shipped: RunningEdge) -> None:
    reply = await post(shipped, URLENCODED, b"ho_ten=Lan&x=" + b"a" * 200_000 + b"&cuoi=1")
    assert shown(reply)[0] == ("ho_ten", "Lan")
    assert "cuoi" not in dict(shown(reply))
    assert CUT in reply.text


async def test_a_multipart_body_beyond_the_limit_is_not_read_to_its_end(shipped: RunningEdge) -> None:
    body = parts((field("ho_ten"), b"Lan"), (field("x"), b"a" * 200_000), (field("cuoi"), b"1"))
    reply = await post(shipped, MULTIPART, body)
    assert shown(reply)[0] == ("ho_ten", "Lan")
    assert "cuoi" not in dict(shown(reply))
    assert CUT in reply.text


async def test_a_small_body_that_swells_is_not_read_to_its_end(shipped: RunningEdge) -> None:
    swelling = gzip.compress(b"ho_ten=Lan&x=" + b"a" * 20_000_000)
    assert len(swelling) < 65_536
    started = time.perf_counter()
    reply = await post(shipped, URLENCODED, swelling, "Content-Encoding: gzip")
    assert shown(reply)[0] == ("ho_ten", "Lan")
    assert CUT in reply.text
    assert time.perf_counter() - started < 10


async def test_whole_and_short_nothing_is_said_to_be_missing(shipped: RunningEdge) -> None:
    reply = await typed(shipped, ("ho_ten", "Lan"))
    assert CUT not in reply.text
    assert UNREADABLE not in reply.text


# ── what is no form ───────────────────────────────────────────────────────────────────────────────────────────────

# type                                          body                                  why
BROKEN: Final = [
    ("multipart/form-data",                     b"--B\r\n\r\nx\r\n--B--\r\n",         "no boundary is named"),
    ("multipart/form-data; boundary=B",         b"no part at all",                    "no part in it"),
    ("multipart/form-data; boundary=B",         b"--C\r\n\r\nx\r\n--C--\r\n",         "another boundary"),
    ("multipart/form-data; boundary=" + "b" * 100, b"--b",                            "a boundary too long (RFC 2046 §5.1.1)"),
    ("application/json",                        b'{"ho_ten": "Lan"}',                 "not a form"),
    ("text/plain",                              b"ho_ten=Lan",                        "a form of a kind that cannot be told apart"),
    ("application/octet-stream",                b"\0\1\2",                            "not a form"),
    ("",                                        b"ho_ten=Lan",                        "of no kind"),
]  # fmt: skip


@pytest.mark.parametrize(("content_type", "body", "why"), BROKEN, ids=[why for *_, why in BROKEN])
async def test_what_cannot_be_read_is_said_to_be_unread(
    shipped: RunningEdge, content_type: str, body: bytes, why: str
) -> None:
    reply = await post(shipped, content_type, body)
    assert shown(reply) == []
    assert UNREADABLE in reply.text


# body                                                                         why
HALF: Final = [
    (parts((field("ho_ten"), b"Lan"))[:-7],                                    "the end is missing"),
    (b"--B\r\n" + field("ho_ten").encode() + b"\r\n\r\nLan",                   "cut off in the middle"),
    (b"--B\r\nX: y\r\n\r\nLan\r\n--B--\r\n",                                   "a part without a name"),
    (b"--B\r\nContent-Disposition: form-data; name*=x''%zz\r\n\r\nLan\r\n--B--\r\n", "a name that cannot be decoded"),
    (b"--B\r\nContent-Type: multipart/mixed; boundary=C\r\n\r\n--C\r\n\r\nx\r\n--C--\r\n\r\n--B--\r\n", "parts in a part"),
    (b"--B\r\n" + field("a").encode() + b"\r\nContent-Encoding: gzip\r\n\r\nnot gzip\r\n--B--\r\n", "compressed badly"),
    (b"--B\r\n" + field("a").encode() + b"\r\nContent-Transfer-Encoding: base64\r\n\r\n!!\r\n--B--\r\n", "encoded badly"),
    (b"--B\r\n" + field("a").encode() + b"\r\nContent-Length: x\r\n\r\nLan\r\n--B--\r\n", "a length that is none"),
    (b"--B\r\n" + field("a").encode() + b"\r\nContent-Length: 1000\r\n\r\nLan\r\n--B--\r\n", "a length too great"),
    (b"--B\r\nno colon here\r\n\r\nLan\r\n--B--\r\n",                          "a header that is none"),
    (b"--B\r\n" + b"X: " + b"a" * 20_000 + b"\r\n\r\nLan\r\n--B--\r\n",        "a header without end"),
    (b"--B" * 5_000,                                                           "boundaries and nothing else"),
]  # fmt: skip


@pytest.mark.parametrize(("body", "why"), HALF, ids=[why for _, why in HALF])
async def test_a_broken_form_is_answered_like_any_other(shipped: RunningEdge, body: bytes, why: str) -> None:
    """Something of it may be shown; that it was not sent is said in any case."""
    shown(await post(shipped, MULTIPART, body))


@pytest.mark.parametrize("content_type", [URLENCODED, MULTIPART])
async def test_a_body_that_comes_too_slowly_is_not_waited_for(
    shipped: RunningEdge, monkeypatch: pytest.MonkeyPatch, content_type: str
) -> None:
    monkeypatch.setattr(forms, "_READ_SECONDS", 0.2)
    head = [*PERSON, f"Content-Type: {content_type}", "Content-Length: 1000"]
    started = time.perf_counter()
    sent = request_bytes("/nop-ho-so", method="POST", headers=head, body=b"ho_ten=")
    heard = await say(shipped, sent, until=b"</html>")
    assert time.perf_counter() - started < 10
    assert UNREADABLE in heard.reply.text


async def test_slow_forms_do_not_keep_others_waiting(shipped: RunningEdge) -> None:
    head = [*PERSON, f"Content-Type: {URLENCODED}", "Content-Length: 1000"]
    slow = request_bytes("/nop-ho-so", method="POST", headers=head, body=b"ho_ten=")
    async with asyncio.timeout(15), asyncio.TaskGroup() as group:
        waiting = [group.create_task(say(shipped, slow, patience=60)) for _ in range(20)]
        await asyncio.sleep(0.05)
        assert shown(await typed(shipped, ("ho_ten", "Lan"))) == [("ho_ten", "Lan")]
        assert not any(task.done() for task in waiting)
        for task in waiting:
            task.cancel()


async def test_nothing_of_a_form_is_written_down(shipped: RunningEdge) -> None:
    before = len(shipped.log.getvalue())
    await typed(shipped, ("ho_ten", "Nguyễn Thị Không Ghi"), ("cccd", "001199012345"))
    line = shipped.log.getvalue()[before:]
    assert '"status": 410' in line
    for secret in ("Không Ghi", "001199012345", "ho_ten", "cccd"):
        assert secret not in line
