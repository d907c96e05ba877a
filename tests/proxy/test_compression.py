"""Pages are packed for who takes them packed, as well as they take them."""

import gzip
import zlib
from collections.abc import Callable

import brotli
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.compression import Part, Segment, chosen, gzipped, in_brotli, segment
from proxy.pages import Pages
from tests.browser.samples import SAMPLES

# Accept-Encoding                  coding      why (RFC 9110 §12.5.3)
ENCODINGS = [
    ("",                           "",      "nothing is said"),
    ("gzip",                       "gzip",  "named"),
    ("GZIP",                       "gzip",  "names have no case"),
    ("br",                         "br",    "named"),
    ("Br",                         "br",    "in any case"),
    ("gzip, deflate, br, zstd",    "gzip",  "as browsers say: gzip where both are as welcome"),
    ("br, gzip",                   "gzip",  "in any place"),
    ("gzip;q=0.9, br",             "br",    "the heavier"),
    ("gzip, br;q=0.9",             "gzip",  "the heavier"),
    ("gzip;q=0.8, br;q=0.9",       "br",    "the heavier"),
    ("br;q=0.5, gzip;q=0.5",       "gzip",  "as welcome"),
    ("br;q=0, gzip",               "gzip",  "refused by name"),
    ("br;q=0, *",                  "gzip",  "refused by name, the rest is welcome"),
    ("br;q=0, *;q=0",              "",      "everything refused"),
    ("deflate,gzip ;q=0.5",        "gzip",  "with a weight"),
    ("gzip;q=1.0",                 "gzip",  "with the whole weight"),
    ("gzip;q=0.001",               "gzip",  "the least there is"),
    ("gzip;q=0",                   "",      "refused"),
    ("gzip;q=0.0",                 "",      "refused"),
    ("gzip; Q=0",                  "",      "refused, in capitals"),
    ("gzip;q=0, *",                "br",    "refused by name, whatever else is welcome"),
    ("*",                          "gzip",  "anything"),
    ("*;q=0",                      "",      "nothing"),
    ("*;q=0, gzip",                "gzip",  "nothing but this"),
    ("identity",                   "",      "something else"),
    ("identity;q=1, gzip;q=0.5",   "",      "the page as it is, rather"),
    ("identity;q=0.5, gzip",       "gzip",  "gzip, rather"),
    ("br;q=1, *;q=0.1",            "br",    "the rest is welcome, this more"),
    ("identity;q=1, *;q=0",        "",      "nothing else"),
    ("gzip;q=nonsense",            "",      "unreadable: the page as it is harms nobody"),
    ("gzip;q=nan",                 "",      "no number"),
    ("gzip;q=inf",                 "",      "no weight"),
    ("gzip;q=-1",                  "",      "no weight"),
    ("gzip;q=1000",                "",      "no weight"),
    ("gzip;level=9",               "gzip",  "another parameter"),
    ("gzip2, xgzip, abr",          "",      "names that only look like it"),
    (",,;,=",                      "",      "nothing readable"),
]  # fmt: skip


@pytest.mark.parametrize(("header", "coding", "why"), ENCODINGS)
def test_a_page_is_packed_as_its_reader_likes_it_best(header: str, coding: str, why: str) -> None:
    assert chosen(header) == coding


@given(st.text("gzipbr*;q=0.15, identity\t", max_size=40))
def test_whatever_is_said_something_is_sent(header: str) -> None:
    coding = chosen(header)
    assert coding in {"", "gzip", "br"}
    assert not coding or coding in header.lower() or "*" in header


@given(st.binary(max_size=2_000))
def test_a_page_in_brotli_is_the_page(body: bytes) -> None:
    assert brotli.decompress(in_brotli(body)) == body


def test_the_same_page_is_packed_to_the_same_octets() -> None:
    body = b"<p>a</p>" * 1_000
    first = in_brotli(body)
    in_brotli.cache_clear()
    assert in_brotli(body) == first
    assert len(first) < len(body) / 20


# ── put together of segments ──────────────────────────────────────────────────────────────────────────────────────

PAGES = Pages()
TEXTS = st.one_of(
    st.binary(max_size=200),
    st.sampled_from([b"<p>Xin ch\xc3\xa0o</p>" * 40, b"", b"\x00" * 70_000, bytes(range(256)) * 300]),
)
PARTS: st.SearchStrategy[list[Part]] = st.lists(st.one_of(TEXTS, TEXTS.map(segment)), max_size=8)


def whole(parts: list[Part]) -> bytes:
    return b"".join(part.octets if isinstance(part, Segment) else part for part in parts)


def by_zlib(octets: bytes) -> bytes:
    """As a reader that takes what comes, a few octets at a time."""
    reader = zlib.decompressobj(zlib.MAX_WBITS | 16)
    read = b"".join(reader.decompress(octets[at : at + 7]) for at in range(0, len(octets), 7))
    assert reader.eof
    assert not reader.unused_data
    return read


@pytest.mark.parametrize("read", [gzip.decompress, by_zlib])
@given(parts=PARTS)
def test_parts_put_together_are_the_whole_of_them(read: Callable[[bytes], bytes], parts: list[Part]) -> None:
    assert read(gzipped(parts)) == whole(parts)


@given(PARTS)
def test_the_same_parts_give_the_same_octets(parts: list[Part]) -> None:
    assert gzipped(parts) == gzipped(parts)


def test_a_segment_refers_to_nothing_before_it() -> None:
    """RFC 1951 §2: only where a reader begins with it can it be put anywhere."""
    text = "Cổng Dịch vụ công quốc gia ".encode() * 30
    for made in (segment(text), segment(text + b"x" * 40_000)):
        reader = zlib.decompressobj(-zlib.MAX_WBITS)
        assert reader.decompress(made.deflated) == made.octets
        assert made.deflated.endswith(b"\x00\x00\xff\xff"), "it ends with an octet (RFC 1951 §3.2.4)"


def test_what_stands_in_one_page_twice_is_not_referred_to_across_a_segment() -> None:
    text = b"https://dichvucong.gov.vn/tra-cuu-thu-tuc/danh-sach?keyword=1.001193&formalityType=STANDARD&limit=10"
    parts: list[Part] = [text, segment(b"<p>" + b"a" * 500), text, segment(b"<p>" * 9_000), text]
    assert gzip.decompress(gzipped(parts)) == whole(parts)


@pytest.mark.parametrize("name", SAMPLES)
def test_no_page_is_much_larger_than_packed_as_one(name: str) -> None:
    for language in ("vi", "en"):
        page = PAGES.render(SAMPLES[name], language)
        made = page.packed("gzip")
        assert gzip.decompress(made) == page.html
        # A twelfth for what is not packed at all, the picture of the QR code first of all, the rest for the segments.
        assert len(made) <= 1.15 * len(gzip.compress(page.html, 2))
        assert brotli.decompress(page.packed("br")) == page.html
