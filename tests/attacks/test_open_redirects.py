"""Nobody is sent elsewhere, whatever is typed: every line of open_redirects.txt, in every place that a visitor can fill.

The bulk is tried in process: each payload in each place, as it stands and encoded, through `decide` and the links made
of its key, which is where an address could come from.  What only the wire shows (Location, Link, HX-Redirect, every
link of a page, mark-up that breaks out, headers that split) is tried over HTTP, all places filled in one request, since
a page costs a hundred times a decision.  Properties at the end say the same of what no list holds.
"""

import html
import json
import re
from collections.abc import AsyncIterator, Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Final
from urllib.parse import quote, urlsplit

import pytest
import pytest_asyncio
from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.packs import Packs
from proxy.pages import Pages
from proxy.presentation import Here
from proxy.qr import qr
from proxy.responses import closed_headers
from redirect_rules.canonical import BadHost, canonical_host
from redirect_rules.decision import BadRequest, Decision, Visit, WrongHost, decide
from redirect_rules.model import Action, ClientClass
from redirect_rules.snapshot import Snapshot
from redirect_rules.units import Era, LocalityCode
from tests.conftest import AUTUMN, RunningEdge
from tests.proxy.conftest import Reply, edge_over, request_bytes, say

MODEL = "dichvucong.langson.gov.vn"
LINES = (Path(__file__).parent / "open_redirects.txt").read_text("utf-8").split("\n")
PAYLOADS: Final = {
    f"{number}:{line[:70]}": line for number, line in enumerate(LINES, 1) if line and not line.startswith("#")
}

# where a visitor can write        what rules and pages take from there
PLACES: Final[Mapping[str, tuple[str, str]]] = {
    "the path":                   (MODEL, "{}"),
    "the path after a slash":     (MODEL, "/{}"),
    "below a page":               (MODEL, "/thu-tuc-hanh-chinh/{}"),
    "a captured segment":         (MODEL, "/web/{}/thu-tuc-hanh-chinh"),
    "a file name":                ("dichvucong.gov.vn", "/p/home/dvc-tthc-{}.html"),
    "keyword":                    (MODEL, "/?keyword={}"),
    "tukhoa":                     (MODEL, "/dichvucong/bothutuc?tukhoa={}"),
    "a portlet's namespace":      (MODEL, "/thu-tuc-hanh-chinh?_{}_tenThuTuc=a"),
    "ma":                         (MODEL, "/nop-ho-so?ma={}"),
    "MaTTHC":                     (MODEL, "/nop-ho-so?MaTTHC={}"),
    "return-url":                 (MODEL, "/dich-vu-cong/cong-dan/dang-nhap?return-url={}"),
    "redirectURL":                (MODEL, "/o/rest/v2/dvcqgsso/authurl?redirectURL={}"),
    "doccode":                    (MODEL, "/tra-cuu-tien-do?doccode={}"),
    "_place":                     (MODEL, "/nop-ho-so?ma=1.001193&_place={}"),
    "_lang":                      (MODEL, "/vi?_lang={}"),
    "_stay":                      (MODEL, "/vi?_stay={}"),
    "_from":                      (MODEL, "/_edge/locality?_from={}"),
    "a parameter's name":         (MODEL, "/vi?{}=1"),
}  # fmt: skip

ALLOWED = re.compile(r"https://(?:vpcp\.)?dichvucong\.gov\.vn/[!#-;=?-\[\]_a-z~]*")
"""An address we may give: the host, a slash, and nothing that ends an attribute, a header or a host."""
OUR_PATH = re.compile(r"/(?![/\\])[!#-;=?-\[\]_a-z~]*")
LINK = re.compile(r'<([^<>]*)>; rel="successor-version"')


def on_the_wire(payload: str) -> str:
    """As a client must send it: what is not visible ASCII encoded, all else untouched."""
    return quote(payload, safe="".join(map(chr, range(33, 127))))


def spellings(payload: str) -> tuple[str, str]:
    """As it stands, and with everything encoded."""
    return on_the_wire(payload), quote(payload, safe="")


def targets(payload: str) -> Iterator[tuple[str, str]]:
    """Host and target for each place and spelling, each once."""
    seen: set[tuple[str, str]] = set()
    for host, target in PLACES.values():
        for spelt in spellings(payload):
            asked = target.format(spelt)
            seen.add((host, asked if asked.startswith("/") else f"/{asked}"))
            if "?" in target and not set("%&#+") & set(payload):
                break  # a value that is the same in both spellings to everybody who decodes it
    yield from sorted(seen)


def check_address(address: str) -> None:
    """It leads to the national portal, for us and for a reader of URLs that knows nothing of us."""
    assert ALLOWED.fullmatch(address), address
    parts = urlsplit(address)
    assert parts.hostname in {"dichvucong.gov.vn", "vpcp.dichvucong.gov.vn"}
    assert parts.username is None
    assert parts.port is None


def check_decision(decision: Decision | BadRequest | WrongHost) -> None:
    """Every address that can be made of it is allowed, every link to ourselves stays here."""
    if not isinstance(decision, Decision):
        return
    if decision.way is not None:
        check_address(decision.way.target)
        link = LINK.fullmatch(closed_headers(decision)["Link"])
        assert link is not None
        check_address(link[1])
    assert OUR_PATH.fullmatch(Here.of(decision.key, decision.kept).link(_place="new:00004"))


@pytest.mark.parametrize("name", PAYLOADS, ids=list(PAYLOADS))
def test_wherever_it_stands_it_leads_to_the_national_portal(snapshot: Snapshot, name: str) -> None:
    for host, target in targets(PAYLOADS[name]):
        check_decision(decide(Visit(host, target), snapshot, AUTUMN))


def test_encoded_twice_it_leads_nowhere_either(snapshot: Snapshot) -> None:
    for payload in PAYLOADS.values():
        twice = quote(quote(payload, safe=""), safe="")
        for target in (f"/{twice}", f"/?keyword={twice}", f"/web/{twice}/thu-tuc-hanh-chinh"):
            check_decision(decide(Visit(MODEL, target), snapshot, AUTUMN))


def test_as_a_host_it_is_nobodys_portal(snapshot: Snapshot) -> None:
    """Not a host at all, or one that we do not know."""
    for payload in PAYLOADS.values():
        for spelt in spellings(payload):
            try:
                host = canonical_host(spelt)
            except BadHost:
                continue
            assert isinstance(decide(Visit(host, "/"), snapshot, AUTUMN), WrongHost), payload


# ── over HTTP ─────────────────────────────────────────────────────────────────────────────────────────────────────

PERSON = ["User-Agent: Mozilla/5.0", "Accept: text/html", "Accept-Language: en"]
SENT_NAMES = {
    "server", "x-request-id", "x-content-type-options", "referrer-policy", "vary", "link", "sunset", "deprecation",
    "location", "hx-redirect", "cache-control", "content-type", "content-length", "content-language", "retry-after",
    "content-security-policy", "x-robots-tag", "set-cookie", "date", "connection",
}  # fmt: skip
TAG = re.compile(r"""<(/?[a-zA-Z!][^\s/>]*)((?:\s+[^\s=>"']+(?:=(?:"[^"]*"|'[^']*'|[^\s"'>]+))?)*)\s*/?>""")
ATTRIBUTE = re.compile(r"""\s([^\s=>"']+)(?:=(?:"([^"]*)"|'([^']*)'))?""")
LEADS = {"href", "src", "action", "formaction", "data", "poster", "background", "ping", "cite", "srcset", "xlink:href"}
ANYWHERE_ELSE = {"data:,", "tel:18001096", "#main"}
"""The icon that is none, the hotline, and this page itself."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shipped(packs: Packs, pages: Pages) -> AsyncIterator[RunningEdge]:
    async with edge_over(packs, pages) as edge:
        yield edge


@lru_cache(maxsize=2)
def elements(page: str) -> list[tuple[str, dict[str, str]]]:
    """Tags with their attributes, character references resolved; scripts and styles are ours and left out."""
    bare = re.sub(r"(<(script|style)[^>]*>).*?</\2>", r"\1", page, flags=re.DOTALL)
    return [
        (tag.lower(), {name: html.unescape(one or other) for name, one, other in ATTRIBUTE.findall(attributes)})
        for tag, attributes in TAG.findall(bare)
    ]


def shape(page: str) -> set[tuple[str, str]]:
    """Which elements with which attributes there are."""
    return {(tag, name) for tag, attributes in elements(page) for name in ("", *attributes)}


def check_reply(reply: Reply, payload: str) -> None:
    """Headers, and every link of a page."""
    assert set(reply.headers) <= SENT_NAMES
    if location := reply.headers.get("location"):
        check_address(location)
    if link := reply.headers.get("link"):
        found = LINK.fullmatch(link)
        assert found is not None
        check_address(found[1])
    if steered := reply.headers.get("hx-redirect"):
        assert OUR_PATH.fullmatch(steered)
    cookie = reply.headers.get("set-cookie", "_edge_place=")
    assert cookie.startswith("_edge_place=")
    assert "evil" not in cookie
    if reply.headers.get("content-type", "").startswith("text/html"):
        check_links(reply.text)
        check_nothing_stands_unescaped(reply.text, payload)


def check_links(page: str) -> None:
    drawn = {
        qr(json.loads(attributes["data-page"])["target"])
        for _, attributes in elements(page)
        if "data-page" in attributes
    }
    pictures = {code.image for code in drawn if code is not None}  # no other picture than the code of the target
    for tag, attributes in elements(page):
        assert tag not in {"base", "iframe", "object", "embed"}
        assert "http-equiv" not in attributes
        for name in LEADS & attributes.keys():
            address = attributes[name]
            if address not in ANYWHERE_ELSE | pictures and not OUR_PATH.fullmatch(address):
                check_address(address)
        if data := attributes.get("data-page"):
            check_data(json.loads(data))


def check_data(data: Mapping[str, object]) -> None:
    """What the notice's script works with."""
    for name in ("here", "stay"):
        assert OUR_PATH.fullmatch(str(data[name]))
    check_address(str(data["target"]))
    assert isinstance(data["fragments"], dict)
    for address in data["fragments"].values():
        check_address(address.replace("{code}", "1.001193"))


def check_nothing_stands_unescaped(page: str, payload: str) -> None:
    if re.search(r"""[<>"'&]""", payload) and len(payload) > 8:
        assert payload not in page


async def ask(edge: RunningEdge, target: str, *headers: str, **more: str | bytes) -> Reply:
    heard = await say(edge, request_bytes(target, headers=headers, **more))  # type: ignore[arg-type]
    return heard.reply


def everything(word: str) -> str:
    """A query in which every parameter that anybody reads has this value."""
    names = [place for place in PLACES if place.isidentifier() or "-" in place]
    return "&".join(f"{name}={word}" for name in names)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def harmless(shipped: RunningEdge) -> set[tuple[str, str]]:
    """The elements and attributes of the page for a word that harms nobody."""
    return shape((await ask(shipped, f"/khong-co-trang-nay/a?{everything('a')}", *PERSON)).text)


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("name", PAYLOADS, ids=list(PAYLOADS))
async def test_over_http_nothing_leads_elsewhere(
    shipped: RunningEdge, harmless: set[tuple[str, str]], name: str
) -> None:
    payload = PAYLOADS[name]
    spelt, encoded = on_the_wire(payload), quote(payload, safe="")
    target = spelt if spelt.startswith("/") else f"/{spelt}"
    check_reply(await ask(shipped, target), payload)  # a program: Location and Link
    htmx = request_bytes(f"/{encoded}?{everything(encoded)}", headers=["HX-Request: true", *PERSON], keep=True)
    unknown = request_bytes(f"/khong-co-trang-nay/{encoded}?{everything(encoded)}", headers=PERSON, keep=True)
    places = request_bytes(f"/_edge/locality?_from={encoded}&province={encoded}", headers=PERSON)
    steered, notice, search = (await say(shipped, htmx + unknown + places)).replies
    for reply in (steered, notice, search):
        check_reply(reply, payload)
    assert (notice.status, search.status) == (200, 200)
    assert shape(notice.text) == harmless, "it added an element or an attribute to the page"


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("name", [*PAYLOADS][::12])
async def test_what_is_searched_for_is_shown_as_text(shipped: RunningEdge, name: str) -> None:
    """The pages that cost most, a QR code or a search among ten thousand names: every twelfth is tried."""
    encoded = quote(PAYLOADS[name], safe="")
    notice = await ask(shipped, f"/?keyword={encoded}", *PERSON)
    check_reply(notice, PAYLOADS[name])
    assert "https://dichvucong.gov.vn/tim-kiem-thu-tuc-hanh-chinh?keyword=" in notice.headers["link"]
    for more in ("", "&format=json"):
        found = await ask(shipped, f"/_edge/locality?q={encoded}&_from={encoded}{more}", *PERSON)
        assert found.status == 200
        check_reply(found, PAYLOADS[name])


@pytest.mark.asyncio(loop_scope="module")
async def test_as_a_host_over_http_it_is_refused_and_never_repeated(shipped: RunningEdge) -> None:
    for payload in [*PAYLOADS.values()][::4]:
        heard = await say(shipped, request_bytes("/vi", on_the_wire(payload), headers=PERSON))
        assert heard.reply.status in {400, 421}, payload
        check_reply(heard.reply, payload)
        assert b"evil" not in heard.raw, payload


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("name", [*PAYLOADS][::6])
async def test_what_was_typed_into_a_form_is_shown_back_as_text(shipped: RunningEdge, name: str) -> None:
    body = f"noi_dung={quote(PAYLOADS[name], safe='')}&{quote(PAYLOADS[name], safe='')}=1".encode()
    form = [*PERSON, "Content-Type: application/x-www-form-urlencoded", f"Content-Length: {len(body)}"]
    reply = await ask(shipped, "/nop-ho-so", *form, method="POST", body=body)
    assert reply.status == 410
    check_reply(reply, PAYLOADS[name])


def test_the_list_is_long_and_says_nothing_twice() -> None:
    assert len(PAYLOADS) >= 400
    assert len(set(PAYLOADS.values())) == len(PAYLOADS)


# ── what no list holds ────────────────────────────────────────────────────────────────────────────────────────────

ADDRESS_LIKE = st.text(st.sampled_from(list("/\\?#&=@:;%.,0aAvi1Đ \t\r\n\0\"'<>|~{}[]")), max_size=60)
TARGETS = st.one_of(
    st.text(max_size=200),
    ADDRESS_LIKE,
    st.builds("/?keyword={}".format, ADDRESS_LIKE),
    st.builds("/nop-ho-so?ma={}&MaTTHC={}".format, ADDRESS_LIKE, st.text(max_size=40)),
    st.builds("/{}/thu-tuc-hanh-chinh/{}".format, ADDRESS_LIKE, ADDRESS_LIKE),
    st.builds("/p/home/{}?ma_thu_tuc={}".format, ADDRESS_LIKE, ADDRESS_LIKE),
)
HOSTS = st.one_of(st.sampled_from([MODEL, "dichvucong.gov.vn", "motcua.daklak.gov.vn"]), st.text(max_size=40))
PLACE_CODES = st.one_of(
    st.none(), st.builds(LocalityCode, st.sampled_from(Era), st.text(max_size=6)), st.just(LocalityCode(Era.OLD, "00007"))
)  # fmt: skip


@settings(deadline=None)
@given(
    HOSTS, TARGETS, st.sampled_from(ClientClass), st.sampled_from(["GET", "HEAD", "POST", "OPTIONS", "x"]), PLACE_CODES
)
def test_no_visitor_chooses_the_host(
    snapshot: Snapshot, host: str, target: str, client: ClientClass, method: str, place: LocalityCode | None
) -> None:
    """Nor makes `decide` raise: whatever is typed is a decision, a bad request or a wrong host."""
    check_decision(decide(Visit(host, target, method, client, place), snapshot, AUTUMN))


@settings(deadline=None)
@given(TARGETS)
def test_a_link_to_ourselves_leads_to_the_page_it_is_on(snapshot: Snapshot, target: str) -> None:
    """What is not significant may be lost on the way; the page and what rules look at may not."""
    decision = decide(Visit(MODEL, target), snapshot, AUTUMN)
    if not isinstance(decision, Decision):
        return
    again = decide(Visit(MODEL, Here.of(decision.key, decision.kept).link()), snapshot, AUTUMN)
    assert isinstance(again, Decision)
    assert again.key_text == decision.key_text
    assert again.outcome is decision.outcome or Action.PASS in {again.outcome, decision.outcome}
