"""Every worker follows what was published: it looks at three small files, and swaps one reference.

What is read anew is read in a thread, so that visitors wait for nothing; a number that cannot be served is complained
of once, and what serves goes on serving.  The file of the number before stays open until the next swap, since an answer
may still be in the making; then it is unmapped off the loop.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from prometheus_client import CollectorRegistry, Counter, Gauge

from redirect_rules import activation
from redirect_rules.activation import InForce
from redirect_rules.opening import opened
from redirect_rules.packs import Packs
from redirect_rules.snapshot_file import path_of
from redirect_rules.snapshot_seal import SnapshotRefused
from redirect_rules.sources import Problems

_log = logging.getLogger(__name__)


class FollowingMetrics:
    """What a worker serves, for Prometheus."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.number = Gauge(
            "dvc_edge_snapshot_number",
            "The published number that this worker serves; 0: the shipped files.",
            registry=registry,
            multiprocess_mode="livemin",
        )
        self.refused = Counter(
            "dvc_edge_snapshots_refused", "Published numbers that could not be served.", registry=registry
        )


class Follower:
    """Brings one worker to what is in force.  Made and stopped by `following`."""

    def __init__(
        self,
        folder: Path,
        packs: Packs,
        adopt: Callable[[Packs], None],
        *,
        clock: Callable[[], datetime],
        metrics: FollowingMetrics,
    ) -> None:
        self._folder = folder
        self._packs = packs
        self._before: Packs | None = None
        self._adopt = adopt
        self._clock = clock
        self._metrics = metrics
        self._refused: object = None  # what was complained of last
        metrics.number.set(packs.snapshot.number)

    async def look(self) -> None:
        """Serve what is in force now, if it is not served already."""
        try:
            wanted = activation.in_force(self._folder, self._clock())
            if self._differs(wanted):
                await self._serve_number(wanted)
            elif wanted.switches != self._packs.snapshot.switches:
                self._swap(replace(self._packs, snapshot=replace(self._packs.snapshot, switches=wanted.switches)))
        except (SnapshotRefused, Problems, OSError) as error:
            self._complain(error)

    def _differs(self, wanted: InForce) -> bool:
        served = self._packs.snapshot.number, self._packs.content
        return wanted.number is not None and (wanted.number, wanted.content) != served

    async def _serve_number(self, wanted: InForce) -> None:
        packs = await asyncio.to_thread(self._read, wanted)
        before, served = self._before, self._packs
        try:
            self._swap(packs)
        except BaseException:
            packs.close()  # nobody serves it, and it will be opened again at the next look
            raise
        self._before = served
        self._metrics.number.set(packs.snapshot.number)
        _log.info("number %d serves: %s", packs.snapshot.number, packs.message)
        if before is not None:
            await asyncio.to_thread(before.close)

    def _read(self, wanted: InForce) -> Packs:
        path = path_of(self._folder, wanted.number or 0)
        packs = opened(path, content=wanted.content, before=self._packs)
        return replace(packs, snapshot=replace(packs.snapshot, switches=wanted.switches))

    def _swap(self, packs: Packs) -> None:
        self._adopt(packs)
        self._packs = packs
        self._refused = None

    def _complain(self, error: Exception) -> None:
        if str(error) != self._refused:
            self._refused = str(error)
            self._metrics.refused.inc()
            _log.error(
                "cannot serve what was published, going on with number %d: %s", self._packs.snapshot.number, error
            )

    def close(self) -> None:
        """Let go of what is not served any more; what is served ends with the process."""
        if self._before is not None:
            self._before.close()
            self._before = None


@asynccontextmanager
async def following(follower: Follower, *, seconds: float) -> AsyncIterator[None]:
    """Look every so many seconds until the block ends."""

    async def look_again_and_again() -> None:
        while True:
            await asyncio.sleep(seconds)
            await follower.look()

    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(look_again_and_again())
        try:
            await follower.look()
            yield
        finally:
            task.cancel()
            follower.close()
