"""Who asks × how far the portal has gone × what is known of the page → the whole answer, header by header.

The tables say once more what citizens, programs and operators were promised; nothing in them is taken from the
program, so that a change of the program's own table is noticed here.  Every case is a request to a running edge.
"""

import base64
import hashlib
import json
import re
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

import pytest
import pytest_asyncio
from aiohttp import ClientResponse

from proxy.packs import Packs
from proxy.pages import Pages
from redirect_rules.model import Life
from tests.conftest import RunningEdge
from tests.proxy.conftest import edge_over, host_of

pytestmark = pytest.mark.asyncio(loop_scope="module")

# ── what was promised ─────────────────────────────────────────────────────────────────────────────────────────────

PROMISES: Final[Mapping[str, tuple[str, str, str, str]]] = {
    # who asks         phase notice             phase direct             no rule knows it         phase retired
    "a person":       ("the notice",            "sent on",               "the notice",            "gone: a page"),
    "a form":         ("not sent",              "not sent",              "not sent",              "not sent"),
    "a crawler":      ("sent on for good",      "sent on for good",      "unknown: a line",       "gone: a line"),
    "a program":      ("gone: a problem",       "gone: a problem",       "unknown: a problem",    "gone: a problem"),
    "a preflight":    ("may read",              "may read",              "may read",              "may read"),
    "htmx":           ("steered to the notice", "steered to the target", "steered to the notice", "gone: a line"),
    "a frame":        ("a way out",             "a way out",             "a way out",             "gone: a page"),
    "an asset":       ("gone: nothing",         "gone: nothing",         "gone: nothing",         "gone: nothing"),
    "a download":     ("sent on",               "sent on",               "gone: a page",          "gone: a page"),
    "a websocket":    ("shut",                  "shut",                  "shut",                  "shut"),
    "an eventsource": ("ended",                 "ended",                 "ended",                 "ended"),
    "a prefetch":     ("not ahead",             "not ahead",             "not ahead",             "not ahead"),
}  # fmt: skip
READS_PAGES = {"a person", "a crawler", "a prefetch"}
"""On a portal that lives on, only pages are closed: what else asks for an unknown path is let through."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What an answer is made of.  `also` are headers that must be there with this value; {target} is filled in."""

    status: int
    body: str  # "page", "text", "problem" or "nothing"
    cache: str
    also: Mapping[str, str] = field(default_factory=dict)


HOUR = "public, max-age=3600"
ANSWERS: Final[Mapping[str, Answer]] = {
    "the notice":            Answer(200, "page",    "no-store"),
    "a way out":             Answer(200, "page",    "no-store"),
    "not sent":              Answer(410, "page",    "no-store"),
    "gone: a page":          Answer(410, "page",    "no-store"),
    "gone: a line":          Answer(410, "text",    HOUR),
    "gone: a problem":       Answer(410, "problem", "no-store", {"Access-Control-Allow-Origin": "*"}),
    "gone: nothing":         Answer(410, "nothing", HOUR),
    "unknown: a line":       Answer(404, "text",    HOUR),
    "unknown: a problem":    Answer(404, "problem", "no-store", {"Access-Control-Allow-Origin": "*"}),
    "may read":              Answer(204, "nothing", "no-store", {"Access-Control-Allow-Origin": "*"}),
    "sent on":               Answer(302, "text",    HOUR,       {"Location": "{target}"}),  # 301 after probation
    "sent on for good":      Answer(301, "text",    HOUR,       {"Location": "{target}"}),
    "steered to the notice": Answer(200, "nothing", "no-store", {"HX-Redirect": "{here}"}),
    "steered to the target": Answer(200, "nothing", "no-store", {"HX-Redirect": "{target}"}),
    "shut":                  Answer(410, "nothing", "no-store"),
    "ended":                 Answer(204, "nothing", "no-store"),
    "not ahead":             Answer(503, "nothing", "no-store"),
    "later":                 Answer(503, "words",   "no-store", {"Retry-After": "300"}),
}  # fmt: skip

# ── who asks ──────────────────────────────────────────────────────────────────────────────────────────────────────

HTML = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
PHONE = {"User-Agent": "Mozilla/5.0 (Linux; Android 14) Chrome/130 Mobile", "Accept-Language": "vi"}


def chrome(destination: str, accept: str = "*/*", **more: str) -> dict[str, str]:
    """What Chrome says of a request for this use."""
    said = {name.replace("_", "-"): value for name, value in more.items()}
    return {**PHONE, "Accept": accept, "Sec-Fetch-Dest": destination, **said}


PERSON = chrome("document", HTML, Sec_Fetch_Mode="navigate")
OPERA_MINI = {
    "User-Agent": "Opera/9.80 (J2ME/MIDP; Opera Mini/7.1) Presto/2.8",
    "Accept": HTML,
    "Accept-Language": "vi",
}
GOOGLE = {"User-Agent": "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", "Accept": HTML}
URLENCODED = {"Content-Type": "application/x-www-form-urlencoded"}
MULTIPART = {"Content-Type": "multipart/form-data; boundary=B"}
PARTS = b'--B\r\nContent-Disposition: form-data; name="ho_ten"\r\n\r\nLan\r\n--B--\r\n'
HANDSHAKE = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13"}
KEY = {"Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="}
PREFLIGHT = {"Origin": "https://a.example", "Access-Control-Request-Method": "POST"}


@dataclass(frozen=True, slots=True)
class Asker:
    """A client as it shows itself on the wire, and the row of PROMISES that is for it."""

    row: str
    method: str
    headers: Mapping[str, str]
    body: bytes | None = None


ASKERS: Final[Mapping[str, Asker]] = {
    "navigation":       Asker("a person",       "GET",     PERSON),
    "old phone":        Asker("a person",       "GET",     OPERA_MINI),
    "HEAD":             Asker("a person",       "HEAD",    PERSON),
    "form":             Asker("a form",         "POST",    PERSON | URLENCODED, b"ho_ten=Lan"),
    "form with files":  Asker("a form",         "POST",    PERSON | MULTIPART, PARTS),
    "form by PUT":      Asker("a form",         "PUT",     PERSON | URLENCODED, b"ho_ten=Lan"),
    "form in a frame":  Asker("a form",         "POST",    chrome("iframe", HTML) | URLENCODED, b"ho_ten=Lan"),
    "search engine":    Asker("a crawler",      "GET",     GOOGLE),
    "link preview":     Asker("a crawler",      "GET",     {"User-Agent": "facebookexternalhit/1.1", "Accept": "*/*"}),
    "command line":     Asker("a crawler",      "GET",     {"User-Agent": "curl/8.5.0", "Accept": "*/*"}),
    "command line HEAD": Asker("a crawler",     "HEAD",    {"User-Agent": "curl/8.5.0", "Accept": "*/*"}),
    "API":              Asker("a program",      "GET",     {"User-Agent": "okhttp/4.12", "Accept": "application/json"}),
    "API that sends":   Asker("a program",      "POST",    {"User-Agent": "okhttp/4.12", "Content-Type": "application/json"}, b"{}"),
    "fetch":            Asker("a program",      "GET",     chrome("empty", Origin="https://a.example")),
    "XMLHttpRequest":   Asker("a program",      "GET",     OPERA_MINI | {"X-Requested-With": "XMLHttpRequest"}),
    "preflight":        Asker("a preflight",    "OPTIONS", chrome("empty") | PREFLIGHT),
    "htmx":             Asker("htmx",           "GET",     chrome("empty", HX_Request="true")),
    "iframe":           Asker("a frame",        "GET",     chrome("iframe", HTML)),
    "script":           Asker("an asset",       "GET",     chrome("script")),
    "image":            Asker("an asset",       "GET",     chrome("image", "image/avif,image/webp,*/*")),
    "download":         Asker("a download",     "GET",     PERSON),
    "websocket":        Asker("a websocket",    "GET",     chrome("websocket") | HANDSHAKE | KEY),
    "event source":     Asker("an eventsource", "GET",     chrome("empty", "text/event-stream")),
    "prefetch":         Asker("a prefetch",     "GET",     PERSON | {"Sec-Purpose": "prefetch"}),
    "prerender":        Asker("a prefetch",     "GET",     PERSON | {"Sec-Purpose": "prefetch;prerender"}),
}  # fmt: skip

# ── what is asked for ─────────────────────────────────────────────────────────────────────────────────────────────

HOME = "https://dichvucong.gov.vn/"
PROCEDURE = "https://dichvucong.gov.vn/thu-tuc-hanh-chinh/019d2bfd-3fe0-70ac-b9d6-5e9e20d6eef7"
LIST = "https://dichvucong.gov.vn/tra-cuu-thu-tuc/danh-sach"


@dataclass(frozen=True, slots=True)
class Page:
    """An old address, where it leads, and how the page itself would be spelt in a link of ours."""

    target: str
    leads_to: str
    here: str


PAGES: Final[Mapping[str, Page]] = {
    "known":   Page("/nop-ho-so?MaTTHC=1.001193&utm_source=zalo", PROCEDURE, "/nop-ho-so?matthc=1.001193"),
    "unknown": Page("/khong-co-trang-nay/abc", HOME, "/khong-co-trang-nay/abc"),
    "passing": Page("/vi/padsvc/apply-online/68b01d569d1db539542d7399", HOME, "/vi/padsvc/apply-online/68b01d569d1db539542d7399"),
}  # fmt: skip
DOCUMENTS: Final[Mapping[str, Page]] = {
    "known":   Page("/thu-tuc-hanh-chinh/mau-don.pdf", LIST, "/thu-tuc-hanh-chinh/mau-don.pdf"),
    "unknown": Page("/khong-co/mau-don.pdf", HOME, "/khong-co/mau-don.pdf"),
    "passing": Page("/tttl/52/mau-don.pdf", HOME, "/tttl/52/mau-don.pdf"),
}  # fmt: skip

PHASES: Final[Mapping[str, int]] = {"notice": 0, "direct": 1, "settled": 1, "retired": 3}  # column of PROMISES
CLOSED_AT = {"Sunset": "Mon, 30 Jun 2025 17:00:00 GMT", "Deprecation": "@1751302800"}  # 1 July 2025, 00:00 in Viet Nam
TELLS_ASKERS_APART = {
    "Accept", "User-Agent", "Sec-Fetch-Dest", "Sec-Purpose", "HX-Request", "X-Requested-With", "Upgrade",
}  # fmt: skip


def promised(row: str, phase: str, page: str, life: Life) -> str:
    """Which answer the tables promise."""
    if page == "passing":
        return "later" if life is Life.LIVING else PROMISES[row][3]
    if page == "unknown" and life is Life.LIVING and row not in READS_PAGES:
        return "later"
    column = PHASES[phase]
    return PROMISES[row][2 if page == "unknown" and column < 3 else column]


def cases() -> Iterator[tuple[str, str, str, Life, str]]:
    for who, asker in ASKERS.items():
        for phase in PHASES:
            for page in PAGES:
                for life in Life:
                    yield who, phase, page, life, promised(asker.row, phase, page, life)


CASES = list(cases())


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def running(every_state: Packs, pages: Pages) -> AsyncIterator[RunningEdge]:
    async with edge_over(every_state, pages) as edge:
        yield edge


def page_for(asker: Asker, page: str) -> Page:
    return (DOCUMENTS if asker.row == "a download" else PAGES)[page]


async def ask(edge: RunningEdge, who: str, phase: str, page: str, life: Life) -> ClientResponse:
    asker = ASKERS[who]
    url = f"https://{host_of(phase, life)}{page_for(asker, page).target}"
    return await edge.get(url, {"Accept-Encoding": "identity", **asker.headers}, method=asker.method, data=asker.body)


# ── the table ─────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("who", "phase", "page", "life", "answer"),
    CASES,
    ids=[f"{who}, {phase}, {page} page, {life}: {answer}" for who, phase, page, life, answer in CASES],
)
async def test_everybody_is_answered_as_promised(
    running: RunningEdge, who: str, phase: str, page: str, life: Life, answer: str
) -> None:
    asker, asked, wanted = ASKERS[who], page_for(ASKERS[who], page), ANSWERS[answer]
    response = await ask(running, who, phase, page, life)
    status = 301 if answer == "sent on" and phase == "settled" else wanted.status
    assert response.status == status
    assert response.headers["Cache-Control"] == wanted.cache
    for name, value in wanted.also.items():
        assert response.headers[name] == value.format(target=asked.leads_to, here=asked.here), name
    check_what_every_answer_says(response)
    check_nobody_is_moved_otherwise(response, wanted)
    if answer != "later":
        check_what_a_closed_page_says(response, asked)
    await check_body(response, wanted, asker, answer)


def check_what_every_answer_says(response: ClientResponse) -> None:
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Referrer-Policy"] == "no-referrer"
    assert re.fullmatch(r"[2-9a-z]{4}-[2-9a-z]{4}-[2-9a-z]{4}", response.headers["X-Request-Id"])
    assert response.headers["Server"] == "dvc-edge"
    assert "Set-Cookie" not in response.headers


def check_nobody_is_moved_otherwise(response: ClientResponse, wanted: Answer) -> None:
    assert "Refresh" not in response.headers  # WCAG 2.2.1
    for name in ("Location", "HX-Redirect", "Access-Control-Allow-Origin", "Retry-After"):
        if name not in wanted.also and (wanted.body, name) != ("words", "Access-Control-Allow-Origin"):
            assert name not in response.headers


def check_what_a_closed_page_says(response: ClientResponse, asked: Page) -> None:
    assert response.headers["Link"] == f'<{asked.leads_to}>; rel="successor-version"'
    for name, value in CLOSED_AT.items():
        assert response.headers[name] == value
    varies = {name.strip() for name in response.headers["Vary"].split(",")}
    assert varies >= TELLS_ASKERS_APART
    if response.content_type == "text/html":
        assert varies >= {"Accept-Language", "Accept-Encoding"}


async def check_body(response: ClientResponse, wanted: Answer, asker: Asker, answer: str) -> None:
    body = await response.read()
    if asker.method == "HEAD":
        assert body == b""
        return
    match wanted.body:
        case "page":
            check_page(response, body.decode(), frameable=answer == "a way out")
            check_what_the_page_says(body.decode(), answer)
        case "text":
            assert response.headers["Content-Type"] == "text/plain; charset=utf-8"
            assert 0 < len(body) < 400
        case "problem":
            check_problem(response, json.loads(body))
        case "nothing":
            assert body == b""
            assert "html" not in response.headers.get("Content-Type", "")
        case "words":
            check_words(response, body, asker)
    if "html" not in response.headers.get("Content-Type", ""):
        assert "Content-Security-Policy" not in response.headers


def check_page(response: ClientResponse, html: str, *, frameable: bool) -> None:
    assert response.headers["Content-Type"] == "text/html; charset=utf-8"
    assert response.headers["Content-Language"] == "vi"
    policy = policy_of(response)
    assert policy["default-src"] == "'none'"
    assert policy["base-uri"] == "'none'"
    assert policy["frame-ancestors"] == ("*" if frameable else "'none'")
    assert policy["form-action"] in {"'none'", "'self'"}
    assert "unsafe" not in response.headers["Content-Security-Policy"]
    for directive, element in (("script-src", "script"), ("style-src", "style")):
        for source in re.findall(rf"<{element}>(.*?)</{element}>", html, re.DOTALL):
            digest = base64.b64encode(hashlib.sha256(source.encode()).digest()).decode()
            assert f"'sha256-{digest}'" in policy[directive].split()
    assert not re.search(r"<[^>]+\s(?:style|on[a-z]+)=", html)
    assert "http-equiv" not in html.lower()


def policy_of(response: ClientResponse) -> Mapping[str, str]:
    directives = response.headers["Content-Security-Policy"].split(";")
    return {name: sources for name, _, sources in (directive.strip().partition(" ") for directive in directives)}


def check_what_the_page_says(html: str, answer: str) -> None:
    timer = re.search(r'"seconds":(\w+)', html)
    match answer:
        case "the notice":
            assert timer is not None
            assert timer[1] == "30"
        case "not sent":
            assert "Hồ sơ CHƯA được gửi" in html
            assert "Lan" in html
            assert timer is None
        case "a way out":
            assert 'target="_top"' in html
            assert "<script" not in html
        case "gone: a page":
            assert timer is None


def check_problem(response: ClientResponse, problem: Mapping[str, object]) -> None:
    """RFC 9457 §3.1."""
    assert response.headers["Content-Type"].partition(";")[0] == "application/problem+json"
    assert problem["status"] == response.status
    assert problem["type"] == "about:blank"
    assert problem["title"]
    assert problem["successor"] == response.headers["Link"].partition(">")[0].removeprefix("<")
    assert problem["sunset"] == "2025-07-01T00:00:00+07:00"


def check_words(response: ClientResponse, body: bytes, asker: Asker) -> None:
    """503: people read a page, programs a problem, and what cannot show a page gets none."""
    match asker.row:
        case "a person" | "a form" | "a frame" | "a download" | "a crawler" | "a prefetch":
            check_page(response, body.decode(), frameable=False)
            assert "5 phút" in body.decode() or "5 minutes" in body.decode()
        case "a program" | "a preflight":
            assert json.loads(body)["status"] == 503
        case "an asset" | "a websocket" | "an eventsource":
            assert body == b""


# ── what no table can say ─────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("phase", ["live", "announced"])
@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("who", ASKERS)
async def test_an_open_portal_is_let_through_whoever_asks(
    running: RunningEdge, who: str, page: str, phase: str
) -> None:
    response = await ask(running, who, phase, page, Life.LIVING)
    assert response.status == 503
    assert response.headers["Retry-After"] == "300"
    assert response.headers["Cache-Control"] == "no-store"
    check_what_every_answer_says(response)
    for name in ("Location", "Link", "Sunset", "HX-Redirect", "Refresh"):
        assert name not in response.headers
    if ASKERS[who].method != "HEAD":
        check_words(response, await response.read(), ASKERS[who])


@pytest.mark.parametrize("phase", ["live", "announced"])
@pytest.mark.parametrize("who", ["navigation", "API", "script"])
async def test_on_a_portal_that_is_gone_every_path_is_closed_whatever_its_calendar_says(
    running: RunningEdge, who: str, phase: str
) -> None:
    """Nothing will ever answer there: "come again in five minutes" would not be true."""
    response = await ask(running, who, phase, "known", Life.GONE)
    assert response.status != 503
    assert "Retry-After" not in response.headers


@pytest.mark.parametrize("who", [who for who, asker in ASKERS.items() if asker.method == "GET"])
@pytest.mark.parametrize("phase", PHASES)
async def test_a_head_is_answered_with_the_headers_of_its_get(running: RunningEdge, who: str, phase: str) -> None:
    """RFC 9110 §9.3.2; only what differs from one answer to the next may differ."""
    asker = ASKERS[who]
    url = f"https://{host_of(phase, Life.GONE)}{page_for(asker, 'known').target}"
    got = await running.get(url, asker.headers)
    head = await running.get(url, asker.headers, method="HEAD")
    assert head.status == got.status
    assert lasting_headers(head) == lasting_headers(got)
    assert head.headers.get("Content-Length") in {None, got.headers.get("Content-Length")}  # RFC 9110 §8.6
    assert await head.read() == b""


def lasting_headers(response: ClientResponse) -> Mapping[str, str]:
    changing = {"date", "x-request-id", "connection", "content-length"}
    return {name: value for name, value in response.headers.items() if name.lower() not in changing}


async def test_no_two_answers_have_the_same_id(running: RunningEdge) -> None:
    ids = {(await ask(running, "script", "notice", "known", Life.GONE)).headers["X-Request-Id"] for _ in range(50)}
    assert len(ids) == 50


async def test_a_preflight_allows_what_the_page_asked_to_send(running: RunningEdge) -> None:
    response = await ask(running, "preflight", "notice", "known", Life.LIVING)
    assert "POST" in response.headers["Access-Control-Allow-Methods"]
    assert response.headers["Access-Control-Allow-Headers"] == "*"


async def test_a_problem_lets_a_page_elsewhere_read_where_it_went(running: RunningEdge) -> None:
    response = await ask(running, "fetch", "notice", "known", Life.LIVING)
    exposed = {name.strip() for name in response.headers["Access-Control-Expose-Headers"].split(",")}
    assert exposed >= {"Link", "Sunset", "Deprecation"}


async def test_a_page_no_rule_knows_says_that_it_is_not_the_exact_one(running: RunningEdge) -> None:
    unknown = await (await ask(running, "navigation", "notice", "unknown", Life.LIVING)).text()
    known = await (await ask(running, "navigation", "notice", "known", Life.LIVING)).text()
    assert 'id="unmapped"' in unknown
    assert 'id="unmapped"' not in known


@pytest.mark.parametrize("phase", PHASES)
@pytest.mark.parametrize("who", ["form", "form with files", "form by PUT"])
async def test_a_form_is_never_sent_anywhere_else(running: RunningEdge, who: str, phase: str) -> None:
    """Not by 307 or 308, which send it again, nor by a 301 or 302, which throw away what was typed."""
    for life in Life:
        for page in PAGES:
            assert not 300 <= (await ask(running, who, phase, page, life)).status < 400


WORKERS = ["/sw.js", "/service-worker.js", "/ngsw-worker.js"]


@pytest.mark.parametrize("phase", PHASES)
@pytest.mark.parametrize("path", WORKERS)
async def test_a_service_worker_of_a_portal_that_is_gone_retires_itself(
    running: RunningEdge, path: str, phase: str
) -> None:
    response = await running.get(f"https://{host_of(phase, Life.GONE)}{path}", chrome("serviceworker"))
    assert response.status == 200
    assert response.headers["Content-Type"].partition(";")[0] == "text/javascript"
    assert response.headers["Cache-Control"] == "no-store"
    assert "registration.unregister()" in await response.text()


@pytest.mark.parametrize("path", [*WORKERS, "/ngsw.json"])
async def test_a_service_worker_of_a_living_portal_is_let_through(running: RunningEdge, path: str) -> None:
    response = await running.get(f"https://{host_of('notice', Life.LIVING)}{path}", chrome("serviceworker"))
    assert response.status == 503


async def test_the_manifest_of_angulars_worker_is_not_found(running: RunningEdge) -> None:
    """With a 404 the worker removes itself."""
    response = await running.get(f"https://{host_of('notice', Life.GONE)}/ngsw.json", chrome("empty"))
    assert response.status == 404
    assert response.headers["Cache-Control"] == "no-store"
    assert await response.read() == b""


# path                          its type             what is in it
OUR_FILES = [
    ("/robots.txt",               "text/plain",        "Sitemap: https://"),
    ("/sitemap.xml",              "application/xml",   "<urlset"),
    ("/.well-known/security.txt", "text/plain",        "Contact: "),
]  # fmt: skip


@pytest.mark.parametrize("life", Life)
@pytest.mark.parametrize("phase", PHASES)
@pytest.mark.parametrize(("path", "content_type", "said"), OUR_FILES)
async def test_files_for_the_whole_host_are_ours_once_it_is_closed(
    running: RunningEdge, path: str, content_type: str, said: str, phase: str, life: Life
) -> None:
    for headers in (PERSON, GOOGLE):
        response = await running.get(f"https://{host_of(phase, life)}{path}", headers)
        assert response.status == 200
        assert response.headers["Content-Type"].partition(";")[0] == content_type
        assert said in await response.text()
