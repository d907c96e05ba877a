"""An answer that came whole is written as any other would be: octet for octet, or not at all."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from proxy.passing.forwarded import Hop, Trust
from proxy.passing.heads import RequestHead
from proxy.passing.inbound import Onward, onward
from proxy.passing.whole import _as_it_came, _read, whole_answer
from tests.passing_peers.edges import upstream

UPSTREAM = upstream(1)
HOP = Hop("198.51.100.7", True, b"a.gov.vn")


def sent(method: bytes = b"GET", minor: int = 1) -> Onward:
    head = RequestHead(method, b"/", minor, [(b"Host", b"a.gov.vn")])
    return onward(head, UPSTREAM, HOP, Trust(), b"via", b"a.gov.vn")


ANSWERS = [
    # what came                                                                              as it came, or read
    (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", "as it came"),
    (b"HTTP/1.1 404 Khong thay\r\nx-A: 1\r\nX-a: 2\r\ncontent-length: 0\r\n\r\n", "as it came"),
    (
        b"HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\nKeep-Alive: timeout=5\r\n\r\nok",
        "as it came",
    ),
    (b"HTTP/1.1 200 OK\r\nX-Empty: \r\nContent-Length: 2\r\n\r\nok", "as it came"),
    (b"HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nok", "read"),
    (b"HTTP/1.1 200 OK\r\nX-A:1\r\nContent-Length: 2\r\n\r\nok", "read"),
    (b"HTTP/1.1 200 OK\r\nX-A:  1 \r\nContent-Length: 2\r\n\r\nok", "read"),
    (b"HTTP/1.1 200 OK\r\nSet-Cookie: a=1\r\nContent-Length: 2\r\n\r\nok", "read"),
    (b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/x\r\nContent-Length: 0\r\n\r\n", "read"),
    (b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok", "read"),
    (b"HTTP/1.1 200 OK\r\nConnection: X-A\r\nX-A: 1\r\nContent-Length: 2\r\n\r\nok", "read"),
    (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nok", "read"),
    (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX-Sum: 1\r\n\r\n", "read"),
    (b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", "read"),
    (b"HTTP/1.1 204 No Content\r\nX-A: 1\r\n\r\n", "read"),
    (b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", "read"),
    (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok?", "read"),  # and the connection is good for nothing
    # not one whole answer
    (b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok", ""),
    (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n", ""),
    (b"HTTP/1.1 200 OK\r\n\r\nok", ""),  # until the close
    (b"HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", ""),
    (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\nok", ""),
    (b"HTTP/1.1 200 OK\r\nContent-Length: 2, 2\r\n\r\nok", ""),
    (b"HTTP/1.1 200 OK\nContent-Length: 2\n\nok", ""),
    (b"HTTP/1.1 200 OK\r\nX-A: 1\r\n 2\r\nContent-Length: 2\r\n\r\nok", ""),
    (b"HTTP/1.1 200 OK\r\nX-A: \x00\r\nContent-Length: 2\r\n\r\nok", ""),
    (b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n", ""),
    (b"ok", ""),
    (b"", ""),
]


@pytest.mark.parametrize(("octets", "how"), ANSWERS)
def test_an_answer_goes_out_as_it_came_or_is_read_or_waits(octets: bytes, how: str) -> None:
    short, read = _as_it_came(octets, sent()), _read(octets, sent(), UPSTREAM)
    assert (short is not None, read is not None) == {
        "as it came": (True, True),
        "read": (False, True),
        "": (False, False),
    }[how]
    assert whole_answer(octets, sent(), UPSTREAM) == read
    if short is not None:
        assert short == read


def test_what_stands_behind_an_answer_goes_to_nobody() -> None:
    answer = whole_answer(
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok" + b"HTTP/1.1 200 OK\r\n\r\n", sent(), UPSTREAM
    )
    assert answer is not None
    assert answer.octets.endswith(b"\r\n\r\nok")
    assert not answer.reusable


NAMES = [b"Content-Length", b"content-length", b"Connection", b"Keep-Alive", b"Transfer-Encoding", b"Set-Cookie"]
NAMES += [b"Location", b"Trailer", b"X-A", b"x-a", b"Server", b"Edge-Announcement", b"Upgrade", b"Date"]
VALUES = [
    b"2",
    b"3",
    b"0",
    b"keep-alive",
    b"close",
    b"Keep-Alive, X-A",
    b"chunked",
    b"",
    b"a b",
    b"\xff",
    b"a\tb",
    b"/x",
]
LINES = st.lists(
    st.tuples(st.sampled_from(NAMES), st.sampled_from([b": ", b":", b":  ", b" : "]), st.sampled_from(VALUES)),
    max_size=6,
)


@given(
    st.sampled_from([b"HTTP/1.1 200 OK", b"HTTP/1.1 200", b"HTTP/1.0 200 OK", b"HTTP/1.1 404 ", b"HTTP/1.1 204 x"]),
    LINES,
    st.sampled_from([b"", b"ok", b"ok?", b"2\r\nok\r\n0\r\n\r\n"]),
)
@example(b"HTTP/1.1 200 OK", [(b"Content-Length", b": ", b"2"), (b"Connection", b": ", b"keep-alive")], b"ok")
@example(b"HTTP/1.1 200 OK", [(b"Keep-Alive", b": ", b"close"), (b"Content-Length", b": ", b"2")], b"ok")
def test_the_short_way_and_the_long_way_say_the_same(
    status: bytes, lines: list[tuple[bytes, bytes, bytes]], body: bytes
) -> None:
    octets = status + b"\r\n" + b"".join(b"%b%b%b\r\n" % line for line in lines) + b"\r\n" + body
    short = _as_it_came(octets, sent())
    if short is not None:
        assert short == _read(octets, sent(), UPSTREAM)


@pytest.mark.parametrize("asked", [sent(b"HEAD"), sent(minor=0)])
def test_only_a_plain_question_is_answered_as_it_came(asked: Onward) -> None:
    assert _as_it_came(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", asked) is None
