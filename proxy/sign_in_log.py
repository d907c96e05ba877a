"""The audit of sign-in as files: a line of JSON for each event, a file for each day (UTC), appended to by all workers.

`dvc-edge sso code CODE` looks events up by what a citizen reads out.  A disk that takes no more costs events, which are
counted, and never a sign-in.
"""

import json
import os
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Final

from sso.events import AuditEvent

FOLDER: Final = "sign-in-audit"
"""Below the state folder."""


class SignInLog:
    """Appends events to the file of their day."""

    def __init__(self, folder: Path, *, keep_days: int = 400, on_lost: Callable[[], None] | None = None) -> None:
        """`keep_days`: how long a day's file stays; 0: for ever.  `on_lost` is told of each event that was not kept."""
        self._folder = folder
        self._keep_days = keep_days
        self._on_lost = on_lost
        self._day: date | None = None
        self._file = -1

    def write(self, event: AuditEvent) -> None:
        """Keep an event; its line is one write, so that those of several workers never mix."""
        line = json.dumps(event.record(), separators=(",", ":")) + "\n"
        try:
            os.write(self._file_of(datetime.fromtimestamp(event.at, UTC).date()), line.encode())
        except OSError:
            self._day = None  # the folder may be back at the next event
            if self._on_lost is not None:
                self._on_lost()

    def close(self) -> None:
        """Let the file go."""
        if self._file >= 0:
            os.close(self._file)
        self._file, self._day = -1, None

    def _file_of(self, day: date) -> int:
        if day != self._day:
            self.close()
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            path = self._folder / f"{day.isoformat()}.jsonl"
            self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
            self._day = day
            self._forget(day)
        return self._file

    def _forget(self, today: date) -> None:
        if not self._keep_days:
            return
        for path, day in _days(self._folder):
            if today - day > timedelta(days=self._keep_days):
                path.unlink(missing_ok=True)


def events(folder: Path) -> Iterator[AuditEvent]:
    """What was written, the newest day first, each day in its order; lines that are none are left out."""
    for path, _ in sorted(_days(folder), reverse=True):
        with path.open(encoding="utf-8", errors="replace") as lines:
            for line in lines:
                try:
                    yield AuditEvent.of(json.loads(line))
                except (ValueError, TypeError):
                    continue  # half a line of a full disk


def _days(folder: Path) -> Iterator[tuple[Path, date]]:
    for path in folder.glob("????-??-??.jsonl"):
        try:
            yield path, date.fromisoformat(path.stem)
        except ValueError:
            continue
