"""QR symbols of addresses (ISO/IEC 18004): byte mode, the smallest version, the best error correction that fits in it.

A page is made for somebody who waits, so everything that does not depend on the address is worked out once: where each
bit goes, the mask, and what a codeword adds to the error correction.  A symbol is then two look-ups for each octet and
one for each module.  The mask is always the third: to find the most even of all eight would cost four times as much,
and any of them can be read (§7.8.3 asks for the best one; a decoder does not).
"""

from collections.abc import Callable, Iterator
from functools import cache
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


class Layout(NamedTuple):
    """All that symbols of one version and level have in common."""

    size: int  # modules a side
    count_bits: int  # of the number that says how many there are
    data: int  # codewords of data
    correction: int  # codewords of error correction in a block
    blocks: tuple[slice, ...]  # of the data
    in_turn: Callable[[bytes], tuple[int, ...]]  # the order of all codewords: those of the blocks in turn (§7.6)
    bits: int  # of all of them, and those that remain
    remaining: int  # bits that belong to no codeword
    mask: int  # of those bits
    modules: Callable[[str], tuple[str, ...]]  # for each module, row by row, its place in "01" and the bits after it


def rows(octets: bytes) -> list[str] | None:
    """The modules of a symbol, "1" for a dark one; None where no symbol of LARGEST_VERSION holds so much."""
    versions = range(1, LARGEST_VERSION + 1)
    version = next((one for one in versions if len(octets) <= _capacity(one, 0)), None)
    if version is None:
        return None
    layout = _layout(version, next(level for level in (3, 2, 1, 0) if len(octets) <= _capacity(version, level)))
    codewords = _corrected(layout, _data(layout, octets))
    bits = (int.from_bytes(codewords, "big") << layout.remaining) ^ layout.mask
    modules = "".join(layout.modules(f"01{bits:0{layout.bits}b}"))
    return [modules[at : at + layout.size] for at in range(0, len(modules), layout.size)]


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
    size = layout.correction
    adds, last, whole = _additions(size), 8 * (size - 1), (1 << 8 * size) - 1
    corrections = []
    for block in layout.blocks:
        # The remainder of the block divided by the generator polynomial, octet by octet (§7.5.2).
        rest = 0
        for octet in data[block]:
            rest = (rest << 8 & whole) ^ adds[octet ^ rest >> last]
        corrections.append(rest.to_bytes(size, "big"))
    return bytes(layout.in_turn(data + b"".join(corrections)))


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
    number = {place: at for at, place in enumerate(free, start=2)}
    modules = [fixed[place] if place in fixed else number[place] for place in product(range(size), range(size))]
    return Layout(
        size,
        _count_bits(version),
        data,
        correction,
        tuple(slice(span.start, span.stop) for span in spans),
        itemgetter(*in_turn),
        len(free),
        len(free) - 8 * total,
        int("".join("1" if column % 3 == 0 else "0" for _, column in free), 2),
        itemgetter(*modules),
    )


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
