"""Public keys that clients publish: fetched, followed, and never replaced by what is none."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from aiohttp import web
from joserfc.jwk import ECKey

from proxy import client_key_sets
from proxy.client_key_sets import NotFetched, fetched, follow
from proxy.outbound_addresses import guarded_session
from sso import egress
from sso.model import Client

LOOPBACK = egress.networks(["127.0.0.0/8"])


def key_set(*names: str) -> dict[str, Any]:
    return {"keys": [ECKey.generate_key("P-256", {"kid": name}).as_dict(private=False) for name in names]}


@dataclass
class Publisher:
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
async def publisher() -> AsyncIterator[Publisher]:
    made = Publisher(json.dumps(key_set("one")).encode())
    app = web.Application()
    app.router.add_get("/jwks", made.answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    made.uri = f"http://127.0.0.1:{runner.addresses[0][1]}/jwks"
    yield made
    await runner.cleanup()


async def test_a_key_set_is_fetched(publisher: Publisher) -> None:
    async with guarded_session(LOOPBACK, seconds=10) as http:
        assert await fetched(http, publisher.uri, LOOPBACK) == json.loads(publisher.body)


POISON: dict[str, tuple[bytes, int]] = {
    "HTML": (b"<html>", 200),
    "nothing": (b"", 200),
    "no keys": (b'{"keys": []}', 200),
    "a secret": (b'{"keys": [{"kty": "oct", "k": "c2VjcmV0"}]}', 200),
    "a name twice": (b'{"keys": [], "keys": []}', 200),
    "without end": (b" " * 1_000_000, 200),
    "an error": (b"{}", 500),
    "a way elsewhere": (b"{}", 302),
}


@pytest.mark.parametrize("poison", POISON)
async def test_what_is_no_key_set_is_not_taken(publisher: Publisher, poison: str) -> None:
    publisher.body, publisher.status = POISON[poison]
    async with guarded_session(LOOPBACK, seconds=10) as http:
        with pytest.raises(NotFetched):
            await fetched(http, publisher.uri, LOOPBACK)
    assert publisher.asked == 1


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "127.1"])
async def test_no_address_inside_is_asked(publisher: Publisher, host: str) -> None:
    async with guarded_session((), seconds=10) as http:
        with pytest.raises(NotFetched):
            await fetched(http, publisher.uri.replace("127.0.0.1", host), ())
    assert publisher.asked == 0


async def test_keys_are_followed_and_the_old_ones_kept_when_that_fails(
    publisher: Publisher, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(client_key_sets, "EVERY_SECONDS", 0.01)
    plain = Client("plain", {"vi": "A"}, "a")
    known: dict[str, Mapping[str, Client]] = {
        "clients": {"plain": plain, "c": replace(plain, id="c", jwks_uri=publisher.uri)}
    }
    taken = asyncio.Queue[Mapping[str, Client]]()

    def adopt(clients: Mapping[str, Client]) -> None:
        known["clients"] = clients
        taken.put_nowait(clients)

    following = asyncio.ensure_future(follow(lambda: known["clients"], adopt, LOOPBACK))
    first = json.loads(publisher.body)
    assert (await asyncio.wait_for(taken.get(), 30))["c"].jwks == first

    publisher.status = 500
    before = publisher.asked
    async with asyncio.timeout(30):
        while publisher.asked < before + 5:
            publisher.seen.clear()
            await publisher.seen.wait()
    assert known["clients"]["c"].jwks == first
    assert caplog.text.count("HTTP 500") == 1  # said once

    publisher.body, publisher.status = json.dumps(key_set("two", "three")).encode(), 200
    assert (await asyncio.wait_for(taken.get(), 30))["c"].jwks == json.loads(publisher.body)
    assert known["clients"]["plain"] is plain
    following.cancel()
    await asyncio.wait({following})
