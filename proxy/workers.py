"""The supervisor's end of the pipe of a worker: it watches, and it acts on one process.

What is to be done about what it sees, the supervisor decides.
"""

import asyncio
import os
import signal
from collections.abc import Callable
from enum import StrEnum
from typing import Final

from proxy import processes
from proxy.worker import BEAT, DRAINING, READY

START_SECONDS: Final = 30.0
"""How long a new worker may take to say its first word, and its fork server to make it."""


class Stage(StrEnum):
    """How far a worker has gone."""

    STARTING = "starting"
    READY = "ready"
    DRAINING = "draining"
    ENDED = "ended"


class Worker:
    """A worker process, heard through its pipe.  Made inside a running loop.

    `draining` is done when it takes no more connections, whoever wished it; `ended` with how it ended, in words.
    """

    def __init__(self, slot: int, pipe: int, *, heartbeat_seconds: float, changed: Callable[[], None]) -> None:
        self.slot = slot
        self.stage = Stage.STARTING
        self.hung = False
        """Whether it was killed because it did not turn its loop."""
        self._loop = asyncio.get_running_loop()
        self.begun = self._loop.time()
        self.draining: asyncio.Future[None] = self._loop.create_future()
        self.ended: asyncio.Future[str] = self._loop.create_future()
        self._child: processes.Child | None = None
        self._pending: list[signal.Signals] = []
        self._changed = changed
        self._pipe = pipe
        self._unread = b""
        self._heartbeat_seconds = heartbeat_seconds
        self._patience = max(START_SECONDS, heartbeat_seconds)
        self._seen = self.begun
        os.set_blocking(pipe, False)
        self._loop.add_reader(pipe, self._hear)
        self._timer = self._loop.call_at(self._seen + self._patience, self._judge, self._seen + self._patience)

    @property
    def pid(self) -> int | None:
        """Its process id, once it is known."""
        return self._child.pid if self._child else None

    @property
    def lived_seconds(self) -> float:
        """Since it was asked for."""
        return self._loop.time() - self.begun

    def drain(self, within_seconds: float) -> None:
        """Ask it to finish what is in hand, and kill it when that takes longer."""
        self.send(signal.SIGTERM)
        self.expect_end(within_seconds)

    def expect_end(self, within_seconds: float) -> None:
        """Kill it unless it has ended by then."""
        killing = self._loop.call_later(within_seconds, self.send, signal.SIGKILL)
        self.ended.add_done_callback(lambda _: killing.cancel())

    def send(self, number: signal.Signals) -> None:
        """Send it a signal; kept until there is a process, if there is none yet."""
        if self._child is None:
            self._pending.append(number)
        else:
            self._child.send(number)

    def _hear(self) -> bool:
        """Read the pipe; say whether there was anything."""
        try:
            said = os.read(self._pipe, 4_096)
        except BlockingIOError:
            return False
        if not said:
            self._loop.remove_reader(self._pipe)
            if self._child is None:
                self._end("could not be started")
            return False
        self._seen = self._loop.time()
        self._understand(said)
        return True

    def _understand(self, said: bytes) -> None:
        if self._child is None:
            number, end, said = (self._unread + said).partition(b"\n")
            if not end:
                self._unread = number
                return
            self._adopt(int(number))
        for word in (said[i : i + 1] for i in range(len(said))):
            if word == BEAT:
                self._settle()
            elif word == READY:
                self._enter(Stage.READY)
            elif word == DRAINING:
                self._enter(Stage.DRAINING)
                self.draining.set_result(None)

    def _settle(self) -> None:
        """The loop turns: from now on it must go on doing so."""
        if self._patience != self._heartbeat_seconds:
            self._patience = self._heartbeat_seconds
            self._wait_for_a_beat()

    def _adopt(self, pid: int) -> None:
        try:
            self._child = processes.Child(pid)
        except OSError:  # gone already, and waited for by nobody but us: it cannot be, unless the kernel runs out
            self._end("could not be watched")
            return
        self._child.ended.add_done_callback(lambda ended: self._end(processes.ending(ended.result())))
        for number in self._pending:
            self._child.send(number)

    def _judge(self, due: float) -> None:
        """Give it up when it has not been heard for too long."""
        overslept = self._loop.time() - due > self._patience / 2
        # What lies in the pipe was said while we ourselves did not turn our loop; and if we were stopped for long,
        # so perhaps were they (Ctrl-Z, a paused machine).
        if self._hear() or overslept or self._seen + self._patience > due:
            self._seen = self._loop.time() if overslept else self._seen
            self._wait_for_a_beat()
        elif self._child is None:
            self._end("could not be started")
        else:
            self.hung = True
            self.send(signal.SIGKILL)

    def _wait_for_a_beat(self) -> None:
        self._timer.cancel()
        if self.stage is not Stage.ENDED:
            due = self._seen + self._patience
            self._timer = self._loop.call_at(due, self._judge, due)

    def _end(self, words: str) -> None:
        self._timer.cancel()
        self._loop.remove_reader(self._pipe)
        os.close(self._pipe)
        self._enter(Stage.ENDED)
        self.ended.set_result(words)

    def _enter(self, stage: Stage) -> None:
        self.stage = stage
        self._changed()
