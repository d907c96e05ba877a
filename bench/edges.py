"""Our own edge as people run it: `dvc-edge serve` on a state folder, its access log in a file, its metrics on."""

import contextlib
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from bench import accounting
from bench.servers import PATIENCE_SECONDS, ROOT, SERVER_CPU, DoesNotStart, Server, free_port, serving


@dataclass(frozen=True, slots=True)
class Edge:
    """A running one."""

    server: Server
    operations: int
    ready_seconds: float  # from its start until /ready said yes
    folder: Path

    def workers(self) -> list[int]:
        """The process ids of its workers, the oldest first."""
        return accounting.named(self.server.pid, lambda name: name.startswith("dvc-edge work"))

    def worker_memory(self) -> accounting.Memory:
        """What its workers hold."""
        return accounting.memory_of(self.workers())

    def metric(self, series: str) -> float:
        """The value of one series, e.g. `dvc_edge_workers{state="ready"}`; 0 where there is none."""
        lines = (
            line.rpartition(" ") for line in _operated(self.operations, "/metrics").splitlines() if line[:1] != "#"
        )
        return next((float(value) for name, _, value in lines if name == series), 0.0)


def _operated(port: int, path: str) -> str:
    with urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
        return str(answer.read().decode())


@contextlib.contextmanager
def edge(
    folder: Path,
    state: Path,
    *,
    workers: int = 1,
    cpu: int | None = SERVER_CPU,
    environ: Mapping[str, str] | None = None,
    program: Path = ROOT,
) -> Iterator[Edge]:
    """Start an edge on a state folder and stop it at the end.  Raises DoesNotStart.

    folder   takes its access log as `stdout`, and what it says to people as `stderr`
    program  where it lies; `Workshop.compiled_program` has another one
    """
    port, operations = free_port(), free_port()
    chosen = {
        "DVC_EDGE__LISTEN__PORT": str(port),
        "DVC_EDGE__OPERATIONS__PORT": str(operations),
        "DVC_EDGE__STATE__FOLDER": f'"{state}"',
        "DVC_EDGE__WORKERS__COUNT": str(workers),
        "PYTHONDONTWRITEBYTECODE": "",  # as where it was installed: what was compiled once is not compiled again
    }
    command = [sys.executable, "-m", "proxy", "serve", "--config", str(ROOT / "conf/edge.toml")]
    begun = time.perf_counter()
    asked = {**chosen, **(environ or {})}
    with serving(command, port=port, folder=folder, environ=asked, cpu=cpu, cwd=program) as server:
        running = Edge(server, operations, _ready(operations, begun, folder), folder)
        _complete(running, workers, begun)
        yield running


def _ready(operations: int, begun: float, folder: Path) -> float:
    while time.perf_counter() - begun < PATIENCE_SECONDS:
        with contextlib.suppress(URLError, OSError):
            _operated(operations, "/ready")
            return time.perf_counter() - begun
        time.sleep(0.005)
    raise DoesNotStart(f"the edge is never ready: {(folder / 'stderr').read_text('utf-8', 'replace')[-2_000:]}")


def _complete(running: Edge, workers: int, begun: float) -> None:
    """The first worker makes an edge ready; who measures wants them all."""
    while (ready := running.metric('dvc_edge_workers{state="ready"}')) < workers or len(running.workers()) < workers:
        if time.perf_counter() - begun > PATIENCE_SECONDS:
            raise DoesNotStart(f"only {ready:g} of {workers} workers are ready")
        time.sleep(0.005)
