"""What Prometheus is told.  Every label is bounded: portals are configured, outcomes and client classes are words."""

from bisect import bisect_right
from collections import Counter as Counts
from collections.abc import Callable, Iterable
from typing import Final, NamedTuple

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.gc_collector import GCCollector
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector

from proxy import __version__
from proxy.access_log import Entry
from proxy.compiled import lane_form

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
_BUCKETS: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)  # seconds
_BOUNDS: Final = tuple(round(seconds * 1e9) for seconds in _BUCKETS)  # the same in nanoseconds


class Labels(NamedTuple):
    """Under what a request is counted."""

    portal: str
    outcome: str
    client: str
    status: str
    unmapped: bool = False  # no rule knows the page

    @classmethod
    def of(cls, entry: Entry, status: int) -> "Labels":
        """From what there is to say about a request."""
        return cls(entry.portal, entry.outcome, entry.client, str(status), entry.rule == "unmapped")


class Metrics:
    """The counters of one process, in a registry of its own.

    A request costs two additions here.  They become Prometheus' values, whose locks and files cost ten times as much,
    in `settle`: before they are read, and soon after they were made.
    """

    def __init__(self, *, process: bool = True) -> None:
        self.registry = CollectorRegistry()
        self._requests = Counter(
            "dvc_edge_requests",
            "Requests answered.",
            ("portal", "outcome", "client_class", "status"),
            registry=self.registry,
        )
        self._unmapped = Counter(
            "dvc_edge_unmapped", "Visits to pages no rule knows.", ("portal",), registry=self.registry
        )
        self._seconds = Histogram(
            "dvc_edge_request_seconds",
            "Time from the parsed head to the answer.",
            ("outcome",),
            buckets=_BUCKETS,
            registry=self.registry,
        )
        self._fast = Counter(
            "dvc_edge_fast_lane", "Requests answered without parsing them again.", registry=self.registry
        )
        self._lines_lost = Counter(
            "dvc_edge_access_log_lost", "Lines of the access log that could not be written.", registry=self.registry
        )
        version = Gauge(
            "dvc_edge_info",
            "The version that runs.",
            ("version",),
            registry=self.registry,
            multiprocess_mode="livemax",
        )
        version.labels(__version__).set(1)
        lane = Gauge(
            "dvc_edge_lane_info",
            "How the fast lane runs: compiled or interpreted.",
            ("form",),
            registry=self.registry,
            multiprocess_mode="livemax",
        )
        lane.labels(lane_form()).set(1)
        # Of several processes: how many of them.
        self.ready = Gauge(
            "dvc_edge_ready",
            "Whether this process takes visitors.",
            registry=self.registry,
            multiprocess_mode="livesum",
        )
        if process:
            ProcessCollector(registry=self.registry)
            PlatformCollector(registry=self.registry)
            GCCollector(registry=self.registry)
        self._counted = Counts[Labels]()
        self._times: dict[str, _Times] = {}
        self._before_reading: Callable[[], None] | None = None

    def count(self, labels: Labels, nanoseconds: int, *, fast: bool = False) -> None:
        """One request more, with the time it took."""
        self.count_labels((labels,))
        self.count_times(labels.outcome, [nanoseconds], fast=fast)

    def count_labels(self, labels: Iterable[Labels]) -> None:
        """Requests under their labels; how long they took is told besides."""
        self._counted.update(labels)

    def count_times(self, outcome: str, nanoseconds: list[int], *, fast: bool) -> None:
        """How long requests of one outcome took.  The list is sorted by it."""
        times = self._times.get(outcome)
        if times is None:
            times = self._times[outcome] = _Times()
        times.nanoseconds += sum(nanoseconds)
        times.fast += fast * len(nanoseconds)
        nanoseconds.sort()
        counts, counted = times.counts, 0
        # Nearly always all of them are in the first bucket, and one look is enough.
        for bucket, bound in enumerate(_BOUNDS):
            below = bisect_right(nanoseconds, bound)
            counts[bucket] += below - counted
            if below == len(nanoseconds):
                return
            counted = below
        counts[-1] += len(nanoseconds) - counted

    def lost(self, lines: int) -> None:
        """So many lines of the access log more that could not be written."""
        self._lines_lost.inc(lines)

    def before_reading(self, hand_over: Callable[[], None]) -> None:
        """Have this called before the figures are read: whoever still holds some hands them over."""
        self._before_reading = hand_over

    def settle(self) -> None:
        """Make Prometheus' values of everything that was counted."""
        counted, self._counted = self._counted, Counts[Labels]()
        for labels, times in counted.items():
            self._requests.labels(*labels[:4]).inc(times)
            if labels.unmapped:
                self._unmapped.labels(labels.portal).inc(times)
        taken, self._times = self._times, {}
        for outcome, of_outcome in taken.items():
            self._observe(self._seconds.labels(outcome), of_outcome)

    def _observe(self, histogram: Histogram, times: "_Times") -> None:
        """Add to a histogram what `observe` would, had it been called once for each request."""
        histogram._sum.inc(times.nanoseconds / 1e9)  # noqa: SLF001 - it offers no way to add many at once
        for bucket, count in zip(histogram._buckets, times.counts, strict=True):  # noqa: SLF001 - as above
            if count:
                bucket.inc(count)
        self._fast.inc(times.fast)

    def exposition(self) -> bytes:
        """The text that Prometheus reads: exact, whatever was held back."""
        if self._before_reading is not None:
            self._before_reading()
        self.settle()
        return generate_latest(self.registry)


class _Times:
    """How long the requests of one outcome took, since the figures were last settled."""

    __slots__ = ("counts", "fast", "nanoseconds")

    def __init__(self) -> None:
        self.nanoseconds = 0
        self.counts = [0] * (len(_BOUNDS) + 1)  # by bucket, the last for what took longer than all
        self.fast = 0
