"""The QR code of an address, as strokes for an SVG path: for print, and for the phone beside the screen."""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from proxy import qr_symbols


@dataclass(frozen=True, slots=True)
class Qr:
    """A square of modules."""

    size: int  # modules a side, quiet zone included
    path: str  # for <path d>, stroke width 1


_QUIET_ZONE: Final = 4  # ISO/IEC 18004 §5.3.8
_RUNS: Final = re.compile("(0*)(1+)")


@lru_cache(maxsize=2_048)
def qr(target: str) -> Qr | None:
    """The QR code of an address, or None when it would be too dense to scan."""
    rows = qr_symbols.rows(target.encode())
    if rows is None:
        return None
    path = "".join([_drawn(row, at) for at, row in enumerate(rows, start=_QUIET_ZONE)])
    return Qr(len(rows) + 2 * _QUIET_ZONE, path)


def _drawn(row: str, at: int) -> str:
    """One row of modules as strokes."""
    runs = _RUNS.findall(row)
    light, dark = runs[0]  # no row is without a dark module: of finders, or of a timing pattern
    return f"M{len(light) + _QUIET_ZONE} {at}.5h{len(dark)}" + "".join([_STROKES[run] for run in runs[1:]])


class _Strokes(dict[tuple[str, str], str]):
    """By light modules and the dark ones behind them: there are some hundreds, and a thousand in a code."""

    def __missing__(self, run: tuple[str, str]) -> str:
        stroke = self[run] = f"m{len(run[0])} 0h{len(run[1])}"
        return stroke


_STROKES: Final = _Strokes()
