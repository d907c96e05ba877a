"""The first part of a message: the status line of an answer, the request line, and the fields under them.

A head is read whole or refused (RFC 9112 §2–§5): no bare LF, no folded line, no control character, no repaired
status line.  What was read strictly can be written again without asking.
"""

import re
from typing import Final, NamedTuple

from proxy.passing.fields import Field, Fields, lines

LONGEST_HEAD: Final = 65_536
"""Octets: a longer head of an answer is refused."""

STATUS_LINE: Final = re.compile(rb"HTTP/1\.([0-9]) ([1-5][0-9][0-9])(?: ([\t\x20-\x7e\x80-\xff]*))?\r\n")
# Possessive, so that a refused head costs one look and no second.  Blanks before the colon are removed, as a proxy
# must (RFC 9112 §5.1); a line that begins with a blank is the obsolete folding, and matches nothing.
_LINE: Final = rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]++)[ \t]*+:([\t\x20-\x7e\x80-\xff]*+)\r\n"
_LINES: Final = re.compile(rb"(?:%b)*+" % _LINE)
_EACH: Final = re.compile(_LINE)
_METHOD: Final = re.compile(rb"[A-Z][A-Z-]{0,30}")
_TARGET: Final = re.compile(rb"/[\x21\x22\x24-\x7e]*|\*")


class BadMessage(Exception):
    """An answer that is no HTTP/1.1 message; `reason` says what is wrong, in words for the log."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class BadRequestHead(Exception):
    """A request that two readers could understand in two ways; `reason` says why."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class ResponseHead(NamedTuple):
    """The head of an answer."""

    minor: int  # of HTTP/1.minor
    status: int  # 100 to 599
    reason: bytes  # may be empty
    fields: Fields


class RequestHead(NamedTuple):
    """The head of a request as it came from a visitor."""

    method: bytes
    target: bytes  # origin-form with its query, or "*": octets as received
    minor: int  # of HTTP/1.minor
    fields: Fields


def read_response_head(octets: bytes) -> ResponseHead:
    """Read a head up to and with its empty line.  Raises BadMessage."""
    start = STATUS_LINE.match(octets)
    if start is None:
        raise BadMessage("no HTTP/1 status line")
    minor, status, reason = start.groups()
    fields = read_fields(octets, start.end())
    return ResponseHead(int(minor), int(status), reason or b"", fields)


def read_fields(octets: bytes, start: int = 0) -> Fields:
    """Read field lines from `start` to the empty line that must end the octets.  Raises BadMessage."""
    found = _LINES.match(octets, start)
    if found is None or octets[found.end() :] != b"\r\n":
        raise BadMessage("a field line that is none")
    return [(name, value.strip(b" \t")) for name, value in _EACH.findall(octets, start)]


def request_head(method: str, raw_target: str, minor: int, raw_fields: tuple[Field, ...]) -> RequestHead:
    """A received head, looked at again with our own eyes.

    `raw_target` as aiohttp has it: origin-form, absolute-form or "*", octets that are not UTF-8 as surrogates.
    Raises BadRequestHead.
    """
    target = _origin_form(raw_target.encode("utf-8", "surrogateescape"))
    verb = method.encode("ascii", "replace")
    if not _METHOD.fullmatch(verb):
        raise BadRequestHead("a method that is none")
    if not _TARGET.fullmatch(target) or (target == b"*" and verb != b"OPTIONS"):
        raise BadRequestHead("a request target that is none")
    written = lines(raw_fields)
    # All at once; the count sees to it that no value has a line of its own in it.
    if _LINES.fullmatch(written) is None or written.count(b"\n") != len(raw_fields):
        raise BadRequestHead("a field line that is none")
    return RequestHead(verb, target, minor, list(raw_fields))


def _origin_form(target: bytes) -> bytes:
    """What stands behind the authority (RFC 9112 §3.2.2); that it agrees with Host was seen to before."""
    scheme, mark, rest = target.partition(b"://")
    if target.startswith((b"/", b"*")) or not mark or scheme.lower() not in {b"http", b"https"}:
        return target
    authority_ends = next((at for at, octet in enumerate(rest) if octet in b"/?#"), len(rest))
    rest = rest[authority_ends:]
    return rest if rest.startswith(b"/") else b"/" + rest


def response_octets(head: ResponseHead) -> bytes:
    """The head of an answer as we write it: in our own version (RFC 9110 §2.5)."""
    return b"HTTP/1.1 %d %b\r\n%b\r\n" % (head.status, head.reason, lines(head.fields))


def request_octets(head: RequestHead) -> bytes:
    """The head of a request as we write it: in our own version (RFC 9110 §2.5)."""
    return b"%b %b HTTP/1.1\r\n%b\r\n" % (head.method, head.target, lines(head.fields))
