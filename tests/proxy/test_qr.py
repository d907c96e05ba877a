"""The QR code drawn is the QR code meant."""

import re

import pytest

from proxy import qr_symbols
from proxy.qr import Qr, qr


def modules(code: Qr) -> list[list[int]]:
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


@pytest.mark.parametrize("target", ["https://dichvucong.gov.vn/", "https://dichvucong.gov.vn/?keyword=" + "%20x" * 70])
def test_the_strokes_are_the_modules(target: str) -> None:
    code = qr(target)
    assert code is not None
    rows = qr_symbols.rows(target.encode())
    assert rows is not None
    quiet = [[0] * code.size for _ in range(4)]
    drawn = [[0] * 4 + [int(module) for module in row] + [0] * 4 for row in rows]
    assert modules(code) == [*quiet, *drawn, *quiet]


@pytest.mark.parametrize("length", [400, 2_048, 5_000])
def test_a_code_too_dense_to_scan_is_left_out(length: int) -> None:
    assert qr("https://dichvucong.gov.vn/" + "x" * length) is None
