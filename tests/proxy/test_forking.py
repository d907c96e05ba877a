"""What the supervisor sees of a fork server, and what it can do to it."""

import asyncio
import os
import signal
from pathlib import Path

import pytest

from proxy.forking import ForkServer, ForkServerGone, begin_anew
from proxy.worker import Order
from redirect_rules.sources import Problems
from tests.conftest import CONF


def threads_of(pid: int) -> int:
    return len(list(Path(f"/proc/{pid}/task").iterdir()))


async def test_a_fork_server_tells_what_it_has_loaded_and_ends_when_it_is_let_go() -> None:
    begun = begin_anew(CONF / "edge.toml")
    server = ForkServer(begun)
    try:
        plan = await server.plan()
        assert plan.portals == 70
        assert threads_of(begun.pid) == 1, "a fork would leave the others behind"
        os.kill(begun.pid, signal.SIGINT)  # Ctrl-C reaches the whole group
        os.kill(begun.pid, signal.SIGTERM)
        await asyncio.sleep(0.1)
        assert server.is_running
    finally:
        await asyncio.wait_for(server.close(), 10)
    assert not server.is_running


async def test_a_fork_server_tells_every_mistake(tmp_path: Path) -> None:
    (tmp_path / "edge.toml").write_text("[listen]\nport = 'x'\nfoo = 1\n")
    server = ForkServer(begin_anew(tmp_path / "edge.toml"))
    try:
        with pytest.raises(Problems) as caught:
            await server.plan()
        assert [(problem.source, problem.line) for problem in caught.value.problems] == [
            (f"{tmp_path}/edge.toml", 2),
            (f"{tmp_path}/edge.toml", 3),
        ]
    finally:
        await asyncio.wait_for(server.close(), 10)


async def test_a_fork_server_that_dies_is_noticed() -> None:
    server = ForkServer(begin_anew(CONF / "edge.toml"))
    server.kill()
    try:
        with pytest.raises(Problems, match="killed by SIGKILL"):
            await server.plan()
        with pytest.raises(ForkServerGone):
            server.fork(Order(os.getpid(), 0, "/nowhere"), [])
    finally:
        await server.close()
