"""A Valkey of our own: who starts it, who adopts it, who stops it."""

import asyncio
import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from sso.store import StoreUnavailable
from sso.stores.embedded import EmbeddedValkey, NotStarted
from sso.stores.valkey import open_store
from tests.sso.conftest import PATIENT_SECONDS


async def answers(valkey: EmbeddedValkey) -> bool:
    store = open_store(valkey.url, timeout_seconds=PATIENT_SECONDS)
    try:
        await store.ping()
    except StoreUnavailable:
        return False
    finally:
        await store.close()
    return True


async def test_whoever_comes_first_starts_it_and_the_last_who_leaves_stops_it(tmp_path: Path) -> None:
    users = [EmbeddedValkey(tmp_path / "store") for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda user: user.start_now(), users))
    assert sum(user._process is not None for user in users) == 1
    users.sort(key=lambda user: user._process is None)  # who started it leaves first
    for user in users[:-1]:
        await user.leave()
        assert await answers(users[-1])
    await users[-1].leave()
    assert not await answers(users[-1])
    users[0]._process.wait(PATIENT_SECONDS)  # type: ignore[union-attr]


async def test_it_keeps_what_was_written_over_a_stop(tmp_path: Path) -> None:
    for expected in (1, 2, 3):
        valkey = EmbeddedValkey(tmp_path / "store")
        store = open_store(await valkey.start(), timeout_seconds=PATIENT_SECONDS)
        assert await store.count("x", "y", window_seconds=600) == expected
        await store.close()
        await valkey.leave()


async def test_one_that_runs_after_a_crash_of_ours_is_adopted(tmp_path: Path) -> None:
    crashed = EmbeddedValkey(tmp_path / "store")
    await crashed.start()
    # What the kernel does for the dead: their locks go.
    assert crashed._users
    os.close(crashed._users)
    heir = EmbeddedValkey(tmp_path / "store")
    await heir.start()
    assert heir._process is None
    assert await answers(heir)
    await heir.leave()
    assert not await answers(heir)
    crashed._process.wait(PATIENT_SECONDS)  # type: ignore[union-attr]


async def test_one_that_dies_is_started_again_with_what_it_knew(tmp_path: Path) -> None:
    valkey = EmbeddedValkey(tmp_path / "store")
    store = open_store(await valkey.start(), timeout_seconds=PATIENT_SECONDS)
    await store.first_use("jti", "x", seconds=600)
    keeping = asyncio.ensure_future(valkey.keep())
    assert valkey._process
    valkey._process.kill()
    async with asyncio.timeout(60):
        while True:
            try:
                assert not await store.first_use("jti", "x", seconds=600)
                break
            except StoreUnavailable:
                await asyncio.sleep(0.05)
    keeping.cancel()
    await asyncio.wait({keeping})
    await store.close()
    await valkey.leave()


async def test_a_slow_one_is_waited_for_and_never_joined_by_a_second(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    valkey = EmbeddedValkey(tmp_path / "store")
    await valkey.start()
    assert valkey._process
    valkey._process.send_signal(19)  # SIGSTOP: it is there, and does not answer
    monkeypatch.setattr("sso.stores.embedded.START_SECONDS", 0.2)
    other = EmbeddedValkey(tmp_path / "store")
    with pytest.raises(NotStarted, match=r"does not answer.*valkey\.log says why"):
        await other.start()
    assert other._process is None
    valkey._process.send_signal(18)
    await other.leave()
    monkeypatch.undo()
    await valkey.leave()


async def test_nobody_else_may_read_its_files_or_talk_to_it(tmp_path: Path) -> None:
    valkey = EmbeddedValkey(tmp_path / "store")
    store = open_store(await valkey.start(), timeout_seconds=PATIENT_SECONDS)
    await store.count("x", "y", window_seconds=600)
    for path in (tmp_path / "store", *(tmp_path / "store").rglob("*")):
        assert not stat.S_IMODE(path.stat().st_mode) & 0o077, path
    await store.close()
    await valkey.leave()


async def test_a_folder_too_deep_for_a_socket_has_it_elsewhere(tmp_path: Path) -> None:
    valkey = EmbeddedValkey(tmp_path / ("deep" * 12) / ("deeper" * 12))
    await valkey.start()
    assert len(str(valkey.socket)) < 100
    assert not stat.S_IMODE(valkey.socket.parent.stat().st_mode) & 0o077
    assert await answers(valkey)
    await valkey.leave()
    valkey.socket.parent.rmdir()
