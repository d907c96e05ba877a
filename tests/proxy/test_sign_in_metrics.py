"""What Prometheus reads of sign-in."""

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from proxy.sign_in_metrics import SignInMetrics

COUNTED = [
    ('dvc_edge_logins_total{client="langson",level="2",outcome="ok",upstream="vneid"} 1.0'),
    ('dvc_edge_logins_total{client="-",level="-",outcome="access_denied",upstream="-"} 1.0'),
    ('dvc_edge_login_leg_seconds_count{leg="token",upstream="-"} 1.0'),
    ('dvc_edge_sign_in_gate_total{outcome="admitted",portal="langson"} 1.0'),
    ('dvc_edge_forward_auth_total{client="langson",decision="allow"} 1.0'),
    ('dvc_edge_sign_in_limited_total{kind="ticket"} 1.0'),
    ("dvc_edge_sign_in_audit_lost_total 1.0"),
    ('dvc_edge_logout_deliveries{state="waiting"} 3.0'),
    ('dvc_edge_logout_deliveries{state="given-up"} 1.0'),
]


@pytest.fixture(scope="module")
def exposition() -> str:
    registry = CollectorRegistry()
    metrics = SignInMetrics(registry)
    metrics.login("vneid", "langson", "ok", 2)
    metrics.login("", "", "access_denied")
    metrics.leg("token", "", 0.004)
    metrics.gate("langson", "admitted")
    metrics.forward_auth("langson", "allow")
    metrics.limited("ticket")
    metrics.lost()
    metrics.queue(waiting=3, given_up=1)
    return generate_latest(registry).decode()


@pytest.mark.parametrize("line", COUNTED)
def test_it_is_counted_by_words_of_our_own(exposition: str, line: str) -> None:
    assert line in exposition.splitlines()
