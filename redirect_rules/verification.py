"""Which files were looked at to the last octet, so that a start need not look again: a second for each gigabyte.

`00000012.verified` beside a number says what its file was when every octet of it was found to be as its seal says:
length, inode, and the instants at which content and inode changed last.  Any write changes one of them, and a copy has
another inode; what a disk does to octets without telling anybody is not seen, and was not seen while a file served.
"""

from contextlib import suppress
from pathlib import Path

from redirect_rules.snapshot_file import SnapshotFile, open_snapshot


def open_verified(path: Path, *, content: str = "") -> SnapshotFile:
    """Open a file of which every octet was looked at, now or since it was written last.  Raises SnapshotRefused."""
    if _noted(path) == _state_of(path):
        return open_snapshot(path, content=content)
    file = open_snapshot(path, full=True, content=content)
    note(path)
    return file


def note(path: Path) -> None:
    """Note that every octet of a file is as it should be.  Without a note the next start takes longer."""
    with suppress(OSError):
        note_of(path).write_text(_state_of(path), "ascii")


def note_of(path: Path) -> Path:
    """Where the note about a file is."""
    return path.with_suffix(".verified")


def _noted(path: Path) -> str | None:
    try:
        return note_of(path).read_text("ascii")
    except (OSError, UnicodeDecodeError):
        return None


def _state_of(path: Path) -> str:
    with suppress(OSError):
        status = path.stat()
        return f"{status.st_size} {status.st_ino} {status.st_mtime_ns} {status.st_ctime_ns}\n"
    return ""
