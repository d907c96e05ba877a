"""Whom the broker may call: an address that somebody registered must not reach into the house (SSRF).

Provinces do have systems on private addresses; those are named in an allow-list.  What no list can allow is the
link-local range: there clouds give out their credentials.  The decision is made on the address that is connected to,
after the name has been resolved; a name that is checked and resolved once more may have moved (DNS rebinding).
"""

import re
import socket
from collections.abc import Collection
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import TypeAlias

Networks: TypeAlias = tuple[IPv4Network | IPv6Network, ...]

_ENDS_IN_NUMBER = re.compile(r"(?:^|\.)(?:0[xX][0-9a-fA-F]*|[0-9]+)\.?$")
_SIX_TO_FOUR = IPv6Network("2002::/16")
_NAT64 = IPv6Network("64:ff9b::/96")


def networks(texts: Collection[str]) -> Networks:
    """Networks as an operator writes them: "10.20.0.0/16", "10.1.2.3".  Raises ValueError."""
    return tuple(ip_network(text, strict=True) for text in texts)


def is_public(address: str) -> bool:
    """Whether it is an address of the Internet at large, and leads to no other.  False for what is no address."""
    try:
        known = _unwrapped(ip_address(address))
    except ValueError:
        return False
    return known.is_global and not known.is_multicast


def may_call(address: str, allowed: Networks = ()) -> bool:
    """Whether to connect to this address: public, or of a network that the operator allows."""
    try:
        known = _unwrapped(ip_address(address))
    except ValueError:
        return False
    if known.is_link_local or known.is_multicast or known.is_unspecified:
        return False
    return is_public(str(known)) or any(known in network for network in allowed)


def literal_address(host: str) -> str | None:
    """The address that a host is, in any spelling that some resolver takes: "127.1", "0x7f000001", "[::1]", "017…".

    None: a name.
    """
    try:
        return str(ip_address(host.removeprefix("[").removesuffix("]")))
    except ValueError:
        pass
    if _ENDS_IN_NUMBER.search(host):
        # No top-level domain is a number: browsers read it as IPv4, or refuse (URL Standard, "ends in a number").
        try:
            return socket.inet_ntoa(socket.inet_aton(host.removesuffix(".")))
        except OSError:
            return host
    return None


def _unwrapped(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """The IPv4 address inside an IPv6 one that only carries it."""
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped:
            return address.ipv4_mapped
        if address in _NAT64:
            return IPv4Address(int(address) & 0xFFFF_FFFF)
        if address in _SIX_TO_FOUR and address.sixtofour:
            return address.sixtofour
    return address
