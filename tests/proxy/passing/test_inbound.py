"""The request that goes towards the origin."""

from dataclasses import replace

import pytest

from proxy.passing.failures import Refused
from proxy.passing.forwarded import Hop, Trust
from proxy.passing.framing import Chunked, Length
from proxy.passing.inbound import Onward, checked_head, onward
from proxy.passing.policy import OriginServer, Upstream

UPSTREAM = Upstream("province", (OriginServer("http", "10.0.0.5", 80),), body_octets=1_000)
HOST = b"a.gov.vn"


def sent(*texts: str, method: str = "GET", minor: int = 1, upstream: Upstream = UPSTREAM) -> Onward:
    """What becomes of a request with these lines."""
    raw = tuple(
        (name.encode(), value.strip(" ").encode()) for name, _, value in (text.partition(":") for text in texts)
    )
    head = checked_head(method, "/x", minor, raw)
    named = [value for name, value in raw if name.lower() == b"host"]
    hop = Hop("203.0.113.9", False, named[0] if named else HOST)
    return onward(head, upstream, hop, Trust(), b"Edge-1", HOST)


def lines(request: Onward) -> list[str]:
    return request.octets.decode("latin-1").split("\r\n")


ENDS_HERE = [
    "Connection: close", "Keep-Alive: timeout=5", "Proxy-Connection: keep-alive", "Proxy-Authorization: Basic x", "Upgrade: h2c",
    "HTTP2-Settings: x", "TE: gzip", "Trailer: X", "Expect: 100-continue", "X-Forwarded-For: 6.6.6.6", "X_Forwarded_For: 6.6.6.6",
    "Forwarded: for=6.6.6.6", "X-Real-IP: 6.6.6.6", "X-Original-URL: /admin", "X-Rewrite-Url: /admin", "Front-End-Https: on",
]  # fmt: skip


@pytest.mark.parametrize("line", ENDS_HERE)
def test_what_ends_here_does_not_go_on(line: str) -> None:
    assert line not in lines(sent("Host: a.gov.vn", line, "A: b"))
    assert not [text for text in lines(sent("Host: a.gov.vn", line)) if "6.6.6.6" in text]


def test_what_connection_names_does_not_go_on() -> None:
    kept = lines(sent("Host: a.gov.vn", "X-Secret: 1", "Connection: x-secret, host, cookie", "Cookie: c=1"))
    assert "X-Secret: 1" not in kept
    assert {"Host: a.gov.vn", "Cookie: c=1"} <= set(kept)


HOSTS = [
    # received                              configured  what the origin is asked for
    (["Host: a.gov.vn"],                    b"",        "Host: a.gov.vn"),
    (["host: A.gov.vn:80"],                 b"",        "host: A.gov.vn:80"),
    (["Host: a.gov.vn."],                   b"",        "Host: a.gov.vn."),
    (["Host: a.gov.vn.localhost:8080"],     b"",        "Host: a.gov.vn"),
    (["Host: a.gov.vn"],                    b"in.vn",   "Host: in.vn"),
    ([],                                    b"",        "Host: a.gov.vn"),
]  # fmt: skip


@pytest.mark.parametrize(("received", "configured", "asked"), HOSTS)
def test_for_which_host_the_origin_is_asked(received: list[str], configured: bytes, asked: str) -> None:
    request = sent(*received, minor=1 if received else 0, upstream=replace(UPSTREAM, host=configured))
    assert [line for line in lines(request) if line.lower().startswith("host:")] == [asked]


def test_the_origin_hears_the_host_that_was_typed() -> None:
    assert "X-Forwarded-Host: a.gov.vn.localhost:8080" in lines(sent("Host: a.gov.vn.localhost:8080"))


def test_via_grows_and_names_the_version_that_came() -> None:
    assert "Via: 1.0 front, 1.1 Edge-1" in lines(sent("Host: a.gov.vn", "Via: 1.0 front"))
    assert "Via: 1.0 Edge-1" in lines(sent("Host: a.gov.vn", minor=0))


def test_trailers_are_wanted_where_the_visitor_wants_them() -> None:
    assert lines(sent("Host: a.gov.vn", "TE: trailers, deflate"))[-4:-2] == ["TE: trailers", "Connection: TE"]


REFUSED = [
    # status  reason             lines
    (508,     "loop",            ["Via: 1.1 edge-1"]),
    (508,     "loop",            ["Via: 1.1 front, 1.1 EDGE-1 (comment)"]),
    (508,     "loop",            ["Via: 1.1 front", "via: 1.0 edge-1"]),
    (417,     "expectation",     ["Expect: 200-maybe"]),
    (417,     "expectation",     ["Expect: 100-continue, x"]),
    (413,     "body-too-large",  ["Content-Length: 1001"]),
    (400,     "bad-request",     ["Content-Length: 5", "Transfer-Encoding: chunked"]),
    (400,     "bad-request",     ["Transfer-Encoding: gzip"]),
    (400,     "bad-request",     ["Host: b.gov.vn"]),
]  # fmt: skip


@pytest.mark.parametrize(("status", "reason", "texts"), REFUSED)
def test_what_is_refused(status: int, reason: str, texts: list[str]) -> None:
    with pytest.raises(Refused) as refused:
        sent("Host: a.gov.vn", *texts, method="POST")
    assert (refused.value.failure.status, refused.value.failure.reason) == (status, reason)
    assert refused.value.failure.closes


def test_a_head_that_two_could_understand_in_two_ways_is_refused() -> None:
    with pytest.raises(Refused) as refused:
        checked_head("GET", "/a b", 1, ())
    assert refused.value.failure.status == 400


def test_framing_goes_on_as_it_came() -> None:
    counted = sent("Host: a.gov.vn", "content-length: 5", method="POST")
    assert counted.framing == Length(5)
    assert "content-length: 5" in lines(counted)
    chunked = sent("Host: a.gov.vn", "transfer-encoding: Chunked", method="POST")
    assert chunked.framing == Chunked()
    assert [line for line in lines(chunked) if "ransfer" in line] == ["Transfer-Encoding: chunked"]


@pytest.mark.parametrize(("minor", "waits"), [(1, True), (0, False)])
def test_who_waits_to_be_told(minor: int, waits: bool) -> None:  # noqa: FBT001 - a column
    assert sent("Host: a.gov.vn", "Expect: 100-Continue", "Content-Length: 5", minor=minor).expects_continue is waits
