"""The demonstration as a process of its own beside the edge, for as long as the edge runs."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

_PATIENCE_SECONDS: Final = 10


@contextmanager
def beside(config: Path | None) -> Iterator[None]:
    """Run it; whether it may run here, and on which port, it reads for itself from the same configuration."""
    named = ["--config", str(config)] if config is not None else []
    process = subprocess.Popen([sys.executable, "-m", "proxy.simulation", *named])  # noqa: S603 - this very program
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(_PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
