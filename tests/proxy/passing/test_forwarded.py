"""Whose word about visitors counts, and what the origin hears."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.passing.fields import Fields, lines
from proxy.passing.forwarded import Hop, Origin, Trust, address_of, believed, identity, speaks_for_others

PROXIES = tuple(map(ipaddress.ip_network, ("10.0.0.0/8", "2001:db8:1::/48")))
ELDER = Trust(PROXIES)
STANDARD = Trust(PROXIES, "forwarded")

CHAINS = [
    # from              trust     what came along                                         whom we believe, and how they came
    ("203.0.113.9",     Trust(),  ["X-Forwarded-For: 192.0.2.1"],                          ["203.0.113.9"], "http"),
    ("203.0.113.9",     ELDER,    ["X-Forwarded-For: 192.0.2.1", "X-Forwarded-Proto: https"], ["203.0.113.9"], "http"),
    ("10.0.0.1",        ELDER,    [],                                                      ["10.0.0.1"], "http"),
    ("10.0.0.1",        ELDER,    ["X-Forwarded-For: 192.0.2.1"],                          ["192.0.2.1", "10.0.0.1"], "http"),
    ("10.0.0.1",        ELDER,    ["X-Forwarded-For: 6.6.6.6, 192.0.2.1"],                 ["192.0.2.1", "10.0.0.1"], "http"),
    ("10.0.0.1",        ELDER,    ["X-Forwarded-For: 192.0.2.1,10.0.0.2"],                 ["192.0.2.1", "10.0.0.2", "10.0.0.1"], "http"),
    ("10.0.0.1",        ELDER,    ["X-Forwarded-For: 6.6.6.6", "X-Forwarded-For: 192.0.2.1"], ["192.0.2.1", "10.0.0.1"], "http"),
    ("10.0.0.1",        ELDER,    ["X-Forwarded-For: 192.0.2.1, unknown"],                 ["10.0.0.1"], "http"),
    ("10.0.0.1",        ELDER,    ["X-Forwarded-For: 192.0.2.1, 999.1.1.1"],               ["10.0.0.1"], "http"),
    ("10.0.0.1",        ELDER,    ["X-Forwarded-For: 192.0.2.1:5000"],                     ["192.0.2.1", "10.0.0.1"], "http"),
    ("10.0.0.1",        ELDER,    ["X-Forwarded-For: [2001:db8::7]:443"],                  ["2001:db8::7", "10.0.0.1"], "http"),
    ("10.0.0.1",        ELDER,    ["X-Forwarded-For: 192.0.2.1", "X-Forwarded-Proto: https"], ["192.0.2.1", "10.0.0.1"], "https"),
    ("10.0.0.1",        ELDER,    ["X-Forwarded-For: 192.0.2.1", "X-Forwarded-Proto: javascript"], ["192.0.2.1", "10.0.0.1"], "http"),
    ("10.0.0.1",        ELDER,    ["Forwarded: for=192.0.2.1"],                            ["10.0.0.1"], "http"),
    ("::ffff:10.0.0.1", ELDER,    ["X-Forwarded-For: 192.0.2.1"],                          ["192.0.2.1", "10.0.0.1"], "http"),
    ("2001:db8:1::1",   ELDER,    ["X-Forwarded-For: 192.0.2.1"],                          ["192.0.2.1", "2001:db8:1::1"], "http"),
    ("10.0.0.1",        STANDARD, ["Forwarded: for=192.0.2.1;proto=https"],                ["192.0.2.1", "10.0.0.1"], "https"),
    ("10.0.0.1",        STANDARD, ["X-Forwarded-For: 192.0.2.1"],                          ["10.0.0.1"], "http"),
    ("10.0.0.1",        STANDARD, ['Forwarded: For="[2001:db8::7]:80", for=10.0.0.2;Proto=HTTPS'], ["2001:db8::7", "10.0.0.2", "10.0.0.1"], "https"),
    ("10.0.0.1",        STANDARD, ['Forwarded: for="192.0.2.1, 6.6.6.6"'],                 ["10.0.0.1"], "http"),
    ("10.0.0.1",        STANDARD, ["Forwarded: for=192.0.2.1;;;=x"],                       ["10.0.0.1"], "http"),
    ("10.0.0.1",        STANDARD, ["Forwarded: for=_hidden"],                              ["10.0.0.1"], "http"),
    ("",                ELDER,    ["X-Forwarded-For: 192.0.2.1"],                          [], "http"),
]  # fmt: skip


def named(texts: list[str]) -> Fields:
    return [(name.encode(), value.strip().encode()) for name, _, value in (text.partition(":") for text in texts)]


@pytest.mark.parametrize(("peer", "trust", "said", "chain", "proto"), CHAINS)
def test_whom_we_believe(peer: str, trust: Trust, said: list[str], chain: list[str], proto: str) -> None:
    found = believed(Hop(peer, False, b"a.vn"), named(said), trust)
    assert (list(found.chain), found.proto) == (chain, proto)


def test_a_connection_of_our_own_over_tls_is_https() -> None:
    assert believed(Hop("203.0.113.9", True, b"a.vn"), [], Trust()).proto == "https"


def test_only_so_many_addresses_are_looked_at() -> None:
    said = [(b"X-Forwarded-For", b", ".join([b"192.0.2.1", *[b"10.0.0.2"] * 500]))]
    assert len(believed(Hop("10.0.0.1", False, b"a.vn"), said, ELDER).chain) == 21


@given(st.text(st.characters(max_codepoint=255), max_size=200), st.sampled_from([ELDER, STANDARD]))
def test_whatever_is_said_only_addresses_are_believed(text: str, trust: Trust) -> None:
    said = [(b"X-Forwarded-For", text.encode("latin-1")), (b"Forwarded", text.encode("latin-1"))]
    found = believed(Hop("10.0.0.1", False, b"a.vn"), said, trust)
    assert found.chain[-1] == "10.0.0.1"
    assert all(trust.knows(address_of(address)) for address in found.chain[1:])


def test_what_the_origin_hears() -> None:
    assert lines(identity(Origin(("2001:db8::7", "10.0.0.1"), "https"), b"a.vn")).decode().splitlines() == [
        "X-Forwarded-For: 2001:db8::7, 10.0.0.1",
        "X-Real-IP: 2001:db8::7",
        "X-Forwarded-Proto: https",
        "X-Forwarded-Host: a.vn",
        "X-Forwarded-Port: 443",
        'Forwarded: for="[2001:db8::7]", for=10.0.0.1;host=a.vn;proto=https',
    ]


def test_a_port_is_quoted_and_told() -> None:
    told = dict(identity(Origin((), "http"), b"a.vn:8080"))
    assert told[b"X-Forwarded-Port"] == b"8080"
    assert told[b"Forwarded"] == b'for=unknown;host="a.vn:8080";proto=http'
    assert b"X-Forwarded-For" not in told


@pytest.mark.parametrize(
    "name", [b"x-forwarded-for", b"x_forwarded_for", b"x-forwarded_for", b"forwarded", b"x-real-ip", b"x-original-url"]
)
def test_names_that_only_we_may_send(name: bytes) -> None:
    assert speaks_for_others(name)


@pytest.mark.parametrize("name", [b"x-requested-with", b"x_own", b"for", b"x-forwardedfor"])
def test_names_that_anybody_may_send(name: bytes) -> None:
    assert not speaks_for_others(name)


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("192.0.2.1", "192.0.2.1"),
        (" 192.0.2.1:80 ", "192.0.2.1"),
        ("[::1]", "::1"),
        ("[::1]:80", "::1"),
        ("::1", "::1"),
        ("fe80::1%eth0", "fe80::1"),
        ("1.2.3", None),
        ("", None),
        ("0x7f.1", None),
        ("010.0.0.1", None),
    ],
)
def test_nodes(text: str, address: str | None) -> None:
    assert address_of(text) == (ipaddress.ip_address(address) if address else None)
