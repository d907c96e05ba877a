"""Who works: every worker has a slot, belongs to a generation, and is seen to its end."""

import asyncio
import logging
import os
import signal
import socket
from itertools import count
from typing import Any, Final, NamedTuple, TypeAlias

from proxy.fork_server import Plan
from proxy.forking import ForkServer
from proxy.listeners import parted
from proxy.supervision import Cause
from proxy.worker import Order
from proxy.worker_metrics import WorkerMetrics
from proxy.workers import Stage, Worker

GRACE_SECONDS: Final = 2.0
"""How much longer than limits.shutdown_seconds a worker may take to end before it is killed."""

_log = logging.getLogger(__name__)

Sockets: TypeAlias = tuple[socket.socket, ...]


class Life(NamedTuple):
    """What became of a worker."""

    told: str
    cause: Cause
    seconds: float


class Generation:
    """Workers of one configuration and one state of the code."""

    def __init__(self, plan: Plan, server: ForkServer, listeners: Sockets, *, on_trial: bool = False) -> None:
        self.plan = plan
        self.server = server
        self.listeners = listeners
        self.retired = asyncio.Event()
        self.workers: set[Worker] = set()
        self.trial: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        """Whether all its workers became ready, or one died before."""
        if not on_trial:
            self.trial.set_result(True)

    @property
    def on_trial(self) -> bool:
        """Whether it has yet to show that its workers can be ready."""
        return not self.trial.done()

    def judge(self) -> None:
        """End the trial when every worker is ready."""
        ready = sum(worker.stage is Stage.READY for worker in self.workers)
        if ready >= self.plan.workers:
            self.decide(sound=True)

    def decide(self, *, sound: bool) -> None:
        """End the trial, if it has not ended."""
        if not self.trial.done():
            self.trial.set_result(sound)

    def retire(self) -> None:
        """Replace nobody any more, and let everybody finish."""
        self.retired.set()
        self.decide(sound=False)
        for worker in tuple(self.workers):
            worker.drain(self.plan.shutdown_seconds + GRACE_SECONDS)


class Roster:
    """All workers that have not ended, of all generations."""

    def __init__(self, counts: WorkerMetrics) -> None:
        self._counts = counts
        self._workers: set[Worker] = set()
        self.one_ready = asyncio.Event()
        """Whether anybody was ever ready."""

    def stages(self) -> list[Stage]:
        """How far each worker has gone."""
        return [worker.stage for worker in self._workers]

    def kill(self) -> None:
        """End them all at once."""
        for worker in self._workers:
            worker.send(signal.SIGKILL)

    async def gone(self) -> None:
        """Wait until all have ended."""
        while self._workers:
            await asyncio.wait({worker.ended for worker in self._workers})

    async def one_life(self, generation: Generation) -> Life:
        """Start a worker and wait until it takes nobody any more.  Raises ForkServerGone."""
        worker = self._start(generation)
        turning: set[asyncio.Future[Any]] = {worker.draining, worker.ended}
        await asyncio.wait(turning, return_when=asyncio.FIRST_COMPLETED)
        who = f"worker {worker.slot} (process {worker.pid or 'none'})"
        if not worker.ended.done():
            if not generation.retired.is_set():
                _log.info("%s was told to stop: another takes its place", who)
                worker.expect_end(generation.plan.shutdown_seconds + GRACE_SECONDS)
            return Life(f"{who} was told to stop", Cause.SIGNAL, worker.lived_seconds)
        if worker.pid is None:
            generation.server.kill()  # it did not make one: another may
        if worker.hung:
            return Life(f"{who} did not turn its loop and was killed", Cause.HEARTBEAT, worker.lived_seconds)
        return Life(f"{who} {worker.ended.result()}", Cause.CRASH, worker.lived_seconds)

    def _start(self, generation: Generation) -> Worker:
        taken = {worker.slot for worker in self._workers}
        slot = next(number for number in count() if number not in taken)
        plain, secure = parted(generation.listeners)
        order = Order(os.getpid(), slot, str(self._counts.folder), len(secure))
        pipe = generation.server.fork(order, (*plain, *secure))

        def changed() -> None:
            if worker.stage is Stage.READY:
                self.one_ready.set()
                generation.judge()

        def ended(_: object) -> None:
            self._workers.discard(worker)
            generation.workers.discard(worker)
            self._counts.forget(slot)

        worker = Worker(slot, pipe, heartbeat_seconds=generation.plan.heartbeat_seconds, changed=changed)
        worker.ended.add_done_callback(ended)
        self._workers.add(worker)
        generation.workers.add(worker)
        return worker
