"""Header fields as they came: a list of (name, value), octets, in their order, with their case and their duplicates.

What may stand in them (RFC 9110 §5), and which of them end with one hop (§7.6.1).
"""

from collections.abc import Iterable
from typing import Final

Field = tuple[bytes, bytes]
Fields = list[Field]

HOP_BY_HOP: Final = frozenset(
    {
        b"connection",
        b"keep-alive",
        b"proxy-connection",
        b"proxy-authenticate",
        b"proxy-authorization",
        b"proxy-authentication-info",
        b"te",
        b"transfer-encoding",
        b"upgrade",
        b"http2-settings",
    }
)
"""Fields that speak of one connection only, lower case (RFC 9110 §7.6.1, RFC 7540 §3.2.1)."""

# A Connection header must not take these away: the next hop would answer for another host or find another body.
_NEVER_NOMINATED: Final = frozenset({b"host", b"content-length", b"content-type", b"cookie", b"authorization", b"via"})

NOT_IN_TRAILERS: Final = HOP_BY_HOP | frozenset(
    {
        b"authorization",
        b"cache-control",
        b"content-encoding",
        b"content-length",
        b"content-location",
        b"content-range",
        b"content-type",
        b"expect",
        b"host",
        b"location",
        b"max-forwards",
        b"range",
        b"set-cookie",
        b"trailer",
        b"vary",
    }
)
"""Fields that frame, route, authorise or steer: never taken from a trailer section (RFC 9110 §6.5.1)."""


def members(fields: Iterable[Field], name: bytes) -> list[bytes]:
    """The members of a list field, lower case, from all its lines (RFC 9110 §5.6.1).  `name` in lower case."""
    size = len(name)  # asked first: most fields are another's
    found = [value for own, value in fields if len(own) == size and own.lower() == name]
    return [member for value in found for part in value.split(b",") if (member := part.strip(b" \t").lower())]


def values(fields: Iterable[Field], name: bytes) -> list[bytes]:
    """The values of all lines of one field.  `name` in lower case."""
    return [value for own, value in fields if own.lower() == name]


def nominated(fields: Iterable[Field]) -> frozenset[bytes]:
    """The names that `Connection` takes away at this hop, lower case (RFC 9110 §7.6.1)."""
    return frozenset(members(fields, b"connection")) - _NEVER_NOMINATED


def end_to_end(fields: Iterable[Field]) -> Fields:
    """What goes on to the next hop, in its order."""
    kept = list(fields)
    gone = HOP_BY_HOP | nominated(kept)
    return [field for field in kept if field[0].lower() not in gone]


def trailers_kept(fields: Iterable[Field]) -> Fields:
    """What of a trailer section goes on."""
    return [field for field in fields if field[0].lower() not in NOT_IN_TRAILERS]


def lines(fields: Iterable[Field]) -> bytes:
    """The fields as they stand in a message, each with its CRLF.  They must have been checked before."""
    return b"".join([b"%b: %b\r\n" % field for field in fields])
