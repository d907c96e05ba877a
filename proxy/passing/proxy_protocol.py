"""The PROXY protocol, versions 1 and 2: what a load balancer says about a connection before its first octet.

Only listed peers may say it (`forwarded.Trust.knows`), and they must: on an address that expects the preface, a
connection without one is refused, or a visitor could write it.  The source is HAProxy's proxy-protocol.txt.
"""

import ipaddress
import re
import struct
from typing import Final, NamedTuple

_SIGNATURE: Final = b"\r\n\r\n\x00\r\nQUIT\n"
_LONGEST_LINE: Final = 107  # §2.1, with CRLF
_LONGEST_BINARY: Final = 2_048  # our own bound on the addresses and extensions of version 2; §2.2 would allow 65,535
_LINE: Final = re.compile(rb"PROXY (TCP4|TCP6) ([0-9A-Fa-f.:]+) ([0-9A-Fa-f.:]+) (\d{1,5}) (\d{1,5})")
_FAMILIES: Final = {0x11: 4, 0x21: 16}  # TCP over IPv4 and IPv6 → octets of an address
_TLS: Final = 0x20  # PP2_TYPE_SSL
_CLIENT_USED_TLS: Final = 0x01  # PP2_CLIENT_SSL


class BadPreface(Exception):
    """What came is no PROXY preface: nothing else on this connection can be believed."""


class Preface(NamedTuple):
    """What was said, and what came behind it."""

    source: str  # the visitor's address; empty: the balancer speaks for itself (a health check)
    secure: bool | None  # whether the visitor came over TLS; None: nothing was said
    rest: bytes


def read_preface(octets: bytes) -> Preface | None:
    """Read the beginning of a connection; None when more is needed.  Raises BadPreface."""
    if octets[:1] == b"P":
        return _read_line(octets)
    if _SIGNATURE.startswith(octets[: len(_SIGNATURE)]):
        return _read_binary(octets)
    raise BadPreface("no PROXY preface")


def _read_line(octets: bytes) -> Preface | None:
    """Version 1 (§2.1)."""
    end = octets.find(b"\r\n", 0, _LONGEST_LINE)
    if end < 0:
        if len(octets) >= _LONGEST_LINE or not b"PROXY ".startswith(octets[:6]):
            raise BadPreface("no PROXY line")
        return None
    line, rest = octets[:end], octets[end + 2 :]
    if line == b"PROXY UNKNOWN" or line.startswith(b"PROXY UNKNOWN "):
        return Preface("", None, rest)
    found = _LINE.fullmatch(line)
    if found is None or max(int(found[4]), int(found[5])) > 65_535:
        raise BadPreface("no PROXY line")
    family = 4 if found[1] == b"TCP4" else 6
    try:
        source, target = (ipaddress.ip_address(text.decode("ascii")) for text in found.group(2, 3))
    except ValueError:
        raise BadPreface("no address") from None
    if (source.version, target.version) != (family, family):
        raise BadPreface("an address of another family")
    return Preface(str(source), None, rest)


def _read_binary(octets: bytes) -> Preface | None:
    """Version 2 (§2.2)."""
    if len(octets) < len(_SIGNATURE) + 4:
        return None
    command, family, length = struct.unpack_from("!BBH", octets, len(_SIGNATURE))
    if command not in {0x20, 0x21} or length > _LONGEST_BINARY:
        raise BadPreface("another version or command, or too long")
    begin = len(_SIGNATURE) + 4
    if len(octets) < begin + length:
        return None
    body, rest = octets[begin : begin + length], octets[begin + length :]
    if command == 0x20:  # LOCAL: the balancer's own connection; its addresses are to be ignored
        return Preface("", None, rest)
    size = _FAMILIES.get(family)
    if size is None:
        return Preface("", None, rest)  # unspecified, datagram, unix: nothing that we could use
    if length < 2 * size + 4:
        raise BadPreface("addresses that are cut off")
    return Preface(str(ipaddress.ip_address(body[:size])), _secure(body[2 * size + 4 :]), rest)


def _secure(extensions: bytes) -> bool | None:
    """What the extensions say about TLS (§2.2.5)."""
    at = 0
    while at + 3 <= len(extensions):
        kind, length = struct.unpack_from("!BH", extensions, at)
        value = extensions[at + 3 : at + 3 + length]
        if len(value) < length:
            break
        if kind == _TLS and value:
            return bool(value[0] & _CLIENT_USED_TLS)
        at += 3 + length
    if at != len(extensions):
        raise BadPreface("an extension that is cut off")
    return None
