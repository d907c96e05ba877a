"""The file of a number as it is served: its listed rules where they lie, everything else read."""

import contextlib
from datetime import datetime
from pathlib import Path

from redirect_rules.packs import Listed, LocalityReader, Packs, Sources, read_packs, renewed
from redirect_rules.snapshot_file import SnapshotFile, open_snapshot


def opened(
    path: Path,
    *,
    full: bool = False,
    content: str = "",
    before: Packs | None = None,
    localities_of: LocalityReader | None = None,
) -> Packs:
    """Open a file and read what it says.  Raises SnapshotRefused, and Problems for rules that this release refuses.

    full, content  as for `open_snapshot`
    before  what was served until now: what is the same is not read again
    localities_of  as for `read_packs`
    """
    file = open_snapshot(path, full=full, content=content)
    with contextlib.ExitStack() as undo:
        undo.callback(file.close)
        packs = _packs_of(file, before, localities_of)
        undo.pop_all()
    return packs


def _packs_of(file: SnapshotFile, before: Packs | None, localities_of: LocalityReader | None) -> Packs:
    meta, sources = file.meta, Sources.of(file.documents())
    instants = tuple(map(datetime.fromisoformat, meta.instants))
    listed = Listed(file.exact, file.lookups, instants, meta.content, meta.message, file.close)
    if before is None:
        return read_packs(sources, number=meta.number, listed=listed, localities_of=localities_of)
    return renewed(before, sources, number=meta.number, listed=listed, localities_of=localities_of)
