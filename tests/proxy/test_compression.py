"""Pages are packed for who takes them packed, as well as they take them."""

import gzip
from typing import Literal

import brotli
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.compression import chosen, packed

# Accept-Encoding                  coding      why (RFC 9110 §12.5.3)
ENCODINGS = [
    ("",                           "",      "nothing is said"),
    ("gzip",                       "gzip",  "named"),
    ("GZIP",                       "gzip",  "names have no case"),
    ("br",                         "br",    "named"),
    ("Br",                         "br",    "in any case"),
    ("gzip, deflate, br, zstd",    "br",    "as browsers say: brotli where both are as welcome"),
    ("br, gzip",                   "br",    "in any place"),
    ("gzip, br;q=0.9",             "gzip",  "the heavier"),
    ("gzip;q=0.8, br;q=0.9",       "br",    "the heavier"),
    ("br;q=0.5, gzip;q=0.5",       "br",    "as welcome"),
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
    ("*",                          "br",    "anything"),
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
def test_a_packed_page_is_the_page(body: bytes) -> None:
    assert gzip.decompress(packed(body, "gzip")) == body
    assert brotli.decompress(packed(body, "br")) == body


@pytest.mark.parametrize("coding", ["gzip", "br"])
def test_the_same_page_is_packed_to_the_same_octets(coding: Literal["gzip", "br"]) -> None:
    body = b"<p>a</p>" * 1_000
    first = packed(body, coding)
    packed.cache_clear()
    assert packed(body, coding) == first
    assert len(first) < len(body) / 20
