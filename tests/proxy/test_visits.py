"""A request becomes a visit: the host it is for, the target as sent, and what was said to us beside it."""

from collections.abc import Callable
from contextlib import suppress

import pytest
from aiohttp import HttpVersion, HttpVersion10, HttpVersion11
from aiohttp.test_utils import make_mocked_request
from hypothesis import given, settings
from hypothesis import strategies as st
from multidict import CIMultiDict

from proxy.visits import PLACE_COOKIE, Arrival, Controls, Refused, arrival_from, says_something_to_us, without_suffix
from redirect_rules.clients import Crawlers
from redirect_rules.model import JOINED, LEFT, ClientClass
from redirect_rules.units import LocalityCode

MODEL = "dichvucong.langson.gov.vn"
CRAWLERS = Crawlers.listed(["Googlebot"], ["curl/"])
SUFFIXES = ("localhost", "preview.example")


def arrive(
    target: str = "/",
    *,
    method: str = "GET",
    host: str | None = MODEL,
    version: HttpVersion = HttpVersion11,
    cookie: str = "",
    more: tuple[tuple[str, str], ...] = (),
) -> Arrival:
    """What comes of a request."""
    headers = [*([("Host", host)] if host is not None else []), *([("Cookie", cookie)] if cookie else []), *more]
    request = make_mocked_request(method, target, CIMultiDict(headers), version=version)
    return arrival_from(request, suffixes=SUFFIXES, crawlers=CRAWLERS)


# target                            read as                             why
TARGETS = [
    ("/",                           "/",                                "the root"),
    ("/a//b/%2e%2e/c%2Fd?x=%20&y",  "/a//b/%2e%2e/c%2Fd?x=%20&y",       "nothing is decoded or tidied: it may be forwarded"),
    ("//evil.example/x",            "//evil.example/x",                 "a path, whatever it looks like"),
    ("*",                           "/",                                "OPTIONS *"),
    (f"http://{MODEL}/vi?x=1",      "/vi?x=1",                          "absolute-form (RFC 9112 §3.2.2)"),
    (f"http://{MODEL}",             "/",                                "with no path"),
    (f"http://{MODEL}?keyword=a/b", "/?keyword=a/b",                    "with no path but a query"),
    (f"HTTPS://{MODEL.upper()}:443/vi", "/vi",                          "spelt otherwise"),
    (f"http://{MODEL}//a",          "//a",                              "its own slashes stay"),
]  # fmt: skip


@pytest.mark.parametrize(("target", "read", "why"), TARGETS)
def test_a_target_is_kept_as_it_came(target: str, read: str, why: str) -> None:
    visit = arrive(target, method="OPTIONS" if target == "*" else "GET").visit
    assert (visit.host, visit.raw_target) == (MODEL, read)


# Host                              host
HOSTS = [
    (MODEL,                         MODEL),
    (MODEL.upper(),                 MODEL),
    (f"{MODEL}:8080",               MODEL),
    (f"{MODEL}.",                   MODEL),
    (f"{MODEL}.localhost",          MODEL),
    (f"{MODEL}.localhost:8080",     MODEL),
    (f"{MODEL}.preview.example",    MODEL),
    ("localhost",                   "localhost"),
    ("evil.example",                "evil.example"),
    ("[::1]:80",                    "[::1]"),
]  # fmt: skip


@pytest.mark.parametrize(("authority", "host"), HOSTS)
def test_a_host_is_read_from_host(authority: str, host: str) -> None:
    assert arrive(host=authority).visit.host == host


def test_http10_need_not_name_a_host() -> None:
    assert arrive(host=None, version=HttpVersion10).visit.host == ""


# request                                                                        status  why
REFUSED = [
    (lambda: arrive(host=None),                                                  400,    "HTTP/1.1 must name a host"),
    (lambda: arrive(more=(("Host", MODEL),)),                                    400,    "two Hosts, even the same"),
    (lambda: arrive(host="a/b@c"),                                               400,    "no host at all"),
    (lambda: arrive(host=""),                                                    400,    "nobody"),
    (lambda: arrive("http://evil.example/"),                                     400,    "another host in the target"),
    (lambda: arrive(f"http://{MODEL}@evil.example/"),                            400,    "userinfo"),
    (lambda: arrive(f"ftp://{MODEL}/"),                                          400,    "another scheme"),
    (lambda: arrive(f"{MODEL}:443", method="CONNECT"),                           405,    "no proxy"),
    (lambda: arrive(method="TRACE"),                                             405,    "shows cookies to scripts"),
    (lambda: arrive(method="PROPFIND"),                                          501,    "not done here"),
    (lambda: arrive(version=HttpVersion(2, 0)),                                  505,    "not on this connection"),
    (lambda: arrive(version=HttpVersion(0, 9)),                                  505,    "not any more"),
]  # fmt: skip


@pytest.mark.parametrize(("request_", "status", "why"), REFUSED, ids=[why for *_, why in REFUSED])
def test_what_is_no_visit_is_refused(request_: Callable[[], Arrival], status: int, why: str) -> None:
    with pytest.raises(Refused) as refused:
        request_()
    assert refused.value.status == status


# target                           cookie                             chosen       what was said
CONTROLS = [
    ("/vi",                        "",                                None,         Controls()),
    ("/vi?_stay=1",                "",                                None,         Controls(stay=True)),
    ("/vi?_stay=",                 "",                                None,         Controls(stay=True)),
    ("/vi?_lang=en",               "",                                None,         Controls(language="en")),
    ("/vi?_lang=klingon",          "",                                None,         Controls(language="klingon")),
    ("/vi?_place=new:00004",       "",                                "new:00004",  Controls(chose_place=True)),
    ("/vi?_place=new%3A00004",     "",                                "new:00004",  Controls(chose_place=True)),
    ("/vi",                        f"{PLACE_COOKIE}=new:00004",       "new:00004",  Controls()),
    ("/vi",                        f'a=b; {PLACE_COOKIE}="new:00004"; c', "new:00004", Controls()),
    ("/vi?_place=new:00008",       f"{PLACE_COOKIE}=new:00004",       "new:00008",  Controls(chose_place=True)),
    ("/vi?_place=none",            f"{PLACE_COOKIE}=new:00004",       None,         Controls(forgets_place=True)),
    ("/vi?_place=nonsense",        f"{PLACE_COOKIE}=new:00004",       None,         Controls()),
    ("/vi?_place=old:00007",       "",                                None,         Controls()),
    ("/vi?_place=new:01",          "",                                None,         Controls()),
    ("/vi?_place=00004",           "",                                None,         Controls()),
    ("/vi",                        f"{PLACE_COOKIE}=nonsense",        None,         Controls()),
    ("/vi",                        f"{PLACE_COOKIE}",                 None,         Controls()),
    ("/vi",                        f"{PLACE_COOKIE}=new:00004\x00",   None,         Controls()),
    ("/vi#?_stay=1",               "",                                None,         Controls()),
    ("/_stay=1/vi",                "",                                None,         Controls()),
]  # fmt: skip


@pytest.mark.parametrize(("target", "cookie", "chosen", "controls"), CONTROLS)
def test_what_is_said_to_us_begins_with_an_underscore(
    target: str, cookie: str, chosen: str | None, controls: Controls
) -> None:
    arrival = arrive(target, cookie=cookie)
    assert arrival.visit.place == (LocalityCode.parse(chosen) if chosen else None)
    assert arrival.controls == controls


def test_the_client_class_comes_from_headers_in_any_case() -> None:
    shouted = (("ACCEPT", "*/*"), ("sec-fetch-DEST", "image"), ("User-AGENT", "Mozilla/5.0"))
    assert arrive(more=shouted).visit.client is ClientClass.ASSET


def test_the_extension_is_that_of_the_path_not_of_the_query() -> None:
    browser = (("Accept", "text/html"), ("User-Agent", "Mozilla/5.0"))
    assert arrive("/tai?tep=a.pdf", more=browser).visit.client is ClientClass.NAVIGATION
    assert arrive("/a.pdf?x", more=browser).visit.client is ClientClass.DOWNLOAD


# host                        without suffix              why
PREVIEWS = [
    ("a.vn.localhost",        "a.vn",                     "a preview"),
    ("a.vn",                  "a.vn",                     "none"),
    ("localhost",             "localhost",                "nobody's portal, not the empty host"),
    ("evillocalhost",         "evillocalhost",            "whole labels only"),
    ("a.vn.preview.example",  "a.vn",                     "any of the suffixes"),
]  # fmt: skip


@pytest.mark.parametrize(("host", "bare", "why"), PREVIEWS)
def test_a_preview_suffix_is_taken_off(host: str, bare: str, why: str) -> None:
    assert without_suffix(host, SUFFIXES) == bare


@pytest.mark.parametrize(
    "odd", ["c", 'prefs={"a":1}', "ten=Lan, Hà Nội", "=x", "a b=c", ";;", 'x="unfinished', "COOKIE_SUPPORT=true; GUEST_LANGUAGE_ID"]
)  # fmt: skip
def test_an_odd_cookie_of_the_old_portal_does_not_hide_ours(odd: str) -> None:
    for cookie in (f"{odd}; {PLACE_COOKIE}=new:00004", f"{PLACE_COOKIE}=new:00004; {odd}"):
        assert arrive(cookie=cookie).visit.place == LocalityCode.parse("new:00004")


@settings(deadline=None)
@given(
    st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\r\n\0"), max_size=80),
    st.text(max_size=80),
)
def test_whatever_is_typed_is_a_visit_or_is_refused(target: str, cookie: str) -> None:
    with suppress(Refused):
        assert arrive(f"/a/{target}", cookie=cookie).visit.raw_target.startswith("/a/")


# cookie                             ticket
TICKETS = [
    ("",                             None),
    ("_edge_pilot=7",                7),
    ("a=b; _edge_pilot=join; c=d",   JOINED),
    ("_edge_pilot=leave",            LEFT),
    ("_edge_pilot=1000",             None),
    ("_edge_pilot=<script>",         None),
    ("x_edge_pilot=7",               None),
]  # fmt: skip


@pytest.mark.parametrize(("cookie", "ticket"), TICKETS)
def test_a_ticket_for_a_pilot_comes_with_its_cookie(cookie: str, ticket: int | None) -> None:
    assert arrive(cookie=cookie).visit.ticket == ticket


@pytest.mark.parametrize(
    ("target", "says"),
    [
        ("/a?_stay=1", True),
        ("/a?x=1&_lang=en", True),
        ("/a?_place=none", True),
        ("/a?%5Flang=en", True),
        ("/a?_%6cang=en", True),
        ("/a?x=%C4%91", False),
        ("/_lang/_stay?ma=1.001193", False),
        ("/a#?_lang=en", False),
        ("/a", False),
    ],
)
def test_what_may_be_said_to_us_is_not_overlooked(target: str, says: bool) -> None:  # noqa: FBT001 - a column
    assert says_something_to_us(target) is says
    if not says:
        assert arrive(target).controls == Controls()
