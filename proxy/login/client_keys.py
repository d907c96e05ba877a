"""The public keys of clients: those of their files, or those that they publish; the last good ones are kept."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final

from aiohttp import ClientError, ClientSession, ClientTimeout, DummyCookieJar, TCPConnector
from joserfc.jwk import KeySet
from yarl import URL

from proxy.outbound_addresses import GuardedResolver
from sso import egress, json_objects, jws
from sso.egress import Networks
from sso.model import Client

FRESH_SECONDS: Final = 300
"""A client that changes its keys publishes the new ones for so long before it signs with them."""
RETRY_SECONDS: Final = 30
LONGEST: Final = 65_536
_TIMEOUT_SECONDS: Final = 5

Get = Callable[[str], Awaitable[bytes]]


class NotFetched(Exception):
    """The keys did not come."""


@dataclass(slots=True)
class _Kept:
    keys: KeySet | None
    until: int  # when it is asked for again
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class ClientKeys:
    """Every client's keys."""

    def __init__(self, get: Get | None = None) -> None:
        """`get` fetches a key set; None: keys are those of the files alone."""
        self._get = get
        self._kept: dict[str, _Kept] = {}

    async def of(self, client: Client, now: int) -> KeySet | None:
        """A client's keys; None: there are none that could be used."""
        source = client.jwks_uri if client.jwks is None else ""
        kept = self._kept.setdefault(f"{client.id} {source}", _Kept(None, 0))
        if now >= kept.until:
            async with kept.lock:
                if now >= kept.until:
                    await self._renew(kept, client, now)
        return kept.keys

    async def _renew(self, kept: _Kept, client: Client, now: int) -> None:
        try:
            if client.jwks is not None:
                kept.keys, kept.until = jws.key_set(client.jwks), now + FRESH_SECONDS
            elif client.jwks_uri is not None and self._get is not None:
                kept.keys = jws.key_set(json_objects.read(await self._get(client.jwks_uri), limit=LONGEST))
                kept.until = now + FRESH_SECONDS
        except (NotFetched, jws.BadToken, json_objects.NotAnObject):
            kept.until = now + RETRY_SECONDS  # the last good ones stay


class KeyFetch:
    """Fetches key sets: no cookies, no redirects, no address that we may not call, little time, few octets."""

    def __init__(self, allowed: Networks) -> None:
        """To be made inside a running loop.  `allowed`: private networks that may be called."""
        self._allowed = allowed
        self._http = ClientSession(
            connector=TCPConnector(resolver=GuardedResolver(allowed), use_dns_cache=False),
            cookie_jar=DummyCookieJar(),
            timeout=ClientTimeout(total=_TIMEOUT_SECONDS),
            headers={"User-Agent": "dvc-edge", "Accept-Encoding": "identity"},
            trust_env=False,
        )

    async def close(self) -> None:
        """Let the connections go."""
        await self._http.close()

    async def get(self, uri: str) -> bytes:
        """What is there.  Raises NotFetched."""
        url = URL(uri, encoded=True)
        literal = egress.literal_address(url.host or "")
        if literal is not None and not egress.may_call(literal, self._allowed):
            raise NotFetched
        try:
            async with self._http.get(url, allow_redirects=False) as answer:
                body = await answer.content.read(LONGEST + 1)
                while len(body) <= LONGEST and (more := await answer.content.read(LONGEST + 1)):
                    body += more
        except (ClientError, OSError, TimeoutError, ValueError):
            raise NotFetched from None
        if answer.status != 200 or len(body) > LONGEST:
            raise NotFetched
        return body
