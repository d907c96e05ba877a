"""Hits on their way to the store: beside the loop, never on a request's path, and never in its way.

Several times a second what was counted is taken from the counter; a thread packs it and, every few seconds, writes it.
A database that is dead, slow or locked costs visitors nothing: counts wait in memory, packed and a bounded number of
them, and are tried again ever more rarely.
"""

import asyncio
import contextlib
import logging
import zlib
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager
from datetime import date, datetime, timedelta
from functools import partial
from itertools import islice
from threading import Thread
from typing import Final, NamedTuple, Protocol

import msgpack
from prometheus_client import CollectorRegistry, Counter

from proxy import processes
from redirect_rules.hits import Hit, HitCounter
from redirect_rules.model import HO_CHI_MINH

LONGEST_PAUSE_SECONDS: Final = 60.0
MOST_AT_ONCE: Final = 2_000
"""Names that are written at a time: the processor is the visitors' first, and what waits is counted together."""
PACE_SECONDS: Final = 1.0
"""Between two writes of which the second has only what was too much for the first."""
GATHERING_SECONDS: Final = 0.1
"""What was counted stands in the counter for so long, as it was counted: ten times as large as packed."""
ENOUGH: Final = 1_000
"""Names that are packed before it is time to write them."""
DAYS_THAT_WAIT: Final = 3
"""Days whose hits are kept in memory for a database that does not take them; the oldest goes first."""
MOST_BUNDLES: Final = 64
"""Of a day: when more wait, those that have names in common are counted together."""

_log = logging.getLogger(__name__)


class HitMetrics:
    """What becomes of hits, for Prometheus."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.written = Counter("dvc_edge_hits_written", "Visits whose count is in the store.", registry=registry)
        self.lost = Counter("dvc_edge_hits_lost", "Visits whose count the store never took.", registry=registry)
        self.failures = Counter(
            "dvc_edge_hits_write_failures", "Attempts to write hits that failed.", registry=registry
        )


class Store(Protocol):
    """Where hits are kept.  Each call is done whole or, where it raises, not at all."""

    def add(self, day: date, counts: Mapping[Hit, int]) -> None:
        """Add counts to those of a day."""
        ...

    def forget(self, before: date) -> int:
        """Remove the hits of earlier days."""
        ...

    def close(self) -> None:
        """It is used no more."""
        ...


class Bundle(NamedTuple):
    """Some names with their visits, as they wait: forty octets for each instead of four hundred."""

    visits: int
    octets: bytes

    @classmethod
    def of(cls, counts: Iterable[tuple[Hit, int]]) -> "Bundle":
        """Pack what was counted."""
        rows = [(*hit, visits) for hit, visits in counts]
        return cls(sum(row[-1] for row in rows), zlib.compress(msgpack.packb(rows), 1))

    def counts(self) -> dict[Hit, int]:
        """What was packed."""
        return {Hit._make(row[:-1]): row[-1] for row in msgpack.unpackb(zlib.decompress(self.octets), use_list=False)}


class _Day:
    """What waits of one day."""

    def __init__(self) -> None:
        self.fresh: list[Mapping[Hit, int]] = []  # as it came from the counter, which touches it no more
        self.bundles: list[Bundle] = []
        self._fewest = 0  # bundles that it was, when all were put together last

    @property
    def names(self) -> int:
        """Of what is not packed."""
        return sum(map(len, self.fresh))

    @property
    def visits(self) -> int:
        return sum(sum(counts.values()) for counts in self.fresh) + sum(bundle.visits for bundle in self.bundles)

    def pack(self) -> None:
        """Pack what is fresh; in a thread, for thousands of names take longer than a visitor should wait."""
        packed = [*_bundled(_merged(self.fresh))]
        self.bundles, self.fresh = self.bundles + packed, []
        if len(self.bundles) > MOST_BUNDLES + 2 * self._fewest:
            self.bundles = [*_bundled(_merged(bundle.counts() for bundle in self.bundles))]
            self._fewest = len(self.bundles)

    def rejoin(self, earlier: "_Day") -> None:
        """Put before it what could not be written."""
        self.fresh = earlier.fresh + self.fresh
        self.bundles = earlier.bundles + self.bundles
        self._fewest = max(self._fewest, earlier._fewest)  # noqa: SLF001 - another of our own


Waiting = dict[date, _Day]


class HitWriter:
    """Writes what a counter counts.  Made and stopped by `writing_hits`."""

    def __init__(
        self,
        counter: HitCounter,
        open_store: Callable[[], Store],
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
        self._store: Store | None = None
        self._drained_on: date | None = None
        self._forgotten_on: date | None = None
        self._failures = 0  # in a row
        self._due = 0.0  # the next write, by the loop's clock

    @property
    def waiting(self) -> int:
        """Visits that are counted and not yet in the store."""
        in_hand = self._writing.visits - self._writing.written if self._writing is not None else 0
        return self._counter.total + _total(self._waiting) + in_hand

    async def run(self, stopping: asyncio.Event) -> None:
        """Write every few seconds until told to stop."""
        self._due = asyncio.get_running_loop().time() + self._write_seconds
        while not stopping.is_set():
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(min(self._write_seconds, GATHERING_SECONDS)):
                    await stopping.wait()
            self._step()

    async def finish(self, seconds: float) -> None:
        """Write what is left, for so long at most; what cannot be written by then is lost, and counted as such."""
        deadline = asyncio.get_running_loop().time() + seconds
        await self._settled(deadline)
        self._step(ending=True)
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

    def _step(self, *, ending: bool = False) -> None:
        self._settle()
        today = self._clock().astimezone(HO_CHI_MINH).date()
        now = asyncio.get_running_loop().time()
        due = ending or now >= self._due
        # A counter is bounded by itself, what was taken from it is not: while the store hangs or fails it keeps all
        # that comes, but not under another day.
        idle = self._writing is None and (due or not self._failures)
        if idle or today != self._drained_on:
            self._gather(today)
        if idle and self._waiting and (due or self._enough()):
            self._due = now + self._write_seconds if due else self._due
            self._start(today, None if ending else MOST_AT_ONCE if due else 0)

    def _enough(self) -> bool:
        return sum(one.names for one in self._waiting.values()) >= ENOUGH

    def _gather(self, today: date) -> None:
        # What came while the store hung belongs to the day before, and so does the moment after midnight.
        day = self._drained_on or today
        counts = self._counter.drain(today)
        self._drained_on = today
        if counts:
            self._waiting.setdefault(day, _Day()).fresh.append(counts)
        for oldest in sorted(self._waiting)[:-DAYS_THAT_WAIT]:
            self._lose(self._waiting.pop(oldest).visits)

    def _start(self, today: date, most: int | None) -> None:
        left, self._waiting = self._waiting, {}
        forget = today - timedelta(days=self._keep_days - 1) if self._forgotten_on != today else None
        writing = _Writing(left, most, today if most != 0 else self._forgotten_on)
        self._writing = writing
        writing.begin(partial(self._write, writing, forget))

    def _write(self, writing: "_Writing", forget: date | None) -> None:
        """In the thread: the loop touches neither the store nor these days meanwhile."""
        left, most = sorted(writing.left.items()), writing.most
        for _, day in left:
            day.pack()
        if most == 0:
            return
        if self._store is None:
            self._store = self._open_store()
        for date_, day in left:
            while day.bundles and (most is None or most > 0):
                counts = day.bundles[0].counts()
                self._store.add(date_, counts)
                writing.written += day.bundles.pop(0).visits
                most = None if most is None else most - len(counts)
        if forget is not None:
            self._store.forget(forget)
        if writing.written >= ENOUGH and not any(day.bundles for _, day in left):
            processes.return_memory()  # a flood is written: what it took goes back to the machine

    def _settle(self) -> None:
        if self._writing is None or not self._writing.done.done():
            return
        writing, self._writing = self._writing, None
        self._metrics.written.inc(writing.written)
        for date_, day in writing.left.items():
            if day.fresh or day.bundles:
                self._waiting.setdefault(date_, _Day()).rejoin(day)
        if (error := writing.done.exception()) is not None:
            self._failed(error)
            return
        self._forgotten_on = writing.forgotten_on
        if self._failures:
            _log.info("hits are written again")
            self._failures = 0
        if writing.most != 0 and any(day.bundles for day in self._waiting.values()):
            self._due = min(self._due, asyncio.get_running_loop().time() + PACE_SECONDS)

    def _failed(self, error: BaseException) -> None:
        self._metrics.failures.inc()
        if not self._failures:
            said = str(error).partition("\n")[0]
            _log.warning("hits cannot be written and wait in memory: %s: %s", type(error).__name__, said)
        self._failures += 1
        pause = min(self._write_seconds * 2**self._failures, LONGEST_PAUSE_SECONDS)
        self._due = asyncio.get_running_loop().time() + pause

    def _lose(self, visits: int) -> None:
        self._metrics.lost.inc(visits)
        _log.warning("the count of %d visits is lost: the store took it neither in time nor before the end", visits)


class _Writing:
    """One attempt, in its thread."""

    done: "asyncio.Future[None]"

    def __init__(self, left: Waiting, most: int | None, forgotten_on: date | None) -> None:
        self.left = left  # what is not in the store yet
        self.most = most  # names that are written; 0: none, they are only packed; None: all of them
        self.visits = _total(left)
        self.written = 0  # visits that are in the store
        self.forgotten_on = forgotten_on  # the day on which old days will have been forgotten last

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


def _merged(batches: Iterable[Mapping[Hit, int]]) -> Mapping[Hit, int]:
    """One batch of several."""
    merged: dict[Hit, int] = {}
    for counts in batches:
        for hit, visits in counts.items():
            merged[hit] = merged.get(hit, 0) + visits
    return merged


def _bundled(counts: Mapping[Hit, int]) -> Iterator[Bundle]:
    names = iter(counts.items())
    while some := [*islice(names, MOST_AT_ONCE)]:
        yield Bundle.of(some)


def _total(waiting: Waiting) -> int:
    return sum(day.visits for day in waiting.values())
