"""The QR code of an address, as a picture: for print, and for the phone beside the screen."""

import base64
import re
import struct
import zlib
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from proxy import qr_symbols

_SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
_MOST_STORED: Final = 0xFFFF  # octets of a block that is not compressed (RFC 1951 §3.2.4)
_RUNS: Final = re.compile("(0*)(1+)")


@dataclass(frozen=True, slots=True)
class Qr:
    """A square of modules."""

    size: int  # modules a side, quiet zone included
    image: str  # for <img src>: a `data:` address of a PNG, a pixel for each module
    target: str

    @property
    def path(self) -> str:
        """The same as strokes, for <path d> in an SVG of this size: stroke width 1."""
        rows = qr_symbols.rows(self.target.encode()) or []
        return "".join(_stroked(row, at) for at, row in enumerate(rows, start=qr_symbols.QUIET_ZONE))


@lru_cache(maxsize=256)
def qr(target: str) -> Qr | None:
    """The QR code of an address, or None when it would be too dense to scan."""
    raster = qr_symbols.raster(target.encode())
    if raster is None:
        return None
    return Qr(raster.size, f"data:image/png;base64,{base64.b64encode(_png(*raster)).decode()}", target)


def is_soon_drawn(target: str) -> bool:
    """Whether a code for an address as long as this was drawn before: the first one takes milliseconds."""
    return qr_symbols.is_laid_out(len(target.encode()))


def _png(size: int, scanlines: bytes) -> bytes:
    """A picture of one bit for each pixel (ISO/IEC 15948).

    Not compressed: the page is, and a symbol looks like chance.
    """
    if len(scanlines) > _MOST_STORED:
        raise ValueError("a picture of a symbol is smaller than that")
    length = len(scanlines)
    stored = struct.pack("<BHH", 1, length, length ^ _MOST_STORED) + scanlines  # the last block, as it is
    packed = b"\x78\x01" + stored + struct.pack(">I", zlib.adler32(scanlines))
    return _header(size) + _chunk(b"IDAT", packed) + _LAST


@lru_cache(maxsize=64)
def _header(size: int) -> bytes:
    return _SIGNATURE + _chunk(b"IHDR", struct.pack(">IIBBBBB", size, size, 1, 0, 0, 0, 0))


def _chunk(name: bytes, octets: bytes) -> bytes:
    return struct.pack(">I", len(octets)) + name + octets + struct.pack(">I", zlib.crc32(name + octets))


_LAST: Final = _chunk(b"IEND", b"")


def _stroked(row: str, at: int) -> str:
    """One row of modules as strokes."""
    (light, dark), *runs = _RUNS.findall(row)  # no row is without a dark module: of finders, or of a timing pattern
    begin = f"M{len(light) + qr_symbols.QUIET_ZONE} {at}.5h{len(dark)}"
    return begin + "".join(f"m{len(light)} 0h{len(dark)}" for light, dark in runs)
