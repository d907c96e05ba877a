"""Load by wrk: a list of requests over connections that are kept, from the other processor."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench.servers import LOAD_CPU, ROOT, on_cpu

CONNECTIONS: Final = 32
SCRIPT: Final = """\
local requests, at = {}, 0

function init(args)
  local file = assert(io.open(args[1], "rb"))
  for head in file:read("*a"):gmatch("(.-\\r\\n\\r\\n)") do
    requests[#requests + 1] = head
  end
  file:close()
end

function request()
  at = at % #requests + 1
  return requests[at]
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    '\\n{"requests": %d, "seconds": %.6f, "broken": %d, "refused": %d, "p50": %.1f, "p99": %.1f, "most": %.1f}\\n',
    summary.requests, summary.duration / 1e6, errors.connect + errors.read + errors.write + errors.timeout,
    errors.status, latency:percentile(50), latency:percentile(99), latency.max))
end
"""


class LoadFailed(Exception):
    """The load was not what it should have been; the text says how."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """What a load was, and what came back."""

    requests: int
    seconds: float
    broken: int  # connections refused, broken off, or silent for too long
    refused: int  # answers of 400 and more
    p50: float  # microseconds from request to answer, with CONNECTIONS of them at a time
    p99: float
    most: float

    @property
    def rate(self) -> float:
        """Requests a second."""
        return self.requests / self.seconds

    @classmethod
    def read(cls, printed: str) -> "Loaded":
        """From what the generator printed: its last line.  Raises LoadFailed."""
        last = printed.strip().rpartition("\n")[2]
        try:
            return cls(**json.loads(last))
        except (ValueError, TypeError):
            raise LoadFailed(f"the load said nothing that could be read: {printed[-500:]!r}") from None


def installed() -> bool:
    """Whether wrk is there; else our own generator is the load."""
    return shutil.which("wrk") is not None


def load(
    port: int, requests: Iterable[bytes], seconds: float, *, connections: int = CONNECTIONS, refusals: bool = False
) -> Loaded:
    """Ask a loopback port for so long.  Raises LoadFailed where more than one connection in a thousand requests broke.

    refusals  whether answers of 400 and more are what is asked for
    """
    with tempfile.TemporaryDirectory(prefix="dvc-edge-load-") as name:
        heads, script = Path(name, "requests"), Path(name, "load.lua")
        heads.write_bytes(b"".join(requests))
        script.write_text(SCRIPT, "utf-8")
        command = _command(port, heads, script, seconds, connections)
        with on_cpu(LOAD_CPU):
            done = subprocess.run(
                command, cwd=ROOT, env=os.environ, capture_output=True, text=True, timeout=seconds + 60, check=False
            )
    if done.returncode:
        raise LoadFailed(f"{command[0]} ended with {done.returncode}: {done.stderr[-500:]}")
    loaded = Loaded.read(done.stdout)
    bad = loaded.broken + (0 if refusals else loaded.refused)
    if not loaded.requests or bad * 1_000 > loaded.requests:
        raise LoadFailed(f"{loaded.requests} requests, {loaded.broken} broken, {loaded.refused} refused")
    return loaded


def _command(port: int, heads: Path, script: Path, seconds: float, connections: int) -> list[str]:
    if not installed():
        return [sys.executable, "-m", "bench.load", str(port), str(heads), str(seconds), str(connections)]
    options = ["-t1", f"-c{connections}", f"-d{max(round(seconds), 1)}s", "--timeout", "20s", "-s", str(script)]
    return ["wrk", *options, f"http://127.0.0.1:{port}/", "--", str(heads)]
