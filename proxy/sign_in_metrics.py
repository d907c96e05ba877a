"""What Prometheus is told of sign-in.  Labels are ids of our configuration and fixed words, never of a person."""

from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

_SECONDS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_NOBODY: Final = "-"


class SignInMetrics:
    """The counters of one process, in the registry that all workers are added up from."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._logins = Counter(
            "dvc_edge_logins",
            "Sign-ins by how they ended.",
            ("upstream", "client", "outcome", "level"),
            registry=registry,
        )
        self._legs = Histogram(
            "dvc_edge_login_leg_seconds",
            "Time of one leg of a sign-in.",
            ("leg", "upstream"),
            buckets=_SECONDS,
            registry=registry,
        )
        self._gate = Counter(
            "dvc_edge_sign_in_gate",
            "Requests for protected paths by what became of them.",
            ("portal", "outcome"),
            registry=registry,
        )
        self._forward_auth = Counter(
            "dvc_edge_forward_auth",
            "Answers to proxies that asked whether a request may go through.",
            ("client", "decision"),
            registry=registry,
        )
        self._limited = Counter(
            "dvc_edge_sign_in_limited", "Refusals because somebody had failed too often.", ("kind",), registry=registry
        )
        self._lost = Counter(
            "dvc_edge_sign_in_audit_lost", "Audit events that could not be written.", registry=registry
        )
        self._queue = Gauge(
            "dvc_edge_logout_deliveries",
            "Sign-outs that clients have yet to hear of, and those that were given up.",
            ("state",),
            registry=registry,
            multiprocess_mode="livemax",  # all workers look at one queue
        )

    def login(self, upstream: str, client: str, outcome: str, level: int = 0) -> None:
        """A sign-in that ended: "ok", or the word of its refusal."""
        self._logins.labels(upstream or _NOBODY, client or _NOBODY, outcome, str(level or _NOBODY)).inc()

    def leg(self, leg: str, upstream: str, seconds: float) -> None:
        """How long one leg took: "authorize", "upstream", "callback", "token", "ticket", "gate"."""
        self._legs.labels(leg, upstream or _NOBODY).observe(seconds)

    def gate(self, portal: str, outcome: str) -> None:
        """What became of a request for a protected path."""
        self._gate.labels(portal, outcome).inc()

    def forward_auth(self, client: str, decision: str) -> None:
        """What a proxy was answered."""
        self._forward_auth.labels(client or _NOBODY, decision).inc()

    def limited(self, kind: str) -> None:
        """Somebody was refused because of failures before."""
        self._limited.labels(kind).inc()

    def lost(self) -> None:
        """An audit event could not be written."""
        self._lost.inc()

    def queue(self, *, waiting: int, given_up: int) -> None:
        """How many sign-outs wait to be delivered."""
        self._queue.labels("waiting").set(waiting)
        self._queue.labels("given-up").set(given_up)
