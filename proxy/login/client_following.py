"""Clients as they are now: the operator's files, read once, and what officers have agreed on since, followed.

A change is in force within a second, on every worker, without a restart.  What cannot be taken is complained of once;
who serves goes on serving.
"""

import asyncio
import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

from sso import client_folder
from sso.client_folder import Kept, Mark
from sso.model import Client

FOLDER: Final = "clients"
"""Below the state folder."""
SECONDS: Final = 1.0
"""How often a process looks whether something has changed."""

_log = logging.getLogger(__name__)


class LiveClients(Mapping[str, Client]):
    """All clients by id: whoever holds this sees every change, and never half of one."""

    def __init__(self, clients: Mapping[str, Client]) -> None:
        """Those of the beginning."""
        self.now = dict(clients)

    def __getitem__(self, id_: str) -> Client:
        return self.now[id_]

    def __iter__(self) -> Iterator[str]:
        return iter(self.now)

    def __len__(self) -> int:
        return len(self.now)

    def take(self, clients: Mapping[str, Client]) -> None:
        """Let these be all there are."""
        self.now = dict(clients)


class Follower:
    """Brings what officers have agreed on into the clients of one process."""

    def __init__(
        self, folder: Path, read: Callable[[], Kept], shipped: Mapping[str, Client], live: LiveClients, kept: Kept
    ) -> None:
        """`kept` is what `read` said when `live` was made of it."""
        self._folder = folder
        self._read = read
        self._shipped = shipped
        self._live = live
        self._kept = kept
        self._seen: Mark | None = None  # so that the first look misses nothing that came in between

    async def look(self) -> bool:
        """Take what is there now; whether it is something else."""
        mark = await asyncio.to_thread(client_folder.mark, self._folder)
        if mark == self._seen:
            return False
        kept = await asyncio.to_thread(self._read)
        self._seen = mark
        if kept == self._kept:
            return False
        complain(kept, self._kept)
        self._kept = _with_last_good(kept, self._kept)
        self._live.take(_with_fetched_keys(self._kept.over(self._shipped), self._live.now))
        _log.info("clients are %d now, %d of them agreed on in the console", len(self._live), len(kept.clients))
        return True


async def follow(follower: Follower) -> None:
    """Look every second until cancelled."""
    while True:
        await asyncio.sleep(SECONDS)
        try:
            await follower.look()
        except OSError as error:
            _log.warning("the clients that were agreed on cannot be looked at: %s", error.strerror)


def complain(kept: Kept, before: Kept | None = None) -> None:
    """Say what cannot be taken, once."""
    told = set(before.refused) if before is not None else set()
    for mistake in kept.refused:
        if mistake not in told:
            _log.error("a client of the console is not taken, what was agreed before goes on: %s", mistake)
    for id_ in sorted(kept.broken - (before.broken if before is not None else frozenset())):
        _log.error("client %s has no file that can be taken: open it in the console and agree to it again", id_)


def _with_last_good(kept: Kept, before: Kept) -> Kept:
    """With those that served a moment ago in place of what cannot be read at all."""
    good = {id_: before.clients[id_] for id_ in kept.broken if id_ in before.clients}
    return replace(kept, clients={**kept.clients, **good}, broken=kept.broken - good.keys())


def _with_fetched_keys(clients: Mapping[str, Client], before: Mapping[str, Client]) -> dict[str, Client]:
    """With the keys that were fetched from `jwks_uri`: a change elsewhere does not make anybody wait for them."""
    return {
        id_: replace(one, jwks=old.jwks)
        if (old := before.get(id_)) is not None and one.jwks_uri is not None and one.jwks_uri == old.jwks_uri
        else one
        for id_, one in clients.items()
    }
