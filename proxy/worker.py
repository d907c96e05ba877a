"""One worker process: an edge on the shared sockets, and a pipe on which it tells the supervisor how it is."""

import asyncio
import gc
import logging
import os
import signal
import socket
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final, NoReturn

from proxy import processes
from proxy.app import App, Parts, create_app
from proxy.config import Settings
from proxy.log_stream import log_stream
from proxy.serve import accepting, loop_factory
from proxy.worker_metrics import count_into

READY: Final = b"r"
"""Said once: connections are accepted."""
BEAT: Final = b"."
"""Said again and again: the loop turns."""
DRAINING: Final = b"d"
"""Said once: no connection is accepted any more, what is in hand is finished."""

BEATS: Final = 4
"""How often a worker beats in the time after which it is given up."""
SIGNALS: Final = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
GC_THRESHOLDS: Final = (10_000, 500, 100)
"""What a worker makes and drops goes by its references alone; the collector finds cycles, and looks through all that is
kept for them: tens of milliseconds in which nobody is answered.  So all is looked at seldom, the new in portions."""
_ADOPTION_SECONDS: Final = 10.0
_ARRIVAL_SECONDS: Final = 0.1  # who is accepted as the last sends the first request within this, or is closed as idle


@dataclass(frozen=True, slots=True)
class Order:
    """What a worker is to be."""

    supervisor: int  # process id
    slot: int  # no other running worker has it
    metrics: str  # the folder that it counts into
    secure: int = 0  # how many of its listening sockets, the last ones, are for TLS


@dataclass(frozen=True, slots=True)
class Loaded:
    """What is read once and shared by all workers that are forked after it."""

    settings: Settings
    parts: Parts


class Voice:
    """The worker's end of the pipe."""

    def __init__(self, pipe: int) -> None:
        os.set_blocking(pipe, False)
        self._pipe = pipe

    def say(self, word: bytes) -> None:
        """Tell the supervisor; never wait for it: a supervisor that does not read has trouble of its own."""
        with suppress(OSError):
            os.write(self._pipe, word)

    def beat(self, every_seconds: float) -> None:
        """Say that the loop turns, from now on."""
        self.say(BEAT)
        asyncio.get_running_loop().call_later(every_seconds, self.beat, every_seconds)


async def work(app: App, listeners: Sequence[socket.socket], voice: Voice, *, secure: int = 0) -> None:
    """Answer until SIGTERM, then finish what is in hand."""
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
    if patience := app.settings.workers.heartbeat_seconds:
        voice.beat(patience / BEATS)
    plain = len(listeners) - secure
    async with accepting(app, listeners[:plain], secure=listeners[plain:], arrival_seconds=_ARRIVAL_SECONDS):
        voice.say(READY)
        await stop.wait()
        voice.say(DRAINING)


def become_worker(order: Order, loaded: Loaded, listeners: Sequence[socket.socket], pipe: int) -> NoReturn:
    """What the forked process does for the rest of its life.  Its signals are blocked until it can obey them."""
    status = 1
    try:
        _settle(order)
        count_into(order.metrics, order.slot)
        app = create_app(loaded.settings, parts=loaded.parts, log=log_stream(sys.stdout.fileno()))
        with asyncio.Runner(loop_factory=loop_factory()) as runner:
            runner.run(work(app, listeners, Voice(pipe), secure=order.secure))
        status = 0
    except BaseException:
        logging.getLogger(__name__).exception("worker %d failed", order.slot)
    finally:
        with suppress(OSError, ValueError):
            sys.stdout.flush()
            sys.stderr.flush()
        # Not sys.exit: what the parent has registered to be done at its own end is not ours to do.
        os._exit(status)


def _settle(order: Order) -> None:
    if not processes.became_child_of(order.supervisor, within_seconds=_ADOPTION_SECONDS):
        raise ProcessLookupError("the supervisor has gone")
    processes.die_with_parent()
    if os.getppid() != order.supervisor:  # it went before the kernel knew of our wish
        raise ProcessLookupError("the supervisor has gone")
    processes.name_process(f"dvc-edge work {order.slot}")
    # Ctrl-C and a terminal that closes reach the whole group: they are the supervisor's to judge.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    gc.enable()
    gc.set_threshold(*GC_THRESHOLDS)
