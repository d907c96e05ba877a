"""What the commands on sign-in share: its settings, its keys, its store, and how instants are shown."""

import argparse
import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeVar

from proxy.commands.workspaces import settings_of
from proxy.config import Settings
from proxy.login.opening import keys_folder, problems_of, read_files, state_folder
from redirect_rules.model import HO_CHI_MINH
from redirect_rules.sources import Problem, Problems
from sso.keys import KeysRefused, Signer
from sso.model import Client
from sso.sources import Mistakes
from sso.store import StoreUnavailable
from sso.stores.addresses import BadAddress
from sso.stores.embedded import EmbeddedValkey, NotStarted
from sso.stores.key_folder import KeyFolder, KeysUnreadable, master_key
from sso.stores.valkey import ValkeyStore, open_store

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Desk:
    """Sign-in as a command sees it."""

    settings: Settings
    store: ValkeyStore
    signer: Signer
    clients: dict[str, Client]


def now() -> int:
    """Seconds since 1970."""
    return int(datetime.now(UTC).timestamp())


def shown(instant: int | None) -> str:
    """As people in Viet Nam read it; "" for none."""
    return "" if instant is None else f"{datetime.fromtimestamp(instant, HO_CHI_MINH):%Y-%m-%d %H:%M:%S}"


def key_folder(settings: Settings) -> KeyFolder:
    """Our keys; the first are made where there are none.  Raises Problems."""
    folder = keys_folder(settings)
    with_keys = KeyFolder(folder, master_key(os.environ, folder))
    with_keys.ensure(now())
    return with_keys


@asynccontextmanager
async def desk(settings: Settings) -> AsyncIterator[Desk]:
    """Keys and store, until the block ends.  A Valkey of our own is joined, or started where none runs."""
    signer = Signer(key_folder(settings).load())
    async with AsyncExitStack() as exits:
        url = settings.sso.store
        if not url:
            valkey = EmbeddedValkey(state_folder(settings) / "sign-in")
            exits.push_async_callback(valkey.leave)
            url = await valkey.start()
        store = open_store(url, person_key=signer.person_key)
        exits.push_async_callback(store.close)
        yield Desk(settings, store, signer, dict(read_files(settings).clients))


def at_desk(options: argparse.Namespace, work: Callable[[Desk], Awaitable[T]]) -> T:
    """Do something there.  Raises Problems."""

    async def working() -> T:
        async with desk(settings_of(options)) as opened:
            return await work(opened)

    return telling("sign-in", lambda: asyncio.run(working()))


def telling(name: str, work: Callable[[], T]) -> T:
    """Do something whose refusals are sentences for people.  Raises Problems."""
    try:
        return work()
    except (KeysRefused, KeysUnreadable, NotStarted, BadAddress) as error:
        raise Problems([Problem(name, 0, str(error))]) from None
    except StoreUnavailable as error:
        text = f"the store does not answer ({error}): what it is, `[sso] store` in edge.toml says"
        raise Problems([Problem(name, 0, text)]) from None
    except Mistakes as error:
        raise Problems(problems_of(error)) from None
