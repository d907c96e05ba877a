"""What every command on the edited rules needs: the settings, the folder, the store with the shipped packs in it."""

import argparse
import getpass
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Final

from sqlalchemy.exc import SQLAlchemyError

from proxy import config_file
from proxy.clock import utc_now
from proxy.config import Settings
from proxy.packs import load_packs
from proxy.state import State
from redirect_rules.model import Switch
from redirect_rules.objects import Change
from redirect_rules.packs import Packs, Sources
from redirect_rules.publications import DraftChanged, FourEyes, NotApproved, WrongState
from redirect_rules.publishing import DraftMoved, NothingToPublish
from redirect_rules.schedules import instant
from redirect_rules.seeding import packs_of, seed
from redirect_rules.snapshot_seal import SnapshotRefused
from redirect_rules.snapshot_writer import SnapshotNotWritten
from redirect_rules.sources import Problem, Problems
from redirect_rules.store import BatchTaken, ObjectChanged, StoreBusy, StoreTooNew, UndoRefused
from redirect_rules.stores.sql import SqlStore

ACTOR_VARIABLE: Final = "DVC_EDGE_ACTOR"

_SAID = (
    DraftChanged,
    DraftMoved,
    FourEyes,
    LookupError,
    NothingToPublish,
    NotApproved,
    WrongState,
    ObjectChanged,
    BatchTaken,
    UndoRefused,
    StoreBusy,
    StoreTooNew,
    SnapshotRefused,
    SnapshotNotWritten,
)


@dataclass(frozen=True, slots=True)
class Workspace:
    """The rules as they are edited here."""

    settings: Settings
    state: State
    store: SqlStore
    shipped: Packs  # the operator's files, read
    actor: str

    @property
    def sources(self) -> Sources:
        """The operator's files."""
        return self.shipped.sources

    def change(self, reason: str, *, batch: str | None = None) -> Change:
        """A change by whoever gives the command, now."""
        return Change(self.actor, reason, utc_now(), batch)


def add_state(command: argparse.ArgumentParser) -> None:
    """The option that every command on the edited or published rules has."""
    command.add_argument(
        "--state", type=Path, metavar="DIR", help="the folder of edited and published rules (var beside conf)"
    )


def add_config(verb: argparse.ArgumentParser) -> None:
    """--config after a verb, too; before it the command has it already."""
    verb.add_argument(
        "--config", type=Path, default=argparse.SUPPRESS, metavar="FILE", help="the configuration (edge.toml)"
    )


def add_actor(command: argparse.ArgumentParser) -> None:
    """The options of commands that change something."""
    command.add_argument(
        "--actor", metavar="NAME", help=f"who answers for the change (${ACTOR_VARIABLE}, or the user's name)"
    )


def settings_of(options: argparse.Namespace) -> Settings:
    """The configuration, with the folder that was asked for."""
    settings = config_file.load(options.config or config_file.find(os.environ), os.environ)
    if getattr(options, "state", None) is None:
        return settings
    state = settings.state.model_copy(update={"folder": str(options.state.absolute())})
    return settings.model_copy(update={"state": state})


@contextmanager
def workspace(options: argparse.Namespace) -> Iterator[Workspace]:
    """Open the store and bring it up to the shipped packs.  Raises Problems."""
    settings = settings_of(options)
    shipped = load_packs(settings)
    state = State.of(settings)
    actor = getattr(options, "actor", None) or os.environ.get(ACTOR_VARIABLE) or getpass.getuser()
    with state.store() as store:
        seed(store, packs_of(shipped.sources), at=utc_now())
        yield Workspace(settings, state, store, shipped, actor)


def said(name: str) -> Callable[[Callable[[argparse.Namespace], int]], Callable[[argparse.Namespace], int]]:
    """Let what a store or a register refuses reach people as a sentence rather than as a traceback."""

    def decorated(run: Callable[[argparse.Namespace], int]) -> Callable[[argparse.Namespace], int]:
        @wraps(run)
        def saying(options: argparse.Namespace) -> int:
            try:
                return run(options)
            except _SAID as error:
                text = str(error.args[0]) if isinstance(error, LookupError) and error.args else str(error)
                raise Problems([Problem(name, 0, text)]) from None
            except SQLAlchemyError as error:
                text = f"the database does not answer: {getattr(error, 'orig', None) or error}"
                raise Problems([Problem(name, 0, f"{text}; what is published goes on serving")]) from None

        return saying

    return decorated


def an_instant(text: str) -> object:
    """An instant, for argparse."""
    try:
        return instant(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def a_position(text: str) -> Switch | None:
    """A switch's position, for argparse; None: off."""
    if text == "off":
        return None
    try:
        return Switch(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"write one of off, {', '.join(Switch)}") from None
