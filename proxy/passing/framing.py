"""Where a body ends: RFC 9112 §6.3, in one place, for answers and for requests.

Whoever reads a message differently from the next reader lets somebody hide a second message in the first.  So what is
ambiguous is refused, never repaired; and what was read is framed anew for the next hop.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from proxy.passing.fields import Field, Fields, members
from proxy.passing.heads import BadMessage, BadRequestHead, RequestHead, ResponseHead, read_fields

LONGEST_CHUNK_LINE: Final = 4_096
LONGEST_TRAILERS: Final = 16_384
_CONTENT_LENGTH: Final = len("content-length")
_TRANSFER_ENCODING: Final = len("transfer-encoding")
_LENGTH: Final = re.compile(rb"[0-9]{1,18}")
# Our reading of chunk-ext (RFC 9112 §7.1.1): printable, dropped unread.
_CHUNK_LINE: Final = re.compile(rb"([0-9A-Fa-f]{1,15})(?:[ \t]*;[\t\x20-\x7e\x80-\xff]*)?")


@dataclass(frozen=True, slots=True)
class NoBody:
    """The message ends with its head, whatever its fields say."""


@dataclass(frozen=True, slots=True)
class Length:
    """So many octets."""

    octets: int


@dataclass(frozen=True, slots=True)
class Chunked:
    """Chunks, then trailers."""


@dataclass(frozen=True, slots=True)
class UntilClose:
    """Everything until the connection closes: nobody can tell a whole body from a torn one."""


Framing = NoBody | Length | Chunked | UntilClose


def response_framing(method: bytes, head: ResponseHead) -> Framing:
    """How the body of an answer to `method` ends (RFC 9112 §6.3, the numbered list).  Raises BadMessage.

    101 is not asked about: what follows it is another protocol.
    """
    length, encodings = _declared(head.fields)
    if encodings and length is not None:  # item 3: whoever sends both may be splitting a response
        raise BadMessage("both Transfer-Encoding and Content-Length")
    if method == b"HEAD" or head.status < 200 or head.status in {204, 304}:  # item 1
        return NoBody()
    if encodings:  # item 4
        if encodings != [b"chunked"] or head.minor == 0:
            raise BadMessage("a Transfer-Encoding other than chunked, or in HTTP/1.0")
        return Chunked()
    if length is not None:  # items 5 and 6
        return Length(length)
    return UntilClose()  # item 8


def _declared(fields: Sequence[Field]) -> tuple[int | None, list[bytes]]:
    """The Content-Length and the transfer codings of a head.  Raises BadMessage."""
    length: bytes | None = None
    encodings: list[bytes] = []
    for name, value in fields:
        size = len(name)  # asked first: most fields are neither
        if size == _CONTENT_LENGTH and name.lower() == b"content-length":
            # Two lines of 5 are one length said twice (item 5); "5, 5" on one line is already somebody's repair.
            if not _LENGTH.fullmatch(value) or (length is not None and length != value):
                raise BadMessage("a Content-Length that is none, or two of them")
            length = value
        elif size == _TRANSFER_ENCODING and name.lower() == b"transfer-encoding":
            encodings += [part.strip(b" \t").lower() for part in value.split(b",")]
    return (None if length is None else int(length)), encodings


def request_framing(head: RequestHead) -> Framing:
    """How the body of a request ends (RFC 9112 §6.3 items 3, 4, 6 and 7).  Raises BadRequestHead.

    Stricter than the standard, which lets a server choose where both are given (§6.1): smuggling begins there.
    """
    lengths: list[bytes] = []
    codings: list[bytes] = []
    for name, value in head.fields:
        size = len(name)
        if size == _CONTENT_LENGTH and name.lower() == b"content-length":
            lengths.append(value)
        elif size == _TRANSFER_ENCODING and name.lower() == b"transfer-encoding":
            codings.append(value.lower())
    if codings:
        if lengths:
            raise BadRequestHead("both Transfer-Encoding and Content-Length")
        if head.minor == 0 or codings != [b"chunked"]:
            raise BadRequestHead("a Transfer-Encoding other than chunked, or in HTTP/1.0")
        return Chunked()
    if not lengths:
        return NoBody()
    if len(lengths) > 1 or not _LENGTH.fullmatch(lengths[0]):
        raise BadRequestHead("a Content-Length that is none, or two of them")
    return Length(int(lengths[0]))


def asks_to_close(minor: int, fields: Sequence[Field]) -> bool:
    """Whether a message is the last on its connection (RFC 9112 §9.3)."""
    options = members(fields, b"connection")
    return b"close" in options or (minor == 0 and b"keep-alive" not in options)


class Piece(NamedTuple):
    """What a body reader made of the octets it was fed."""

    parts: list[bytes]  # of the body, in order
    ended: bool
    rest: bytes  # what stands behind the end
    trailers: Fields


class LengthReader:
    """Counts down."""

    def __init__(self, octets: int) -> None:
        self._left = octets

    def feed(self, octets: bytes) -> Piece:
        """Take what came."""
        size = len(octets)
        if size <= self._left:
            self._left -= size
            return Piece([octets] if size else [], not self._left, b"", [])
        body, rest = octets[: self._left], octets[self._left :]
        self._left = 0
        return Piece([body] if body else [], True, rest, [])

    def close(self) -> None:
        """The connection ended.  Raises BadMessage: a body that is shorter than was said."""
        raise BadMessage("the connection closed within a body")


class UntilCloseReader:
    """Takes everything."""

    def feed(self, octets: bytes) -> Piece:
        """Take what came."""
        return Piece([octets] if octets else [], False, b"", [])

    def close(self) -> None:
        """The connection ended, and with it the body."""


class ChunkedReader:
    """Reads chunks and trailers (RFC 9112 §7.1); chunk extensions are dropped, as a recoding proxy may."""

    def __init__(self) -> None:
        self._kept = b""  # what cannot be judged yet: a line without its end
        self._left = 0  # octets of the chunk in hand
        self._end_due = False  # the chunk's CRLF comes next
        self._in_trailers = False

    def feed(self, octets: bytes) -> Piece:
        """Take what came.  Raises BadMessage."""
        parts: list[bytes] = []
        if self._kept:
            octets, self._kept = self._kept + octets, b""
        at = 0
        while not self._in_trailers:
            if self._left:
                data = octets[at : at + self._left]
                if data:
                    parts.append(data)
                    at += len(data)
                    self._left -= len(data)
                if self._left:
                    return Piece(parts, False, b"", [])
                self._end_due = True
            if (end := self._line_end(octets, at)) < 0:
                return Piece(parts, False, b"", [])
            if self._end_due:
                self._end_due = False
            else:
                self._left = _chunk_size(octets[at:end])
                self._in_trailers = not self._left
            at = end + 2
        return self._trailers(octets[at:], parts)

    def _line_end(self, octets: bytes, at: int) -> int:
        """Where the CRLF of the line at hand stands; -1, keeping what is there, when it has not come."""
        if self._end_due:
            if not b"\r\n".startswith(octets[at : at + 2]):
                raise BadMessage("a chunk that is longer than it said")
            end = at if len(octets) - at >= 2 else -1
        else:
            end = octets.find(b"\r\n", at)
        if end < 0:
            self._kept = _short(octets[at:], LONGEST_CHUNK_LINE)
        return end

    def _trailers(self, octets: bytes, parts: list[bytes]) -> Piece:
        if octets.startswith(b"\r\n"):
            return Piece(parts, True, octets[2:], [])
        end = octets.find(b"\r\n\r\n")
        if end < 0:
            self._kept = _short(octets, LONGEST_TRAILERS)
            return Piece(parts, False, b"", [])
        return Piece(parts, True, octets[end + 4 :], read_fields(octets[: end + 4]))

    def close(self) -> None:
        """The connection ended.  Raises BadMessage: the last chunk is missing."""
        raise BadMessage("the connection closed within a body")


BodyReader = LengthReader | UntilCloseReader | ChunkedReader


def body_reader(framing: Framing) -> BodyReader:
    """The reader for a framing; for no body, one that has ended before it began."""
    match framing:
        case NoBody():
            return LengthReader(0)
        case Length(octets):
            return LengthReader(octets)
        case Chunked():
            return ChunkedReader()
        case UntilClose():
            return UntilCloseReader()


def _chunk_size(line: bytes) -> int:
    found = _CHUNK_LINE.fullmatch(line)
    if found is None or len(line) > LONGEST_CHUNK_LINE:
        raise BadMessage("a chunk size that is none")
    return int(found[1], 16)


def _short(octets: bytes, longest: int) -> bytes:
    if len(octets) > longest:
        raise BadMessage("a line of chunks or trailers without an end")
    return octets


def chunk(octets: bytes) -> bytes:
    """One chunk; empty octets make none, for an empty chunk is the last."""
    return b"%x\r\n%b\r\n" % (len(octets), octets) if octets else b""


LAST_CHUNK: Final = b"0\r\n\r\n"
