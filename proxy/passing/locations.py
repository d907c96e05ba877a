"""Location, Content-Location and Refresh on their way back: an origin's own address becomes the one visitors know.

Nothing is added that the origin did not say, and nothing is changed that the policy does not name.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

REWRITTEN: Final = frozenset({b"location", b"content-location", b"refresh"})
"""Fields that hold an address, lower case."""

PUBLIC: Final = b"{public}"
"""In a target: scheme and host as the visitor used them."""

_REFRESH: Final = re.compile(rb"([ \t]*[0-9.]*[ \t]*[;,][ \t]*(?:[uU][rR][lL][ \t]*=[ \t]*)?[\"']?)(.*)")


@dataclass(frozen=True, slots=True)
class Move:
    """Addresses that begin with `source` begin with `target` instead."""

    source: bytes  # an absolute URL without query, or a path; matched in whole segments
    target: bytes  # the same, or beginning with "{public}"


def rewritten(name: bytes, value: bytes, moves: Sequence[Move], public: bytes) -> bytes:
    """The value of one of the fields (its name in lower case); `public` is "https://host" as the visitor sees it."""
    if name != b"refresh":
        return moved(value, moves, public)
    found = _REFRESH.fullmatch(value)
    return found[1] + moved(found[2], moves, public) if found else value


def moved(address: bytes, moves: Sequence[Move], public: bytes) -> bytes:
    """An address under the first move that covers it."""
    for move in moves:
        if _covers(move.source, address):
            rest = address[len(move.source.rstrip(b"/")) :]
            target = move.target.rstrip(b"/").replace(PUBLIC, public)
            if target:
                return target + rest
            # "/app//other/" must not become "//other/", which is another server to a browser; nor "/\\other/".
            return b"/" + rest.lstrip(b"/\\")
    return address


def _covers(source: bytes, address: bytes) -> bool:
    bare = source.rstrip(b"/")
    begins = address[: len(bare)]
    if b"://" in bare:
        # Scheme and host without case (RFC 3986 §6.2.2.1), the path behind them with it.
        cut = (bare + b"/").index(b"/", bare.index(b"://") + 3)
        same = begins[:cut].lower() == bare[:cut].lower() and begins[cut:] == bare[cut:]
    else:
        same = begins == bare and not address.startswith(b"//")
    return same and (len(address) == len(bare) or address[len(bare) : len(bare) + 1] in {b"/", b"?", b"#"})
