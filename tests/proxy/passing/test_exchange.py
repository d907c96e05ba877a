"""One answer out of octets: its events, and whether its connection may carry another."""

from collections import deque
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.passing.exchange import Answer, Body, End, Event, Interim, ResponseReader, Switched
from proxy.passing.framing import Length, NoBody
from proxy.passing.heads import BadMessage

OK = b"HTTP/1.1 200 OK\r\n"


def told(events: Sequence[Event]) -> list[object]:
    """Events as a reader tells them: neighbouring pieces of the body joined."""
    out: list[object] = []
    for event in events:
        match event:
            case Interim(head):
                out.append(head.status)
            case Answer(head, _):
                out.append(f"answer {head.status}")
            case Switched(_, rest):
                out.append(b"switched:" + rest)
            case Body(octets):
                if out and isinstance(out[-1], bytes):
                    out[-1] += octets
                else:
                    out.append(octets)
            case End(trailers):
                out.append("end" if not trailers else f"end {trailers}")
    return out


CASES = [
    # to     octets, then whether the connection closed         what it says                                     reusable
    ("GET",  OK + b"Content-Length: 5\r\n\r\nhello",             False, ["answer 200", b"hello", "end"],           True),
    ("GET",  OK + b"Content-Length: 0\r\n\r\n",                  False, ["answer 200", "end"],                     True),
    ("GET",  OK + b"Content-Length: 2\r\n\r\nhello",             False, ["answer 200", b"he", "end"],              False),
    ("GET",  OK + b"Content-Length: 2\r\nConnection: close\r\n\r\nhe", False, ["answer 200", b"he", "end"],        False),
    ("GET",  b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nhe",  False, ["answer 200", b"he", "end"],              False),
    ("GET",  b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nhe", False, ["answer 200", b"he", "end"], True),
    ("GET",  OK + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", False, ["answer 200", b"abc", "end"], True),
    ("GET",  OK + b"Transfer-Encoding: chunked\r\n\r\n0\r\nA: b\r\n\r\n", False, ["answer 200", "end [(b'A', b'b')]"], True),
    ("GET",  OK + b"\r\nhello",                                  True,  ["answer 200", b"hello", "end"],           False),
    ("HEAD", OK + b"Content-Length: 5\r\n\r\n",                  False, ["answer 200", "end"],                     True),
    ("HEAD", OK + b"Content-Length: 5\r\n\r\nhello",             False, ["answer 200", "end"],                     False),
    ("GET",  b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", False, ["answer 304", "end"],              True),
    ("GET",  b"HTTP/1.1 204 No Content\r\n\r\n",                 False, ["answer 204", "end"],                     True),
    ("GET",  b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + OK + b"Content-Length: 1\r\n\r\nx",
                                                                 False, [100, 103, "answer 200", b"x", "end"],     True),
    ("GET",  OK + b"Content-Length: 1\r\n\r\nxHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\ny", False, ["answer 200", b"x", "end"], False),
]  # fmt: skip


@pytest.mark.parametrize(("method", "octets", "closed", "says", "reusable"), CASES)
@pytest.mark.parametrize("size", [1, 2, 7, 10_000])
def test_an_answer_is_the_same_in_any_pieces(
    method: str, octets: bytes, closed: bool, says: list[object], reusable: bool, size: int  # noqa: FBT001
) -> None:  # fmt: skip
    reader = ResponseReader(method.encode())
    events = [event for at in range(0, len(octets), size) for event in reader.feed(octets[at : at + size])]
    events += reader.close() if closed else []
    assert told(events) == says
    assert (reader.complete, reader.reusable) == (True, reusable)


TORN = [
    OK,
    OK + b"Content-Length: 5\r\n\r\nhell",
    OK + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
    b"HTTP/1.1 100 Continue\r\n\r\n",
    b"",
]


@pytest.mark.parametrize("octets", TORN)
def test_an_answer_that_was_cut_off_is_none(octets: bytes) -> None:
    reader = ResponseReader(b"GET")
    reader.feed(octets)
    with pytest.raises(BadMessage):
        reader.close()


@pytest.mark.parametrize(
    "octets",
    [
        b"HTTP/1.1 101 Switching\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n" * 17,
        OK + b"A: " + b"x" * 70_000,
        OK + b"A: " + b"x" * 70_000 + b"\r\n\r\n",
        b"HTTP/1.1 103 Hints\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"<html>" * 20_000,
    ],
    ids=lambda octets: repr(octets[:30]),
)
@pytest.mark.parametrize("size", [1_000, 100_000])
def test_what_is_no_answer_is_refused(octets: bytes, size: int) -> None:
    reader = ResponseReader(b"GET")
    pieces = (octets[at : at + size] for at in range(0, len(octets), size))
    with pytest.raises(BadMessage):
        deque(map(reader.feed, pieces), maxlen=0)


def test_a_switch_that_was_asked_for_hands_on_what_follows() -> None:
    reader = ResponseReader(b"GET", may_switch=True)
    assert told(reader.feed(b"HTTP/1.1 101 Switching\r\nUpgrade: websocket\r\n\r\n\x81\x00")) == [b"switched:\x81\x00"]
    assert not reader.reusable


def test_the_framing_comes_with_the_head() -> None:
    assert [
        event.framing
        for event in ResponseReader(b"GET").feed(OK + b"Content-Length: 5\r\n\r\n")
        if isinstance(event, Answer)
    ] == [Length(5)]
    assert [event.framing for event in ResponseReader(b"HEAD").feed(OK + b"\r\n") if isinstance(event, Answer)] == [
        NoBody()
    ]


def test_something_came_is_known_before_anything_is_understood() -> None:
    reader = ResponseReader(b"GET")
    assert not reader.begun
    reader.feed(b"H")
    assert reader.begun


@given(st.lists(st.binary(min_size=1, max_size=40), max_size=5))
def test_octets_of_a_stranger_never_make_a_connection_reusable(pieces: list[bytes]) -> None:
    reader = ResponseReader(b"GET")
    reader.feed(OK + b"Content-Length: 2\r\n\r\nab")
    for piece in pieces:
        assert reader.feed(piece) == []
    assert reader.reusable is not bool(pieces)
