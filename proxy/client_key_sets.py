"""Public keys of clients that publish them (`jwks_uri`): fetched now and then, and the old ones kept when that fails.

What is fetched is put into the client's record as if it stood in its file; whoever looks at the record next uses it.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final

from aiohttp import ClientError, ClientSession
from yarl import URL

from proxy.outbound_addresses import guarded_session, is_refused
from sso import json_objects, jws
from sso.egress import Networks
from sso.model import Client

EVERY_SECONDS: Final = 60.0
"""How often; a client publishes a key so long before it signs with it."""
FETCH_SECONDS: Final = 8.0
LONGEST: Final = 65_536

_log = logging.getLogger(__name__)


class NotFetched(Exception):
    """Why keys stay as they are: a fixed word."""


async def follow(
    current: Callable[[], Mapping[str, Client]], adopt: Callable[[Mapping[str, Client]], None], allowed: Networks
) -> None:
    """Keep the keys of clients up to date until cancelled.

    current  all clients by id, as they are now
    adopt    takes all clients, when the keys of some have changed
    """
    troubled: dict[str, str] = {}
    async with guarded_session(allowed, seconds=FETCH_SECONDS) as http:
        while True:
            changed: dict[str, Client] = {}
            for client in current().values():
                if client.jwks_uri is not None:
                    trouble = await _refresh(http, client, allowed, changed)
                    if trouble and troubled.get(client.id) != trouble:
                        _log.warning("the keys of client %s stay as they are: %s", client.id, trouble)
                    troubled[client.id] = trouble
            if changed:
                adopt({**current(), **changed})
            await asyncio.sleep(EVERY_SECONDS)


async def _refresh(http: ClientSession, client: Client, allowed: Networks, changed: dict[str, Client]) -> str:
    """Why the keys could not be fetched; "": they could."""
    try:
        keys = await fetched(http, client.jwks_uri or "", allowed)
    except NotFetched as error:
        return str(error)
    if keys != client.jwks:
        changed[client.id] = replace(client, jwks=keys)
    return ""


async def fetched(http: ClientSession, uri: str, allowed: Networks) -> dict[str, object]:
    """A key set with at least one key that can be used.  Raises NotFetched."""
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
        described = json_objects.read(body, limit=LONGEST)
        jws.key_set(described)
    except (json_objects.NotAnObject, jws.BadToken):
        raise NotFetched("no key set") from None
    return described
