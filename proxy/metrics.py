"""What Prometheus is told.  Every label is bounded: portals are configured, outcomes and client classes are words."""

from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.gc_collector import GCCollector
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector

from proxy import __version__
from proxy.access_log import Entry

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
_BUCKETS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Metrics:
    """The counters of one process, in a registry of its own."""

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
        Gauge("dvc_edge_info", "The version that runs.", ("version",), registry=self.registry).labels(__version__).set(
            1
        )
        self.ready = Gauge("dvc_edge_ready", "Whether this process takes visitors.", registry=self.registry)
        if process:
            ProcessCollector(registry=self.registry)
            PlatformCollector(registry=self.registry)
            GCCollector(registry=self.registry)

    def count(self, entry: Entry, status: int, nanoseconds: int) -> None:
        """One request more."""
        self._requests.labels(entry.portal, entry.outcome, entry.client, str(status)).inc()
        self._seconds.labels(entry.outcome).observe(nanoseconds / 1e9)
        if entry.rule == "unmapped":
            self._unmapped.labels(entry.portal).inc()

    def exposition(self) -> bytes:
        """The text that Prometheus reads."""
        return generate_latest(self.registry)
