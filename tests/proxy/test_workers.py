"""What the supervisor sees of a worker, and what it can do to it."""

import asyncio
import os
import signal
import sys
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest

from proxy.worker import BEAT, DRAINING, READY
from proxy.workers import Stage, Worker


@dataclass
class Made:
    """A worker whose process we have in hand: it only waits."""

    worker: Worker
    pipe: int
    pid: int = 0
    stages: list[Stage] = field(default_factory=list)

    def say(self, words: bytes) -> None:
        os.write(self.pipe, words)

    def begin(self, does: str = "import time; time.sleep(60)", *, cut: int = 0) -> None:
        """Give it a process, as a fork server does; its number arrives in two pieces if it is cut."""
        self.pid = os.posix_spawn(sys.executable, [sys.executable, "-S", "-c", does], os.environ)
        line = b"%d\n" % self.pid
        if cut:
            self.say(line[:cut])
            self.worker._hear()
        self.say(line[cut:])


@pytest.fixture
async def made() -> AsyncIterator[Made]:
    reading, writing = os.pipe()
    stages: list[Stage] = []
    worker = Worker(3, reading, heartbeat_seconds=0.4, changed=lambda: stages.append(worker.stage))
    yield Made(worker, writing, stages=stages)
    os.close(writing)
    worker.send(signal.SIGKILL)
    await asyncio.wait_for(worker.ended, 10)


async def turned(made: Made, stage: Stage) -> None:
    async with asyncio.timeout(10):
        while made.worker.stage is not stage:  # noqa: ASYNC110 - the supervisor's own wait is what is tested
            await asyncio.sleep(0.005)


async def test_a_worker_goes_from_stage_to_stage(made: Made) -> None:
    assert not made.worker.pid
    made.begin()
    made.say(READY)
    await turned(made, Stage.READY)
    assert made.worker.pid == made.pid
    assert not made.worker.draining.done()
    made.say(DRAINING)
    await asyncio.wait_for(made.worker.draining, 10)
    os.kill(made.pid, signal.SIGKILL)
    assert await asyncio.wait_for(made.worker.ended, 10) == "was killed by SIGKILL"
    assert made.stages == [Stage.READY, Stage.DRAINING, Stage.ENDED]
    assert not made.worker.hung


async def test_its_number_may_arrive_in_pieces(made: Made) -> None:
    made.begin(cut=2)
    made.say(READY)
    await turned(made, Stage.READY)
    assert made.worker.pid == made.pid


async def test_a_worker_that_is_silent_is_killed_in_time(made: Made) -> None:
    made.begin()
    made.say(READY + BEAT)
    await turned(made, Stage.READY)
    loop = asyncio.get_running_loop()
    begun = loop.time()
    assert await asyncio.wait_for(made.worker.ended, 10) == "was killed by SIGKILL"
    assert made.worker.hung
    assert loop.time() - begun < 0.4 + 0.5


async def test_a_worker_that_beats_lives(made: Made) -> None:
    made.begin()
    for _ in range(12):
        made.say(BEAT)
        await asyncio.sleep(0.1)
    assert not made.worker.ended.done()


async def test_beats_that_we_were_too_slow_to_read_count(made: Made) -> None:
    made.begin()
    made.say(BEAT)
    await asyncio.sleep(0.1)
    made.say(BEAT)
    time.sleep(1.0)  # noqa: ASYNC251 - the supervisor itself hangs
    await asyncio.sleep(0.1)
    assert not made.worker.hung


async def test_a_worker_is_told_to_stop_and_killed_when_it_does_not(made: Made) -> None:
    made.begin("import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(flush=True); time.sleep(60)")
    await asyncio.sleep(0.3)
    made.worker.drain(0.2)
    assert await asyncio.wait_for(made.worker.ended, 10) == "was killed by SIGKILL"


async def test_a_signal_waits_for_the_process_that_it_is_for(made: Made) -> None:
    made.worker.send(signal.SIGTERM)
    made.begin()
    assert await asyncio.wait_for(made.worker.ended, 10) == "was killed by SIGTERM"


async def test_a_worker_that_was_never_made_has_ended() -> None:
    reading, writing = os.pipe()
    worker = Worker(0, reading, heartbeat_seconds=1, changed=lambda: None)
    os.close(writing)
    assert await asyncio.wait_for(worker.ended, 10) == "could not be started"
