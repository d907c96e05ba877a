"""What of a head goes on to the next hop."""

import pytest

from proxy.passing.fields import HOP_BY_HOP, end_to_end, lines, members, trailers_kept


@pytest.mark.parametrize("name", sorted(HOP_BY_HOP))
def test_what_speaks_of_one_connection_ends_with_it(name: bytes) -> None:
    kept = (b"X-Own", b"1")
    assert end_to_end([(name.title(), b"x"), kept, (name.upper(), b"y")]) == [kept]


def test_order_case_and_duplicates_are_kept() -> None:
    fields = [(b"b", b"2"), (b"A", b"1"), (b"b", b"1"), (b"Set-Cookie", b"a=1"), (b"Set-Cookie", b"b=2")]
    assert end_to_end(fields) == fields


NOMINATED = [
    # Connection says            what goes with it
    ([b"X-Secret"],               {b"x-secret"}),
    ([b"close, X-Secret"],        {b"x-secret"}),
    ([b" x-secret ,\tX-OTHER"],   {b"x-secret", b"x-other"}),
    ([b"X-Secret", b"X-Other"],   {b"x-secret", b"x-other"}),
    ([b"keep-alive"],             set()),
    ([b",, ,"],                   set()),
]  # fmt: skip


@pytest.mark.parametrize(("said", "gone"), NOMINATED)
def test_what_connection_names_ends_with_it(said: list[bytes], gone: set[bytes]) -> None:
    fields = [(b"X-Secret", b"s"), (b"X-Other", b"o"), *((b"Connection", value) for value in said)]
    assert {b"x-secret", b"x-other"} - {name.lower() for name, _ in end_to_end(fields)} == gone


@pytest.mark.parametrize("name", [b"Host", b"Content-Length", b"Cookie", b"Authorization", b"Content-Type", b"Via"])
def test_connection_cannot_take_away_what_the_origin_decides_by(name: bytes) -> None:
    assert end_to_end([(name, b"x"), (b"Connection", name)]) == [(name, b"x")]


@pytest.mark.parametrize("name", [b"Set-Cookie", b"Content-Length", b"transfer-encoding", b"Location", b"Trailer"])
def test_a_trailer_neither_frames_nor_steers(name: bytes) -> None:
    checksum = (b"Digest", b"sha-256=x")
    assert trailers_kept([(name, b"x"), checksum]) == [checksum]


def test_members_come_from_all_lines() -> None:
    assert members([(b"Via", b"1.1 A, 1.0 b"), (b"via", b"1.1 c")], b"via") == [b"1.1 a", b"1.0 b", b"1.1 c"]


def test_lines_end_in_crlf() -> None:
    assert lines([(b"a", b"1"), (b"B", b"")]) == b"a: 1\r\nB: \r\n"
