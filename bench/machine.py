"""What was measured on: a processor, a system, and the versions of everybody."""

import os
import platform
import subprocess
from datetime import UTC, datetime
from importlib.metadata import version as release
from pathlib import Path

from bench import peers
from bench.wrk import installed


def processor(cpuinfo: str) -> str:
    """The model, of the text of /proc/cpuinfo."""
    names = (line.partition(":")[2].strip() for line in cpuinfo.splitlines() if line.startswith("model name"))
    return next(names, platform.machine())


def facts() -> list[str]:
    """One line for each."""
    model = processor(Path("/proc/cpuinfo").read_text())
    names = ("aiohttp", "uvloop", "lmdb", "brotli")
    load = peers.version("wrk").partition(" [")[0] if installed() else "no wrk: bench.load"
    return [
        f"{model}, {os.cpu_count()} processors, {platform.machine()}, Linux {platform.release().partition('-')[0]}",
        f"Python {platform.python_version()}, {', '.join(f'{name} {release(name)}' for name in names)}",
        *(f"{name}: {peers.version(name)}" for name in ("nginx", "haproxy", "caddy")),
        f"load: {load}",
        f"PostgreSQL: {_postgres()}",
    ]


def _postgres() -> str:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))
    if not found:
        return "not installed"
    return subprocess.run([found[-1], "--version"], capture_output=True, text=True, check=False).stdout.strip()


def today() -> str:
    """The date for people."""
    return f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC"
