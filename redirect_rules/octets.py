"""Octets put together and looked through, for what is done tens of thousands of times a second.

Interpreted, this is `bytes.join` and `bytes.find`.  Compiled (docs/decisions/0023), it is one allocation and a copy for
each piece, and one call of the C library, at a third and a tenth of the instructions; that stands in `octets.pxd`, for
it is no Python.
"""

_COMPILED = not __file__.endswith(".py")


def joined(pieces: tuple[bytes, ...]) -> bytes:
    """All of them, one after the other.  Raises TypeError for one that is no bytes."""
    return copied(pieces) if _COMPILED else b"".join(pieces)  # type: ignore[name-defined]  # noqa: F821


def place_of(octet: bytes, octets: bytes, begin: int) -> int:
    """Where one octet stands first, at or behind a place that is not negative; -1: nowhere."""
    return placed(octet, octets, begin) if _COMPILED else octets.find(octet, begin)  # type: ignore[name-defined]  # noqa: F821
