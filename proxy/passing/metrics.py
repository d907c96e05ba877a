"""What Prometheus is told about passing on.  Every label is bounded: upstreams are configured, outcomes are words."""

from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from proxy.passing.breaker import State

_BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
_STATES: Final = {State.CLOSED: 0, State.HALF_OPEN: 1, State.OPEN: 2}


class PassingMetrics:
    """The counters of one process."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._requests = Counter(
            "dvc_edge_passed",
            "Requests passed on, by the class of the answer (2xx), the reason of our own (late), left or torn.",
            ("upstream", "outcome"),
            registry=registry,
        )
        self._seconds = Histogram(
            "dvc_edge_passed_seconds",
            "Time from the parsed head to the end of the answer.",
            ("upstream",),
            buckets=_BUCKETS,
            registry=registry,
        )
        self._retries = Counter(
            "dvc_edge_passed_retries", "Requests sent again to an origin.", ("upstream",), registry=registry
        )
        self._connections = Gauge(
            "dvc_edge_upstream_connections",
            "Connections to an upstream: busy, idle; waiting: requests without one.",
            ("upstream", "state"),
            registry=registry,
            multiprocess_mode="livesum",
        )
        self._breaker = Gauge(
            "dvc_edge_upstream_breaker",
            "0 closed, 1 half open, 2 open: the upstream is left alone.",
            ("upstream",),
            registry=registry,
            multiprocess_mode="livemax",
        )
        self._well = Gauge(
            "dvc_edge_upstream_well",
            "Origins of an upstream that requests are sent to.",
            ("upstream",),
            registry=registry,
            multiprocess_mode="livemin",
        )
        self._known: dict[tuple[str, str], Counter] = {}
        self._timed: dict[str, Histogram] = {}

    def passed(self, upstream: str, outcome: str, seconds: float) -> None:
        """One request more."""
        key = upstream, outcome
        if (counter := self._known.get(key)) is None:
            counter = self._known[key] = self._requests.labels(upstream, outcome)
            self._timed.setdefault(upstream, self._seconds.labels(upstream))
        counter.inc()
        self._timed[upstream].observe(seconds)

    def retried(self, upstream: str) -> None:
        """One more sending of a request."""
        self._retries.labels(upstream).inc()

    def stands(self, upstream: str, *, busy: int, idle: int, waiting: int, state: State, well: int) -> None:
        """How an upstream stands now."""
        for name, value in (("busy", busy), ("idle", idle), ("waiting", waiting)):
            self._connections.labels(upstream, name).set(value)
        self._breaker.labels(upstream).set(_STATES[state])
        self._well.labels(upstream).set(well)
