"""How stores are reached."""

from typing import Any

import pytest
from redis.asyncio.connection import Connection, SSLConnection, UnixDomainSocketConnection
from redis.asyncio.sentinel import SentinelManagedConnection

from sso.stores.addresses import address_of
from sso.stores.connections import connections

SENTINELS = "redis+sentinel://:secret@one.example,two.example:26380/signin/1?replicas=2"


@pytest.mark.parametrize(
    ("url", "kind", "where"),
    [
        ("redis://store.example", Connection, {"host": "store.example", "port": 6_379, "db": 0, "password": None}),
        ("redis://edge:p%40ss@store.example:6380/2", Connection, {"port": 6_380, "db": 2, "username": "edge"}),
        ("unix://:p@/run/valkey.sock?db=3", UnixDomainSocketConnection, {"path": "/run/valkey.sock", "db": 3}),
        ("rediss://store.example", SSLConnection, {"host": "store.example"}),
        (SENTINELS, SentinelManagedConnection, {"db": 1, "password": "secret"}),
    ],
)
def test_an_address_leads_to_its_server(url: str, kind: type, where: dict[str, object]) -> None:
    made: Any = connections(address_of(url), timeout_seconds=1).make()
    assert type(made) is kind
    assert {name: getattr(made, name) for name in where} == where


def test_all_sentinels_are_asked_for_the_master_within_one_patience() -> None:
    there = connections(address_of(SENTINELS), timeout_seconds=3)
    asked = [client.connection_pool.connection_kwargs for client in there.watchers[1:]]
    assert [(one["host"], one["port"]) for one in asked] == [("one.example", 26_379), ("two.example", 26_380)]
    assert sum(one["socket_timeout"] for one in asked) < 3


@pytest.mark.parametrize("url", ["redis://store.example", "unix:///run/valkey.sock", SENTINELS])
def test_everything_gives_up_in_time_and_nothing_is_asked_twice(url: str) -> None:
    made: Any = connections(address_of(url), timeout_seconds=0.7).make()
    assert (made.socket_timeout, made.socket_connect_timeout) == (0.7, 0.7)
    assert made.retry.get_retries() == 0  # a step that was sent may have been done


def test_the_certificate_of_an_encrypted_store_is_proven_by_the_authorities_that_are_named() -> None:
    made: Any = connections(address_of("rediss://store.example?ssl_ca_certs=/etc/ca.pem"), timeout_seconds=1).make()
    assert made.ca_certs == "/etc/ca.pem"
    assert made.cert_reqs
    assert made.check_hostname
