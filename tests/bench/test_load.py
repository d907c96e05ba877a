"""Our own generator: requests out of a file, answers by their length."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.load import answer_length, ask, requests_in
from bench.rulesets import head

ANSWER = b"HTTP/1.1 301 Moved Permanently\r\nContent-Length: 5\r\n\r\nhello"


def test_a_file_holds_one_request_after_the_other() -> None:
    one, other = head("a.vn", "/1"), head("a.vn", "/2")
    assert requests_in(one + other) == [one, other]


@given(st.integers(0, len(ANSWER)))
def test_an_answer_is_as_long_as_it_says_as_soon_as_its_head_is_there(cut: int) -> None:
    known = answer_length(ANSWER[:cut])
    assert known == (len(ANSWER) if b"\r\n\r\n" in ANSWER[:cut] else None)


def test_what_follows_an_answer_is_not_its_own() -> None:
    assert answer_length(ANSWER + ANSWER) == len(ANSWER)


def test_an_answer_that_does_not_say_its_length_cannot_be_measured() -> None:
    with pytest.raises(ValueError, match="without a length"):
        answer_length(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")


async def test_a_server_is_asked_in_turn_and_its_refusals_are_counted() -> None:
    seen: list[bytes] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            await reader.readuntil(b"\r\n\r\n")
            seen.append(line.split()[1])
            status = b"404 Not Found" if line.split()[1] == b"/no" else b"200 OK"
            writer.write(b"HTTP/1.1 " + status + b"\r\nContent-Length: 0\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        tally = await ask(port, [head("a.vn", "/yes"), head("a.vn", "/no")], 0.2, 1)
    assert seen[:4] == [b"/yes", b"/no", b"/yes", b"/no"]
    assert len(tally.seconds) == len(seen)
    assert tally.refused == len(seen) // 2
    assert tally.broken == 0
