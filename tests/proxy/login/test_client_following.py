"""What officers agree on is in force within a second, and what they break harms nobody."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from proxy.login import opening
from proxy.login.client_following import Follower, LiveClients
from proxy.login.opening import SignIn, clients_folder
from proxy.pages import Pages
from sso import client_folder
from sso.client_folder import keep, read
from sso.clients import load_clients, secret_digest
from sso.sources import documents
from tests.conftest import CONF, settings_with
from tests.proxy.login.test_opening import DEMONSTRATION

RECORD: dict[str, Any] = {
    "id": "moi",
    "name": {"vi": "Hệ thống mới"},
    "sector": "moi",
    "redirect_uris": ["https://moi.example/cb"],
    "secret_digests": [secret_digest("a secret")],
}
SHIPPED = load_clients(CONF / "clients")


def followed(folder: Path, shipped: Mapping[str, Any] = SHIPPED) -> tuple[Follower, LiveClients]:
    kept = read(folder)
    live = LiveClients(kept.over(shipped))
    return Follower(folder, lambda: read(folder), shipped, live, kept), live


async def test_a_new_client_is_taken_and_one_that_is_suspended_is_let_go(tmp_path: Path) -> None:
    follower, live = followed(tmp_path)
    assert not await follower.look()
    keep(tmp_path, RECORD)
    assert await follower.look()
    assert live["moi"].redirect_uris == ("https://moi.example/cb",)
    assert len(live) == len(SHIPPED) + 1
    langson = client_folder.record_of(next(one for one in documents(CONF / "clients") if "langson" in one.source))
    keep(tmp_path, langson, suspended=True)
    assert await follower.look()
    assert "langson" not in live
    assert not await follower.look(), "nothing has changed since"


async def test_who_serves_goes_on_when_both_copies_are_broken(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    keep(tmp_path, RECORD)
    follower, live = followed(tmp_path)
    for path in (tmp_path / "moi.toml", tmp_path / "agreed/moi.toml"):
        path.write_text("id = ")
    with caplog.at_level(logging.ERROR):
        await follower.look()
        await follower.look()
    assert live["moi"].redirect_uris == ("https://moi.example/cb",)
    assert [record for record in caplog.records if "moi.toml" in record.getMessage()], "somebody is told"
    told = len(caplog.records)
    keep(tmp_path, RECORD)
    await follower.look()
    assert len(caplog.records) == told, "once"


async def test_keys_that_were_fetched_stay_when_something_else_changes(tmp_path: Path) -> None:
    follower, live = followed(tmp_path)
    before = live["ho-tich"]
    assert before.jwks_uri is not None
    fetched = {"keys": [{"kty": "EC", "kid": "fetched"}]}
    live.take({**live, "ho-tich": client_with(before, fetched)})
    keep(tmp_path, RECORD)
    await follower.look()
    assert live["ho-tich"].jwks == fetched


def client_with(client: Any, jwks: Mapping[str, object]) -> Any:
    return type(client)(**{name: getattr(client, name) for name in client.__slots__} | {"jwks": jwks})


@asynccontextmanager
async def signing_in(folder: Path, pages: Pages) -> AsyncIterator[SignIn]:
    settings = settings_with({**DEMONSTRATION, "DVC_EDGE__STATE__FOLDER": str(folder)})
    async with opening.opened(settings, pages, CollectorRegistry()) as sign_in:
        yield sign_in


async def test_the_broker_knows_a_client_soon_after_it_was_agreed_on(tmp_path: Path, pages: Pages) -> None:
    settings = settings_with({**DEMONSTRATION, "DVC_EDGE__STATE__FOLDER": str(tmp_path)})
    async with signing_in(tmp_path, pages) as sign_in:
        assert "moi" not in sign_in.broker.clients
        keep(clients_folder(settings), RECORD)
        async with asyncio.timeout(30):
            while "moi" not in sign_in.broker.clients:  # noqa: ASYNC110 - another task changes it, and tells nobody
                await asyncio.sleep(0.05)
        assert "moi" in sign_in.clients
    async with signing_in(tmp_path, pages) as again:
        assert "moi" in again.broker.clients, "after a restart too"


async def test_a_broken_file_keeps_nobody_from_starting(tmp_path: Path, pages: Pages) -> None:
    settings = settings_with({**DEMONSTRATION, "DVC_EDGE__STATE__FOLDER": str(tmp_path)})
    keep(clients_folder(settings), RECORD)
    for path in clients_folder(settings).rglob("*.toml"):
        path.write_text(json.dumps(["no", "TOML"]))
    async with signing_in(tmp_path, pages) as sign_in:
        assert "moi" not in sign_in.broker.clients
        assert "khanhhoa" in sign_in.broker.clients
