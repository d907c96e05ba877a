"""Where a body ends: RFC 9112 §6.3 as a table, and readers that no splitting of their food can confuse."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.passing.fields import Field, Fields
from proxy.passing.framing import (
    LAST_CHUNK,
    Chunked,
    ChunkedReader,
    Framing,
    Length,
    NoBody,
    UntilClose,
    asks_to_close,
    body_reader,
    chunk,
    request_framing,
    response_framing,
)
from proxy.passing.heads import BadMessage, BadRequestHead, RequestHead, ResponseHead


def named(*lines: str) -> Fields:
    return [(name.encode(), value.strip(" ").encode()) for name, _, value in (line.partition(":") for line in lines)]


CL5, CL0, TE = "Content-Length: 5", "content-length: 0", "Transfer-Encoding: chunked"

ANSWERS = [
    # to       status  minor  fields                                what follows
    ("GET",    200,    1,     [CL5],                                Length(5)),
    ("GET",    200,    0,     [CL5],                                Length(5)),
    ("GET",    200,    1,     [CL0],                                Length(0)),
    ("GET",    200,    1,     [CL5, CL5],                           Length(5)),
    ("GET",    200,    1,     [TE],                                 Chunked()),
    ("GET",    200,    1,     ["transfer-encoding:  CHUNKED "],     Chunked()),
    ("GET",    200,    1,     [],                                   UntilClose()),
    ("GET",    200,    0,     [],                                   UntilClose()),
    ("POST",   500,    1,     [],                                   UntilClose()),
    ("HEAD",   200,    1,     [CL5],                                NoBody()),
    ("HEAD",   200,    1,     [TE],                                 NoBody()),
    ("HEAD",   200,    1,     [],                                   NoBody()),
    ("GET",    204,    1,     [CL5],                                NoBody()),
    ("GET",    304,    1,     [CL5],                                NoBody()),
    ("GET",    304,    1,     [TE],                                 NoBody()),
    ("GET",    103,    1,     [],                                   NoBody()),
    ("GET",    200,    1,     [CL5, TE],                            None),
    ("HEAD",   200,    1,     [CL5, TE],                            None),
    ("GET",    200,    1,     [CL5, CL0],                           None),
    ("GET",    200,    1,     ["Content-Length: 5, 5"],             None),
    ("GET",    200,    1,     ["Content-Length: +5"],               None),
    ("GET",    200,    1,     ["Content-Length: -5"],               None),
    ("GET",    200,    1,     ["Content-Length: 0x5"],              None),
    ("GET",    200,    1,     ["Content-Length: 5 6"],              None),
    ("GET",    200,    1,     ["Content-Length:"],                  None),
    ("GET",    200,    1,     ["Content-Length: 9999999999999999999"], None),
    ("GET",    200,    1,     ["Transfer-Encoding: gzip, chunked"], None),
    ("GET",    200,    1,     ["Transfer-Encoding: gzip"],          None),
    ("GET",    200,    1,     ["Transfer-Encoding: chunked, chunked"], None),
    ("GET",    200,    1,     [TE, TE],                             None),
    ("GET",    200,    1,     ["Transfer-Encoding: identity"],      None),
    ("GET",    200,    1,     ["Transfer-Encoding:"],               None),
    ("GET",    200,    1,     ["Transfer-Encoding: xchunked"],      None),
    ("GET",    200,    0,     [TE],                                 None),
]  # fmt: skip


@pytest.mark.parametrize(("method", "status", "minor", "lines", "framing"), ANSWERS)
def test_how_an_answer_ends(method: str, status: int, minor: int, lines: list[str], framing: Framing | None) -> None:
    head = ResponseHead(minor, status, b"", named(*lines))
    if framing is None:
        with pytest.raises(BadMessage):
            response_framing(method.encode(), head)
    else:
        assert response_framing(method.encode(), head) == framing


REQUESTS = [
    # minor  fields                                  what follows; None: refused, whoever sent it
    (1,      [],                                     NoBody()),
    (1,      [CL0],                                  Length(0)),
    (1,      [CL5],                                  Length(5)),
    (0,      [CL5],                                  Length(5)),
    (1,      [TE],                                   Chunked()),
    (1,      ["transfer-encoding: ChUnKeD"],         Chunked()),
    (1,      [CL5, CL5],                             None),
    (1,      [CL5, TE],                              None),
    (1,      [TE, CL5],                              None),
    (0,      [TE],                                   None),
    (1,      [TE, TE],                               None),
    (1,      ["Transfer-Encoding: chunked, identity"], None),
    (1,      ["Transfer-Encoding: identity, chunked"], None),
    (1,      ["Transfer-Encoding: gzip, chunked"],   None),
    (1,      ["Transfer-Encoding:"],                 None),
    (1,      ["Transfer-Encoding: \x0bchunked"],     None),
    (1,      ["Transfer-Encoding: chunked;x=1"],     None),
    (1,      ['Transfer-Encoding: "chunked"'],     None),
    (1,      ["Content-Length: 5,5"],                None),
    (1,      ["Content-Length: +5"],                 None),
    (1,      ["Content-Length: 5a"],                 None),
    (1,      ["Content-Length: 0x5"],                None),
    (1,      ["Content-Length: 1_0"],                None),
    (1,      ["Content-Length: \u0665".encode().decode("latin-1")], None),
    (1,      ["Content-Length:"],                    None),
]  # fmt: skip


@pytest.mark.parametrize(("minor", "lines", "framing"), REQUESTS)
def test_how_a_request_ends(minor: int, lines: list[str], framing: Framing | None) -> None:
    head = RequestHead(b"POST", b"/", minor, named(*lines))
    if framing is None:
        with pytest.raises(BadRequestHead):
            request_framing(head)
    else:
        assert request_framing(head) == framing


@pytest.mark.parametrize(
    ("minor", "lines", "closes"),
    [
        (1, [], False),
        (1, ["Connection: close"], True),
        (1, ["Connection: x, CLOSE"], True),
        (1, ["Connection: x", "Connection: close"], True),
        (0, [], True),
        (0, ["Connection: Keep-Alive"], False),
        (0, ["Connection: keep-alive, close"], True),
    ],
)
def test_which_message_is_the_last(minor: int, lines: list[str], closes: bool) -> None:  # noqa: FBT001 - a column
    assert asks_to_close(minor, named(*lines)) is closes


def read(framing: Framing, pieces: Sequence[bytes]) -> tuple[bytes, bool, bytes, list[Field]]:
    """Everything a reader makes of the pieces: body, whether it ended, what was left over, trailers."""
    reader, body, rest = body_reader(framing), b"", b""
    ended, trailers = False, list[Field]()
    for piece in pieces:
        if ended:
            rest += piece
            continue
        got = reader.feed(piece)
        assert b"" not in got.parts
        body, ended, rest = body + b"".join(got.parts), got.ended, got.rest
        trailers += got.trailers
    return body, ended, rest, trailers


CHUNKED = [
    # octets                                       body      trailers
    (b"0\r\n\r\n",                                 b"",      []),
    (b"5\r\nhello\r\n0\r\n\r\n",                   b"hello", []),
    (b"2\r\nhe\r\n3\r\nllo\r\n000\r\n\r\n",        b"hello", []),
    (b"00000005\r\nhello\r\n0\r\n\r\n",            b"hello", []),
    (b"5;a=b\r\nhello\r\n0;c\r\n\r\n",             b"hello", []),
    (b'5 ;a="b"\r\nhello\r\n0\r\n\r\n',          b"hello", []),
    (b"4\r\n\r\n\r\n\r\n0\r\n\r\n",                b"\r\n\r\n", []),
    (b"A\r\n0123456789\r\n0\r\n\r\n",              b"0123456789", []),
    (b"1\r\nx\r\n0\r\nA: 1\r\nB: 2\r\n\r\n",       b"x",     [(b"A", b"1"), (b"B", b"2")]),
]  # fmt: skip


@pytest.mark.parametrize(("octets", "body", "trailers"), CHUNKED)
@pytest.mark.parametrize("rest", [b"", b"HTTP/1.1 200 OK\r\n"])
def test_chunks_whole_byte_by_byte_and_with_something_behind(
    octets: bytes, body: bytes, trailers: Fields, rest: bytes
) -> None:
    wanted = (body, True, rest, trailers)
    assert read(Chunked(), [octets + rest]) == wanted
    assert read(Chunked(), [bytes((octet,)) for octet in octets + rest]) == wanted


NO_CHUNKS = [
    b"\r\n", b"x\r\n", b"-1\r\n", b"+1\r\n", b"0x1\r\n", b" 1\r\n", b"1 \r\na", b"1\na\r\n0\r\n\r\n", b"1\r\nab\r\n", b"1\r\na\n0\r\n\r\n",
    b"1\r\na\rb", b"1\r\na0\r\n\r\n", b"1;\x00\r\n", b"1;a\nb\r\n", b"1_0\r\n", b"1000000000000000\r\n", b"0\r\n\x00\r\n\r\n", b"0\r\nbad line\r\n\r\n",
    b"0\r\n folded: 1\r\n\r\n", b"f" * 5_000, b"1;" + b"x" * 5_000, b"0\r\n" + b"A: 1\r\n" * 4_000,
]  # fmt: skip


@pytest.mark.parametrize("octets", NO_CHUNKS, ids=lambda octets: repr(octets[:20]))
def test_what_are_no_chunks_is_refused_however_it_comes(octets: bytes) -> None:
    with pytest.raises(BadMessage):
        read(Chunked(), [octets])
    with pytest.raises(BadMessage):
        read(Chunked(), [bytes((octet,)) for octet in octets])


@pytest.mark.parametrize("framing", [Length(3), Chunked()])
def test_a_torn_body_is_noticed(framing: Framing) -> None:
    reader = body_reader(framing)
    reader.feed(b"1\r")
    with pytest.raises(BadMessage):
        reader.close()


def test_a_body_until_the_close_ends_with_it() -> None:
    reader = body_reader(UntilClose())
    assert reader.feed(b"abc").parts == [b"abc"]
    reader.close()  # and does not raise


def split(data: st.DataObject, octets: bytes) -> list[bytes]:
    """The octets in pieces, cut anywhere."""
    cuts = sorted(data.draw(st.lists(st.integers(0, len(octets)), max_size=8)))
    return [octets[a:b] for a, b in zip([0, *cuts], [*cuts, len(octets)], strict=True)]


@given(st.data(), st.lists(st.binary(min_size=1, max_size=30), max_size=6), st.binary(max_size=10))
def test_chunks_survive_any_splitting(data: st.DataObject, bodies: list[bytes], rest: bytes) -> None:
    octets = b"".join(map(chunk, bodies)) + LAST_CHUNK
    assert read(Chunked(), split(data, octets + rest)) == (b"".join(bodies), True, rest, [])


@given(st.data(), st.binary(max_size=60), st.binary(max_size=10))
def test_a_counted_body_survives_any_splitting(data: st.DataObject, body: bytes, rest: bytes) -> None:
    assert read(Length(len(body)), split(data, body + rest)) == (body, True, rest, [])


@given(st.data(), st.binary(max_size=60))
def test_any_octets_mean_the_same_however_they_are_split(data: st.DataObject, octets: bytes) -> None:
    def outcome(pieces: Sequence[bytes]) -> object:
        try:
            return read(Chunked(), pieces)
        except BadMessage:
            return "refused"

    octets = b"3\r\nabc\r\n" + octets
    whole, pieces = outcome([octets]), outcome(split(data, octets))
    # A refusal may come sooner in pieces, never differently.
    assert whole == pieces


def test_an_empty_chunk_is_never_written() -> None:
    assert chunk(b"") == b""
    assert ChunkedReader().feed(chunk(b"ab") + LAST_CHUNK).parts == [b"ab"]
