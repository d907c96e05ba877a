"""The QR code drawn is the QR code meant."""

import base64
import re
import struct
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy import qr_symbols
from proxy.qr import Qr, is_soon_drawn, qr

TARGETS = ["https://dichvucong.gov.vn/", "https://dichvucong.gov.vn/?keyword=" + "%20x" * 70]


def pixels(code: Qr) -> list[list[int]]:
    """The picture as a reader of PNG reads it (ISO/IEC 15948): 1 for a dark pixel.  Every checksum is looked at."""
    kind, _, text = code.image.partition(",")
    assert kind == "data:image/png;base64"
    octets = base64.b64decode(text, validate=True)
    assert octets[:8] == b"\x89PNG\r\n\x1a\n"
    chunks, at = [], 8
    while at < len(octets):
        (length,) = struct.unpack_from(">I", octets, at)
        name, body = octets[at + 4 : at + 8], octets[at + 8 : at + 8 + length]
        assert struct.unpack_from(">I", octets, at + 8 + length) == (zlib.crc32(name + body),)
        chunks.append((name, body))
        at += 12 + length
    assert [name for name, _ in chunks] == [b"IHDR", b"IDAT", b"IEND"]
    width, height, depth, colour, *others = struct.unpack(">IIBBBBB", chunks[0][1])
    assert (width, height, depth, colour, others) == (code.size, code.size, 1, 0, [0, 0, 0])
    lines = zlib.decompress(chunks[1][1])
    row = 1 + -(-width // 8)
    assert len(lines) == row * height
    assert not any(lines[::row]), "no line has a filter"
    return [[1 - (lines[at + 1 + x // 8] >> (7 - x % 8) & 1) for x in range(width)] for at in range(0, len(lines), row)]


def strokes(code: Qr) -> list[list[int]]:
    """The strokes, laid out again."""
    grid = [[0] * code.size for _ in range(code.size)]
    x = y = 0
    for command, first, second in re.findall(r"([Mmh])(-?\d+)(?: (\d+(?:\.5)?))?", code.path):
        match command:
            case "M":
                x, y = int(first), int(second.removesuffix(".5"))
            case "m":
                x += int(first)
            case _:
                for _ in range(int(first)):
                    grid[y][x] = 1
                    x += 1
    return grid


def meant(target: str) -> list[list[int]]:
    """The modules in their quiet zone of four (ISO/IEC 18004 §5.3.8)."""
    rows = qr_symbols.rows(target.encode())
    assert rows is not None
    size = len(rows) + 8
    quiet = [[0] * size for _ in range(4)]
    return [*quiet, *([0] * 4 + [int(module) for module in row] + [0] * 4 for row in rows), *quiet]


@pytest.mark.parametrize("target", TARGETS)
def test_picture_and_strokes_are_the_modules(target: str) -> None:
    code = qr(target)
    assert code is not None
    assert pixels(code) == strokes(code) == meant(target)


@given(st.text("abcz0189-._~:/?#&=%+", min_size=1, max_size=300).map("https://".__add__))
def test_every_picture_is_of_its_modules(target: str) -> None:
    code = qr(target)
    assert code is not None
    assert pixels(code) == meant(target)


@pytest.mark.parametrize("length", [400, 2_048, 5_000])
def test_a_code_too_dense_to_scan_is_left_out(length: int) -> None:
    target = "https://dichvucong.gov.vn/" + "x" * length
    assert qr(target) is None
    assert is_soon_drawn(target), "there is nothing to draw"


def test_it_is_known_which_codes_take_milliseconds() -> None:
    target = "https://dichvucong.gov.vn/" + "y" * 201
    length = len(target)
    qr_symbols._KNOWN.pop(length, None)
    assert not is_soon_drawn(target)
    qr(target)
    assert is_soon_drawn("x" * length)
