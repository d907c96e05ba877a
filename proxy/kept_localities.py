"""The gazetteer as it was read last, kept in the state folder: a start need not read ten thousand communes again.

STATE/cache/localities-DIGEST.msgpack holds what `packed_localities` makes; the digest is over the tables and over the
program that reads them, so what is out of date is not found.  Data and no code; a sum at the end finds what is cut
short or damaged, which is read anew.  Where nothing can be written every start reads the tables.
"""

import hashlib
import importlib.util
import os
import zlib
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import cache, lru_cache
from pathlib import Path
from typing import Final, TypeAlias

from msgpack.exceptions import UnpackException

from redirect_rules.gazetteer import Gazetteer
from redirect_rules.localities import Localities
from redirect_rules.packed_localities import packed, unpacked
from redirect_rules.succession import parse_succession

Reader: TypeAlias = Callable[[Sequence[str]], Localities]
"""Takes the texts of the three tables; raises LocalityDataError."""

MOST_KEPT: Final = 3
"""Files that stay: of what is published, of the draft, and of the program before."""

_MAKERS = ("units", "placenames", "succession", "gazetteer", "packed_localities")
_SUM_BYTES = 4


def reader(folder: Path) -> Reader:
    """A reader of tables that keeps in the folder what it has read."""
    return lambda texts: _read(folder, *texts)


def forget() -> None:
    """Let go of what was read last: whoever asks again reads it again."""
    _read.cache_clear()


@lru_cache(maxsize=2)
def _read(folder: Path, *texts: str) -> Localities:
    path = folder / f"localities-{_digest(texts)}.msgpack"
    with suppress(OSError, UnpackException, ValueError, TypeError, LookupError):
        return Localities(*unpacked(_whole(path.read_bytes())))
    succession = parse_succession(*texts)
    gazetteer = Gazetteer.of(succession)
    with suppress(OSError):
        _keep(path, packed(succession, gazetteer))
    return Localities(succession, gazetteer)


def _whole(octets: bytes) -> bytes:
    body, told = octets[:-_SUM_BYTES], octets[-_SUM_BYTES:]
    if _sum(body) != told:
        raise ValueError("damaged")
    return body


def _sum(octets: bytes) -> bytes:
    return zlib.crc32(octets).to_bytes(_SUM_BYTES, "big")


def _keep(path: Path, octets: bytes) -> None:
    path.parent.mkdir(exist_ok=True)  # in a state folder that is there: to look at nothing makes nothing
    new = path.with_suffix(f".{os.getpid()}.new")
    try:
        new.write_bytes(octets + _sum(octets))
        new.replace(path)
    finally:
        new.unlink(missing_ok=True)
    kept = sorted(path.parent.glob("localities-*.msgpack"), key=lambda file: file.stat().st_mtime_ns, reverse=True)
    for file in kept[MOST_KEPT:]:
        file.unlink(missing_ok=True)


def _digest(texts: Sequence[str]) -> str:
    digest = hashlib.blake2b(_program(), digest_size=16)
    for text in texts:
        octets = text.encode("utf-8", "surrogatepass")
        digest.update(len(octets).to_bytes(8, "big") + octets)
    return digest.hexdigest()


@cache
def _program() -> bytes:
    """What the reading hangs on besides the tables."""
    digest = hashlib.blake2b()
    for name in _MAKERS:
        found = importlib.util.find_spec(f"redirect_rules.{name}")
        if found is not None and found.origin is not None:
            digest.update(Path(found.origin).read_bytes())
    return digest.digest()
