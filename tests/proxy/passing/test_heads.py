"""Heads: read strictly or not at all, and written as they were read."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.passing.fields import Field
from proxy.passing.heads import (
    BadMessage,
    BadRequestHead,
    RequestHead,
    ResponseHead,
    read_response_head,
    request_head,
    request_octets,
    response_octets,
)

READABLE = {
    b"HTTP/1.1 200 OK\r\n\r\n": ResponseHead(1, 200, b"OK", []),
    b"HTTP/1.0 404 Kh\xc3\xb4ng c\xc3\xb3\r\n\r\n": ResponseHead(0, 404, b"Kh\xc3\xb4ng c\xc3\xb3", []),
    b"HTTP/1.1 200 \r\n\r\n": ResponseHead(1, 200, b"", []),
    b"HTTP/1.1 200\r\n\r\n": ResponseHead(1, 200, b"", []),
    b"HTTP/1.1 200 OK\r\nb:2\r\nA:  1\t \r\nb: \r\n\r\n": ResponseHead(1, 200, b"OK", [(b"b", b"2"), (b"A", b"1"), (b"b", b"")]),
    b"HTTP/1.1 200 OK\r\nA : 1\r\n\r\n": ResponseHead(1, 200, b"OK", [(b"A", b"1")]),
    b"HTTP/1.1 200 OK\r\nX: a:b\xff\r\n\r\n": ResponseHead(1, 200, b"OK", [(b"X", b"a:b\xff")]),
}  # fmt: skip

UNREADABLE = [
    b"HTTP/1.1 200 OK\n\n",
    b"HTTP/1.1 200 OK\nA: 1\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nA: 1\n\r\n",
    b"HTTP/1.1 200 OK\r\nA: 1\rB: 2\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nA: 1\r\n folded\r\n\r\n",
    b"HTTP/1.1 200 OK\r\n A: 1\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nA\r\n\r\n",
    b"HTTP/1.1 200 OK\r\n: 1\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nA B: 1\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nA: \x00\r\n\r\n",
    b"HTTP/1.1 200 O\x1bK\r\n\r\n",
    b"HTTP/1.1 20 OK\r\n\r\n",
    b"HTTP/1.1 2000 OK\r\n\r\n",
    b"HTTP/1.1 999 OK\r\n\r\n",
    b"HTTP/1.1 099 OK\r\n\r\n",
    b"HTTP/2.0 200 OK\r\n\r\n",
    b"HTTP/2 200 OK\r\n\r\n",
    b"http/1.1 200 OK\r\n\r\n",
    b"ICY 200 OK\r\n\r\n",
    b"HTTP/1.1  200 OK\r\n\r\n",
    b" HTTP/1.1 200 OK\r\n\r\n",
    b"\r\nHTTP/1.1 200 OK\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nA: 1\r\n",
    b"<html>hello",
    b"",
]


@pytest.mark.parametrize("octets", READABLE)
def test_a_head_is_read_as_it_stands(octets: bytes) -> None:
    assert read_response_head(octets) == READABLE[octets]


@pytest.mark.parametrize("octets", UNREADABLE)
def test_what_is_no_head_is_refused(octets: bytes) -> None:
    with pytest.raises(BadMessage):
        read_response_head(octets)


NAMES = st.text("!#$%&'*+-.^_`|~09AZaz", min_size=1).map(str.encode)
VALUES = st.text(st.characters(min_codepoint=32, max_codepoint=255, exclude_characters="\x7f"), max_size=40).map(
    lambda text: text.encode("latin-1").strip(b" \t")
)
FIELDS = st.lists(st.tuples(NAMES, VALUES), max_size=8)


@given(st.integers(200, 599), VALUES, FIELDS)
def test_what_was_written_is_read_again(status: int, reason: bytes, fields: list[Field]) -> None:
    head = ResponseHead(1, status, reason, fields)
    assert read_response_head(response_octets(head)) == head


@given(st.binary(max_size=200))
def test_whatever_comes_is_read_or_refused(octets: bytes) -> None:
    try:
        head = read_response_head(b"HTTP/1.1 200 OK\r\n" + octets)
    except BadMessage:
        return
    # What was accepted holds no line that another reader could see in it.
    assert response_octets(head).count(b"\r\n") == 2 + len(head.fields)
    assert response_octets(head).count(b"\n") == 2 + len(head.fields)


def test_a_long_refused_head_costs_no_second_look() -> None:
    # Catastrophic backtracking would take minutes here; the test run's own bound would end it.
    for evil in (b"A:" + b" " * 60_000 + b"\x00", b"A" * 60_000, b"A" + b"\t" * 60_000, b"A: b\r\n" * 10_000 + b"\x00"):
        with pytest.raises(BadMessage):
            read_response_head(b"HTTP/1.1 200 OK\r\n" + evil + b"\r\n\r\n")


TARGETS = [
    # as aiohttp has it                        what is sent
    ("/",                                      b"/"),
    ("/a%2Fb/../c//d;x?q=%20+'|^\"{}",         b"/a%2Fb/../c//d;x?q=%20+'|^\"{}"),
    ("http://a.vn/b?c",                        b"/b?c"),
    ("HTTP://a.vn?c",                          b"/?c"),
    ("https://a.vn",                           b"/"),
    ("/http://a.vn/",                          b"/http://a.vn/"),
]  # fmt: skip


@pytest.mark.parametrize(("target", "sent"), TARGETS)
def test_a_target_goes_on_octet_by_octet(target: str, sent: bytes) -> None:
    head = request_head("GET", target, 1, ((b"Host", b"a.vn"),))
    assert request_octets(head) == b"GET " + sent + b" HTTP/1.1\r\nHost: a.vn\r\n\r\n"


def test_options_may_ask_about_the_whole_server() -> None:
    assert request_head("OPTIONS", "*", 1, ()) == RequestHead(b"OPTIONS", b"*", 1, [])


REFUSED = [
    # method    target             field
    ("GET",     "*",               (b"A", b"1")),
    ("GET",     "a",               (b"A", b"1")),
    ("GET",     "ftp://a/b",       (b"A", b"1")),
    ("GET",     "",                (b"A", b"1")),
    ("GET",     "/a b",            (b"A", b"1")),
    ("GET",     "/a\tb",           (b"A", b"1")),
    ("GET",     "/a\r\nB: c",      (b"A", b"1")),
    ("GET",     "/a#b",            (b"A", b"1")),
    ("GET",     "/ph\u1eddng",     (b"A", b"1")),
    ("GET",     "/\udcff",         (b"A", b"1")),
    ("get",     "/",               (b"A", b"1")),
    ("G T",     "/",               (b"A", b"1")),
    ("",        "/",               (b"A", b"1")),
    ("GET",     "/",               (b"A B", b"1")),
    ("GET",     "/",               (b"A", b"1\r\n2")),
    ("GET",     "/",               (b"A", b"1\n2")),
    ("GET",     "/",               (b"", b"1")),
]  # fmt: skip


@pytest.mark.parametrize(("method", "target", "field"), REFUSED)
def test_what_two_readers_could_understand_in_two_ways_is_refused(method: str, target: str, field: Field) -> None:
    with pytest.raises(BadRequestHead):
        request_head(method, target, 1, (field,))
