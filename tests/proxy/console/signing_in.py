"""A console beside a sign-in service: keys in its folder, the demonstration's clients, its simulator named."""

import asyncio
import os
import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from proxy.console.desk import Desk
from proxy.login.opening import keys_folder, state_folder
from redirect_rules.packs import Packs
from sso.keys import KeyRing
from sso.stores.embedded import EmbeddedValkey
from sso.stores.key_folder import KeyFolder, master_key
from sso.stores.valkey import ValkeyStore, open_store
from tests.conftest import AUTUMN, CONF, settings_with
from tests.proxy.console.conftest import Clock, knowing

NOW = int(AUTUMN.timestamp())
ENVIRONMENT = {
    "DVC_EDGE__SSO__ISSUER": "http://signin.localhost:8080",
    "DVC_EDGE__SSO__ENVIRONMENT": "development",
    "DVC_EDGE__SSO__CLIENTS": str(CONF / "clients"),
    "DVC_EDGE__SSO__UPSTREAMS": str(CONF / "demonstration/upstreams"),
    "DVC_EDGE__SSO__PATHS": str(CONF / "sign_in.toml"),
}


def ring_folder(desk: Desk) -> KeyFolder:
    folder = keys_folder(desk.settings)
    return KeyFolder(folder, master_key(os.environ, folder))


def ring(desk: Desk) -> KeyRing:
    return ring_folder(desk).load()


@pytest.fixture
def desk(furnished: Path, at_first: Packs, tmp_path: Path, clock: Clock) -> Iterator[Desk]:
    shutil.copytree(furnished, tmp_path / "var")
    with Desk.open(settings_with({**ENVIRONMENT, "DVC_EDGE__STATE__FOLDER": str(tmp_path / "var")}), clock) as opened:
        yield knowing(opened, at_first)


@asynccontextmanager
async def store(desk: Desk) -> AsyncIterator[ValkeyStore]:
    """The store that an edge beside would have started."""
    valkey = EmbeddedValkey(state_folder(desk.settings) / "sign-in")
    url = await valkey.start()
    opened = open_store(url)
    try:
        yield opened
    finally:
        await opened.close()
        await asyncio.to_thread(valkey.leave_now)
