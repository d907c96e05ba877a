"""The Valkey of our own under workers, supervisors and itself being killed."""

import asyncio
import os
import signal
from contextlib import AbstractContextManager
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from bench.chaos import Edge, edge, running

pytestmark = pytest.mark.clocked


def signing_in(folder: Path) -> AbstractContextManager[Edge]:
    """An edge that signs people in."""
    return edge(
        folder,
        DVC_EDGE__SSO__ISSUER="http://signin.localhost:8080",
        DVC_EDGE__SSO__ENVIRONMENT="development",
        DVC_EDGE__HITS__KEEP_DAYS="0",
    )


def valkeys(folder: Path) -> list[int]:
    """The process ids of those that listen below a folder."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            told = path.read_bytes()
        except OSError:
            continue
        pid = int(path.parent.name)
        if b"valkey" in told and str(folder).encode() in told and running(pid):
            found.append(pid)
    return found


def status(edge: Edge) -> int:
    """Of a request that needs the store."""
    headers = {"Host": "signin.localhost:8080", "Cookie": "sign-in=unknown"}
    try:
        with urlopen(Request(f"http://127.0.0.1:{edge.port}/logout", headers=headers), timeout=10) as answer:
            return int(answer.status)
    except HTTPError as error:
        return error.code
    except OSError:
        return 0


async def test_one_store_outlives_workers_supervisors_and_its_own_death(tmp_path: Path) -> None:
    with signing_in(tmp_path) as first:
        await first.until(lambda: status(first) == 200)
        (store,) = valkeys(tmp_path)

        for worker in first.workers():
            os.kill(worker, signal.SIGKILL)
            await first.until(lambda: len(first.workers()) == 2)
        await first.until(lambda: status(first) == 200)
        assert valkeys(tmp_path) == [store]  # also when the worker died that had started it

        os.kill(store, signal.SIGKILL)
        seen = set()
        async with asyncio.timeout(30):
            while (now := await asyncio.to_thread(status, first)) != 200 or not valkeys(tmp_path):
                seen.add(now)
                await asyncio.sleep(0.02)
        assert seen <= {200, 503}  # refused in words, and never guessed
        (store,) = valkeys(tmp_path)

        os.kill(first.process.pid, signal.SIGKILL)
        first.process.wait()
    await asyncio.sleep(0.5)
    assert valkeys(tmp_path) == [store]

    with signing_in(tmp_path) as second:
        await second.until(lambda: status(second) == 200)
        assert valkeys(tmp_path) == [store]  # adopted
        second.process.terminate()
        second.process.wait(30)
    await second.until(lambda: not valkeys(tmp_path))
    said = (tmp_path / "stderr").read_text()
    assert "Traceback" not in said
