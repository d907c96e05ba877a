"""What Prometheus is told."""

from prometheus_client import CollectorRegistry, generate_latest

from proxy.passing.breaker import State
from proxy.passing.metrics import PassingMetrics, standing


def test_every_request_is_counted_and_timed() -> None:
    registry = CollectorRegistry()
    metrics = PassingMetrics(registry)
    metrics.passed("province", "2xx", 0.003)
    metrics.passed("province", "2xx", 0.003)
    metrics.passed("province", "late", 60)
    metrics.retried("province")
    text = generate_latest(registry).decode()
    assert 'dvc_edge_passed_total{outcome="2xx",upstream="province"} 2.0' in text
    assert 'dvc_edge_passed_total{outcome="late",upstream="province"} 1.0' in text
    assert 'dvc_edge_passed_seconds_count{upstream="province"} 3.0' in text
    assert 'dvc_edge_passed_retries_total{upstream="province"} 1.0' in text


def test_how_an_upstream_stands() -> None:
    registry = CollectorRegistry()
    PassingMetrics(registry).stands("province", busy=3, idle=2, waiting=1, state=State.OPEN, well=0, origins=2)
    text = generate_latest(registry).decode()
    for line in (
        'dvc_edge_upstream_connections{state="busy",upstream="province"} 3.0',
        'dvc_edge_upstream_connections{state="idle",upstream="province"} 2.0',
        'dvc_edge_upstream_connections{state="waiting",upstream="province"} 1.0',
        'dvc_edge_upstream_breaker{upstream="province"} 2.0',
        'dvc_edge_upstream_well{upstream="province"} 0.0',
    ):
        assert line in text


def test_how_they_stand_is_read_back_for_people() -> None:
    registry = CollectorRegistry()
    metrics = PassingMetrics(registry)
    metrics.stands("b", busy=3, idle=2, waiting=1, state=State.OPEN, well=0, origins=2)
    metrics.stands("a", busy=0, idle=0, waiting=0, state=State.CLOSED, well=1, origins=1)
    metrics.stands("once", busy=1, idle=0, waiting=0, state=State.CLOSED, well=1, origins=1)
    metrics.gone("once")
    metrics.passed("a", "2xx", 0.1)
    told = standing(registry.collect())
    assert list(told) == ["a", "b"]
    assert told["b"] == {"busy": 3, "idle": 2, "waiting": 1, "breaker": "open", "well": 0, "origins": 2}
