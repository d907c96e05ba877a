"""Whom the broker may call."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sso import egress

INSIDE = [
    *("127.0.0.1", "127.255.0.9", "0.0.0.0", "10.1.2.3", "172.16.0.1", "192.168.1.1", "100.64.0.1", "192.0.2.1"),
    *("169.254.169.254", "224.0.0.1", "255.255.255.255", "240.0.0.1", "198.18.0.1"),
    *("::1", "::", "fe80::1", "fc00::1", "fd12::1", "ff02::1", "2001:db8::1"),
    *(
        "::ffff:127.0.0.1",
        "::ffff:169.254.169.254",
        "::ffff:a00:1",
        "64:ff9b::7f00:1",
        "2002:7f00:1::",
        "2002:a00:1::1",
    ),
]
OUTSIDE = ["203.162.4.190", "8.8.8.8", "2405:4800::1", "::ffff:8.8.8.8", "64:ff9b::808:808"]


@pytest.mark.parametrize("address", INSIDE)
def test_an_address_inside_is_not_called(address: str) -> None:
    assert not egress.is_public(address)
    assert not egress.may_call(address)


@pytest.mark.parametrize("address", OUTSIDE)
def test_an_address_of_the_internet_is_called(address: str) -> None:
    assert egress.may_call(address)


def test_an_operator_allows_networks_but_never_the_clouds_credentials() -> None:
    everything = egress.networks(["0.0.0.0/0", "::/0"])
    assert egress.may_call("10.1.2.3", everything)
    assert egress.may_call("::ffff:10.1.2.3", egress.networks(["10.0.0.0/8"]))
    assert not egress.may_call("10.1.2.3", egress.networks(["10.2.0.0/16"]))
    for address in ("169.254.169.254", "::ffff:169.254.169.254", "fe80::1", "0.0.0.0", "224.0.0.1"):
        assert not egress.may_call(address, everything)


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("127.0.0.1", "127.0.0.1"),
        ("127.1", "127.0.0.1"),
        ("2130706433", "127.0.0.1"),
        ("0x7f000001", "127.0.0.1"),
        ("0x7f.1", "127.0.0.1"),
        ("0177.0.0.1", "127.0.0.1"),
        ("127.0.0.1.", "127.0.0.1"),
        ("[::1]", "::1"),
        ("1.2.3.4.5", "1.2.3.4.5"),
        ("dichvucong.gov.vn", None),
        ("0x.example", None),
    ],
)
def test_an_address_is_known_in_every_spelling(host: str, address: str | None) -> None:
    assert egress.literal_address(host) == address


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_no_spelling_of_an_address_is_judged_otherwise(number: int) -> None:
    plain = ".".join(str(number >> shift & 255) for shift in (24, 16, 8, 0))
    mapped = f"::ffff:{plain}"
    for spelling in (plain, str(number), hex(number), f"[{mapped}]"):
        found = egress.literal_address(spelling)
        assert found is not None
        assert egress.may_call(found) == egress.may_call(plain)
