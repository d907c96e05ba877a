"""What Prometheus is told about passing on.  Every label is bounded: upstreams are configured, outcomes are words."""

from collections.abc import Iterable, Mapping
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.metrics_core import Metric

from proxy.passing.breaker import State

_BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
_STATES: Final = {State.CLOSED: 0, State.HALF_OPEN: 1, State.OPEN: 2}
_NAMES: Final = {number: state.value for state, number in _STATES.items()}
_TOLD: Final = frozenset(f"dvc_edge_upstream_{name}" for name in ("connections", "breaker", "well", "origins"))


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
        self._origins = Gauge(
            "dvc_edge_upstream_origins",
            "Origins of an upstream that are configured.",
            ("upstream",),
            registry=registry,
            multiprocess_mode="livemax",
        )
        self._known: dict[tuple[str, str], Counter] = {}
        self._held: list[tuple[str, str, float]] = []
        self._timed: dict[str, Histogram] = {}

    def passed(self, upstream: str, outcome: str, seconds: float) -> None:
        """One request more."""
        key = upstream, outcome
        if (counter := self._known.get(key)) is None:
            counter = self._known[key] = self._requests.labels(upstream, outcome)
            self._timed.setdefault(upstream, self._seconds.labels(upstream))
        counter.inc()
        self._timed[upstream].observe(seconds)

    def passed_soon(self, upstream: str, outcome: str, seconds: float) -> None:
        """One request more, counted with the next that are told."""
        self._held.append((upstream, outcome, seconds))

    def settle(self) -> None:
        """Count what was held back."""
        held, self._held = self._held, []
        for upstream, outcome, seconds in held:
            self.passed(upstream, outcome, seconds)

    def retried(self, upstream: str) -> None:
        """One more sending of a request."""
        self._retries.labels(upstream).inc()

    def stands(
        self, upstream: str, *, busy: int, idle: int, waiting: int, state: State, well: int, origins: int
    ) -> None:
        """How an upstream stands now."""
        for name, value in (("busy", busy), ("idle", idle), ("waiting", waiting)):
            self._connections.labels(upstream, name).set(value)
        self._breaker.labels(upstream).set(_STATES[state])
        self._well.labels(upstream).set(well)
        self._origins.labels(upstream).set(origins)

    def gone(self, upstream: str) -> None:
        """An upstream is configured no more."""
        for gauge in (self._breaker, self._well, self._origins):
            gauge.labels(upstream).set(0)
        for name in ("busy", "idle", "waiting"):
            self._connections.labels(upstream, name).set(0)


def standing(families: Iterable[Metric]) -> Mapping[str, Mapping[str, int | str]]:
    """How upstreams stand, by name, as all processes together have told Prometheus; those without origins are gone.

    Of several processes the worst is told: an origin is well that all of them send requests to.
    """
    found: dict[str, dict[str, int | str]] = {}
    for family in families:
        if family.name not in _TOLD:
            continue
        for sample in family.samples:
            upstream = found.setdefault(sample.labels["upstream"], {})
            value = int(sample.value)
            if family.name == "dvc_edge_upstream_connections":
                upstream[sample.labels["state"]] = value
            elif family.name == "dvc_edge_upstream_breaker":
                upstream["breaker"] = _NAMES[value]
            else:
                upstream[family.name.rpartition("_")[2]] = value
    return {name: upstream for name, upstream in sorted(found.items()) if upstream.get("origins")}
