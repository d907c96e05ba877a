"""A PostgreSQL of our own on a loopback port, as Debian sets it up, for as long as a block lasts."""

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bench import accounting
from bench.servers import free_port


@dataclass(frozen=True, slots=True)
class Postgres:
    """A running one."""

    url: str  # of a database that is empty
    pid: int  # of the postmaster

    def send(self, number: signal.Signals) -> None:
        """Send a signal to all its processes; those that have ended miss it."""
        for pid in sorted(accounting.family(self.pid)):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)


def program(name: str) -> str | None:
    """Where one of PostgreSQL's programs lies; None: not installed."""
    found = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), key=lambda path: int(path.parts[4]))
    return str(found[-1]) if found else shutil.which(name)


@contextlib.contextmanager
def postgres() -> Iterator[Postgres]:
    """Start it, stop it, remove it.  Raises FileNotFoundError where it is not installed."""
    initdb, pg_ctl = program("initdb"), program("pg_ctl")
    if initdb is None or pg_ctl is None:
        raise FileNotFoundError("PostgreSQL is not installed")
    folder = Path(tempfile.mkdtemp(prefix="dvc-edge-bench-pg-"))
    if os.geteuid() == 0:
        shutil.chown(folder, "postgres")
    port, data = free_port(), str(folder / "data")
    options = f"-p {port} -k {folder} -c listen_addresses=127.0.0.1"
    try:
        _run(initdb, "-D", data, "-U", "rules", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8")
        _run(pg_ctl, "-D", data, "-w", "-o", options, "-l", str(folder / "log"), "start")
        pid = int((folder / "data/postmaster.pid").read_text().partition("\n")[0])
        running = Postgres(f"postgresql://rules@127.0.0.1:{port}/postgres", pid)
        try:
            yield running
        finally:
            running.send(signal.SIGCONT)
            with contextlib.suppress(subprocess.CalledProcessError):  # it may have been killed
                _run(pg_ctl, "-D", data, "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _run(*command: str) -> None:
    """As a user whom PostgreSQL accepts: it refuses to be root."""
    user = "postgres" if os.geteuid() == 0 else None
    subprocess.run(
        command, check=True, user=user, cwd="/", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=60
    )
