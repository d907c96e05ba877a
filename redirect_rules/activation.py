"""What is in force: files beside the numbers, so that serving asks no database.

CURRENT    the number that was activated last (`snapshot_file`)
PENDING    numbers that wait for their instant: one line each, "00000012 SHA256 2027-01-01T00:00:00+00:00"
SWITCHES   portals whose rules are overruled at once: JSON, {"langson": "home"}

Every process of a node looks at the three and comes to the same answer by its own clock.  Files are replaced in one
step; whoever reads sees the old ones or the new ones.
"""

import json
import os
import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, NamedTuple

from redirect_rules.model import Switch
from redirect_rules.snapshot_file import current
from redirect_rules.snapshot_seal import SnapshotRefused

PENDING: Final = "PENDING"
SWITCHES: Final = "SWITCHES"

_LINE = re.compile(r"(\d{8}) ([0-9a-f]{64}) (\S+)\Z")


class Waiting(NamedTuple):
    """A number that waits for its instant."""

    number: int
    content: str  # sha256, as in Meta
    at: datetime  # aware


class InForce(NamedTuple):
    """What is to be served."""

    number: int | None  # None: nothing was published
    content: str
    switches: Mapping[str, Switch]


def in_force(folder: Path, now: datetime) -> InForce:
    """What the files say at `now`.  Raises SnapshotRefused where one of them cannot be read."""
    number, content = current(folder) or (None, "")
    for waiting in pending(folder):
        if waiting.at <= now and waiting.number > (number or 0):
            number, content = waiting.number, waiting.content
    return InForce(number, content, switches(folder))


def pending(folder: Path) -> tuple[Waiting, ...]:
    """The numbers that wait, the earliest instant first.  Raises SnapshotRefused."""
    return tuple(sorted(map(_waiting, _text(folder / PENDING).splitlines()), key=lambda one: (one.at, one.number)))


def _waiting(line: str) -> Waiting:
    with suppress(ValueError):
        if match := _LINE.match(line):
            return Waiting(int(match[1]), match[2], datetime.fromisoformat(match[3]))
    raise SnapshotRefused(f"{PENDING}: {line[:80]!r} is no line of this file: publish again")


def wait_for(folder: Path, all_waiting: Iterable[Waiting]) -> None:
    """Let exactly these numbers wait."""
    lines = [f"{one.number:08} {one.content} {one.at.astimezone(UTC).isoformat()}\n" for one in all_waiting]
    _replace(folder / PENDING, "".join(lines))


def switches(folder: Path) -> dict[str, Switch]:
    """The emergency switches that are on, by portal.  Raises SnapshotRefused."""
    path = folder / SWITCHES
    try:
        return {portal: Switch(position) for portal, position in json.loads(_text(path) or "{}").items()}
    except (ValueError, AttributeError) as error:
        raise SnapshotRefused(f"{path}: cannot be read: {error}") from None


def switch(folder: Path, positions: Mapping[str, Switch]) -> None:
    """Let exactly these switches be on."""
    _replace(folder / SWITCHES, json.dumps({portal: position.value for portal, position in sorted(positions.items())}))


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeDecodeError) as error:
        raise SnapshotRefused(f"{path}: cannot be read: {error}") from None


def _replace(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(f".{path.name}.{os.getpid()}.new")
    try:
        with new.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        new.replace(path)
    finally:
        new.unlink(missing_ok=True)
