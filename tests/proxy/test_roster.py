"""Slots are small and nobody shares one; a generation is sound when all its workers are ready."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import cast

import pytest

from proxy.fork_server import Plan
from proxy.forking import ForkServer
from proxy.roster import Generation, Life, Roster
from proxy.supervision import Cause
from proxy.worker import DRAINING, READY, Order
from proxy.worker_metrics import WorkerMetrics
from proxy.workers import Stage

PLAN = Plan(("127.0.0.1", 0), ("127.0.0.1", 0), 2, 60, 1, 70, 81)


class Forks:
    """A fork server whose workers only wait, and say what a test wants."""

    def __init__(self) -> None:
        self.orders: list[Order] = []
        self.pipes: list[int] = []
        self.pids: list[int] = []

    def fork(self, order: Order, _: object) -> int:
        reading, writing = os.pipe()
        pid = os.posix_spawn(sys.executable, [sys.executable, "-S", "-c", "import time; time.sleep(60)"], os.environ)
        os.write(writing, b"%d\n" % pid)
        self.orders.append(order)
        self.pipes.append(writing)
        self.pids.append(pid)
        return reading

    def say(self, number: int, word: bytes) -> None:
        os.write(self.pipes[number], word)

    @property
    def slots(self) -> list[int]:
        return [order.slot for order in self.orders]


@pytest.fixture
async def roster(tmp_path: Path) -> AsyncIterator[Roster]:
    counts = WorkerMetrics.create([tmp_path])
    made = Roster(counts)
    yield made
    made.kill()
    await asyncio.wait_for(made.gone(), 10)
    counts.close()


@pytest.fixture
def forks() -> Forks:
    return Forks()


def generation(forks: Forks, *, on_trial: bool = False) -> Generation:
    return Generation(PLAN, cast(ForkServer, forks), (), on_trial=on_trial)


async def soon(holds: Callable[[], object]) -> None:
    """Give what was written to a pipe the time to be read."""
    async with asyncio.timeout(10):
        while not holds():  # noqa: ASYNC110 - a real pipe has no event
            await asyncio.sleep(0.005)


async def test_a_slot_is_free_again_when_its_worker_has_ended(roster: Roster, forks: Forks) -> None:
    ours = generation(forks)
    async with asyncio.TaskGroup() as tasks:
        first, second = (tasks.create_task(roster.one_life(ours)) for _ in range(2))
        await soon(lambda: len(forks.pids) == 2)
        os.kill(forks.pids[0], signal.SIGKILL)
        life = await first
        assert (life.cause, life.told.endswith("was killed by SIGKILL")) == (Cause.CRASH, True)
        third = tasks.create_task(roster.one_life(ours))
        await soon(lambda: len(forks.pids) == 3)
        assert forks.slots == [0, 1, 0]
        roster.kill()
        assert [life.cause for life in (await second, await third)] == [Cause.CRASH, Cause.CRASH]


async def test_whoever_is_told_to_stop_is_replaced_before_it_has_ended(roster: Roster, forks: Forks) -> None:
    life = asyncio.ensure_future(roster.one_life(generation(forks)))
    await soon(lambda: forks.pipes)
    forks.say(0, READY)
    await roster.one_ready.wait()
    forks.say(0, DRAINING)
    assert (await life).cause is Cause.SIGNAL
    assert roster.stages() == [Stage.DRAINING]


async def test_a_generation_is_sound_when_all_are_ready(roster: Roster, forks: Forks) -> None:
    fresh = generation(forks, on_trial=True)
    lives: list[asyncio.Future[Life]] = [asyncio.ensure_future(roster.one_life(fresh)) for _ in range(2)]
    await soon(lambda: len(forks.pipes) == 2)
    forks.say(0, READY)
    await roster.one_ready.wait()
    assert fresh.on_trial
    forks.say(1, READY)
    assert await asyncio.wait_for(fresh.trial, 10)
    fresh.retire()
    await asyncio.wait_for(roster.gone(), 10)
    assert [(await life).told.endswith("was killed by SIGTERM") for life in lives] == [True, True]


async def test_a_generation_that_is_retired_on_trial_was_not_sound(forks: Forks) -> None:
    fresh = generation(forks, on_trial=True)
    fresh.retire()
    assert not await fresh.trial
    assert not generation(forks).on_trial
