"""Who is asking, told to the origin: Forwarded (RFC 7239) and its elder cousins, built here and by nobody else.

What a visitor says about himself is dropped.  What a listed peer says (a load balancer of ours) is believed, from right
to left, as far as listed peers reach; one header is believed, never two that could disagree.
"""

import ipaddress
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple

from proxy.passing.fields import Field, Fields, values

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Address = ipaddress.IPv4Address | ipaddress.IPv6Address

# Names by which systems let a caller say who it is, or which address it asked for; "_" counts as "-", for many
# systems cannot tell the two apart.
SPOKEN_FOR_OTHERS: Final = frozenset(
    b"forwarded x-forwarded-for x-forwarded-host x-forwarded-proto x-forwarded-port x-forwarded-server x-forwarded-by "
    b"x-forwarded-ssl x-forwarded-scheme x-forwarded-prefix x-forwarded-path x-forwarded-uri x-forwarded-client-cert "
    b"x-forwarded x-real-ip x-client-ip x-remote-ip x-remote-addr x-originating-ip x-cluster-client-ip true-client-ip "
    b"cf-connecting-ip fastly-client-ip client-ip x-host x-url-scheme x-original-host x-original-url x-rewrite-url "
    b"front-end-https edge-announcement".split()
)
LONGEST_CHAIN: Final = 20
"""Addresses that are looked at; what stands further left is dropped."""

_ELEMENT: Final = re.compile(r'(?:[^",]|"(?:[^"\\]|\\.)*+")++')
_PAIR: Final = re.compile(r'\s*([!#$%&\'*+\-.^_`|~\w]+)\s*=\s*(?:"((?:[^"\\]|\\.)*+)"|([^";,\s]*))\s*(?:;|\Z)')


@dataclass(frozen=True, slots=True)
class Trust:
    """Whose word counts, and in which header it is looked for."""

    peers: tuple[Network, ...] = ()
    header: Literal["x-forwarded-for", "forwarded"] = "x-forwarded-for"

    def knows(self, address: Address | None) -> bool:
        """Whether an address is that of a listed peer."""
        return address is not None and any(address in network for network in self.peers)


class Hop(NamedTuple):
    """The connection a request came on."""

    peer: str  # the address of the other end; empty where there is none (a unix socket)
    secure: bool  # whether it came to us over TLS
    host: bytes  # the Host header as received; the canonical host where there was none


class Origin(NamedTuple):
    """Where a request came from, as far as it can be believed."""

    chain: tuple[str, ...]  # addresses: the visitor first, then the listed peers in between; empty: nobody knows
    proto: str  # "http" or "https", as the visitor used it


def believed(hop: Hop, fields: Sequence[Field], trust: Trust) -> Origin:
    """Walk back from the connection as long as the next one is a listed peer."""
    own = "https" if hop.secure else "http"
    if not trust.peers and not hop.peer.startswith("::ffff:"):
        return Origin((hop.peer,) if hop.peer else (), own)
    peer = address_of(hop.peer)
    if peer is None or not trust.knows(peer):
        return Origin((str(peer),) if peer else (), own)
    said, proto = _said(fields, trust.header)
    chain = [str(peer)]
    for text in reversed(said[-LONGEST_CHAIN:]):
        address = address_of(text)
        if address is None:
            break  # "unknown", an obfuscated name, or nonsense: what stands left of it hangs in the air
        chain.append(str(address))
        if not trust.knows(address):
            break
    return Origin(tuple(reversed(chain)), proto if proto in {"http", "https"} else own)


def _said(fields: Sequence[Field], header: str) -> tuple[list[str], str]:
    """The addresses a header names, left to right, and the scheme that the last hop was asked with."""
    if header == "forwarded":
        elements = _forwarded(b",".join(values(fields, b"forwarded")).decode("latin-1"))
        last = elements[-1] if elements else {}
        return [element.get("for", "unknown") for element in elements], last.get("proto", "").lower()
    text = b",".join(values(fields, b"x-forwarded-for")).decode("latin-1")
    protos = b",".join(values(fields, b"x-forwarded-proto")).decode("latin-1")
    return text.split(",") if text.strip() else [], protos.rpartition(",")[2].strip().lower()


def _forwarded(text: str) -> list[dict[str, str]]:
    """RFC 7239 §4; an element that is none says nothing, and so ends the walk."""
    elements = []
    for element in _ELEMENT.findall(text):
        pairs, at = {}, 0
        while at < len(element) and (found := _PAIR.match(element, at)) and found.end() > at:
            name, quoted, plain = found.groups()
            pairs[name.lower()] = re.sub(r"\\(.)", r"\1", quoted) if quoted is not None else plain
            at = found.end()
        elements.append(pairs if at == len(element) else {})
    return elements


def address_of(text: str) -> Address | None:
    """An address out of a node name: with or without port, brackets and zone (RFC 7239 §6)."""
    text = text.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def speaks_for_others(name: bytes) -> bool:
    """Whether a field (its name in lower case) is one that only we may send on."""
    return name in SPOKEN_FOR_OTHERS or (b"_" in name and name.replace(b"_", b"-") in SPOKEN_FOR_OTHERS)


def identity(origin: Origin, host: bytes) -> Fields:
    """The fields that tell the origin who asks, by which scheme and for which host."""
    proto = origin.proto.encode()
    chain = [address.encode() for address in origin.chain]
    nodes = [b'for="[%b]"' % node if b":" in node else b"for=" + node for node in chain] or [b"for=unknown"]
    name = host if host.replace(b".", b"").replace(b"-", b"").isalnum() else b'"%b"' % _quoted(host)
    port = host.rpartition(b":")[2]
    told: Fields = [
        (b"X-Forwarded-For", b", ".join(chain)),
        (b"X-Real-IP", chain[0] if chain else b""),
        (b"X-Forwarded-Proto", proto),
        (b"X-Forwarded-Host", host),
        (b"X-Forwarded-Port", port if port.isdigit() and b":" in host else (b"443" if proto == b"https" else b"80")),
        (b"Forwarded", b", ".join([*nodes[:-1], b"%b;host=%b;proto=%b" % (nodes[-1], name, proto)])),
    ]
    return [field for field in told if field[1]]


def _quoted(octets: bytes) -> bytes:
    return octets.replace(b"\\", b"\\\\").replace(b'"', b'\\"')
