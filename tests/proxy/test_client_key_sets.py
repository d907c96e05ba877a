"""Clients' keys: of their files or published, looked at again for a new one, and never replaced by what is none."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from aiohttp import web
from joserfc.jwk import ECKey

from proxy import client_key_sets
from proxy.client_key_sets import (
    FRESH_SECONDS,
    LONGEST,
    REFETCH_SECONDS,
    RETRY_SECONDS,
    ClientKeys,
    NotFetched,
    fetched,
    follow,
    key_set_of,
)
from proxy.outbound_addresses import guarded_session
from sso import egress
from sso.clients import MOST_KEYS
from sso.model import Client
from tests.sign_in_peers.issuer import CLIENTS, NOW

LOOPBACK = egress.networks(["127.0.0.0/8"])
ZETA = CLIENTS["zeta"]
PUBLISHED = replace(ZETA, jwks=None, jwks_uri="https://zeta.example/jwks")


def key_set(*names: str) -> dict[str, Any]:
    return {"keys": [ECKey.generate_key("P-256", {"kid": name}).as_dict(private=False) for name in names]}


class Publisher:
    """Somewhere keys are published."""

    def __init__(self, *names: str) -> None:
        self.says: dict[str, Any] | None = key_set(*names)
        self.asked = 0

    async def get(self, uri: str) -> dict[str, object]:
        assert uri == PUBLISHED.jwks_uri
        self.asked += 1
        await asyncio.sleep(0)
        if self.says is None:
            raise NotFetched("no connection")
        return self.says


async def kids(keys: ClientKeys, now: int, client: Client = PUBLISHED) -> list[str | None]:
    found = await keys.of(client, now)
    return [] if found is None else [key.kid for key in found.keys]


async def test_keys_of_the_file_are_not_asked_for() -> None:
    keys = ClientKeys()
    assert await kids(keys, NOW, ZETA) == ["client-ec", "client-rsa"]
    assert await keys.of(CLIENTS["alpha"], NOW) is None


async def test_keys_of_a_file_that_was_changed_count_at_once() -> None:
    keys = ClientKeys()
    await keys.of(ZETA, NOW)
    assert await kids(keys, NOW, replace(ZETA, jwks=key_set("other"))) == ["other"]


async def test_published_keys_are_asked_for_seldom() -> None:
    publisher = Publisher("one")
    keys = ClientKeys(publisher.get)
    assert [await kids(keys, NOW + later) for later in (0, FRESH_SECONDS - 1)] == [["one"], ["one"]]
    assert publisher.asked == 1
    publisher.says = key_set("one", "new")
    assert await kids(keys, NOW + FRESH_SECONDS) == ["one", "new"]


async def test_a_key_that_is_not_there_is_looked_for_at_once_and_then_not_for_a_while() -> None:
    publisher = Publisher("one")
    keys = ClientKeys(publisher.get)
    old = await keys.of(PUBLISHED, NOW)
    publisher.says = key_set("two")
    newer = await keys.of(PUBLISHED, NOW + REFETCH_SECONDS, other_than=old)
    assert [key.kid for key in (newer or old).keys] == ["two"]  # type: ignore[union-attr]  # there are some
    for later in range(REFETCH_SECONDS):
        assert await keys.of(PUBLISHED, NOW + REFETCH_SECONDS + later, other_than=newer) is newer
    assert publisher.asked == 2


async def test_a_flood_of_unknown_keys_is_one_look_in_ten_seconds() -> None:
    publisher = Publisher("one")
    keys = ClientKeys(publisher.get)
    old = await keys.of(PUBLISHED, NOW)
    for second in range(60):
        await asyncio.gather(*(keys.of(PUBLISHED, NOW + second, other_than=old) for _ in range(50)))
    assert publisher.asked <= 1 + 60 // REFETCH_SECONDS


async def test_all_who_need_them_at_once_wait_for_one_look() -> None:
    publisher = Publisher("one")
    keys = ClientKeys(publisher.get)
    found = await asyncio.gather(*(keys.of(PUBLISHED, NOW) for _ in range(100)))
    assert len(set(map(id, found))) == 1
    assert publisher.asked == 1


async def test_with_the_publisher_down_from_the_beginning_it_is_asked_now_and_then() -> None:
    publisher = Publisher()
    publisher.says = None
    keys = ClientKeys(publisher.get)
    for second in range(RETRY_SECONDS):
        assert await keys.of(PUBLISHED, NOW + second) is None
    assert publisher.asked == 1


POISON_SETS: list[dict[str, Any] | None] = [
    None,
    {},
    {"keys": []},
    {"keys": "one"},
    {"keys": [{"kty": "oct", "k": "AAAA"}]},
    {"keys": key_set("x")["keys"] * (MOST_KEYS + 1)},
]


@pytest.mark.parametrize("poison", POISON_SETS)
async def test_23_what_is_no_key_set_changes_nothing(poison: dict[str, Any] | None) -> None:
    publisher = Publisher("one")
    keys = ClientKeys(publisher.get)
    await keys.of(PUBLISHED, NOW)
    publisher.says = poison
    later = NOW + FRESH_SECONDS
    assert await kids(keys, later) == ["one"]
    assert await kids(keys, later + RETRY_SECONDS - 1) == ["one"]
    assert publisher.asked == 2


def test_32_keys_are_enough_for_anybody() -> None:
    some = key_set("x")["keys"]
    assert len(key_set_of({"keys": some * MOST_KEYS}).keys) == MOST_KEYS
    with pytest.raises(NotFetched, match="too many keys"):
        key_set_of({"keys": some * (MOST_KEYS + 1)})


# Over HTTP


@dataclass
class Server:
    """A client's server."""

    body: bytes = b""
    status: int = 200
    uri: str = ""
    asked: int = 0
    seen: asyncio.Event = field(default_factory=asyncio.Event)

    async def answer(self, _: web.Request) -> web.Response:
        self.asked += 1
        self.seen.set()
        return web.Response(body=self.body, status=self.status, headers={"Location": "http://127.0.0.1:1/"})


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    made = Server(json.dumps(key_set("one")).encode())
    app = web.Application()
    app.router.add_get("/jwks", made.answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    made.uri = f"http://127.0.0.1:{runner.addresses[0][1]}/jwks"
    yield made
    await runner.cleanup()


async def test_a_key_set_is_fetched(server: Server) -> None:
    async with guarded_session(LOOPBACK, seconds=10) as http:
        assert await fetched(http, server.uri, LOOPBACK) == json.loads(server.body)


POISON: dict[str, tuple[bytes, int]] = {
    "HTML": (b"<html>", 200),
    "nothing": (b"", 200),
    "a list": (b"[]", 200),
    "a name twice": (b'{"keys": [], "keys": []}', 200),
    "without end": (b" " * (LONGEST + 1), 200),
    "an error": (b"{}", 500),
    "a way elsewhere": (b"{}", 302),
}


@pytest.mark.parametrize("poison", POISON)
async def test_what_is_no_object_is_not_taken(server: Server, poison: str) -> None:
    server.body, server.status = POISON[poison]
    async with guarded_session(LOOPBACK, seconds=10) as http:
        with pytest.raises(NotFetched):
            await fetched(http, server.uri, LOOPBACK)
    assert server.asked == 1


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "127.1", "2130706433"])
async def test_32_no_address_inside_is_asked(server: Server, host: str) -> None:
    async with guarded_session((), seconds=10) as http:
        with pytest.raises(NotFetched):
            await fetched(http, server.uri.replace("127.0.0.1", host), ())
    assert server.asked == 0


async def test_keys_are_followed_and_the_old_ones_kept_when_that_fails(
    server: Server, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(client_key_sets, "EVERY_SECONDS", 0.01)
    publishing = replace(PUBLISHED, jwks_uri=server.uri)
    async with guarded_session(LOOPBACK, seconds=10) as http:
        keys = ClientKeys(lambda uri: fetched(http, uri, LOOPBACK))
        following = asyncio.ensure_future(follow(lambda: {"a": CLIENTS["alpha"], "z": publishing}, keys, lambda: NOW))

        async def until(*names: str) -> None:
            async with asyncio.timeout(30):
                while await kids(keys, NOW, publishing) != list(names):  # noqa: ASYNC110 - nothing tells of it
                    await asyncio.sleep(0.01)

        await until("one")
        server.status = 500
        before = server.asked
        async with asyncio.timeout(30):
            while server.asked < before + 5:
                server.seen.clear()
                await server.seen.wait()
        assert await kids(keys, NOW, publishing) == ["one"]
        assert caplog.text.count("HTTP 500") == 1  # said once

        server.body, server.status = json.dumps(key_set("two", "three")).encode(), 200
        await until("two", "three")
        following.cancel()
        await asyncio.wait({following})
