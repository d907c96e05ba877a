"""How a verb of `dvc-edge rules` is described."""

import argparse
from collections.abc import Callable
from typing import Any, Protocol

from proxy.commands.workspaces import add_actor, add_config, add_state


class Verbs(Protocol):
    """Where verbs are added: what `add_subparsers` gives."""

    def add_parser(self, name: str, **described: Any) -> argparse.ArgumentParser:
        """One more."""
        ...


def verb(
    verbs: Verbs, name: str, run: Callable[[argparse.Namespace], int], description: str, *, changes: bool = True
) -> argparse.ArgumentParser:
    """Add a verb.  `changes`: whether somebody answers for it."""
    made = verbs.add_parser(
        name, help=description, description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    made.set_defaults(verb=run)
    add_config(made)
    made.add_argument("--json", action="store_true", help="one JSON object")
    add_state(made)
    if changes:
        add_actor(made)
    return made
