"""Who is at the other end: the connection says it, or a load balancer of ours; never the visitor."""

import ipaddress
from types import SimpleNamespace
from typing import Any

import pytest

from proxy.hops import address_of, hop_of
from proxy.passing.forwarded import Trust
from proxy.passing.proxy_protocol import Preface

VISITOR, BALANCER = "203.0.113.7", "10.0.0.1"
TRUST = Trust((ipaddress.ip_network("10.0.0.0/8"),))


def request(peer: str, *, said: str = "", preface: Preface | None = None) -> Any:
    """As much of a request as is looked at."""
    protocol = SimpleNamespace(peername=(peer, 1234), ssl_context=None, preface=preface)
    fields = ((b"X-Forwarded-For", said.encode()),) if said else ()
    return SimpleNamespace(protocol=protocol, raw_headers=fields, headers={})


ADDRESSES: list[tuple[str, Any, Trust, str]] = [
    ("the connection's", request(VISITOR), TRUST, VISITOR),
    ("what a visitor claims counts for nothing", request(VISITOR, said="198.51.100.1"), TRUST, VISITOR),
    ("nor without anybody listed", request(BALANCER, said="198.51.100.1"), Trust(), BALANCER),
    ("a listed balancer is believed", request(BALANCER, said=VISITOR), TRUST, VISITOR),
    ("as far as listed peers reach", request(BALANCER, said=f"198.51.100.1, {VISITOR}, 10.0.0.2"), TRUST, VISITOR),
    ("a preface before everything", request(BALANCER, preface=Preface(VISITOR, True, b"")), TRUST, VISITOR),
    ("of a preface without a visitor", request(BALANCER, preface=Preface("", None, b"")), TRUST, BALANCER),
]


@pytest.mark.parametrize(
    ("asked", "trust", "address"), [row[1:] for row in ADDRESSES], ids=[row[0] for row in ADDRESSES]
)
def test_an_address_is_told_by_whom_we_believe(asked: Any, trust: Trust, address: str) -> None:
    assert address_of(asked, trust) == address


def test_a_preface_says_whether_it_was_tls() -> None:
    assert hop_of(request(BALANCER, preface=Preface(VISITOR, True, b""))).secure
    assert not hop_of(request(BALANCER)).secure
