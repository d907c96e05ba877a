"""The answer that goes to the visitor ("outbound", RFC 9110 §3.7): the origin's own, framed for this connection."""

from typing import Final, NamedTuple

from proxy.passing import cookies, locations
from proxy.passing.escort import ANNOUNCEMENT
from proxy.passing.fields import HOP_BY_HOP, Fields, members, nominated
from proxy.passing.framing import Chunked, Framing, NoBody, UntilClose
from proxy.passing.heads import ResponseHead, response_octets
from proxy.passing.inbound import Onward
from proxy.passing.policy import Upstream

# The announcement ends here too: it is ours to say.
LOOKED_AT: Final = HOP_BY_HOP | locations.REWRITTEN | {b"content-length", b"set-cookie", b"trailer", ANNOUNCEMENT}


class Homeward(NamedTuple):
    """An answer's head, ready to be sent."""

    octets: bytes
    chunks: bool  # whether the body goes out in chunks
    closes: bool  # whether the connection ends with the answer


def homeward(head: ResponseHead, framing: Framing, sent: Onward, upstream: Upstream, *, keep: bool) -> Homeward:
    """The head for the visitor who sent `sent`; `keep`: whether its connection may live on."""
    chunks = sent.minor > 0 and isinstance(framing, (Chunked, UntilClose))
    closes = not keep or (not chunks and isinstance(framing, (Chunked, UntilClose)))
    codes = chunks or (sent.minor > 0 and _announces_chunks(head, framing, sent))
    fields = _rewritten(head, sent, upstream, codes=codes, trailers=chunks)
    if sent.escort is not None:
        fields += sent.escort.outbound(head)
    if codes and isinstance(framing, UntilClose):
        fields.append((b"Transfer-Encoding", b"chunked"))
    if closes:
        fields.append((b"Connection", b"close"))
    elif sent.minor == 0:
        fields.append((b"Connection", b"keep-alive"))
    return Homeward(response_octets(head._replace(fields=fields)), chunks, closes)


def interim(head: ResponseHead) -> bytes:
    """An interim answer for the visitor (RFC 9110 §15.2): its own fields, without those of the connection."""
    gone = HOP_BY_HOP | nominated(head.fields) | {b"content-length"}
    return response_octets(head._replace(fields=[field for field in head.fields if field[0].lower() not in gone]))


def _announces_chunks(head: ResponseHead, framing: Framing, sent: Onward) -> bool:
    """A HEAD answer says how GET would be framed (RFC 9112 §6.1), if the origin did."""
    told = members(head.fields, b"transfer-encoding") == [b"chunked"]
    return told and isinstance(framing, NoBody) and sent.method == b"HEAD" and head.status not in {204, 304}


def _rewritten(head: ResponseHead, sent: Onward, upstream: Upstream, *, codes: bool, trailers: bool) -> Fields:
    """What goes on, in its order; `codes`: with Transfer-Encoding, in the place where the origin said it."""
    kept: Fields = []
    ended: Fields = []
    counted = head.status == 204  # RFC 9110 §8.6: it has none, and some readers would wait for what it announces
    for field in head.fields:
        name, value = field
        lower = name.lower()
        if lower in LOOKED_AT:
            if lower == b"content-length":
                if counted:
                    continue  # the same length, said twice (framing has seen to it)
                counted = True
            elif lower == b"set-cookie" and not cookies.is_reserved(value):
                value = cookies.rewritten(value, upstream.cookies)
            elif lower == b"transfer-encoding" and codes:
                value = b"chunked"
            elif lower in locations.REWRITTEN:
                value = locations.rewritten(lower, value, upstream.moves, sent.public)
            elif lower != b"trailer" or not trailers:
                ended.append(field)
                continue
        kept.append((name, value))
    if ended and (gone := nominated(ended)):
        kept = [field for field in kept if field[0].lower() not in gone]
    return kept
