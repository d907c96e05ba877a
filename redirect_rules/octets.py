"""Octets put together, for what is done tens of thousands of times a second.

Interpreted, this is `bytes.join`.  Compiled (docs/decisions/0023), it is one allocation and a copy for each piece, at a
third of the instructions; that stands in `octets.pxd`, for it is no Python.
"""

_COMPILED = not __file__.endswith(".py")


def joined(pieces: tuple[bytes, ...]) -> bytes:
    """All of them, one after the other.  Raises TypeError for one that is no bytes."""
    return copied(pieces) if _COMPILED else b"".join(pieces)  # type: ignore[name-defined]  # noqa: F821
