"""What Prometheus is told of the workers: their own counts together, how many there are, and what became of others."""

from collections import Counter as Tally
from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector

from proxy.passing.metrics import standing
from proxy.worker_metrics import WorkerMetrics

_STAGES: Final = ("starting", "ready", "draining")


class Cause(StrEnum):
    """Why a worker was replaced."""

    CRASH = "crash"  # it ended, or could not be started
    HEARTBEAT = "heartbeat"  # its loop did not turn
    SIGNAL = "signal"  # somebody told it alone to stop
    RELOAD = "reload"  # newer ones took over


class Supervision:
    """The supervisor's own counters, beside those of the workers."""

    def __init__(self, counts: WorkerMetrics) -> None:
        registry = CollectorRegistry()
        self._registry = registry
        self._counts = counts
        self._ready = Gauge("dvc_edge_ready", "Whether visitors may be sent here.", registry=registry)
        self._workers = Gauge("dvc_edge_workers", "Worker processes.", ("state",), registry=registry)
        self._restarts = Counter(
            "dvc_edge_worker_restarts", "Workers that were replaced.", ("cause",), registry=registry
        )
        self._reloads = Counter("dvc_edge_reloads", "Rolling restarts.", ("outcome",), registry=registry)
        for cause in Cause:
            self._restarts.labels(cause)
        for outcome in ("done", "refused"):
            self._reloads.labels(outcome)
        registry.register(_Counts(counts, without=frozenset({"dvc_edge_ready"})))
        ProcessCollector(registry=registry)
        PlatformCollector(registry=registry)

    def count_restart(self, cause: Cause) -> None:
        """One worker was replaced."""
        self._restarts.labels(cause).inc()

    def count_reload(self, *, done: bool) -> None:
        """A rolling restart came to its end, or was given up before it changed anything."""
        self._reloads.labels("done" if done else "refused").inc()

    def upstreams(self) -> Mapping[str, Mapping[str, int | str]]:
        """How upstreams stand, as the workers that live have told."""
        return standing(self._counts.families())

    def exposition(self, stages: Iterable[str], *, is_ready: bool) -> bytes:
        """The text that Prometheus reads, with workers in these stages."""
        self._ready.set(is_ready)
        tally = Tally(stages)
        for stage in _STAGES:
            self._workers.labels(stage).set(tally[stage])
        return generate_latest(self._registry)


class _Counts(Collector):
    def __init__(self, counts: WorkerMetrics, *, without: frozenset[str]) -> None:
        self._counts = counts
        self._without = without

    def collect(self) -> Iterator[Metric]:
        return self._counts.families(without=self._without)

    def describe(self) -> list[Metric]:
        """Nothing in advance: the workers' files say."""
        return []
