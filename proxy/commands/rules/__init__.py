"""`dvc-edge rules …`: change the rules, look at what that does, publish it, take it back."""

import argparse

from proxy.commands.rules import drafts, exporting, importing, publishing, switching

NAME = "rules"
HELP = "change, check, publish and take back rules"
DESCRIPTION = "Change the rules in a draft, look at its effect, publish it as a number, and go back to an earlier one."
EPILOG = """\
From a list to what serves:
  dvc-edge rules import list.csv --mode add --dry-run    what would each line do?
  dvc-edge rules import list.csv --mode add              all lines, or none; undone with rules undo
  dvc-edge rules check                                   loops, conflicts, rules that can never win
  dvc-edge rules effect --log access.log.gz              what would change for these visits?
  dvc-edge rules publish -m "Lạng Sơn, list of October"  live on every worker within a second
  dvc-edge rules rollback 11                             back to an earlier number
In an emergency, at once and without publishing:
  dvc-edge rules switch langson home                     everything leads to the front page
Exit status 0: done; 1: something was found, or a line cannot stand; 2: it could not be done."""

_PARTS = (importing, drafts, publishing, switching, exporting)


def add(command: argparse.ArgumentParser) -> None:
    """Describe every verb."""
    verbs = command.add_subparsers(title="verbs", metavar="VERB", required=True)
    for part in _PARTS:
        part.add(verbs)


def run(options: argparse.Namespace) -> int:
    """Run the verb."""
    return int(options.verb(options))
