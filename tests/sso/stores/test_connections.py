"""Addresses of stores."""

from typing import Any

import pytest
from redis.asyncio import Redis

from sso.stores.connections import BadAddress, connected


def options_of(client: Redis) -> dict[str, Any]:
    return client.connection_pool.connection_kwargs


@pytest.mark.parametrize(
    ("url", "where"),
    [
        ("redis://store.example", {"host": "store.example"}),
        ("redis://:p%40ss@store.example:6380/2", {"port": 6380, "db": 2, "password": "p@ss"}),
        ("valkey://store.example:7000", {"host": "store.example", "port": 7000}),
        ("unix:///run/valkey.sock?db=3", {"path": "/run/valkey.sock", "db": 3}),
    ],
)
def test_an_address_leads_to_its_server(url: str, where: dict[str, object]) -> None:
    there = connected(url, timeout_seconds=1)
    assert where.items() <= options_of(there.client).items()
    assert there.replicas == 0


@pytest.mark.parametrize("url", ["rediss://store.example", "valkeys://store.example"])
def test_an_address_with_two_s_is_encrypted(url: str) -> None:
    pool = connected(url, timeout_seconds=1).client.connection_pool
    assert pool.connection_class.__name__ == "SSLConnection"


def test_sentinels_are_asked_for_the_master() -> None:
    there = connected("redis+sentinel://:secret@one.example,two.example:26380/signin/1?replicas=2", timeout_seconds=1)
    assert there.replicas == 2
    assert [options_of(client)["host"] for client in there.watchers] == ["one.example", "two.example"]
    assert [options_of(client)["port"] for client in there.watchers] == [26_379, 26_380]
    assert {"db": 1, "password": "secret"}.items() <= options_of(there.client).items()


@pytest.mark.parametrize(
    "url",
    [
        "",
        "store.example:6379",
        "http://store.example",
        "redis://:hunter2@store.example:port/0",
        "redis+sentinel://one.example",
        "redis+sentinel://:hunter2@one.example/signin/x",
        "redis+sentinel://one.example/signin?replicas=many",
        "redis+sentinel://one.example/signin?slaves=1",
        "redis+sentinel://one.example:x/signin",
    ],
)
def test_what_is_no_address_is_told_without_its_password(url: str) -> None:
    with pytest.raises(BadAddress) as caught:
        connected(url, timeout_seconds=1)
    assert "hunter2" not in str(caught.value)


def test_everything_gives_up_in_time() -> None:
    for url in ("redis://store.example", "redis+sentinel://one.example/signin"):
        there = connected(url, timeout_seconds=0.7)
        for client in (there.client, *there.watchers):
            options = options_of(client)
            assert options["socket_timeout"] == options["socket_connect_timeout"] == 0.7
            assert options["retry"].get_retries() == 0  # a step that was sent may have been done
