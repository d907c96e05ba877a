"""JSON objects from outside, read strictly: what two readers could understand differently is refused."""

import json
from typing import Final, NoReturn

LIMIT: Final = 256_000
"""Octets; nobody's metadata, key set or claims come near."""


class NotAnObject(ValueError):
    """No JSON object, or one that is not plain.  The text never quotes what was sent."""


def read(text: str | bytes, *, limit: int = LIMIT) -> dict[str, object]:
    """The object.  Raises NotAnObject, also for a name that stands twice, for NaN and Infinity, and for what is too
    long or nested too deep (RFC 8259 §4 leaves duplicates open, and attackers use it).
    """
    if len(text) > limit:
        raise NotAnObject("too long")
    try:
        value = json.loads(text, object_pairs_hook=_unique, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise NotAnObject(str(error) if isinstance(error, NotAnObject) else "no JSON") from None
    if not isinstance(value, dict):
        raise NotAnObject("no object")
    return value


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise NotAnObject("a name stands twice")
    return found


def _refuse(_: str) -> NoReturn:
    raise NotAnObject("NaN or Infinity")
