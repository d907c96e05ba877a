"""Counts of many processes are one count, and no death takes one away."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from proxy.worker_metrics import WorkerMetrics

ROOT = Path(__file__).parents[2]
WORKER = """
import sys
from proxy.worker_metrics import count_into
count_into(sys.argv[1], int(sys.argv[2]))
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
registry = CollectorRegistry()
counter = Counter("visits", "h", ("portal",), registry=registry)
Gauge("busy", "h", registry=registry).set(1)
Gauge("alive", "h", multiprocess_mode="livesum", registry=registry).set(1)
Histogram("seconds", "h", buckets=(1, 2), registry=registry).observe(1.5)
counter.labels("langson").inc(int(sys.argv[3]))
"""


def work(counts: WorkerMetrics, slot: int, times: int) -> None:
    command = [sys.executable, "-c", WORKER, str(counts.folder), str(slot), str(times)]
    subprocess.run(command, cwd=ROOT, check=True, timeout=30)


def samples(counts: WorkerMetrics) -> dict[str, float]:
    found = {}
    for metric in counts.families():
        for sample in metric.samples:
            found[sample.name + "".join(f" {value}" for _, value in sorted(sample.labels.items()))] = sample.value
    return found


def test_workers_count_together_and_who_takes_a_slot_over_counts_on(tmp_path: Path) -> None:
    counts = WorkerMetrics.create([tmp_path])
    work(counts, 0, 3)
    work(counts, 1, 4)
    assert samples(counts)["visits_total langson"] == 7
    counts.forget(0)
    assert samples(counts)["visits_total langson"] == 7
    work(counts, 0, 5)
    found = samples(counts)
    assert found["visits_total langson"] == 12
    assert found["seconds_bucket 2.0"] == 3
    assert len(list(counts.folder.glob("counter_*.db"))) == 2
    counts.close()


def test_a_file_that_is_just_being_made_does_not_keep_the_others_from_being_read(tmp_path: Path) -> None:
    counts = WorkerMetrics.create([tmp_path])
    work(counts, 0, 3)
    (counts.folder / "counter_1.db").touch()
    assert samples(counts)["visits_total langson"] == 3
    counts.close()


def test_what_was_true_of_a_worker_while_it_lived_goes_with_it(tmp_path: Path) -> None:
    counts = WorkerMetrics.create([tmp_path])
    work(counts, 0, 1)
    work(counts, 1, 1)
    assert samples(counts)["alive"] == 2
    counts.forget(1)
    found = samples(counts)
    assert found["alive"] == 1
    assert [name for name in found if name.startswith("busy")] == ["busy 0"]
    counts.close()


def test_a_metric_that_the_supervisor_knows_better_is_left_out(tmp_path: Path) -> None:
    counts = WorkerMetrics.create([tmp_path])
    work(counts, 0, 1)
    assert "busy" not in {metric.name for metric in counts.families(without=frozenset({"busy"}))}
    counts.close()


def test_the_folder_is_ours_alone_and_goes_when_it_is_closed(tmp_path: Path) -> None:
    counts = WorkerMetrics.create([tmp_path])
    assert counts.folder.stat().st_mode & 0o077 == 0
    counts.close()
    assert not list(tmp_path.iterdir())


def test_what_a_killed_supervisor_has_left_is_removed_and_nothing_else(tmp_path: Path) -> None:
    program = (
        "import os, signal, sys; from pathlib import Path; from proxy.worker_metrics import WorkerMetrics\n"
        "WorkerMetrics.create([Path(sys.argv[1])]); os.kill(os.getpid(), signal.SIGKILL)"
    )
    subprocess.run([sys.executable, "-c", program, str(tmp_path)], cwd=ROOT, check=False, timeout=30)
    (left,) = tmp_path.iterdir()
    (tmp_path / "dvc-edge-metrics-of-somebody-else").mkdir()
    living = WorkerMetrics.create([tmp_path])
    assert not left.exists()
    another = WorkerMetrics.create([tmp_path])
    assert living.folder.exists()
    assert (tmp_path / "dvc-edge-metrics-of-somebody-else").exists()
    another.close()
    living.close()


@pytest.mark.skipif(not os.access("/dev/shm", os.W_OK), reason="no memory to keep files in")
def test_the_files_lie_in_memory_where_there_is_such_a_place() -> None:
    counts = WorkerMetrics.create()
    assert counts.folder.parent == Path("/dev/shm")
    counts.close()


def test_a_place_that_cannot_be_written_to_is_passed_over(tmp_path: Path) -> None:
    counts = WorkerMetrics.create([tmp_path / "missing"])
    assert counts.folder.parent in {Path("/dev/shm"), Path(tempfile.gettempdir())}
    counts.close()
