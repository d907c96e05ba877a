"""Which files were looked at, so that nobody need look again: to the last octet, and rule by rule.

`00000012.verified` beside a number says what its file was when every octet of it was found to be as its seal says:
length, inode, and the instants at which content and inode changed last.  Any write changes one of them, and a copy has
another inode; what a disk does to octets without telling anybody is not seen, and was not seen while a file served.

`00000012.analysed` says the same of the file in which analysis found no error, and by which program: another one may
know errors that this one does not.
"""

import hashlib
from contextlib import suppress
from functools import cache
from pathlib import Path

from redirect_rules.snapshot_file import SnapshotFile, open_snapshot


def open_verified(path: Path, *, content: str = "") -> SnapshotFile:
    """Open a file of which every octet was looked at, now or since it was written last.  Raises SnapshotRefused."""
    if _noted(path) == _state_of(path):
        known = open_snapshot(path, content=content)
        # Whoever looks at every octet has it in memory then.
        known.read_ahead()
        return known
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


def note_analysed(path: Path, amended: int) -> None:
    """Note that analysis found no error in a file; `amended`: how many times it is the copy of a copy.

    Without a note the next number is made from all rules.
    """
    with suppress(OSError):
        note_of_analysis(path).write_text(f"{amended} {_program()} {_state_of(path)}", "ascii")


def note_of_analysis(path: Path) -> Path:
    """Where the note about the analysis of a file is."""
    return path.with_suffix(".analysed")


def analysed(path: Path) -> int | None:
    """How many times a file is the copy of a copy, where this very program has found no error in it; else None."""
    with suppress(OSError, ValueError):
        amended, program, state = note_of_analysis(path).read_text("ascii").split(" ", 2)
        if program and program == _program() and state == _state_of(path):
            return int(amended)
    return None


@cache
def _program() -> str:
    """A hash over the sources that compile and analyse; "" where the program came without them."""
    sources = sorted(Path(__file__).parent.rglob("*.py"))
    digest = hashlib.sha256()
    for source in sources:
        digest.update(source.read_bytes())
    return digest.hexdigest() if sources else ""


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
