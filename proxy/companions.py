"""Programs of ours that run beside the workers: started, replaced when they end, told to stop.

What becomes of one of them is nobody else's trouble: visitors are answered whether or not it runs.
"""

import asyncio
import logging
import os
import signal
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from proxy import processes
from proxy.backoff import Backoff
from proxy.processes import Child

CONSOLE_SECONDS: Final = 15.0
"""How long the console may take to finish what officers have in hand."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Companion:
    """One of them."""

    name: str  # in the log
    command: Sequence[str]
    shutdown_seconds: float  # it is killed when it takes longer to end than that

    async def keep(self, stop: asyncio.Event, hurry: asyncio.Event, renew: asyncio.Event) -> None:
        """Keep it running until told to stop, and see it to its end.

        hurry  do not wait for it to finish
        renew  exchange it for one that reads the configuration anew; cleared when that has begun
        """
        backoff = Backoff()
        while not stop.is_set():
            began = time.monotonic()
            try:
                child = self._start()
            except OSError as error:
                told = f"could not be started: {error.strerror}"
            else:
                told = await self._one_life(child, stop, hurry, renew)
            if stop.is_set():
                return
            if renew.is_set():
                renew.clear()
                continue
            pause_seconds = backoff.after(time.monotonic() - began)
            _log.warning("%s %s: another in %g s", self.name, told, pause_seconds)
            await _any(stop, within_seconds=pause_seconds)

    def _start(self) -> Child:
        # A session of its own: Ctrl-C at the terminal is for us, and we tell it.
        command = [*self.command, "--beside", str(os.getpid())]
        return Child(os.posix_spawn(command[0], command, os.environ, setsid=True))

    async def _one_life(self, child: Child, stop: asyncio.Event, hurry: asyncio.Event, renew: asyncio.Event) -> str:
        await _any(stop, renew, child.ended)
        if not child.ended.done():
            child.send(signal.SIGTERM)
            await _any(hurry, child.ended, within_seconds=self.shutdown_seconds)
            child.send(signal.SIGKILL)
        return processes.ending(await child.ended)


def console(config: Path | None) -> Companion:
    """The officers' console."""
    named = ["--config", str(config)] if config is not None else []
    return Companion("the console", (sys.executable, "-m", "proxy", "console", "serve", *named), CONSOLE_SECONDS)


async def _any(*awaited: asyncio.Event | asyncio.Future[int], within_seconds: float | None = None) -> None:
    """Wait for the first of these."""
    waiting = [asyncio.ensure_future(one.wait()) if isinstance(one, asyncio.Event) else one for one in awaited]
    try:
        await asyncio.wait(waiting, timeout=within_seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for one, made in zip(awaited, waiting, strict=True):
            if isinstance(one, asyncio.Event):
                made.cancel()
