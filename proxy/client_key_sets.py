"""The public keys of clients: of their files, or published by them (`jwks_uri`); the last good ones are kept.

Published ones are fetched each minute, so that nobody waits for them.  A signature by a key that is not among them has
us look again at once, since a client may have begun to sign with it: one look for all who wait, and no second within
`REFETCH_SECONDS`, for whoever sends us signatures must not make us a hammer.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from aiohttp import ClientError, ClientSession
from joserfc.jwk import KeySet
from yarl import URL

from proxy.outbound_addresses import is_refused
from sso import json_objects, jws
from sso.clients import MOST_KEYS
from sso.egress import Networks
from sso.model import Client

EVERY_SECONDS: Final = 60.0
"""How often published keys are fetched."""
FRESH_SECONDS: Final = 300
"""How long they are taken as they are where nobody fetches them by the clock."""
RETRY_SECONDS: Final = 30
"""After a failure."""
REFETCH_SECONDS: Final = 10
"""Between two looks because a key was not there."""
FETCH_SECONDS: Final = 8.0
LONGEST: Final = 65_536

Get = Callable[[str], Awaitable[dict[str, object]]]

_log = logging.getLogger(__name__)


class NotFetched(Exception):
    """Why keys stay as they are: a fixed word."""


@dataclass(slots=True)
class _Kept:
    keys: KeySet | None = None
    source: object = None  # what they were made of, where they stand in a file
    asked_at: int = -REFETCH_SECONDS
    fresh_until: int = 0
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    def will_do(self, now: int, other_than: KeySet | None) -> bool:
        """Whether these are to be taken as they are."""
        if other_than is not None and self.keys is other_than:
            return now < self.asked_at + REFETCH_SECONDS
        return now < self.fresh_until


class ClientKeys:
    """Every client's keys, as one process knows them."""

    def __init__(self, get: Get | None = None) -> None:
        """`get` fetches a key set, and raises NotFetched; None: keys are those of the files alone."""
        self._get = get
        self._kept: dict[str, _Kept] = {}

    async def of(self, client: Client, now: int, *, other_than: KeySet | None = None) -> KeySet | None:
        """A client's keys; None: there are none that could be used.

        other_than  the keys among which the one that is needed was not
        """
        if client.jwks is not None or client.jwks_uri is None or self._get is None:
            return self._of_file(client)
        kept = self._kept_of(client)
        if not kept.will_do(now, other_than):
            async with kept.lock:
                # Whoever has waited for another's look takes what came of it.
                if not kept.will_do(now, other_than):
                    await self._look(kept, client.jwks_uri, now)
        return kept.keys

    async def renew(self, client: Client, now: int) -> str:
        """Look whether a client has published others; why they stay as they are, "" where they were fetched."""
        if client.jwks is not None or client.jwks_uri is None:
            return ""
        kept = self._kept_of(client)
        async with kept.lock:
            return await self._look(kept, client.jwks_uri, now)

    def _kept_of(self, client: Client) -> _Kept:
        return self._kept.setdefault(f"{client.id} {client.jwks_uri}", _Kept())

    def _of_file(self, client: Client) -> KeySet | None:
        if client.jwks is None:
            return None
        kept = self._kept.setdefault(client.id, _Kept())
        if kept.source is not client.jwks:
            kept.source = client.jwks
            try:
                kept.keys = jws.key_set(client.jwks)
            except jws.BadToken:
                kept.keys = None
        return kept.keys

    async def _look(self, kept: _Kept, uri: str, now: int) -> str:
        kept.asked_at = now
        try:
            described = await self._get(uri) if self._get is not None else {}
            kept.keys = key_set_of(described)
        except NotFetched as error:
            kept.fresh_until = now + RETRY_SECONDS  # the last good ones stay
            return str(error)
        kept.fresh_until = now + FRESH_SECONDS
        return ""


async def follow(clients: Callable[[], Mapping[str, Client]], keys: ClientKeys, clock: Callable[[], int]) -> None:
    """Keep published keys up to date until cancelled.  `clients`: all of them by id, as they are now."""
    troubled: dict[str, str] = {}
    while True:
        known = tuple(clients().values())
        # All at once: one that does not answer keeps nobody else waiting.
        for client, trouble in zip(
            known, await asyncio.gather(*(keys.renew(one, clock()) for one in known)), strict=True
        ):
            if trouble and troubled.get(client.id) != trouble:
                _log.warning("the keys of client %s stay as they are: %s", client.id, trouble)
            troubled[client.id] = trouble
        await asyncio.sleep(EVERY_SECONDS)


async def fetched(http: ClientSession, uri: str, allowed: Networks) -> dict[str, object]:
    """What is published at an address, a JSON object.  Raises NotFetched.

    allowed  private networks that may be called
    """
    url = URL(uri, encoded=True)
    if is_refused(url, allowed):
        raise NotFetched("address refused")
    try:
        async with http.get(url, allow_redirects=False) as answer:
            if answer.status != 200:
                raise NotFetched(f"HTTP {answer.status}")
            await answer.content.readexactly(LONGEST + 1)
        raise NotFetched("too long")
    except asyncio.IncompleteReadError as short:
        body = short.partial
    except (ClientError, OSError, TimeoutError, ValueError):
        raise NotFetched("no connection") from None
    try:
        return json_objects.read(body, limit=LONGEST)
    except json_objects.NotAnObject:
        raise NotFetched("no key set") from None


def key_set_of(described: Mapping[str, object]) -> KeySet:
    """The keys of a set that can be used, one at least.  Raises NotFetched."""
    listed = described.get("keys")
    if isinstance(listed, list) and len(listed) > MOST_KEYS:
        raise NotFetched("too many keys")
    try:
        return jws.key_set(described)
    except jws.BadToken:
        raise NotFetched("no key set") from None
