"""Access logs as they lie on a disk: plain or packed by gzip, one after the other."""

import gzip
import io
import sys
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from redirect_rules.sources import Problem, Problems

STANDARD_INPUT: Final = "-"
"""The path that stands for it."""

_GZIP = b"\x1f\x8b"
_AT_ONCE = 1 << 18  # octets: what the processor's cache holds


def size_of(paths: Sequence[str]) -> int:
    """Octets of the files as they lie; nothing is known of standard input, and of what is not there."""
    return sum(Path(path).stat().st_size for path in paths if path != STANDARD_INPUT and Path(path).is_file())


def octets_of(paths: Sequence[str], told: Callable[[int], object]) -> Iterator[bytes]:
    """The octets of logs, unpacked, in pieces that are cut anywhere; the last line of each ends.

    told  is told how many octets of the files were read since it was told last: of them as they lie, as in `size_of`

    Raises Problems for what cannot be read.
    """
    for path in paths:
        try:
            yield from _octets_of(path, told)
        except EOFError:
            raise Problems([Problem(path, 0, "cannot be read to its end, it was cut off: copy it again")]) from None
        except (gzip.BadGzipFile, zlib.error) as error:
            raise Problems([Problem(path, 0, f"cannot be unpacked, it is damaged: copy it again ({error})")]) from None
        except OSError as error:
            raise Problems([Problem(path, 0, f"cannot be read: {error.strerror or error}")]) from None


def _octets_of(path: str, told: Callable[[int], object]) -> Iterator[bytes]:
    stands_in = path == STANDARD_INPUT
    with ExitStack() as opened:
        file = opened.enter_context(io.FileIO(sys.stdin.fileno() if stands_in else path, closefd=not stands_in))
        lying = opened.enter_context(io.BufferedReader(file))
        packed = lying.peek(2)[:2] == _GZIP
        log = opened.enter_context(gzip.GzipFile(fileobj=lying)) if packed else lying
        octets, before = b"\n", 0
        while some := log.read(_AT_ONCE):
            octets = some
            yield octets
            if not stands_in:
                told(lying.tell() - before)
                before = lying.tell()
        if not octets.endswith(b"\n"):
            yield b"\n"
