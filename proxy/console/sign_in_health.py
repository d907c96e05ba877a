"""How sign-in does today, from its audit files: how many came through, why others did not, and who was told last.

The files hold nothing of people.  Of very long ones the end is read, and `partial` says so.
"""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from proxy.console.desk import Desk
from proxy.login.opening import state_folder
from proxy.sign_in_log import FOLDER
from redirect_rules.model import HO_CHI_MINH
from sso.events import AuditEvent

MOST_READ: Final = 4 * 1024 * 1024
"""Octets of one day's file."""
DAYS_READ: Final = 3
"""Files: a day of ours lies in two of theirs, which are days of UTC."""


@dataclass(frozen=True, slots=True)
class Health:
    """What a box of the overview says."""

    on: bool  # whether anybody signs in here at all
    done: int = 0
    refused: Sequence[tuple[str, int]] = ()  # speakable code or word, the most frequent first
    by_client: Sequence[tuple[str, int]] = ()
    partial: bool = False

    @property
    def failed(self) -> int:
        """How many sign-ins did not come through."""
        return sum(count for _, count in self.refused)


def health(desk: Desk) -> Health:
    """Today, by the clock of Viet Nam."""
    if not desk.settings.sso.issuer:
        return Health(on=False)
    midnight = desk.clock().astimezone(HO_CHI_MINH).replace(hour=0, minute=0, second=0, microsecond=0).timestamp()
    done, refused, partial = Counter[str](), Counter[str](), False
    for path in _files(desk):
        events, cut = _read(str(path), *_stamp(path))
        today = [event for event in events if event.at >= midnight]
        partial = partial or (cut and bool(today))
        done.update(event.client for event in today if event.event == "sign-in.done")
        refused.update(event.cause or event.outcome for event in today if event.event == "sign-in.refused")
    return Health(
        on=True, done=done.total(), refused=refused.most_common(), by_client=done.most_common(), partial=partial
    )


def last_sign_ins(desk: Desk) -> dict[str, datetime]:
    """When people signed in for each client last, as far back as the files that are read."""
    found: dict[str, int] = {}
    for path in _files(desk):
        for event in _read(str(path), *_stamp(path))[0]:
            if event.event == "sign-in.done" and event.client:
                found[event.client] = max(found.get(event.client, 0), event.at)
    return {client: datetime.fromtimestamp(at, HO_CHI_MINH) for client, at in found.items()}


def events_of(desk: Desk, code: str, *, most: int = 50) -> list[AuditEvent]:
    """What was written down under the code of a request, or lately under that of a refusal; the newest first."""
    found: list[AuditEvent] = []
    for path in _files(desk):
        of_day = [event for event in _read(str(path), *_stamp(path))[0] if code in {event.code, event.cause}]
        found += sorted(of_day, key=lambda event: event.at, reverse=True)
    return found[:most]


def _files(desk: Desk) -> list[Path]:
    folder = state_folder(desk.settings) / FOLDER
    return sorted(folder.glob("????-??-??.jsonl"), reverse=True)[:DAYS_READ]


def _stamp(path: Path) -> tuple[int, int]:
    try:
        found = path.stat()
    except OSError:
        return 0, 0
    return found.st_size, found.st_mtime_ns


@lru_cache(maxsize=DAYS_READ + 1)
def _read(name: str, size: int, _changed: int) -> tuple[tuple[AuditEvent, ...], bool]:
    """The events of a file of this size, and whether its beginning was left out."""
    cut = max(0, size - MOST_READ)
    try:
        with Path(name).open("rb") as file:
            file.seek(cut)
            lines = file.read(MOST_READ).split(b"\n")
    except OSError:
        return (), False
    return tuple(_events(lines[1:] if cut else lines)), cut > 0


def _events(lines: Sequence[bytes]) -> Iterator[AuditEvent]:
    for line in lines:
        try:
            record: Mapping[str, Any] = json.loads(line)
            yield AuditEvent.of(dict(record))
        except (ValueError, TypeError):
            continue  # empty, or half a line
