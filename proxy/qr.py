"""The QR code of an address, as strokes for an SVG path: for print, and for the phone beside the screen."""

import re
from dataclasses import dataclass
from functools import lru_cache

import segno


@dataclass(frozen=True, slots=True)
class Qr:
    """A square of modules."""

    size: int  # modules a side, quiet zone included
    path: str  # for <path d>, stroke width 1


#: 65 modules a side: a denser one cannot be scanned from a phone's screen or a poor printer, and costs kilobytes.
_LARGEST_VERSION = 12
_QUIET_ZONE = 4  # ISO/IEC 18004 §5.3.8


@lru_cache(maxsize=2_048)
def qr(target: str) -> Qr | None:
    """The QR code of an address, or None when it would be too dense to scan."""
    try:
        # The mask is fixed: trying all eight for the most even pattern costs 12 ms instead of 3, and any can be read.
        code = segno.make_qr(target, error="l", version=None, mask=2)
    except segno.DataOverflowError:
        return None
    if not isinstance(code.version, int) or code.version > _LARGEST_VERSION:
        return None
    rows = (_runs(row, at) for at, row in enumerate(code.matrix))
    return Qr(int(code.symbol_size(border=_QUIET_ZONE)[0]), "".join(rows))


def _runs(row: bytes | bytearray, at: int) -> str:
    """One row of modules as strokes."""
    bits = "".join("1" if module else "0" for module in row)
    strokes: list[str] = []
    end = 0
    for run in re.finditer("1+", bits):
        start = f"M{run.start() + _QUIET_ZONE} {at + _QUIET_ZONE}.5" if not strokes else f"m{run.start() - end} 0"
        strokes.append(f"{start}h{len(run[0])}")
        end = run.end()
    return "".join(strokes)
