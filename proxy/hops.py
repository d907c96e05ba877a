"""The connection that a request came on: told by a load balancer's PROXY preface, where there was one."""

from aiohttp.web import BaseRequest

from proxy.passing.forwarded import Hop, Trust, believed
from proxy.passing.proxy_protocol import Preface


def hop_of(request: BaseRequest) -> Hop:
    """Who is at the other end, and whether over TLS; without the Host that was named."""
    preface: Preface | None = getattr(request.protocol, "preface", None)
    if preface is not None and preface.source:
        return Hop(preface.source, bool(preface.secure), b"")
    name = request.protocol.peername
    peer = str(name[0]) if isinstance(name, tuple) else ""
    return Hop(peer, request.protocol.ssl_context is not None, b"")


def address_of(request: BaseRequest, trust: Trust) -> str:
    """The visitor's address, for limits alone; "" where nobody knows.

    What a visitor says about it (X-Forwarded-For) counts from listed peers only.
    """
    chain = believed(hop_of(request), request.raw_headers, trust).chain
    return chain[0] if chain else ""
