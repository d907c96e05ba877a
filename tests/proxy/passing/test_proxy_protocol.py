"""What a load balancer says before the first octet."""

import ipaddress
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.passing.proxy_protocol import BadPreface, Preface, read_preface

SIGNATURE = b"\r\n\r\n\x00\r\nQUIT\n"


def binary(family: int, addresses: bytes, extensions: bytes = b"", *, command: int = 0x21) -> bytes:
    body = addresses + extensions
    return SIGNATURE + struct.pack("!BBH", command, family, len(body)) + body


def pair(source: str, target: str = "") -> bytes:
    ends = [ipaddress.ip_address(text).packed for text in (source, target or source)]
    return b"".join(ends) + struct.pack("!HH", 5_000, 443)


TLS = b"\x20" + struct.pack("!H", 5) + b"\x01\x00\x00\x00\x00"
PLAIN = b"\x20" + struct.pack("!H", 5) + b"\x00\x00\x00\x00\x00"
OTHER = b"\x04" + struct.pack("!H", 2) + b"xx"

PREFACES = [
    (b"PROXY TCP4 192.0.2.1 10.0.0.1 5000 443\r\n",             "192.0.2.1",   None),
    (b"PROXY TCP6 2001:db8::7 2001:db8::1 5000 443\r\n",        "2001:db8::7", None),
    (b"PROXY UNKNOWN\r\n",                                      "",            None),
    (b"PROXY UNKNOWN ffff::1 ffff::2 1 2\r\n",                  "",            None),
    (binary(0x11, pair("192.0.2.1")),                           "192.0.2.1",   None),
    (binary(0x21, pair("2001:db8::7")),                         "2001:db8::7", None),
    (binary(0x11, pair("192.0.2.1"), OTHER + TLS),              "192.0.2.1",   True),
    (binary(0x11, pair("192.0.2.1"), PLAIN),                    "192.0.2.1",   False),
    (binary(0x00, b"", command=0x20),                           "",            None),
    (binary(0x11, pair("192.0.2.1"), command=0x20),             "",            None),
    (binary(0x31, b"x" * 216),                                  "",            None),
]  # fmt: skip


@pytest.mark.parametrize(("octets", "source", "secure"), PREFACES)
def test_whom_the_balancer_speaks_for(octets: bytes, source: str, secure: bool | None) -> None:  # noqa: FBT001
    assert read_preface(octets + b"GET /") == Preface(source, secure, b"GET /")
    for end in range(1, len(octets)):
        assert read_preface(octets[:end]) is None, "it was believed before it was whole"


NO_PREFACES = [
    b"GET / HTTP/1.1\r\n", b"PRI * HTTP/2.0\r\n\r\n", b"POST / HTTP/1.1\r\n", b"proxy TCP4 1.2.3.4 1.2.3.4 1 2\r\n",
    b"PROXY TCP4 1.2.3.4 1.2.3.4 1\r\n", b"PROXY TCP4 1.2.3.4 1.2.3.4 1 70000\r\n", b"PROXY TCP4 999.2.3.4 1.2.3.4 1 2\r\n",
    b"PROXY TCP4 ::1 ::1 1 2\r\n", b"PROXY TCP6 1.2.3.4 ::1 1 2\r\n", b"PROXY TCP4  1.2.3.4 1.2.3.4 1 2\r\n", b"PROXY TCP4 1.2.3.4 1.2.3.4 1 2\n\r\n",
    b"PROXY UNKNOWNS\r\n", b"PROXY " + b"x" * 120, b"\r\n\r\nGET /", SIGNATURE + b"\x31\x11\x00\x0c" + b"x" * 12,
    SIGNATURE + b"\x22\x11\x00\x0c" + b"x" * 12, binary(0x11, b"x" * 11), binary(0x11, pair("192.0.2.1"), b"\x20\x00"),
    binary(0x11, pair("192.0.2.1"), b"\x04\x00\x09x"), SIGNATURE + b"\x21\x11\xff\xff",
]  # fmt: skip


@pytest.mark.parametrize("octets", NO_PREFACES)
def test_what_is_none_is_not_believed(octets: bytes) -> None:
    with pytest.raises(BadPreface):
        read_preface(octets)


@given(st.sampled_from([b"", b"PROXY TCP4 ", SIGNATURE, SIGNATURE + b"\x21\x11"]), st.binary(max_size=80))
def test_whatever_comes_only_an_address_is_told(beginning: bytes, octets: bytes) -> None:
    try:
        told = read_preface(beginning + octets)
    except BadPreface:
        return
    if told is not None and told.source:
        ipaddress.ip_address(told.source)
