"""Every encoding and every line end gives the same lines, whatever the size of the pieces; nothing is endless."""

import unicodedata
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from redirect_rules.exchange.decoding import LONGEST_LINE, NotUtf8, admitted, encoding_of, lines
from redirect_rules.exchange.rows import Refused

TEXT = "địa chỉ cũ;Đường dẫn mới\nhttps://a.vn/tra-cứu;ẾỀỂ ữự ơớ\nba\n"


def legacy(text: str) -> bytes:
    """Windows-1258 as Windows writes it: base letters whole, tones as combining marks."""
    octets = b""
    for letter in unicodedata.normalize("NFC", text):
        try:
            octets += letter.encode("cp1258")
        except UnicodeEncodeError:
            marks = unicodedata.normalize("NFD", letter)
            tones = "".join(c for c in marks if c in "\u0300\u0301\u0303\u0309\u0323")
            base = unicodedata.normalize("NFC", "".join(c for c in marks if c not in tones))
            octets += (base + tones).encode("cp1258")
    return octets


ENCODINGS: dict[str, Callable[[str], bytes]] = {
    "utf-8": lambda text: text.encode(),
    "utf-8 with a mark": lambda text: text.encode("utf-8-sig"),
    "utf-8, decomposed": lambda text: unicodedata.normalize("NFD", text).encode(),
    "utf-16 with a mark": lambda text: text.encode("utf-16"),
    "utf-16-le": lambda text: text.encode("utf-16-le"),
    "utf-16-be": lambda text: text.encode("utf-16-be"),
    "utf-16-be with a mark": lambda text: b"\xfe\xff" + text.encode("utf-16-be"),
    "windows-1258": legacy,
}


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("size", [1, 2, 3, 7, 10_000])
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_the_lines_are_the_same(encoding: str, size: int, end: str) -> None:
    octets = ENCODINGS[encoding](TEXT.replace("\n", end))
    pieces = (octets[i : i + size] for i in range(0, len(octets), size))
    assert list(lines(pieces)) == TEXT.splitlines()


def test_a_last_line_needs_no_end() -> None:
    assert list(lines(b"a\nb")) == ["a", "b"]
    assert list(lines("a\nb".encode("utf-16"))) == ["a", "b"]


@pytest.mark.parametrize("nothing", [b"", b"\xef\xbb\xbf", b"\xff\xfe"])
def test_an_empty_file_has_no_lines(nothing: bytes) -> None:
    assert list(lines(nothing)) == []


def test_a_file_that_has_shown_to_be_utf8_does_not_turn_windows_1258() -> None:
    found = list(lines("tra-cứu\n".encode() + b"h\xe1\n" + "tra-cứu\n".encode()))
    assert found[0] == found[2] == "tra-cứu"
    assert isinstance(found[1], NotUtf8)


def test_windows_1258_may_begin_after_much_ascii() -> None:
    assert list(lines(b"a\n" * 100_000 + legacy("cứu\n")))[-1] == "cứu"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_an_endless_line_is_cut_and_the_next_is_whole(encoding: str) -> None:
    octets = ("a,b\n" + "x" * 10_000_000 + "\nlast\n").encode(encoding)
    first, endless, last = lines(octets)
    assert (first, last) == ("a,b", "last")
    assert len(endless) > LONGEST_LINE
    assert len(endless) <= 5 * LONGEST_LINE


# line                                       said
@pytest.mark.parametrize(
    ("line", "say"),
    [("x" * (LONGEST_LINE + 1), "longer than"), ("a\x00b", "NUL"), (NotUtf8("a\ufffd"), "in UTF-8")],
)
def test_what_cannot_be_read_safely_is_refused(line: str, say: str) -> None:
    with pytest.raises(Refused, match=say):
        admitted(line)


def test_letters_that_windows_1258_does_not_have_are_marked() -> None:
    assert isinstance(next(lines(b"h\xd2 \xe1")), str)
    assert isinstance(next(lines("😀".encode("utf-16-le")[:3] + b"a\x00" * 50)), NotUtf8)


@given(st.text(st.characters(exclude_characters="\r\n\x00\ufffd", codec="utf-8"), max_size=50), st.integers(1, 9))
def test_any_utf8_text_comes_back_in_nfc(text: str, size: int) -> None:
    octets = b"\xef\xbb\xbf" + (text + "\n").encode()
    found = list(lines(octets[i : i + size] for i in range(0, len(octets), size)))
    assert found == [unicodedata.normalize("NFC", text)]


@given(st.binary(max_size=200))
def test_anything_has_lines(octets: bytes) -> None:
    assert encoding_of(octets)
    assert all("\n" not in line for line in lines(octets))
