"""The counters of all workers together: prometheus_client's multi-process mode, by slot instead of by process.

Each worker counts into files of its own slot, a small number that no two running workers share.  Who takes a slot over
goes on counting where the last one stopped: counts of the dead are kept, and files do not pile up.
"""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final, Self

from prometheus_client import values
from prometheus_client.metrics_core import Metric
from prometheus_client.multiprocess import MultiProcessCollector

_PREFIX: Final = "dvc-edge-metrics-"
_VARIABLE: Final = "PROMETHEUS_MULTIPROC_DIR"
_LOCK: Final = "lock"


class WorkerMetrics:
    """A folder of the supervisor's own, in memory where there is such a place; removed when it is closed."""

    def __init__(self, folder: Path, lock: int) -> None:
        self.folder = folder
        self._lock = lock

    @classmethod
    def create(cls, places: Iterable[Path] = ()) -> Self:
        """Make the folder, and remove those that killed supervisors have left.  Raises OSError."""
        for place in (*places, Path("/dev/shm")):  # noqa: S108 - mkdtemp's folder there is ours alone
            # /dev/shm is never written to a disk: a mapped file that waits for one would hold the loop.
            with suppress(OSError):
                return cls._made(place)
        return cls._made(Path(tempfile.gettempdir()))

    @classmethod
    def _made(cls, place: Path) -> Self:
        for left in place.glob(f"{_PREFIX}*"):
            _remove_if_left(left)
        folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=place))
        lock = os.open(folder / _LOCK, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        fcntl.flock(lock, fcntl.LOCK_EX)
        return cls(folder, lock)

    def families(self, *, without: frozenset[str] = frozenset()) -> Iterator[Metric]:
        """What the workers have counted, the dead ones too, save the metrics of these names."""
        # A file is empty for a moment when it is made, and the library's own `collect` stumbles over it.
        files = [str(file) for file in self.folder.glob("*.db") if file.stat().st_size]
        for metric in MultiProcessCollector.merge(files, accumulate=True):  # type: ignore[no-untyped-call]
            if metric.name not in without:
                yield metric

    def forget(self, slot: int) -> None:
        """The worker of a slot has ended: remove what was true of it only while it lived, keep its counts."""
        # More than the library's mark_process_dead, which leaves the gauges that are told apart by process.
        for file in self.folder.glob(f"gauge_*_{slot}.db"):
            file.unlink(missing_ok=True)

    def close(self) -> None:
        """Remove the folder."""
        shutil.rmtree(self.folder, ignore_errors=True)
        os.close(self._lock)


def count_into(folder: str, slot: int) -> None:
    """Let every metric that this process makes from now on count for a slot."""
    os.environ[_VARIABLE] = folder
    # The library chooses by the environment when it is first imported; that is before there is a folder.
    values.ValueClass = values.MultiProcessValue(lambda: slot)  # type: ignore[no-untyped-call]


def _remove_if_left(folder: Path) -> None:
    """Remove a folder whose owner is gone: its lock is free."""
    try:
        lock = os.open(folder / _LOCK, os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return  # somebody else's, or one that is being made
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return
    else:
        shutil.rmtree(folder, ignore_errors=True)
    finally:
        os.close(lock)
