"""A symbol holds its address, as an implementation of others draws it and as a reader reads it."""

import pytest
import segno
from hypothesis import given
from hypothesis import strategies as st
from segno import encoder

from proxy.qr_symbols import LARGEST_VERSION, rows

# Octets of an address that versions 1 to 12 hold at the lowest level (ISO/IEC 18004, table 7).
CAPACITIES = (17, 32, 53, 78, 106, 134, 154, 192, 230, 271, 321, 367)


@pytest.fixture(autouse=True)
def _padded_as_the_standard_says(monkeypatch: pytest.MonkeyPatch) -> None:
    """segno 1.6 puts an octet of zeros before the padding where none is needed (§7.4.10): readers do not mind."""
    monkeypatch.setattr(encoder, "write_padding_bits", lambda bits, _version, length: bits.extend([0] * (-length % 8)))


def drawn_by_others(text: str) -> tuple[int, list[str]]:
    """The version, and the modules."""
    code = segno.make_qr(text, error="l", mask=2)
    assert isinstance(code.version, int)
    return code.version, ["".join("1" if module else "0" for module in row) for row in code.matrix]


# Both sides of every change of version or level would be 90 lengths; these are every version's first and last.
@pytest.mark.parametrize("length", sorted({*CAPACITIES, *(most + 1 for most in CAPACITIES[:-1]), 1, 60, 119, 120}))
def test_every_version_is_drawn_as_others_draw_it(length: int) -> None:
    text = ("https://dichvucong.gov.vn/?x=%C3%A1&" * 20)[-length:].replace("H", "h")
    version, modules = drawn_by_others(f"a{text[1:]}")
    assert version <= LARGEST_VERSION
    assert rows(f"a{text[1:]}".encode()) == modules


@given(st.text("abcz0189-._~:/?#&=%+", min_size=1, max_size=CAPACITIES[-1]).map("https://".__add__))
def test_every_address_is_drawn_as_others_draw_it(text: str) -> None:
    made = rows(text.encode())
    if made is None:
        assert len(text) > CAPACITIES[-1]
    else:
        assert made == drawn_by_others(text)[1]


def test_what_is_too_long_is_not_drawn() -> None:
    assert rows(b"a" * CAPACITIES[-1]) is not None
    assert rows(b"a" * (CAPACITIES[-1] + 1)) is None


@pytest.mark.parametrize("version", range(1, LARGEST_VERSION + 1))
def test_a_version_has_its_size_and_takes_all_that_the_standard_says(version: int) -> None:
    made = rows(b"a" * CAPACITIES[version - 1])
    assert made is not None
    assert {len(made), *map(len, made)} == {17 + 4 * version}
    assert set("".join(made)) == {"0", "1"}


@given(st.binary(min_size=1, max_size=CAPACITIES[0]))
def test_what_is_read_again_is_what_was_written(octets: bytes) -> None:
    """By a reader for the smallest version, who looks at nothing but the data: up and down, without every third column."""
    made = rows(octets)
    assert made is not None
    bits = ""
    for number, right in enumerate((20, 18, 16, 14, 12, 10)):
        for row in range(20, -1, -1) if number % 2 == 0 else range(21):
            for column in (right, right - 1):
                in_corner = (row < 9 and (column > 12 or column < 9)) or (row > 12 and column < 9)
                if not in_corner and row != 6:
                    bits += str(int(made[row][column]) ^ (column % 3 == 0))
    length = int(bits[4:12], 2)
    assert bits[:4] == "0100"
    assert length == len(octets)
    whole = bits[12:] + "0" * 200
    read = bytes(int(whole[at : at + 8], 2) for at in range(0, 8 * length, 8))
    seen = (len(bits) - 12) // 8
    assert read[:seen] == octets[:seen]
