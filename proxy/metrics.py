"""What Prometheus is told.  Every label is bounded: portals are configured, outcomes and client classes are words."""

from bisect import bisect_left
from collections import Counter as Counts
from collections.abc import Callable, Sequence
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
_FIRST_BOUND: Final = _BOUNDS[0]


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
        self._times: dict[str, Times] = {}
        self._before_reading: Callable[[], None] | None = None

    def count(self, labels: Labels, nanoseconds: int, *, fast: bool = False) -> None:
        """One request more, with the time it took."""
        self.count_visits(labels, 1)
        self.times_of(labels.outcome).add(nanoseconds, int(fast))

    def count_visits(self, labels: Labels, visits: int) -> None:
        """So many requests more under their labels; how long they took is told besides."""
        self._counted[labels] += visits

    def times_of(self, outcome: str) -> "Times":
        """Where it is added up how long requests of one outcome take: always the same object."""
        times = self._times.get(outcome)
        if times is None:
            times = self._times[outcome] = Times()
        return times

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
        for outcome, taken in self._times.items():
            self._observe(outcome, *taken.taken())

    def _observe(self, outcome: str, nanoseconds: int, fast: int, counts: Sequence[int]) -> None:
        """Add to a histogram what `observe` would, had it been called once for each request."""
        if not any(counts):
            return
        histogram = self._seconds.labels(outcome)
        histogram._sum.inc(nanoseconds / 1e9)  # noqa: SLF001 - it offers no way to add many at once
        for bucket, count in zip(histogram._buckets, counts, strict=True):  # noqa: SLF001 - as above
            if count:
                bucket.inc(count)
        self._fast.inc(fast)

    def exposition(self) -> bytes:
        """The text that Prometheus reads: exact, whatever was held back."""
        if self._before_reading is not None:
            self._before_reading()
        self.settle()
        return generate_latest(self.registry)


class Times:
    """How long the requests of one outcome took, since the figures were last settled."""

    __slots__ = ("_at_once", "_counts", "_fast", "_nanoseconds")

    def __init__(self) -> None:
        self._nanoseconds = 0
        self._at_once = 0  # requests of the first bucket, which nearly all of them are
        self._counts = [0] * (len(_BOUNDS) + 1)  # by bucket, the last for what took longer than all
        self._fast = 0

    def add(self, nanoseconds: int, fast: int) -> None:
        """One request more; `fast` is 1 where the fast lane answered it, or 0."""
        self._nanoseconds += nanoseconds
        self._fast += fast
        if nanoseconds <= _FIRST_BOUND:
            self._at_once += 1
        else:
            self._counts[bisect_left(_BOUNDS, nanoseconds)] += 1

    def taken(self) -> tuple[int, int, Sequence[int]]:
        """Nanoseconds in all, requests on the fast lane, and requests by bucket; from here on it is counted anew."""
        counts, self._counts = self._counts, [0] * len(self._counts)
        counts[0] += self._at_once
        told = self._nanoseconds, self._fast, counts
        self._nanoseconds = self._at_once = self._fast = 0
        return told
