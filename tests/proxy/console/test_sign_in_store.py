# ruff: noqa: F811 - fixtures are imported, and asked for by their names
"""The store of sign-in, as the console sees it: joined for a moment, never started, never waited for long."""

import asyncio
import time

import pytest

from proxy.console import sign_in_store
from proxy.console.desk import Desk
from proxy.console.sign_in_store import StoreDown, moved, queues
from proxy.login.opening import state_folder
from tests.conftest import settings_with
from tests.proxy.console.signing_in import NOW, desk, store  # noqa: F401 - a fixture
from tests.proxy.console.test_sign_outs_pages import delivery, states


async def test_a_queue_says_how_many_since_when_and_why(desk: Desk) -> None:
    async with store(desk) as kept:
        await kept.enqueue([delivery(1, age=100), delivery(2, age=900), delivery(3, "khanhhoa")])
        found = {one.client: one for one in await asyncio.to_thread(queues, desk)}
        assert (found["langson"].waiting, found["langson"].oldest) == (2, NOW - 900)
        assert list(found["langson"].errors) == [("HTTP 500", 2)]
        assert await asyncio.to_thread(moved, desk, "langson", "give-up", NOW) == 2
        assert await asyncio.to_thread(moved, desk, "langson", "give-up", NOW) == 0, "they wait no more"
        assert await asyncio.to_thread(moved, desk, "langson", "again", NOW) == 2, "even what was given up"
        assert set((await states(kept)).values()) == {"waiting"}


def test_a_store_that_does_not_run_is_not_started(desk: Desk) -> None:
    begun = time.monotonic()
    with pytest.raises(StoreDown, match="silent"):
        queues(desk)
    assert time.monotonic() - begun < 10 * sign_in_store.SECONDS
    assert not (state_folder(desk.settings) / "sign-in").exists()


def test_an_address_that_leads_nowhere_is_a_store_that_is_down(desk: Desk) -> None:
    for address in ("redis://127.0.0.1:1/0", "nonsense", "redis://:secret@127.0.0.1:1"):
        desk.settings = desk.settings.model_copy(
            update={"sso": desk.settings.sso.model_copy(update={"store": address})}
        )
        with pytest.raises(StoreDown, match="silent") as down:
            queues(desk)
        assert "secret" not in str(down.value)


def test_where_nobody_signs_in_there_is_none(desk: Desk) -> None:
    desk.settings = settings_with({})
    with pytest.raises(StoreDown, match="off"):
        queues(desk)
