"""Hits on their way to the store: beside the loop, never on a request's path, and never in its way.

Every few seconds what was counted is handed to a thread that writes it.  A database that is dead, slow or locked costs
visitors nothing: counts wait in memory, a bounded number of them, and are tried again ever more rarely.
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import date, datetime, timedelta
from functools import partial
from itertools import islice
from threading import Thread
from typing import TYPE_CHECKING, Final

from prometheus_client import CollectorRegistry, Counter

from redirect_rules.hits import Hit, HitCounter
from redirect_rules.model import HO_CHI_MINH

if TYPE_CHECKING:  # reading a database's drivers takes as long as all the rest of a start
    from redirect_rules.stores.hits import HitStore

LONGEST_PAUSE_SECONDS: Final = 60.0
MOST_AT_ONCE: Final = 2_000
"""Names that are written at a time: the interpreter is the visitors' first, and what waits is counted together."""
DAYS_THAT_WAIT: Final = 3
"""Days whose hits are kept in memory for a database that does not take them; the oldest goes first."""

Waiting = dict[date, list[Mapping[Hit, int]]]

_log = logging.getLogger(__name__)


class HitMetrics:
    """What becomes of hits, for Prometheus."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.written = Counter("dvc_edge_hits_written", "Visits whose count is in the store.", registry=registry)
        self.lost = Counter("dvc_edge_hits_lost", "Visits whose count the store never took.", registry=registry)
        self.failures = Counter(
            "dvc_edge_hits_write_failures", "Attempts to write hits that failed.", registry=registry
        )


class HitWriter:
    """Writes what a counter counts.  Made and stopped by `writing_hits`."""

    def __init__(
        self,
        counter: HitCounter,
        open_store: Callable[[], "HitStore"],
        *,
        metrics: HitMetrics,
        clock: Callable[[], datetime],
        write_seconds: float,
        keep_days: int,
    ) -> None:
        self._counter = counter
        self._open_store = open_store
        self._metrics = metrics
        self._clock = clock
        self._write_seconds = write_seconds
        self._keep_days = keep_days
        self._waiting: Waiting = {}
        self._writing: _Writing | None = None
        self._store: HitStore | None = None
        self._drained_on: date | None = None
        self._forgotten_on: date | None = None
        self._failures = 0  # in a row
        self._retry_at = 0.0  # by the loop's clock

    @property
    def waiting(self) -> int:
        """Visits that are counted and not yet in the store."""
        in_hand = self._writing.left if self._writing is not None else {}
        return self._counter.total + _total(self._waiting) + _total(in_hand)

    async def run(self, stopping: asyncio.Event) -> None:
        """Write every few seconds until told to stop."""
        while not stopping.is_set():
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._write_seconds):
                    await stopping.wait()
            self._step()

    async def finish(self, seconds: float) -> None:
        """Write what is left, for so long at most; what cannot be written by then is lost, and counted as such."""
        deadline = asyncio.get_running_loop().time() + seconds
        await self._settled(deadline)
        self._retry_at = 0.0
        self._step(most=None)
        await self._settled(deadline)
        if left := self.waiting:
            self._lose(left)  # a thread that hangs may still write them: too many are told of rather than too few
        elif self._store is not None:
            await asyncio.wait({_in_thread(self._store.close)}, timeout=seconds)

    async def _settled(self, deadline: float) -> None:
        if self._writing is not None:
            seconds = max(0.0, deadline - asyncio.get_running_loop().time())
            await asyncio.wait({self._writing.done}, timeout=seconds)
            self._settle()

    def _step(self, *, most: int | None = MOST_AT_ONCE) -> None:
        self._settle()
        today = self._clock().astimezone(HO_CHI_MINH).date()
        due = self._writing is None and asyncio.get_running_loop().time() >= self._retry_at
        # Between attempts the counter itself keeps what comes, but not under another day.
        if due or today != self._drained_on:
            self._gather(today)
        if due and self._waiting:
            self._start(today, most)

    def _gather(self, today: date) -> None:
        # What came while the store hung belongs to the day before, and so do the few seconds after midnight.
        day = self._drained_on or today
        counts = self._counter.drain(today)
        self._drained_on = today
        if counts:
            self._waiting.setdefault(day, []).append(counts)
        for oldest in sorted(self._waiting)[:-DAYS_THAT_WAIT]:
            self._lose(sum(sum(counts.values()) for counts in self._waiting.pop(oldest)))

    def _start(self, today: date, most: int | None) -> None:
        left, self._waiting = self._waiting, {}
        forget = today - timedelta(days=self._keep_days - 1) if self._forgotten_on != today else None
        writing = _Writing(left, today)
        self._writing = writing
        writing.begin(partial(self._write, writing, most, forget))

    def _write(self, writing: "_Writing", most: int | None, forget: date | None) -> None:
        """In the thread: the loop touches neither the store nor these batches meanwhile.

        most  names that are written; None: all of them
        """
        left = writing.left
        for day, counts in left.items():
            left[day] = [_merged(counts)]
        if self._store is None:
            self._store = self._open_store()
        for day in sorted(left):
            names = iter(left[day][0].items())
            # The lane tells hits as plain tuples, equal to them: half of what all that it tells would cost.
            some = {Hit._make(name): visits for name, visits in islice(names, most)}
            rest = dict(names)
            if some:
                self._store.add(day, some)
            left[day] = [rest]
            writing.written += sum(some.values())
            most = None if most is None else most - len(some)
        if forget is not None:
            self._store.forget(forget)

    def _settle(self) -> None:
        if self._writing is None or not self._writing.done.done():
            return
        writing, self._writing = self._writing, None
        self._metrics.written.inc(writing.written)
        for day, batches in writing.left.items():
            if any(batches):
                self._waiting[day] = batches + self._waiting.get(day, [])
        if (error := writing.done.exception()) is None:
            self._forgotten_on = writing.today
            if self._failures:
                _log.info("hits are written again")
            self._failures = 0
            return
        self._failed(error)

    def _failed(self, error: BaseException) -> None:
        self._metrics.failures.inc()
        if not self._failures:
            said = str(error).partition("\n")[0]
            _log.warning("hits cannot be written and wait in memory: %s: %s", type(error).__name__, said)
        self._failures += 1
        pause = min(self._write_seconds * 2**self._failures, LONGEST_PAUSE_SECONDS)
        self._retry_at = asyncio.get_running_loop().time() + pause

    def _lose(self, visits: int) -> None:
        self._metrics.lost.inc(visits)
        _log.warning("the count of %d visits is lost: the store took it neither in time nor before the end", visits)


class _Writing:
    """One attempt, in its thread."""

    done: "asyncio.Future[None]"

    def __init__(self, left: Waiting, today: date) -> None:
        self.left = left  # what is not in the store yet
        self.written = 0  # visits that are
        self.today = today

    def begin(self, work: Callable[[], None]) -> None:
        """Let it be done."""
        self.done = _in_thread(work)


@asynccontextmanager
async def writing_hits(writer: HitWriter, *, stop_seconds: float) -> AsyncIterator[HitWriter]:
    """Let a writer work until the block ends; then write what is left, for `stop_seconds` at most."""
    stopping = asyncio.Event()
    task = asyncio.get_running_loop().create_task(writer.run(stopping))
    try:
        yield writer
    finally:
        stopping.set()
        await task
        await writer.finish(stop_seconds)


def _in_thread(work: Callable[[], None]) -> "asyncio.Future[None]":
    """Run something in a thread of its own that nobody waits for at exit.

    The loop's own threads are joined when it closes: a database that hangs would hang the whole edge.
    """
    loop = asyncio.get_running_loop()
    done: asyncio.Future[None] = loop.create_future()

    def settle(error: Exception | None) -> None:
        if error is not None:
            done.set_exception(error)
            done.exception()  # so that nobody is warned when nobody asks
        else:
            done.set_result(None)

    def run() -> None:
        failure: Exception | None = None
        try:
            work()
        except Exception as error:  # noqa: BLE001 - whatever it is, the hits wait and it is tried again
            failure = error
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody asks any more
            loop.call_soon_threadsafe(settle, failure)

    Thread(target=run, name="hits", daemon=True).start()
    return done


def _merged(batches: list[Mapping[Hit, int]]) -> Mapping[Hit, int]:
    """One batch of several; in the thread, for thousands of hits take longer than a visitor should wait."""
    if len(batches) == 1:
        return batches[0]
    merged: dict[Hit, int] = {}
    for counts in batches:
        for hit, visits in counts.items():
            merged[hit] = merged.get(hit, 0) + visits
    return merged


def _total(batches: Waiting) -> int:
    return sum(visits for counts in batches.values() for batch in counts for visits in batch.values())
