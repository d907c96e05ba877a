"""The opening handshake of a WebSocket, as it passes: the origin answers it, and we see that it did (RFC 6455 §4)."""

import base64
import hashlib
from typing import Final

from proxy.passing.fields import Fields, end_to_end, members, values
from proxy.passing.heads import BadMessage, RequestHead, ResponseHead, response_octets
from proxy.passing.inbound import Onward

_GUID: Final = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_DEFLATE: Final = b"permessage-deflate"


def asks_for_websocket(head: RequestHead) -> bool:
    """Whether a request wants to become a WebSocket; no other upgrade is passed on."""
    return (
        head.method == b"GET"
        and head.minor > 0
        and members(head.fields, b"upgrade") == [b"websocket"]
        and b"upgrade" in members(head.fields, b"connection")
        and len(values(head.fields, b"sec-websocket-key")) == 1
    )


def offered(head: RequestHead) -> RequestHead:
    """The request with the extensions whose frames we can follow: permessage-deflate (RFC 7692)."""
    fields: Fields = []
    for name, value in head.fields:
        if name.lower() == b"sec-websocket-extensions":
            kept = [offer.strip() for offer in value.split(b",") if _name(offer) == _DEFLATE]
            if kept:
                fields.append((name, b", ".join(kept)))
        else:
            fields.append((name, value))
    return head._replace(fields=fields)


def opening(sent: Onward) -> Onward:
    """The request with the upgrade that ends at each hop and begins anew."""
    return sent._replace(octets=sent.octets[:-2] + b"Upgrade: websocket\r\nConnection: Upgrade\r\n\r\n")


def check(asked: RequestHead, answer: ResponseHead) -> bool:
    """Whether compressed messages were agreed on.  Raises BadMessage when the answer is none to this request (§4.1)."""
    fields = answer.fields
    key = values(asked.fields, b"sec-websocket-key")[0]
    digest = hashlib.sha1(key + _GUID, usedforsecurity=False).digest()
    protocols = values(fields, b"sec-websocket-protocol")
    asked_for = members(asked.fields, b"sec-websocket-protocol")
    extensions = [
        _name(one) for value in values(fields, b"sec-websocket-extensions") for one in value.split(b",") if one.strip()
    ]
    could = {_name(one) for value in values(asked.fields, b"sec-websocket-extensions") for one in value.split(b",")}
    good = (
        members(fields, b"upgrade") == [b"websocket"]
        and b"upgrade" in members(fields, b"connection")
        and values(fields, b"sec-websocket-accept") == [base64.b64encode(digest)]
        and (not protocols or (len(protocols) == 1 and protocols[0].lower() in asked_for))
        and extensions in ([], [_DEFLATE])
        and could.issuperset(extensions)
    )
    if not good:
        raise BadMessage("101 that does not answer this handshake")
    return bool(extensions)


def accepted(answer: ResponseHead) -> bytes:
    """The head of the 101 for the visitor."""
    fields = [*end_to_end(answer.fields), (b"Upgrade", b"websocket"), (b"Connection", b"Upgrade")]
    return response_octets(answer._replace(fields=fields))


def _name(extension: bytes) -> bytes:
    return extension.partition(b";")[0].strip().lower()
