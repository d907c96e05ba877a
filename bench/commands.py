"""`dvc-edge` commands as an operator gives them, and what they took."""

import os
import resource
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bench.servers import ROOT


class CommandFailed(Exception):
    """It ended with an error; the text is what it said."""


@dataclass(frozen=True, slots=True)
class Took:
    """What a command took, and what it said."""

    wall_seconds: float
    cpu_seconds: float  # its own and that of the processes that it waited for
    said: str


def arguments(*words: str) -> list[str]:
    """The whole command line."""
    return [sys.executable, "-m", "proxy", *words, "--config", str(ROOT / "conf/edge.toml")]


def environment(environ: Mapping[str, str] | None = None) -> dict[str, str]:
    """The variables a command sees."""
    return {**os.environ, "DVC_EDGE_ACTOR": "bench", **(environ or {})}


def command(*words: str, environ: Mapping[str, str] | None = None, seconds: float = 600) -> Took:
    """Run one to its end.  Raises CommandFailed."""
    cpu, wall = _children_seconds(), time.perf_counter()
    done = subprocess.run(
        arguments(*words),
        cwd=ROOT,
        env=environment(environ),
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )
    took = Took(time.perf_counter() - wall, _children_seconds() - cpu, done.stdout)
    if done.returncode:
        raise CommandFailed(f"dvc-edge {' '.join(words[:2])}: {(done.stderr or done.stdout)[-600:]}")
    return took


def _children_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def pointer_moved_at(state: Path) -> float:
    """When another number began to serve, by the wall clock in seconds; 0 before the first."""
    try:
        return (state / "snapshots/CURRENT").stat().st_mtime
    except FileNotFoundError:
        return 0.0
