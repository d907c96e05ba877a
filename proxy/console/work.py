"""Work that takes longer than a page may: done in a process beside, with progress, and to be left and come back to.

Each piece has a folder: REQUEST says what is wanted and by whom, STATE how far it is, RESULT what came of it.  A piece
is all or nothing by itself (one transaction, one number), so one that is broken off has changed nothing.
"""

import contextlib
import json
import multiprocessing
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Final, TypeAlias

from proxy.clock import utc_now
from proxy.config import Settings
from redirect_rules.rights import NotAllowed
from redirect_rules.sources import Problems
from redirect_rules.store import BatchTaken, StoreBusy, UndoRefused, UnknownVersion

_OFTEN: Final = 0.3  # seconds between two lines of progress
_NICE: Final = 15
KEPT: Final = 50
"""Pieces of work whose folders are kept, the newest ones."""

Progress: TypeAlias = Callable[[str, int], None]
Parameters: TypeAlias = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Request:
    """What is wanted."""

    id: str
    kind: str  # a key of KINDS
    title: str  # of what it is about: a file's name, a message
    actor: str
    begun_at: str
    parameters: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Status:
    """How far it is."""

    state: str = "running"  # "done", "failed", "broken-off"
    stage: str = ""
    done: int = 0
    error: str = ""

    @property
    def ended(self) -> bool:
        """Whether nothing more will come."""
        return self.state != "running"


class Workshop:
    """Where pieces of work are begun, looked at and stopped."""

    def __init__(self, settings: Settings, folder: Path) -> None:
        """`folder` holds a folder for each piece, and outlives the console."""
        self._settings = settings
        self._folder = folder
        self._running: dict[str, Any] = {}

    def begin(self, request: Request, *, upload: bytes | None = None) -> str:
        """Start a piece; its id."""
        folder = self._folder / request.id
        folder.mkdir(parents=True)
        if upload is not None:
            (folder / "upload").write_bytes(upload)
        _write(folder / "request", asdict(request))
        _write(folder / "state", asdict(Status()))
        process = multiprocessing.get_context("spawn").Process(
            target=work_in, args=(self._settings, folder), daemon=True, name=f"console {request.kind}"
        )
        process.start()
        self._running[request.id] = process
        self._clear_away()
        return request.id

    def request(self, id_: str) -> Request | None:
        """What was wanted."""
        found = _read(self._folder / id_ / "request") if id_.isalnum() else None
        return Request(**found) if found else None

    def status(self, id_: str) -> Status:
        """How far it is; one whose process is gone was broken off."""
        found = _read(self._folder / id_ / "state")
        status = Status(**found) if found else Status("broken-off")
        if status.ended or self._alive(id_):
            return status
        again = _read(self._folder / id_ / "state")  # it may have ended between the two looks
        status = Status(**again) if again else status
        return status if status.ended else Status("broken-off", status.stage, status.done)

    def result(self, id_: str) -> dict[str, Any]:
        """What came of it."""
        return _read(self._folder / id_ / "result") or {}

    def stop(self, id_: str) -> None:
        """Break it off: it has changed nothing then."""
        process = self._running.get(id_)
        if process is not None and process.is_alive():
            process.terminate()
            process.join(5)

    def all(self) -> list[Request]:
        """The pieces that are kept, the newest first."""
        ids = [path.name for path in self._folder.iterdir()] if self._folder.is_dir() else []
        found = [request for id_ in ids if (request := self.request(id_)) is not None]
        return sorted(found, key=lambda one: one.begun_at, reverse=True)

    def close(self) -> None:
        """Break off what is still going on."""
        for id_ in tuple(self._running):
            self.stop(id_)

    def _alive(self, id_: str) -> bool:
        process = self._running.get(id_)
        return process is not None and process.is_alive()

    def _clear_away(self) -> None:
        for request in self.all()[KEPT:]:
            if not self._alive(request.id):
                folder = self._folder / request.id
                for path in folder.iterdir():
                    path.unlink()
                folder.rmdir()


def work_in(settings: Settings, folder: Path) -> None:
    """Do what a folder's REQUEST wants.  Runs in a process of its own."""
    # The console itself needs none of this, and a desk has a workshop.
    from proxy.console.desk import Desk  # noqa: PLC0415
    from proxy.console.tasks import KINDS  # noqa: PLC0415

    _step_back()
    request = Request(**(_read(folder / "request") or {}))
    told = _Teller(folder / "state")
    try:
        with Desk.open(settings, utc_now) as desk:
            result = KINDS[request.kind](desk, request, folder, told)
    except (NotAllowed, Problems, UndoRefused, UnknownVersion, BatchTaken, StoreBusy) as error:
        _write(folder / "state", asdict(Status("failed", error=str(error))))
    except Exception as error:
        _write(folder / "state", asdict(Status("failed", error=f"{type(error).__name__}: {error}")))
        raise
    else:
        _write(folder / "result", result)
        _write(folder / "state", asdict(Status("done", told.stage, told.done)))


def _step_back() -> None:
    """Let visitors go first: less often on a processor, and never in the place of one who has just come.

    Not SCHED_IDLE: an import that got no time at all would hold the one writer's place, and everybody else would wait.
    """
    os.nice(_NICE)
    if hasattr(os, "SCHED_BATCH"):
        with contextlib.suppress(OSError):
            os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))


class _Teller:
    """Writes progress down, now and then."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._next = 0.0
        self.stage = ""
        self.done = 0

    def __call__(self, stage: str, done: int) -> None:
        self.stage, self.done = stage, done
        if (now := time.monotonic()) >= self._next:
            self._next = now + _OFTEN
            _write(self._path, asdict(Status("running", stage, done)))


def wanted(kind: str, title: str, actor: str, now: datetime, id_: str, **parameters: Any) -> Request:
    """A request as a page makes it."""
    return Request(id_, kind, title, actor, now.isoformat(), parameters)


def _write(path: Path, value: Mapping[str, Any]) -> None:
    beside = path.with_name(f"{path.name}.new")
    beside.write_text(json.dumps(value, ensure_ascii=False), "utf-8")
    beside.replace(path)


def _read(path: Path) -> dict[str, Any] | None:
    with contextlib.suppress(OSError, ValueError):
        found = json.loads(path.read_text("utf-8"))
        return found if isinstance(found, dict) else None
    return None
