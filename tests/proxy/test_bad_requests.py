"""What is no request, or one we cannot serve: an answer in words, nothing about us, and the next visitor is served.

Written byte by byte to the socket, since no client would send most of it.
"""

import asyncio
import io
import logging
import re
from collections.abc import AsyncIterator
from typing import Final

import pytest
import pytest_asyncio

from proxy.app import create_app
from proxy.packs import Packs
from proxy.pages import Pages
from proxy.server import EdgeServer
from tests.conftest import RunningEdge, settings_with
from tests.proxy.conftest import MODEL, Heard, Reply, edge_over, request_bytes, say

pytestmark = pytest.mark.asyncio(loop_scope="module")

HOST = f"Host: {MODEL}\r\n".encode()
END = b"Connection: close\r\n\r\n"
FORM = b"Content-Type: application/x-www-form-urlencoded\r\nAccept: text/html\r\nUser-Agent: Mozilla/5.0\r\n"
NEXT = b"GET /vi HTTP/1.1\r\n" + HOST + b"\r\n"

TITLES: Final = {  # what the page says, in the two languages it may speak
    400: ("Địa chỉ vừa mở không đọc được", "We could not read this address"),
    405: ("Không thực hiện được yêu cầu này", "This request cannot be carried out"),
    414: ("Địa chỉ vừa mở quá dài", "This address is too long"),
    421: ("Tên miền vừa mở không có ở đây", "This domain name is not served here"),
    431: ("Trình duyệt gửi kèm quá nhiều dữ liệu", "Your browser sent too much data along"),
    501: ("Không thực hiện được yêu cầu này", "This request cannot be carried out"),
    505: ("Cách kết nối này không được hỗ trợ", "This kind of connection is not supported"),
}


def get(target: bytes | str = b"/", host: bytes = MODEL.encode(), version: bytes = b"HTTP/1.1") -> bytes:
    target = target.encode() if isinstance(target, str) else target
    return b"GET " + target + b" " + version + b"\r\nHost: " + host + b"\r\n" + END


def post(*headers: bytes, body: bytes = b"") -> bytes:
    lines = b"".join(header + b"\r\n" for header in headers)
    return b"POST /nop-ho-so HTTP/1.1\r\n" + HOST + lines + b"\r\n" + body


# what is sent                                                              status  why
NONSENSE: Final[dict[str, tuple[bytes, int, str]]] = {
    # the target
    "a NUL":                             (get(b"/a\0b"),                        400, "no octet of a URI"),
    "an encoded NUL":                    (get(b"/a%00b"),                       400, "ends a string for many a server"),
    "an encoded NUL in the query":       (get(b"/?keyword=%00"),                400, "there too"),
    "an encoded line break":             (get(b"/a%0d%0aSet-Cookie:x=1"),       400, "would be the next header"),
    "an escape that is none":            (get(b"/%zz"),                         400, "RFC 3986 §2.1"),
    "an escape cut short":               (get(b"/abc%a"),                       400, "RFC 3986 §2.1"),
    "a tab in the path":                 (get(b"/a%09b"),                       400, "a control character"),
    "a blank in the target":             (get(b"/a b"),                         400, "RFC 9112 §3.2"),
    "a target of 9,000 bytes":           (get(b"/" + b"a" * 9_000),             414, "RFC 9110 §15.5.15"),
    "a target of 100,000 bytes":         (get(b"/" + b"a" * 100_000),           414, "RFC 9110 §15.5.15"),
    "a query of 9,000 bytes":            (get(b"/?keyword=" + b"a" * 9_000),    414, "RFC 9110 §15.5.15"),
    "a target without a slash":          (get(b"vi"),                           400, "RFC 9112 §3.2"),
    "a star for GET":                    (get(b"*"),                            400, "only OPTIONS may say so"),
    # another host in the target
    "another host in the target":        (get(b"http://evil.example/vi"),       400, "Host says otherwise"),
    "our host as somebody's name":       (get(b"http://dichvucong.langson.gov.vn@evil.example/"), 400, "userinfo"),
    "userinfo in the target":            (get(b"http://x@dichvucong.langson.gov.vn/"), 400, "RFC 9110 §4.2.4"),
    "half an IPv6 address":              (get(b"http://[::1/"),                 400, "RFC 3986 §3.2.2"),
    "another scheme in the target":      (get(b"ftp://dichvucong.langson.gov.vn/"), 400, "not ours"),
    # the method
    "CONNECT":                           (b"CONNECT a.example:443 HTTP/1.1\r\n" + HOST + END, 405, "no open proxy"),
    "CONNECT with a path":               (b"CONNECT / HTTP/1.1\r\n" + HOST + END, 405, "no open proxy"),
    "TRACE":                             (b"TRACE / HTTP/1.1\r\n" + HOST + END,  405, "shows cookies to scripts"),
    "PROPFIND":                          (b"PROPFIND / HTTP/1.1\r\n" + HOST + END, 501, "RFC 9110 §15.6.2"),
    "QUERY":                             (b"QUERY / HTTP/1.1\r\n" + HOST + END,  501, "RFC 9110 §15.6.2"),
    "a made-up method":                  (b"BREW / HTTP/1.1\r\n" + HOST + END,   400, "the parser knows none such"),
    "a method in small letters":         (b"get / HTTP/1.1\r\n" + HOST + END,    400, "methods have their case"),
    "a method with a bracket":           (b"G(T / HTTP/1.1\r\n" + HOST + END,    400, "no token"),
    # the version
    "HTTP/2.0 on this connection":       (get(version=b"HTTP/2.0"),             505, "RFC 9110 §15.6.6"),
    "HTTP/0.9 with a version":           (get(version=b"HTTP/0.9"),             505, "RFC 9110 §15.6.6"),
    "HTTP/0.9":                          (b"GET /\r\n\r\n",                     505, "a browser of 1993"),
    "HTTP/1.2":                          (get(version=b"HTTP/1.2"),             400, "there is none"),
    "HTTP/9.9":                          (get(version=b"HTTP/9.9"),             400, "there is none"),
    "HTTP/1.10":                         (get(version=b"HTTP/1.10"),            400, "two digits, no more"),
    "another protocol's name":           (get(version=b"ICY/1.0"),              400, "not HTTP"),
    "the preface of HTTP/2":             (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",  400, "RFC 9113 §3.4"),
    # Host
    "no Host":                           (b"GET / HTTP/1.1\r\n" + END,          400, "RFC 9112 §3.2"),
    "two Hosts":                         (b"GET / HTTP/1.1\r\n" + HOST + HOST + END, 400, "RFC 9112 §3.2"),
    "two Hosts that disagree":           (b"GET / HTTP/1.1\r\n" + HOST + b"Host: evil.example\r\n" + END, 400, "RFC 9112 §3.2"),
    "an empty Host":                     (get(host=b""),                        400, "nobody's"),
    "a Host with a path and a user":     (get(host=b"a/b@c"),                   400, "aiohttp lets it through"),
    "a Host with a backslash":           (get(host=b"evil.example\\@" + MODEL.encode()), 400, "a slash to browsers"),
    "a Host with a user":                (get(host=b"x@" + MODEL.encode()),     400, "RFC 9110 §7.2"),
    "a Host with a slash":               (get(host=MODEL.encode() + b"/"),      400, "RFC 9110 §7.2"),
    "a Host with a query":               (get(host=MODEL.encode() + b"?x"),     400, "RFC 9110 §7.2"),
    "a Host with a scheme":              (get(host=b"http://" + MODEL.encode()), 400, "RFC 9110 §7.2"),
    "a Host with a blank":               (get(host=b"a b"),                     400, "RFC 9110 §7.2"),
    "two names in Host":                 (get(host=MODEL.encode() + b",evil.example"), 400, "as a bad proxy joins them"),
    "a Host with mark-up":               (get(host=b"<script>"),                400, "RFC 9110 §7.2"),
    "a Host with a port too high":       (get(host=MODEL.encode() + b":99999"), 400, "ports end at 65,535"),
    "a Host with letters for a port":    (get(host=MODEL.encode() + b":http"),  400, "ports are digits"),
    "a Host that ends in two dots":      (get(host=MODEL.encode() + b".."),     400, "one is the root"),
    "a Host of 300 letters":             (get(host=b"a" * 300),                 400, "names end at 253"),
    "a blank before the colon":          (b"GET / HTTP/1.1\r\nHost : " + MODEL.encode() + b"\r\n" + END, 400, "RFC 9112 §5.1"),
    # somebody else's Host
    "an unknown Host":                   (get(host=b"evil.example"),            421, "RFC 9110 §15.5.20"),
    "our host under another":            (get(host=MODEL.encode() + b".evil.example"), 421, "RFC 9110 §15.5.20"),
    "another host that ends as ours":    (get(host=b"evil" + MODEL.encode()),   421, "RFC 9110 §15.5.20"),
    "an IPv6 address":                   (get(host=b"[::1]:8080"),              421, "nobody's portal"),
    "an IPv4 address":                   (get(host=b"127.0.0.1"),               421, "nobody's portal"),
    "a name with letters of ours":       (get(host="dịchvụcông.vn".encode()),   421, "nobody's portal"),
    "HTTP/1.0 without Host":             (b"GET / HTTP/1.0\r\n\r\n",            421, "allowed, but whose?"),
    # headers
    "a header of 9,000 bytes":           (b"GET / HTTP/1.1\r\n" + HOST + b"X-A: " + b"a" * 9_000 + b"\r\n" + END, 431, "RFC 6585 §5"),
    "a name of 9,000 bytes":             (b"GET / HTTP/1.1\r\n" + HOST + b"X" * 9_000 + b": a\r\n" + END, 431, "RFC 6585 §5"),
    "a cookie of 9,000 bytes":           (b"GET / HTTP/1.1\r\n" + HOST + b"Cookie: p=/" + b"a" * 9_000 + b"\r\n" + END, 431, "it is the cookies that must go"),
    "a Referer of 9,000 bytes":          (b"GET / HTTP/1.1\r\n" + HOST + b"Referer: https://a.example/" + b"a" * 9_000 + b"\r\n" + END, 431, "it is not this address that is too long"),
    "two thousand headers":              (b"GET / HTTP/1.1\r\n" + HOST + b"".join(b"X-%d: a\r\n" % i for i in range(2_000)) + END, 431, "RFC 6585 §5"),
    "a line without a colon":            (b"GET / HTTP/1.1\r\n" + HOST + b"abc\r\n" + END, 400, "RFC 9112 §5"),
    "a header without a name":           (b"GET / HTTP/1.1\r\n" + HOST + b": abc\r\n" + END, 400, "RFC 9112 §5"),
    "a control character in a header":   (b"GET / HTTP/1.1\r\n" + HOST + b"X-A: a\x01b\r\n" + END, 400, "RFC 9110 §5.5"),
    "a header that goes on":             (b"GET / HTTP/1.1\r\n" + HOST + b"X-A: a\r\n b\r\n" + END, 400, "obs-fold, RFC 9112 §5.2"),
    "a Host that goes on":               (b"GET / HTTP/1.1\r\nHost: dichvucong.\r\n langson.gov.vn\r\n" + END, 400, "obs-fold"),
    "lines without CR":                  (b"GET / HTTP/1.1\nHost: " + MODEL.encode() + b"\n\n", 400, "RFC 9112 §2.2"),
    "one line without CR":               (b"GET / HTTP/1.1\r\nHost: " + MODEL.encode() + b"\nX-A: a\r\n\r\n", 400, "RFC 9112 §2.2"),
    "a CR alone":                        (b"GET / HTTP/1.1\r\nHost: " + MODEL.encode() + b"\rX-A: a\r\n\r\n", 400, "RFC 9112 §2.2"),
    # framing, where smugglers work
    "a length and chunks":               (post(b"Content-Length: 5", b"Transfer-Encoding: chunked", body=b"0\r\n\r\n"), 400, "RFC 9112 §6.1"),
    "two lengths":                       (post(b"Content-Length: 5", b"Content-Length: 6", body=b"abcdef"), 400, "RFC 9112 §6.3"),
    "a negative length":                 (post(b"Content-Length: -1"),          400, "RFC 9110 §8.6"),
    "a length with a plus":              (post(b"Content-Length: +5", body=b"abcde"), 400, "RFC 9110 §8.6"),
    "an unknown coding":                 (post(b"Transfer-Encoding: xchunked", body=b"0\r\n\r\n"), 400, "RFC 9112 §6.1"),
    "chunks that are not last":          (post(b"Transfer-Encoding: chunked, identity", body=b"0\r\n\r\n"), 400, "RFC 9112 §6.3"),
    "a chunk without a size":            (post(b"Transfer-Encoding: chunked", FORM.strip(), body=b"zz\r\nabc\r\n"), 400, "RFC 9112 §7.1"),
    # no HTTP at all
    "a TLS hello":                       (bytes.fromhex("160301020001000 1fc0303".replace(" ", "")) + b"\x11" * 300, 400, "https to the port for http"),
    "an SSH greeting":                   (b"SSH-2.0-OpenSSH_9.6\r\n",           400, "a scanner"),
    "bytes at random":                   (bytes(range(128, 256)) * 4,           400, "a scanner"),
    "NULs":                              (b"\0" * 64,                           400, "a scanner"),
}  # fmt: skip
LEAKS = re.compile(
    r"Traceback|aiohttp|Python|llhttp|asyncio|File \"|site-packages|line \d+, in|0x[0-9a-f]{6}", re.IGNORECASE
)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shipped(packs: Packs, pages: Pages) -> AsyncIterator[RunningEdge]:
    async with edge_over(packs, pages) as edge:
        yield edge


def check_in_words(reply: Reply, status: int) -> None:
    assert reply.status == status
    assert reply.headers["content-type"] == "text/html; charset=utf-8"
    assert any(title in reply.text for title in TITLES[status])
    assert "18001096" in reply.text  # the hotline, for who cannot help themselves
    assert reply.headers["cache-control"] == "no-store"
    assert reply.headers["x-content-type-options"] == "nosniff"
    assert "frame-ancestors 'none'" in reply.headers["content-security-policy"]
    assert reply.headers["x-request-id"] in reply.text  # what is read out on the telephone
    assert "location" not in reply.headers


def check_nothing_leaks(heard: Heard) -> None:
    assert not LEAKS.search(heard.raw.decode("utf-8", "replace"))
    assert heard.replies[0].headers["server"] == "dvc-edge"


async def check_the_next_is_served(edge: RunningEdge) -> None:
    heard = await say(edge, request_bytes("/vi", headers=["User-Agent: Mozilla/5.0", "Accept: text/html"]))
    assert heard.reply.status == 200


@pytest.mark.parametrize(("sent", "status", "why"), NONSENSE.values(), ids=NONSENSE.keys())
async def test_nonsense_is_answered_in_words(
    shipped: RunningEdge, caplog: pytest.LogCaptureFixture, sent: bytes, status: int, why: str
) -> None:
    with caplog.at_level(logging.WARNING):
        heard = await say(shipped, sent)
    check_in_words(heard.reply, status)
    assert heard.raw.startswith((b"HTTP/1.1 ", b"HTTP/1.0 ")), "a status line of a version that we speak"
    check_nothing_leaks(heard)
    assert heard.closed
    assert not caplog.records, "nonsense from outside is no alarm for operators"
    await check_the_next_is_served(shipped)


@pytest.mark.parametrize(("language", "which"), [("vi", 0), ("en", 1), ("fr", 0), ("en-GB,vi;q=0.5", 1)])
async def test_words_are_in_the_language_that_was_asked_for(shipped: RunningEdge, language: str, which: int) -> None:
    for target, host, status in (("/%zz", MODEL, 400), ("/", "evil.example", 421)):
        heard = await say(shipped, request_bytes(target, host, headers=[f"Accept-Language: {language}"]))
        assert TITLES[status][which] in heard.reply.text


# Host                             why it is ours all the same
OURS = [
    (b"DICHVUCONG.LANGSON.GOV.VN",  "names have no case"),
    (b"DichVuCong.langson.gov.vn.", "the root's dot"),
    (b"dichvucong.langson.gov.vn:80", "the port is not the name"),
    (b"dichvucong.langson.gov.vn:8443", "any port"),
    (b"dichvucong.langson.gov.vn:", "RFC 3986 §3.2.3: an empty port"),
    (b"dichvucong.langson.gov.vn.localhost:8080", "a preview"),
]  # fmt: skip


@pytest.mark.parametrize(("host", "why"), OURS)
async def test_a_host_has_many_spellings(shipped: RunningEdge, host: bytes, why: str) -> None:
    heard = await say(shipped, get(b"/vi", host))
    assert heard.reply.status == 301
    assert heard.reply.headers["location"] == "https://dichvucong.gov.vn/"


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8080", "dichvucong.langson.gov.vn.evil.example", "xn--bcher-kva.example", "[2001:db8::1]"]
)  # fmt: skip
async def test_an_unknown_host_is_never_repeated(shipped: RunningEdge, host: str) -> None:
    asked = request_bytes("/vi?x=1", host, headers=["X-Forwarded-Host: evil.example", "Forwarded: host=evil.example"])
    heard = await say(shipped, asked)
    check_in_words(heard.reply, 421)
    for text in ("evil.example", "2001:db8", "bcher"):
        assert text.encode() not in heard.raw


async def test_who_is_believed_about_the_host_is_host_alone(shipped: RunningEdge) -> None:
    """Nobody is trusted to speak for a visitor."""
    spoofed = ["X-Forwarded-Host: dichvucong.hanoi.gov.vn", "X-Original-URL: /nop-ho-so", "X-Rewrite-URL: /nop-ho-so"]
    heard = await say(shipped, request_bytes("/vi", headers=[*spoofed, "Accept: text/html", "User-Agent: Mozilla/5.0"]))
    assert "Lạng Sơn" in heard.reply.text
    assert "Hà Nội city" not in heard.reply.text
    assert heard.reply.headers["link"] == '<https://dichvucong.gov.vn/>; rel="successor-version"'


# target                                           Location                        why
ABSOLUTE = [
    (b"http://dichvucong.langson.gov.vn/nop-ho-so", "https://dichvucong.gov.vn/dvc-dich-vu-cong-truc-tuyen", "RFC 9112 §3.2.2"),
    (b"HTTPS://DichVuCong.LangSon.gov.vn:443/nop-ho-so", "https://dichvucong.gov.vn/dvc-dich-vu-cong-truc-tuyen", "names have no case"),
    (b"http://dichvucong.langson.gov.vn",           "https://dichvucong.gov.vn/",   "no path is the root"),
    (b"http://dichvucong.langson.gov.vn?keyword=a", "https://dichvucong.gov.vn/tim-kiem-thu-tuc-hanh-chinh?keyword=a", "RFC 3986 §3.3: a query may follow an empty path"),
    (b"http://dichvucong.langson.gov.vn/?keyword=a//b", "https://dichvucong.gov.vn/tim-kiem-thu-tuc-hanh-chinh?keyword=a%2F%2Fb", "only the first // begins an authority"),
]  # fmt: skip


@pytest.mark.parametrize(("target", "location", "why"), ABSOLUTE)
async def test_a_whole_address_in_the_request_line_is_read_when_host_agrees(
    shipped: RunningEdge, target: bytes, location: str, why: str
) -> None:
    heard = await say(shipped, get(target))
    assert heard.reply.status == 301
    assert heard.reply.headers["location"] == location


# target, as old browsers and scanners send it     what is searched for            why
BARE = [
    ("/?keyword=Đất đai".replace(" ", "+").encode(),   "%C4%90%E1%BA%A5t%20%C4%91ai",  "UTF-8, as IE 11 sends it"),
    (b"/?keyword=\xd0\xe2t",                           "%C4%90%C3%A2t",                "Windows-1258, as IE 6 did"),
    ("/tra-cứu/../?keyword=a".encode(),                "a",                            "in the path, too"),
]  # fmt: skip


@pytest.mark.parametrize(("target", "keyword", "why"), BARE)
async def test_letters_that_nobody_encoded_are_read(
    shipped: RunningEdge, target: bytes, keyword: str, why: str
) -> None:
    heard = await say(shipped, get(target))
    assert heard.reply.headers["location"].partition("keyword=")[2] == keyword


class Wire(asyncio.Transport):
    """A connection that only keeps what is written."""

    def __init__(self) -> None:
        super().__init__({"peername": ("127.0.0.1", 1)})
        self.written = bytearray()
        self.closed = asyncio.Event()

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.written += data

    def is_closing(self) -> bool:
        return self.closed.is_set()

    def close(self) -> None:
        self.closed.set()


async def test_a_body_is_never_rewritten_on_its_way_in(packs: Packs, pages: Pages) -> None:
    """Were its first line encoded as a request's is, it would outgrow its length, and the rest be the next request."""
    app = create_app(settings_with(), parts=(packs, pages), log=io.StringIO())
    connection, wire = EdgeServer(app.edge, app.settings.limits).reader(), Wire()
    connection.connection_made(wire)
    await asyncio.sleep(0)  # until it waits for a request
    body = b"GET /" + b"\xff" * 20 + b"\r\n\r\n"
    # Both before the handler wakes, as a loop may deliver them that reads until nothing is left.
    connection.data_received(b"POST /nop-ho-so HTTP/1.1\r\n" + HOST + b"Content-Length: %d\r\n\r\n" % len(body))
    connection.data_received(body)
    connection.data_received(get(b"/vi"))
    async with asyncio.timeout(5):
        await wire.closed.wait()
    assert [reply.status for reply in Heard(bytes(wire.written), closed=True).replies] == [410, 301]
    await connection.shutdown(0)


async def test_options_for_the_whole_server_is_answered(shipped: RunningEdge) -> None:
    heard = await say(shipped, b"OPTIONS * HTTP/1.1\r\n" + HOST + END)
    assert heard.reply.status == 204
    assert "GET" in heard.reply.headers["allow"]
    assert heard.reply.body == b""


async def test_405_says_which_methods_there_are(shipped: RunningEdge) -> None:
    """RFC 9110 §15.5.6."""
    heard = await say(shipped, NONSENSE["TRACE"][0])
    assert {"GET", "HEAD", "POST"} <= {method.strip() for method in heard.reply.headers["allow"].split(",")}


async def test_a_head_that_is_no_request_has_no_body_either(shipped: RunningEdge) -> None:
    heard = await say(shipped, b"HEAD /%zz HTTP/1.1\r\n" + HOST + END)
    head, _, body = heard.raw.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 ")
    assert body == b""


# ── many requests on one connection ───────────────────────────────────────────────────────────────────────────────


async def test_pipelined_requests_are_answered_in_their_order(shipped: RunningEdge) -> None:
    asked = [f"/?keyword={number}" for number in range(20)]
    sent = b"".join(request_bytes(target, keep=True) for target in asked) + get(b"/vi")
    heard = await say(shipped, sent)
    assert [reply.headers["location"].rpartition("=")[2] for reply in heard.replies[:-1]] == [str(n) for n in range(20)]
    assert len(heard.replies) == 21


# what comes first                                                                               statuses
ONE_AFTER_THE_OTHER = {
    "an unknown host":            (request_bytes("/", "evil.example", keep=True),                [421, 301]),
    "a method that is not done":  (request_bytes("/", method="PROPFIND", keep=True),             [501, 301]),
    "a GET with a body":          (request_bytes("/vi", headers=[f"Content-Length: {len(NEXT)}"], body=NEXT, keep=True), [301, 301]),
    "a body nobody reads":        (request_bytes("/nop-ho-so", method="POST", headers=["Content-Type: application/json", f"Content-Length: {len(NEXT)}"], body=NEXT, keep=True), [410, 301]),
    "a body for a wrong host":    (request_bytes("/", "evil.example", method="POST", headers=[f"Content-Length: {len(NEXT)}"], body=NEXT, keep=True), [421, 301]),
    "a chunked body":             (request_bytes("/nop-ho-so", method="POST", headers=["Transfer-Encoding: chunked"], body=b"3\r\na=b\r\n0\r\n\r\n", keep=True), [410, 301]),
    "a handshake refused":        (request_bytes("/vi", headers=["Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="], keep=True), [410, 301]),
    "blank lines":                (b"\r\n\r\n",                                                  [301]),
}  # fmt: skip


@pytest.mark.parametrize(
    ("first", "statuses"), ONE_AFTER_THE_OTHER.values(), ids=[f"after {what}" for what in ONE_AFTER_THE_OTHER]
)
async def test_a_body_is_never_taken_for_the_next_request(
    shipped: RunningEdge, first: bytes, statuses: list[int]
) -> None:
    """A request smuggled in a body would be answered too: exactly these answers, and no more."""
    heard = await say(shipped, first + get(b"/vi"))
    assert [reply.status for reply in heard.replies] == statuses
    assert heard.closed


async def test_after_what_cannot_be_framed_nothing_more_is_read(shipped: RunningEdge) -> None:
    heard = await say(shipped, NONSENSE["a length and chunks"][0] + NEXT * 3)
    assert [reply.status for reply in heard.replies] == [400]
    assert heard.closed


async def test_who_asks_before_sending_a_form_is_not_left_waiting(shipped: RunningEdge) -> None:
    """RFC 9110 §10.1.1: `100 Continue` or the final answer, at once; the body is held back until then."""
    head = b"POST /nop-ho-so HTTP/1.1\r\n" + HOST + FORM + b"Expect: 100-continue\r\nContent-Length: 3\r\n\r\n"
    heard = await say(shipped, head, until=b"\r\n\r\n")
    assert heard.raw.startswith((b"HTTP/1.1 100 ", b"HTTP/1.1 410 "))


async def test_a_form_that_breaks_off_harms_nobody(shipped: RunningEdge) -> None:
    head = b"POST /nop-ho-so HTTP/1.1\r\n" + HOST + FORM + b"Content-Length: 100\r\n\r\n"
    heard = await say(shipped, head + b"ho_ten=Lan", hang_up=True)
    assert heard.closed
    await check_the_next_is_served(shipped)


async def test_a_compressed_form_that_is_none_is_no_fault_of_ours(shipped: RunningEdge) -> None:
    body = request_bytes(
        "/nop-ho-so",
        method="POST",
        headers=[*FORM.decode().strip().split("\r\n"), "Content-Encoding: gzip", "Content-Length: 5"],
        body=b"abcde",
    )
    heard = await say(shipped, body)
    assert heard.reply.status == 410
    check_nothing_leaks(heard)
    await check_the_next_is_served(shipped)


async def test_wrong_connections_that_hang_up_leave_the_edge_as_it_was(shipped: RunningEdge) -> None:
    for sent, _, _ in [*NONSENSE.values()] * 2:
        await say(shipped, sent[:40], patience=0.001)
    await check_the_next_is_served(shipped)
