"""What Prometheus is told of the workers themselves."""

from pathlib import Path

from proxy.supervision import Cause, Supervision
from proxy.worker_metrics import WorkerMetrics


def series(text: bytes) -> dict[str, float]:
    lines = (line.rpartition(" ") for line in text.decode().splitlines() if not line.startswith("#"))
    return {name: float(value) for name, _, value in lines}


def test_every_cause_and_stage_is_there_from_the_beginning(tmp_path: Path) -> None:
    counts = WorkerMetrics.create([tmp_path])
    found = series(Supervision(counts).exposition([], is_ready=False))
    assert found["dvc_edge_ready"] == 0
    for cause in Cause:
        assert found[f'dvc_edge_worker_restarts_total{{cause="{cause}"}}'] == 0
    for stage in ("starting", "ready", "draining"):
        assert found[f'dvc_edge_workers{{state="{stage}"}}'] == 0
    assert found["process_cpu_seconds_total"] > 0
    counts.close()


def test_workers_are_counted_by_stage_and_replacements_by_cause(tmp_path: Path) -> None:
    counts = WorkerMetrics.create([tmp_path])
    supervision = Supervision(counts)
    supervision.count_restart(Cause.HEARTBEAT)
    supervision.count_reload(done=True)
    supervision.count_reload(done=False)
    found = series(supervision.exposition(["ready", "ready", "starting", "ended"], is_ready=True))
    assert found["dvc_edge_ready"] == 1
    assert found['dvc_edge_workers{state="ready"}'] == 2
    assert found['dvc_edge_workers{state="starting"}'] == 1
    assert found['dvc_edge_worker_restarts_total{cause="heartbeat"}'] == 1
    assert found['dvc_edge_worker_restarts_total{cause="crash"}'] == 0
    assert found['dvc_edge_reloads_total{outcome="done"}'] == 1
    assert found['dvc_edge_reloads_total{outcome="refused"}'] == 1
    counts.close()
