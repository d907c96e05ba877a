"""Whose keys clients sign with, and what happens when they cannot be fetched."""

import ipaddress
import json
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from aiohttp.test_utils import RawTestServer
from aiohttp.web import BaseRequest, Response
from joserfc.jwk import ECKey

from proxy.login.client_keys import FRESH_SECONDS, LONGEST, RETRY_SECONDS, ClientKeys, KeyFetch, NotFetched
from tests.sign_in_peers.issuer import CLIENTS, EC, NOW

ZETA = CLIENTS["zeta"]
PUBLISHED = replace(ZETA, jwks=None, jwks_uri="https://zeta.example/jwks")
LOOPBACK = (ipaddress.ip_network("127.0.0.0/8"),)


def described(*keys: ECKey) -> bytes:
    return json.dumps({"keys": [key.as_dict(private=False) for key in keys]}).encode()


class Publisher:
    """Somewhere keys are published."""

    def __init__(self) -> None:
        self.body: bytes | None = described(EC)
        self.asked = 0

    async def get(self, uri: str) -> bytes:
        assert uri == "https://zeta.example/jwks"
        self.asked += 1
        if self.body is None:
            raise NotFetched
        return self.body


async def kids(keys: ClientKeys, now: int) -> list[str | None]:
    found = await keys.of(PUBLISHED, now)
    return [] if found is None else [key.kid for key in found.keys]


async def test_keys_of_the_file_are_not_asked_for() -> None:
    found = await ClientKeys().of(ZETA, NOW)
    assert found is not None
    assert {key.kid for key in found.keys} == {"client-ec", "client-rsa"}
    assert await ClientKeys().of(CLIENTS["alpha"], NOW) is None


async def test_published_keys_are_asked_for_seldom() -> None:
    publisher = Publisher()
    keys = ClientKeys(publisher.get)
    for now in (NOW, NOW + FRESH_SECONDS - 1):
        assert await kids(keys, now) == ["client-ec"]
    assert publisher.asked == 1
    publisher.body = described(EC, ECKey.generate_key("P-256", {"kid": "new"}))
    assert await kids(keys, NOW + FRESH_SECONDS) == ["client-ec", "new"]


@pytest.mark.parametrize("body", [None, b"<html>", b"{}", b'{"keys": []}', b'{"keys": [{"kty": "oct", "k": "AAAA"}]}'])
async def test_23_what_is_no_key_set_changes_nothing(body: bytes | None) -> None:
    publisher = Publisher()
    keys = ClientKeys(publisher.get)
    await kids(keys, NOW)
    publisher.body = body
    later = NOW + FRESH_SECONDS
    assert await kids(keys, later) == ["client-ec"]
    assert await kids(keys, later + RETRY_SECONDS - 1) == ["client-ec"]
    assert publisher.asked == 2


@pytest.fixture
async def server() -> AsyncIterator[RawTestServer]:
    async def answer(request: BaseRequest) -> Response:
        match request.path:
            case "/jwks":
                return Response(body=described(EC))
            case "/long":
                return Response(body=b" " * (LONGEST + 1))
            case "/elsewhere":
                return Response(status=302, headers={"Location": "/jwks"})
        return Response(status=500)

    made = RawTestServer(answer)
    await made.start_server()
    yield made
    await made.close()


async def test_32_only_addresses_that_we_may_call_are_called(server: RawTestServer) -> None:
    allowed, careful = KeyFetch(LOOPBACK), KeyFetch(())
    uri = str(server.make_url("/jwks"))
    assert await allowed.get(uri) == described(EC)
    for refused in (uri, uri.replace("127.0.0.1", "localhost"), uri.replace("127.0.0.1", "2130706433")):
        with pytest.raises(NotFetched):
            await careful.get(refused)
    for path in ("/long", "/elsewhere", "/broken"):
        with pytest.raises(NotFetched):
            await allowed.get(str(server.make_url(path)))
    await allowed.close()
    await careful.close()
