"""The folder in which edited rules and published numbers lie, and what is served from it.

FOLDER/rules.db     the store, unless another database is named
FOLDER/snapshots/   one file for each number, with CURRENT, PENDING and SWITCHES beside them
FOLDER/draft/       the draft as it was compiled last, for looking at
FOLDER/cache/       what is quicker to read than the tables that it was made of
"""

import logging
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from proxy import kept_localities
from proxy.config import Settings
from proxy.packs import load_packs
from redirect_rules import activation
from redirect_rules.opening import opened
from redirect_rules.packs import Packs
from redirect_rules.snapshot_file import NoSnapshot, open_current, open_snapshot, path_of
from redirect_rules.snapshot_seal import SnapshotRefused
from redirect_rules.verification import open_verified

if TYPE_CHECKING:
    from redirect_rules.stores.hit_sums import HitSums
    from redirect_rules.stores.hits import HitStore
    from redirect_rules.stores.sql import SqlStore


@dataclass(frozen=True, slots=True)
class State:
    """Where everything lies."""

    folder: Path
    database: str  # SQLAlchemy URL
    four_eyes: bool

    @classmethod
    def of(cls, settings: Settings) -> "State":
        """As the settings say."""
        folder = settings.path(settings.state.folder).resolve()
        database = settings.state.database or f"sqlite:///{folder / 'rules.db'}"
        return cls(folder, database, settings.publishing.four_eyes)

    @property
    def snapshots(self) -> Path:
        """Where published numbers lie."""
        return self.folder / "snapshots"

    @property
    def cache(self) -> Path:
        """What was read once and is quicker so; whoever removes it loses a moment."""
        return self.folder / "cache"

    @property
    def draft(self) -> Path:
        """Where a draft is compiled to be looked at."""
        return self.folder / "draft"

    def hit_sums(self) -> "HitSums":
        """Where hits are added, opened by those who answer visitors.  Makes the folder and, by a program, the tables.

        Raises TablesNotMade, or what the driver raises.
        """
        from redirect_rules.stores.hit_sums import HitSums, OtherTables  # noqa: PLC0415 - as in `hits`

        self.folder.mkdir(parents=True, exist_ok=True)
        try:
            return HitSums.open(self.database)
        except OtherTables:
            _make_tables(self.database)
            return HitSums.open(self.database)

    def hits(self) -> "HitStore":
        """Where hits are kept, opened to be asked.  Makes the folder and the tables, as `store` does."""
        # Reading a database's drivers takes as long as all the rest of a start, and serving needs none of them.
        from redirect_rules.stores.hits import HitStore  # noqa: PLC0415

        self.folder.mkdir(parents=True, exist_ok=True)
        return HitStore.open(self.database)

    @contextmanager
    def store(self) -> "Iterator[SqlStore]":
        """The store, opened and closed.  Makes the folder and the tables; raises StoreTooNew, sqlalchemy's errors."""
        from redirect_rules.stores.sql import SqlStore  # noqa: PLC0415 - as in `hits`

        self.folder.mkdir(parents=True, exist_ok=True)
        with closing(SqlStore(self.database, four_eyes=self.four_eyes)) as store:
            yield store


class TablesNotMade(Exception):
    """The tables of the database could be neither made nor upgraded; the text says why."""


_MAKING_SECONDS: Final = 300.0
_MAKING: Final = """\
import sys
sys.path.insert(0, sys.argv[1])
from proxy import processes
processes.die_with_parent()
from redirect_rules.stores.database import Database
Database(sys.stdin.read()).close()
"""


def _make_tables(database: str) -> None:
    """Make or upgrade the tables, in a process that takes with it what that needs: thirty megabytes."""
    root = str(Path(__file__).parents[1])
    try:
        # By standard input: a URL may have a password in it, and everybody reads the arguments of a process.
        subprocess.run(  # noqa: S603 - a program of ours
            [sys.executable, "-P", "-c", _MAKING, root],
            input=database,
            text=True,
            capture_output=True,
            check=True,
            timeout=_MAKING_SECONDS,
        )
    except subprocess.CalledProcessError as error:
        raise TablesNotMade(str(error.stderr).strip().rpartition("\n")[2]) from None
    except subprocess.TimeoutExpired:
        raise TablesNotMade(f"the tables were not made within {_MAKING_SECONDS:.0f} s") from None


def served(settings: Settings, now: datetime, *, full: bool = False) -> Packs:
    """What is in force; where its file cannot be served the newest good one; the shipped files before the first number.

    full  look at every octet of the file: once on each machine, before workers map it

    Asks no database.  Raises Problems for rules that cannot be read, SnapshotRefused when no file at all is good.
    """
    state = State.of(settings)
    folder, localities_of = state.snapshots, kept_localities.reader(state.cache)
    try:
        path = _path(folder, now, full=full)
    except NoSnapshot:
        packs = load_packs(settings, localities_of=localities_of)
    else:
        packs = opened(path, localities_of=localities_of)
    return overruled(packs, folder)


def _path(folder: Path, now: datetime, *, full: bool) -> Path:
    log = logging.getLogger(__name__)
    try:
        wanted = activation.in_force(folder, now)
        if wanted.number is not None:
            path = path_of(folder, wanted.number)
            open_it = open_verified if full else open_snapshot
            with open_it(path, content=wanted.content) as file:
                return file.path
    except SnapshotRefused as error:
        log.error("%s: the newest good number before it is served", error)  # noqa: TRY400 - the text says it all
    found = open_current(folder, full=full)
    for complaint in found.complaints:
        log.error("%s", complaint)
    with found.snapshot as file:
        return file.path


def overruled(packs: Packs, folder: Path) -> Packs:
    """The packs under the emergency switches that are on; unreadable switches change nothing, and are complained of."""
    try:
        switches = activation.switches(folder)
    except SnapshotRefused as error:
        logging.getLogger(__name__).error("%s: the switches stay as they were", error)  # noqa: TRY400 - as above
        return packs
    return replace(packs, snapshot=replace(packs.snapshot, switches=switches))
