"""An answer that came whole, in one piece: read and written again at once, by the same rules as any other.

Most small answers are of one form: a canonical head with a Content-Length, and so many octets behind it.  Those are
known by three expressions and go out as they came.  Everything else is read by `exchange` and written by `outbound`.
"""

import re
from functools import lru_cache
from typing import Final, NamedTuple

from proxy.passing.exchange import Answer, Body, Interim, ResponseReader, Switched
from proxy.passing.fields import lines, trailers_kept
from proxy.passing.framing import LAST_CHUNK, chunk
from proxy.passing.heads import STATUS_LINE, BadMessage
from proxy.passing.inbound import Onward
from proxy.passing.outbound import LOOKED_AT, homeward
from proxy.passing.policy import Upstream

# Lines as we would write them ourselves: one blank before the value, none behind it.
_CANONICAL: Final = re.compile(
    rb"(?:[!#$%&'*+\-.^_`|~0-9A-Za-z]++:\x20(?:(?![\t\x20])[\t\x20-\x7e\x80-\xff]++(?<![\t\x20]))?+\r\n)*+"
)
_NAMES: Final = re.compile(rb"\n([^:]++):")  # of canonical lines
LONGEST_KNOWN: Final = 4_096
"""Octets of a head that is remembered."""

_LENGTH: Final = re.compile(rb"[0-9]{1,18}")


class Whole(NamedTuple):
    """An answer from its first octet to its last, as the visitor gets it."""

    octets: bytes
    status: int
    reusable: bool  # whether the origin's connection may carry another request


def whole_answer(octets: bytes, sent: Onward, upstream: Upstream) -> Whole | None:
    """What the visitor who sent `sent`, and whose connection lives on, is answered.

    None where these octets are not one whole answer: more must come, it begins with an interim one, or is no HTTP.
    """
    return _as_it_came(octets, sent) or _read(octets, sent, upstream)


def _as_it_came(octets: bytes, sent: Onward) -> Whole | None:
    """The common form, or None."""
    end = octets.find(b"\r\n\r\n") + 4
    if not 4 <= end <= LONGEST_KNOWN or sent.escort is not None or sent.method != b"GET" or not sent.minor:
        return None
    form = _form(octets[:end])
    if form is None or len(octets) != end + form.length:
        return None
    return Whole(octets if form.head is None else form.head + octets[end:], form.status, True)


class _Form(NamedTuple):
    head: bytes | None  # as the visitor gets it; None: as it came
    status: int
    length: int  # of the body


@lru_cache(maxsize=512)
def _form(head: bytes) -> _Form | None:
    """What there is to know of a head of the common form; kept, for an origin's heads change once a second at most."""
    start = STATUS_LINE.match(head)
    if start is None:
        return None
    minor, code, reason = start.groups()
    if minor != b"1" or reason is None or code[0] == 0x31 or code in {b"204", b"304"}:
        return None
    canonical = _CANONICAL.match(head, start.end())
    if canonical is None or canonical.end() != len(head) - 2:
        return None
    length: int | None = None
    changed = head
    for name in _NAMES.findall(head, start.end() - 1):
        lower = name.lower()
        if lower not in LOOKED_AT:
            continue
        at = changed.index(b"\n%b: " % name, start.end() - 1) + 1
        behind = changed.index(b"\r\n", at) + 2
        value = changed[at + len(name) + 2 : behind - 2]
        if lower == b"content-length" and length is None and _LENGTH.fullmatch(value):
            length = int(value)
        elif lower == b"keep-alive" or (lower == b"connection" and value.lower() == b"keep-alive"):
            changed = changed[:at] + changed[behind:]
        else:
            return None
    return None if length is None else _Form(None if changed is head else changed, int(code), length)


def _read(octets: bytes, sent: Onward, upstream: Upstream) -> Whole | None:
    """Any whole answer, or None."""
    reader = ResponseReader(sent.method)
    try:
        events = reader.feed(octets)
    except BadMessage:
        return None
    if not reader.complete:
        return None
    out: list[bytes] = []
    status, chunks = 0, False
    for event in events:
        match event:
            case Interim() | Switched():
                return None
            case Answer(head, framing):
                made = homeward(head, framing, sent, upstream, keep=True)
                if made.closes:
                    return None
                status, chunks = head.status, made.chunks
                out.append(made.octets)
            case Body(part):
                out.append(chunk(part) if chunks else part)
            case _:
                if chunks:
                    kept = trailers_kept(event.trailers)
                    out.append(b"0\r\n%b\r\n" % lines(kept) if kept else LAST_CHUNK)
    return Whole(b"".join(out), status, reader.reusable)
