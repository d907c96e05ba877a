"""Which packed form of a page a client takes, and the packing.

gzip is sent before brotli where both are as welcome: a stream of deflate can be put together of segments (RFC 1951
§3.2.3, §3.2.4), so that what many pages have in common is packed once, and packed well.  No stream of brotli can.
"""

import struct
import zlib
from collections.abc import Sequence
from functools import lru_cache
from typing import Final, Literal, NamedTuple, TypeAlias

import brotli

Coding = Literal["", "gzip", "br"]
"""A content coding (RFC 9110 §8.4.1); "" is the page as it is."""

_PREFERRED: Final[tuple[Literal["gzip", "br"], ...]] = ("gzip", "br")
_BROTLI_QUALITY: Final = 1  # in half the time of 2, for a fifteenth more octets: fewer still than in gzip
_LASTING_LEVEL: Final = 9
_PASSING_LEVEL: Final = 2
# Octets of a part that is sent as it is.  Packed, the three of a notice would be 300 octets less of ten thousand, and a
# packer that is made for them takes a fifth of all the time that the page takes.
_SHORT: Final = 512
_MOST_STORED: Final = 0xFFFF
PICTURE: Final = b"data:image/png;base64,"
"""How a part begins that looks like chance, and is sent as it is at any length."""
_STORED: Final = struct.Struct("<BHH")
"""What stands before a block that is not packed (RFC 1951 §3.2.4): its length, and what that is not."""
_HEADER: Final = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"  # deflate, no name, no time, no system (RFC 1952 §2.3)
_LAST: Final = b"\x03\x00"  # an empty block, the last one (RFC 1951 §3.2.3)


class Segment(NamedTuple):
    """A part of many pages: as it is, and as a piece of a deflate stream that refers to nothing before it."""

    octets: bytes
    deflated: bytes


Part: TypeAlias = Segment | bytes
"""A part of a page; what is not a segment stands in this page only."""


def chosen(accept_encoding: str) -> Coding:
    """The coding for an Accept-Encoding (RFC 9110 §12.5.3): the heaviest, gzip before brotli where they weigh as much.

    Never one that is not named nor starred, never one with a weight of zero, never one that weighs less than
    `identity` where that is named.  A weight that cannot be read counts as zero: the page as it is harms nobody.
    """
    if not accept_encoding:
        return ""
    weights = _weights(accept_encoding)
    others = weights.get("*", 0.0)
    best: Coding = ""
    heaviest = 0.0
    for coding in _PREFERRED:
        weight = weights.get(coding, others)
        if weight > heaviest and weight >= weights.get("identity", 0.0):
            best, heaviest = coding, weight
    return best


@lru_cache(maxsize=64)
def in_brotli(body: bytes) -> bytes:
    """The body for who takes brotli alone; the same octets for the same body."""
    return brotli.compress(body, mode=brotli.MODE_TEXT, quality=_BROTLI_QUALITY)  # type: ignore[no-any-return]


def segment(octets: bytes) -> Segment:
    """A part that will be sent again and again: packed once, and as small as deflate can."""
    deflate = zlib.compressobj(_LASTING_LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS)
    return Segment(octets, deflate.compress(octets) + deflate.flush(zlib.Z_FULL_FLUSH))


def gzipped(parts: Sequence[Part]) -> bytes:
    """The whole of the parts in gzip; the same octets for the same parts.

    A twentieth of the time that packing all of it anew takes, for a few hundredths more octets.
    """
    deflate = None
    packed_parts = [_HEADER]
    crc = length = 0
    for part in parts:
        if isinstance(part, Segment):
            octets, deflated = part
            packed_parts.append(deflated)
        else:
            octets = part
            if len(octets) <= (_MOST_STORED if octets.startswith(PICTURE) else _SHORT):
                packed_parts += (_STORED.pack(0, len(octets), len(octets) ^ _MOST_STORED), octets)
            else:
                # One for all parts of a page: the full flush has it forget what stood before, as the reader does.
                deflate = deflate or zlib.compressobj(_PASSING_LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS)
                packed_parts += (deflate.compress(octets), deflate.flush(zlib.Z_FULL_FLUSH))
        crc = zlib.crc32(octets, crc)
        length += len(octets)
    packed_parts += (_LAST, struct.pack("<II", crc, length & 0xFFFFFFFF))
    return b"".join(packed_parts)


def _weights(accept_encoding: str) -> dict[str, float]:
    weights: dict[str, float] = {}
    for part in accept_encoding.lower().split(","):
        coding, _, parameters = part.strip().partition(";")
        weights[coding.strip()] = _weight(parameters)
    return weights


def _weight(parameters: str) -> float:
    if not parameters:
        return 1.0
    name, _, value = parameters.strip().partition("=")
    if name.strip() != "q":
        return 1.0
    try:
        weight = float(value)
    except ValueError:
        return 0.0
    return weight if 0 <= weight <= 1 else 0.0  # and not a number
