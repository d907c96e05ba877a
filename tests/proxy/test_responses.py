"""Decisions become HTTP: the headers of every answer, and compression."""

import gzip
import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from aiohttp.test_utils import make_mocked_request
from aiohttp.web import Response

from proxy import responses
from proxy.pages import Page
from proxy.responses import with_hsts
from redirect_rules.clients import Crawlers, client_class
from redirect_rules.decision import Decision, Visit, decide
from redirect_rules.model import HO_CHI_MINH, Target
from redirect_rules.snapshot import Snapshot
from redirect_rules.units import LocalityCode
from tests.conftest import AUTUMN, BROWSER, RunningEdge

MODEL = "dichvucong.langson.gov.vn"


def page_of(html: bytes, accept_encoding: str = "gzip", **headers: str) -> Response:
    request = make_mocked_request("GET", "/", {"Accept-Encoding": accept_encoding})
    return responses.page(request, 200, Page((html,), "default-src 'none'"), headers, language="vi")


def test_a_compressed_page_is_the_page() -> None:
    html = "<p>Cổng Dịch vụ công</p>".encode() * 100
    response = page_of(html)
    assert response.headers["Content-Encoding"] == "gzip"
    assert isinstance(response.body, bytes)
    assert gzip.decompress(response.body) == html
    assert len(response.body) < len(html) / 5
    assert page_of(html, "identity").body == html


def test_the_same_page_is_compressed_to_the_same_bytes() -> None:
    html = b"<p>a</p>" * 1_000
    assert page_of(html).body == page_of(html).body


def test_what_fits_into_a_packet_is_not_compressed() -> None:
    response = page_of(b"<p>short</p>")
    assert "Content-Encoding" not in response.headers
    assert response.body == b"<p>short</p>"


def test_a_page_carries_its_policy_and_its_language() -> None:
    response = page_of(b"<p>a</p>")
    assert response.headers["Content-Type"] == "text/html; charset=utf-8"
    assert response.headers["Content-Security-Policy"] == "default-src 'none'"
    assert response.headers["Content-Language"] == "vi"
    assert response.headers["X-Robots-Tag"] == "noindex"
    assert {"Accept-Language", "Accept-Encoding"} <= set(response.headers["Vary"].split(", "))


def test_what_a_page_depends_on_is_not_forgotten_for_its_own_sake() -> None:
    assert page_of(b"<p>a</p>", Vary="Accept, Cookie").headers["Vary"] == "Accept, Cookie"


async def test_over_http_a_browser_unpacks_what_it_is_sent(edge: RunningEdge) -> None:
    packed = await edge.get(f"https://{MODEL}/vi", {**BROWSER, "Accept-Encoding": "gzip"})
    plain = await edge.get(f"https://{MODEL}/vi", {**BROWSER, "Accept-Encoding": "identity"})
    assert packed.headers["Content-Encoding"] == "gzip"
    assert "Content-Encoding" not in plain.headers
    assert int(packed.headers["Content-Length"]) < 14 * 1024
    assert await packed.text() == await plain.text()


class Listening(dict[str, str]):
    """Headers that remember by which names they were asked for."""

    def __init__(self, values: Mapping[str, str]) -> None:
        super().__init__(values)
        self.asked: set[str] = set()

    def get(self, name: str, default: str = "") -> str:  # type: ignore[override]
        self.asked.add(name)
        return super().get(name, default)


def headers_of_all_sorts() -> Iterator[dict[str, str]]:
    agents = ("", "curl/8", "Mozilla/5.0", "Googlebot")
    destinations = ("", "document", "iframe", "empty", "image")
    for agent in agents:
        for accept in ("", "text/html", "application/json", "image/webp", "*/*"):
            for destination in destinations:
                yield {"user-agent": agent, "accept": accept, "sec-fetch-dest": destination}


def test_vary_names_every_header_that_the_class_of_a_client_depends_on() -> None:
    """Else a cache hands the answer for one client to another (RFC 9110 §12.5.5)."""
    asked: set[str] = set()
    crawlers = Crawlers.listed(["Googlebot"], ["curl/"])
    for values in headers_of_all_sorts():
        for path in ("/", "/a.png", "/a.pdf"):
            headers = Listening(values)
            client_class("GET", path, headers, crawlers)
            asked |= headers.asked
    assert {"accept", "user-agent", "sec-fetch-dest"} <= asked
    assert asked <= {name.strip().lower() for name in responses.VARY.split(",")}


def decided(snapshot: Snapshot, target: str, place: str = "") -> Decision:
    chosen = LocalityCode.parse(place) if place else None
    decision = decide(Visit(MODEL, target, place=chosen), snapshot, AUTUMN)
    assert isinstance(decision, Decision)
    return decision


def test_a_target_that_takes_a_commune_depends_on_the_cookie(snapshot: Snapshot) -> None:
    takes = responses.closed_headers(decided(snapshot, "/nop-ho-so?ma=1.001193"))
    takes_none = responses.closed_headers(decided(snapshot, "/vi"))
    assert "Cookie" in takes["Vary"].split(", ")
    assert "Cookie" not in takes_none["Vary"].split(", ")


def test_a_closed_page_says_since_when_and_where_to(snapshot: Snapshot) -> None:
    headers = responses.closed_headers(decided(snapshot, "/vi"))
    assert headers["Link"] == '<https://dichvucong.gov.vn/>; rel="successor-version"'
    assert headers["Sunset"] == "Mon, 30 Jun 2025 17:00:00 GMT"  # RFC 8594 §3
    assert headers["Deprecation"] == "@1751302800"  # RFC 9745 §2.1


def test_a_page_that_leads_nowhere_and_closed_at_no_known_time_says_neither(snapshot: Snapshot) -> None:
    decision = decided(snapshot, "/vi")
    schedule = replace(decision.portal.schedule, notice_at=None, direct_at=None, retired_at=None)
    portal = replace(decision.portal, schedule=schedule)
    assert set(responses.closed_headers(replace(decision, portal=portal, way=None))) == {"Vary"}


# instant                                                            as a header               why
DATES = [
    (datetime(2025, 7, 1, tzinfo=HO_CHI_MINH),                       "Mon, 30 Jun 2025 17:00:00 GMT", "always GMT"),
    (datetime(2025, 7, 1, tzinfo=HO_CHI_MINH) + timedelta(hours=7),  "Tue, 01 Jul 2025 00:00:00 GMT", "two digits for the day"),
    (datetime(2026, 2, 1, 6, 59, 59, 999_999, tzinfo=HO_CHI_MINH),   "Sat, 31 Jan 2026 23:59:59 GMT", "whole seconds"),
]  # fmt: skip


@pytest.mark.parametrize(("instant", "header", "why"), DATES)
def test_a_date_is_written_as_http_wants_it(instant: datetime, header: str, why: str) -> None:
    assert responses.http_date(instant) == header


@pytest.mark.parametrize("status", [301, 302])
def test_a_redirect_is_spelt_as_the_target_is(status: int) -> None:
    """Not decoded, not encoded again, not made shorter."""
    target = Target("https://dichvucong.gov.vn/tim?keyword=%C4%90%E1%BA%A5t%20%2f..&a=%2B")
    response = responses.redirect(status, target, {"X-Request-Id": "a"}, cache="no-store")
    assert response.status == status
    assert response.headers["Location"] == target
    assert response.headers["Cache-Control"] == "no-store"
    assert response.headers["X-Request-Id"] == "a"
    assert response.text == f"{target}\n"


def test_a_problem_is_for_programs_of_any_origin() -> None:
    response = responses.problem(410, "Closed", "It moved", {"successor": "https://dichvucong.gov.vn/"}, {"A": "b"})
    assert response.headers["Content-Type"] == "application/problem+json; charset=utf-8"
    assert response.headers["Access-Control-Allow-Origin"] == "*"
    assert response.headers["Cache-Control"] == "no-store"
    assert response.headers["A"] == "b"
    assert isinstance(response.body, bytes)
    assert json.loads(response.body) == {
        "type": "about:blank",
        "title": "Closed",
        "status": 410,
        "detail": "It moved",
        "successor": "https://dichvucong.gov.vn/",
    }


def test_every_answer_says_who_spoke_and_how_to_ask_about_it() -> None:
    assert responses.common_headers("k7m2-9fxd-3hqp") == {
        "Server": "dvc-edge",  # without a version
        "X-Request-Id": "k7m2-9fxd-3hqp",
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
    }


# place                      what a cache may do with the redirect       why
CACHED = [
    ("",                     "public, max-age=3600",                     "everybody's"),
    ("new:00004",            "private, max-age=3600",                    "this visitor's choice"),
]  # fmt: skip


@pytest.mark.parametrize(("place", "cache", "why"), CACHED)
async def test_a_redirect_that_carries_a_choice_is_nobody_elses(
    edge: RunningEdge, place: str, cache: str, why: str
) -> None:
    target = f"/nop-ho-so?ma=1.001193&_place={place}"
    response = await edge.get(f"https://{MODEL}{target}", {"User-Agent": "curl/8", "Accept": "*/*"})
    assert response.status == 301
    assert response.headers["Cache-Control"] == cache


def test_what_is_said_to_those_who_come_by_tls_is_said_once_and_nothing_else_changes() -> None:
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n\r\n\r\n"
    head = b"HTTP/1.1 200 OK\r\nStrict-Transport-Security: max-age=300\r\nContent-Length: 4\r\n\r\n\r\n\r\n"
    assert with_hsts(answer, "max-age=300") == head
