"""Addresses of stores."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sso.stores.addresses import Address, BadAddress, Place, address_of

HOME = Address((Place("store.example", 6_379),))


@pytest.mark.parametrize(
    ("url", "meant"),
    [
        ("redis://store.example", HOME),
        ("redis://store.example:6380/2", replace(HOME, places=(Place("store.example", 6_380),), database=2)),
        ("redis://store.example?db=3", replace(HOME, database=3)),
        ("redis://:p%40ss@store.example", replace(HOME, password="p@ss")),
        ("redis://edge:p%3Ass@store.example/1", replace(HOME, user="edge", password="p:ss", database=1)),
        ("valkey://store.example", HOME),
        ("redis://[::1]:7000", replace(HOME, places=(Place("::1", 7_000),))),
        ("rediss://store.example", replace(HOME, encrypted=True)),
        (
            "valkeys://store.example?ssl_ca_certs=/etc/ca.pem",
            replace(HOME, encrypted=True, authorities="/etc/ca.pem"),
        ),
        ("unix:///run/valkey.sock", Address(path="/run/valkey.sock")),
        ("unix://:secret@/run/a%20b.sock?db=3", Address(path="/run/a b.sock", password="secret", database=3)),
        (
            "redis+sentinel://:secret@one.example,two.example:26380/signin/1?replicas=2",
            Address(
                (Place("one.example", 26_379), Place("two.example", 26_380)),
                master="signin",
                password="secret",
                database=1,
                replicas=2,
            ),
        ),
    ],
)
def test_an_address_leads_to_its_server(url: str, meant: Address) -> None:
    assert address_of(url) == meant


@pytest.mark.parametrize(
    "url",
    [
        "",
        "redis://",
        "store.example:6379",
        "http://store.example",
        "redis://:hunter2@store.example:port/0",
        "redis://:hunter2@store.example/zero",
        "redis://:hunter2@store.example?max_connections=5",
        "redis://:hunter2@",
        "unix://run/valkey.sock",
        "unix://",
        "redis+sentinel://one.example",
        "redis+sentinel://:hunter2@one.example/signin/x",
        "redis+sentinel://one.example/signin?replicas=many",
        "redis+sentinel://one.example/signin?slaves=1",
        "redis+sentinel://one.example:x/signin",
        "redis+sentinel://one.example,,two.example/signin",
    ],
)
def test_what_is_no_address_is_told_without_its_password(url: str) -> None:
    with pytest.raises(BadAddress) as caught:
        address_of(url)
    assert str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_a_password_is_not_shown() -> None:
    assert "hunter2" not in repr(address_of("redis://:hunter2@store.example"))


@given(st.text())
def test_any_text_is_an_address_or_none(text: str) -> None:
    for url in (text, f"redis://{text}", f"unix://{text}", f"redis+sentinel://{text}"):
        try:
            found = address_of(url)
        except BadAddress:
            continue
        assert found.path or found.places
