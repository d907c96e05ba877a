"""QR symbols of addresses (ISO/IEC 18004): byte mode, the smallest version, the best error correction that fits in it.

A page is made for somebody who waits, so everything that does not depend on the address is worked out once: where each
bit goes, the mask, and what a codeword adds to the error correction.  What places the bits works on all modules at a
time: `bytes.translate` gives each module its codeword, a number as long as the symbol keeps the one bit that is the
module's, and another adds mask, patterns and quiet zone.  The mask is always the third: to find the most even of all
eight would cost four times as much, and any of them can be read (§7.8.3 asks for the best one; a decoder does not).
"""

from collections.abc import Callable, Iterator
from functools import cache, lru_cache
from itertools import chain, pairwise, product
from operator import itemgetter
from typing import Final, NamedTuple

LARGEST_VERSION: Final = 12
"""65 modules a side: a denser one cannot be scanned from a phone's screen or a poor printer, and costs kilobytes."""

_MASK: Final = 2  # every third column (§7.8.2)
# By version, for the levels L, M, Q, H: codewords of error correction in a block, and blocks (§7.5.1, table 9).
_BLOCKS: Final = (
    ((7, 1), (10, 1), (13, 1), (17, 1)),
    ((10, 1), (16, 1), (22, 1), (28, 1)),
    ((15, 1), (26, 1), (18, 2), (22, 2)),
    ((20, 1), (18, 2), (26, 2), (16, 4)),
    ((26, 1), (24, 2), (18, 4), (22, 4)),
    ((18, 2), (16, 4), (24, 4), (28, 4)),
    ((20, 2), (18, 4), (18, 6), (26, 5)),
    ((24, 2), (22, 4), (22, 6), (26, 6)),
    ((30, 2), (22, 5), (20, 8), (24, 8)),
    ((18, 4), (26, 5), (24, 8), (28, 8)),
    ((20, 4), (30, 5), (28, 8), (24, 11)),
    ((24, 4), (22, 8), (26, 10), (28, 11)),
)
_CODEWORDS: Final = (26, 44, 70, 100, 134, 172, 196, 242, 292, 346, 404, 466)  # by version, of both kinds
_LEVELS: Final = (0b01, 0b00, 0b11, 0b10)  # as the format information names L, M, Q, H (§7.9.1)
# Where the centres of alignment patterns lie (annex E, table E.1).
_ALIGNED: Final = (
    (),
    (6, 18),
    (6, 22),
    (6, 26),
    (6, 30),
    (6, 34),
    (6, 22, 38),
    (6, 24, 42),
    (6, 26, 46),
    (6, 28, 50),
    (6, 30, 54),
    (6, 32, 58),
)
_BYTE_MODE: Final = 0b0100
_FIELD: Final = 0b1_0001_1101  # x⁸ + x⁴ + x³ + x² + 1 (§7.5.2)


class Raster(NamedTuple):
    """A symbol as a picture, its quiet zone included: the rows of a bitmap of one bit for each module, 1 for light."""

    size: int  # modules a side
    scanlines: bytes  # each begins with an octet of zeros and ends on an octet (ISO/IEC 15948 §7.2, filter type none)


class _Selection(NamedTuple):
    """Modules that belong to some of the codewords; all others are those of an octet that is always zero."""

    begins: int  # the first of these codewords
    codewords: bytes  # for each place of the grid, the codeword of its module counted from the first
    bits: int  # for each place, an octet with the one bit of it that counts


class Layout(NamedTuple):
    """All that symbols of one version and level have in common."""

    size: int  # modules a side
    count_bits: int  # of the number that says how many there are
    data: int  # codewords of data
    correction: int  # codewords of error correction in a block
    blocks: tuple[slice, ...]  # of the data
    in_turn: Callable[[bytes], tuple[int, ...]]  # the order of all codewords: those of the blocks in turn (§7.6)
    columns: int  # of the grid: the bits of a scanline
    selections: tuple[_Selection, ...]
    rest: int  # the grid without any codeword: what these are added to, modulo 2


QUIET_ZONE: Final = 4  # modules (§5.3.8)
_FILTER_BITS: Final = 8  # before each scanline
_OCTETS: Final = 255  # codewords of a selection: one octet of `bytes.translate` is kept for modules that have none
_AS_DIGITS: Final = b"0" + b"1" * 255  # from what a module keeps of its codeword to a digit


def raster(octets: bytes) -> Raster | None:
    """A symbol as a picture; None where no symbol of LARGEST_VERSION holds so much."""
    drawn = _drawn(octets)
    if drawn is None:
        return None
    layout, grid = drawn
    rows_ = layout.size + 2 * QUIET_ZONE
    return Raster(rows_, grid.to_bytes(rows_ * layout.columns // 8, "big"))


def rows(octets: bytes) -> list[str] | None:
    """The modules of a symbol, "1" for a dark one; None where no symbol of LARGEST_VERSION holds so much."""
    drawn = _drawn(octets)
    if drawn is None:
        return None
    layout, grid = drawn
    lines = layout.size + 2 * QUIET_ZONE
    digits = f"{grid:0{lines * layout.columns}b}".translate({48: "1", 49: "0"})
    begins = range(QUIET_ZONE * layout.columns, (lines - QUIET_ZONE) * layout.columns, layout.columns)
    left = _FILTER_BITS + QUIET_ZONE
    return [digits[at + left : at + left + layout.size] for at in begins]


def _drawn(octets: bytes) -> tuple[Layout, int] | None:
    """The layout of a symbol, and its grid: scanline after scanline, 1 for a light module."""
    layout = _layout_for(len(octets))
    if layout is None:
        return None
    codewords = _corrected(layout, _data(layout, octets))
    kept = 0
    for begins, placed, bits in layout.selections:
        table = codewords[begins : begins + _OCTETS].ljust(256, b"\0")
        kept |= int.from_bytes(placed.translate(table), "big") & bits
    digits = kept.to_bytes(len(layout.selections[0].codewords), "big").translate(_AS_DIGITS)
    return layout, int(digits, 2) ^ layout.rest


_KNOWN: Final[dict[int, Layout | None]] = {}
"""What is drawn for so many octets: worked out when it is needed first."""


def is_laid_out(length: int) -> bool:
    """Whether a symbol for so many octets was drawn before, or is none."""
    return length in _KNOWN or length > _capacity(LARGEST_VERSION, 0)


def _layout_for(length: int) -> Layout | None:
    """The smallest symbol for so many octets, and the best correction that fits in it."""
    if length not in _KNOWN and length <= _capacity(LARGEST_VERSION, 0):
        _KNOWN[length] = _found(length)
    return _KNOWN.get(length)


def _found(length: int) -> Layout | None:
    versions = range(1, LARGEST_VERSION + 1)
    version = next((one for one in versions if length <= _capacity(one, 0)), None)
    if version is None:
        return None
    return _layout(version, next(level for level in (3, 2, 1, 0) if length <= _capacity(version, level)))


def _data(layout: Layout, octets: bytes) -> bytes:
    """The codewords of data (§7.4): mode, length, octets, an end, and padding."""
    header = _BYTE_MODE << layout.count_bits | len(octets)
    bits = 4 + layout.count_bits + 8 * len(octets)
    end = min(4, 8 * layout.data - bits)
    end += -(bits + end) % 8
    whole = (header << 8 * len(octets) | int.from_bytes(octets, "big")) << end
    data = whole.to_bytes((bits + end) // 8, "big")
    return (data + b"\xec\x11" * layout.data)[: layout.data]


def _corrected(layout: Layout, data: bytes) -> bytes:
    """All codewords in the order in which they are placed."""
    corrections = [_correction(data[block], layout.correction) for block in layout.blocks]
    return bytes(layout.in_turn(data + b"".join(corrections)))


@lru_cache(maxsize=1_024)
def _correction(block: bytes, size: int) -> bytes:
    """The codewords of error correction of a block (§7.5.2).

    Kept: addresses that lead to one page begin alike, are padded alike, and so have most of their blocks in common.
    """
    adds, last, whole = _additions(size), 8 * (size - 1), (1 << 8 * size) - 1
    # The remainder of the block divided by the generator polynomial, octet by octet.
    rest = 0
    for octet in block:
        rest = (rest << 8 & whole) ^ adds[octet ^ rest >> last]
    return rest.to_bytes(size, "big")


@cache
def _additions(size: int) -> tuple[int, ...]:
    """By a leading codeword, what taking it away adds to the `size` codewords behind it."""
    generator = [1]
    for power in range(size):
        root = _power(power)
        generator = [a ^ _times(b, root) for a, b in zip([*generator, 0], [0, *generator], strict=True)]
    found = [0]
    for bit in range(8):
        one = int.from_bytes(bytes(_times(factor, 1 << bit) for factor in generator[1:]), "big")
        found += [one ^ other for other in found]
    return tuple(found)


def _times(one: int, other: int) -> int:
    product_ = 0
    while other:
        if other & 1:
            product_ ^= one
        one <<= 1
        if one & 0x100:
            one ^= _FIELD
        other >>= 1
    return product_


def _power(exponent: int) -> int:
    found = 1
    for _ in range(exponent):
        found = _times(found, 2)
    return found


def _count_bits(version: int) -> int:
    return 8 if version < 10 else 16


@cache
def _capacity(version: int, level: int) -> int:
    """Octets of an address at most."""
    correction, blocks = _BLOCKS[version - 1][level]
    return (8 * (_CODEWORDS[version - 1] - correction * blocks) - 4 - _count_bits(version)) // 8


@cache
def _layout(version: int, level: int) -> Layout:
    size = 17 + 4 * version
    fixed = dict(_fixed(version, level))
    free = [place for place in _in_order(size) if place not in fixed]
    total = _CODEWORDS[version - 1]
    correction, blocks = _BLOCKS[version - 1][level]
    data = total - correction * blocks
    begins = [number * (data // blocks) + max(0, number - (blocks - data % blocks)) for number in range(blocks + 1)]
    spans = [range(*pair) for pair in pairwise(begins)]
    longest = len(spans[-1])
    in_turn = [span[at] for at in range(longest) for span in spans if at < len(span)]
    in_turn += [data + block * correction + at for at in range(correction) for block in range(blocks)]
    return Layout(
        size,
        _count_bits(version),
        data,
        correction,
        tuple(slice(span.start, span.stop) for span in spans),
        itemgetter(*in_turn),
        *_grid(size, {place: at for at, place in enumerate(free[: 8 * total])}, fixed),
    )


def _grid(
    size: int, bits: dict[tuple[int, int], int], fixed: dict[tuple[int, int], int]
) -> tuple[int, tuple[_Selection, ...], int]:
    """Columns, selections and rest of a layout, by the places of its bits and the modules that are no data."""
    columns = _FILTER_BITS + -(-(size + 2 * QUIET_ZONE) // 8) * 8
    places = [
        (row - QUIET_ZONE, column - _FILTER_BITS - QUIET_ZONE)
        for row, column in product(range(size + 2 * QUIET_ZONE), range(columns))
    ]
    dark = ((fixed[place] if place in fixed else _is_masked(place, size)) for place in places)
    in_picture = (0 <= column + QUIET_ZONE < size + 2 * QUIET_ZONE for _, column in places)
    rest = int("".join(str(int(inside) & ~one & 1) for inside, one in zip(in_picture, dark, strict=True)), 2)
    selections = []
    for begins in range(0, (max(bits.values()) >> 3) + 1, _OCTETS):
        of_these = [
            (bits[place] >> 3) - begins if begins <= bits.get(place, -8) >> 3 < begins + _OCTETS else _OCTETS
            for place in places
        ]
        counting = (0x80 >> (bits.get(place, 0) & 7) for place in places)
        selections.append(_Selection(begins, bytes(of_these), int.from_bytes(bytes(counting), "big")))
    return columns, tuple(selections), rest


def _is_masked(place: tuple[int, int], size: int) -> int:
    """Whether a module of data is the other colour than its bit: in every third column; none outside the symbol is."""
    row, column = place
    return int(0 <= row < size and 0 <= column < size and column % 3 == 0)


def _in_order(size: int) -> Iterator[tuple[int, int]]:
    """Every place (row, column) in the order in which bits are placed (§7.7.3): two columns at a time, up and down."""
    upwards = True
    for right in (column for column in range(size - 1, 0, -2) if column > 6):
        yield from _pair(size, right, upwards=upwards)
        upwards = not upwards
    for right in (5, 3, 1):  # the sixth column is the timing pattern's
        yield from _pair(size, right, upwards=upwards)
        upwards = not upwards


def _pair(size: int, right: int, *, upwards: bool) -> Iterator[tuple[int, int]]:
    for row in range(size - 1, -1, -1) if upwards else range(size):
        yield row, right
        yield row, right - 1


def _fixed(version: int, level: int) -> Iterator[tuple[tuple[int, int], int]]:
    """Every module that is no data, with its colour; what comes later lies over what came before."""
    size = 17 + 4 * version
    for at in range(size):  # timing (§6.3.5)
        yield (6, at), 1 - at % 2
        yield (at, 6), 1 - at % 2
    centres = _ALIGNED[version - 1]
    corners = {(6, 6), (6, size - 7), (size - 7, 6)}
    for centre in set(product(centres, centres)) - corners:  # alignment (§6.3.6)
        yield from _square(centre, size, reach=2, light={1})
    for centre in ((3, 3), (3, size - 4), (size - 4, 3)):  # finders and separators (§6.3.3, §6.3.4)
        yield from _square(centre, size, reach=4, light={2, 4})
    told = _coded(_LEVELS[level] << 3 | _MASK, 0b101_0011_0111, 10) ^ 0b101_0100_0001_0010  # format (§7.9.1)
    for bit, (one, other) in enumerate(zip(_beside_finder(), _beside_others(size), strict=True)):
        yield one, told >> bit & 1
        yield other, told >> bit & 1
    yield (size - 8, 8), 1
    if version >= 7:  # version information (§7.10)
        told = _coded(version, 0b1_1111_0010_0101, 12)
        for bit in range(18):
            yield (bit // 3, size - 11 + bit % 3), told >> bit & 1
            yield (size - 11 + bit % 3, bit // 3), told >> bit & 1


def _square(
    centre: tuple[int, int], size: int, *, reach: int, light: set[int]
) -> Iterator[tuple[tuple[int, int], int]]:
    """Rings round a place, so far as they lie in the symbol; `light`: the rings that are."""
    for down, right in product(range(-reach, reach + 1), repeat=2):
        row, column = centre[0] + down, centre[1] + right
        if 0 <= row < size and 0 <= column < size:
            yield (row, column), int(max(abs(down), abs(right)) not in light)


def _beside_finder() -> Iterator[tuple[int, int]]:
    """The places of the format information round the first finder, the last bit first."""
    down = ((row, 8) for row in (0, 1, 2, 3, 4, 5, 7, 8))
    left = ((8, column) for column in (7, 5, 4, 3, 2, 1, 0))
    return chain(down, left)


def _beside_others(size: int) -> Iterator[tuple[int, int]]:
    """Those beside the other two."""
    left = ((8, size - 1 - at) for at in range(8))
    down = ((size - 7 + at, 8) for at in range(7))
    return chain(left, down)


def _coded(value: int, generator: int, degree: int) -> int:
    """A number with the remainder that protects it behind it (annexes C and D)."""
    rest = value << degree
    while rest.bit_length() > degree:
        rest ^= generator << rest.bit_length() - generator.bit_length()
    return value << degree | rest
