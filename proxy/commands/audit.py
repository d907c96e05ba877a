"""`dvc-edge audit verify`."""

import argparse
import json
import sys

from proxy.commands.workspaces import add_config, add_state, said, settings_of
from proxy.state import State
from redirect_rules.audit import Link
from redirect_rules.sources import Problem, Problems

NAME = "audit"
HELP = "show the audit trail, and prove that nobody rewrote it"
DESCRIPTION = "Every change of the rules is an entry, chained to the one before by its hash."
EPILOG = """\
  dvc-edge audit verify                    does every entry and every revision still hold?
  dvc-edge audit verify --known 41:9f3c…   and is the entry that was noted elsewhere still there?
  dvc-edge audit list --most 20            who changed what, the last entry last
Exit status 0: the chain holds; 1: it is broken, and where."""


def add(command: argparse.ArgumentParser) -> None:
    """Describe the options."""
    verbs = command.add_subparsers(title="verbs", metavar="VERB", required=True)
    verify = verbs.add_parser("verify", help="compute every hash again", description="Compute every hash again.")
    verify.add_argument("--known", action="append", default=[], type=_link, metavar="N:HASH", help="noted elsewhere")
    verify.set_defaults(verb=_verify)
    listing = verbs.add_parser("list", help="list the entries", description="List the entries.")
    listing.add_argument("--after", type=int, default=0, metavar="N", help="from the entry after this one")
    listing.add_argument("--most", type=int, default=100, metavar="N", help="how many (100)")
    listing.set_defaults(verb=_list)
    for verb in (verify, listing):
        verb.add_argument("--json", action="store_true", help="JSON")
        add_config(verb)
        add_state(verb)


def run(options: argparse.Namespace) -> int:
    """Run the verb."""
    return int(options.verb(options))


def _link(text: str) -> Link:
    number, _, digest = text.partition(":")
    if not number.isdigit() or not digest:
        raise argparse.ArgumentTypeError("write the number of an entry and its hash: 41:9f3c…")
    return Link(int(number), digest)


@said("audit verify")
def _verify(options: argparse.Namespace) -> int:
    with _state(options).store() as store:
        broken = store.trail.verify(known=options.known)
        head = store.trail.head()
    if options.json:
        found = None if broken is None else {"number": broken.number, "why": broken.why}
        print(json.dumps({"holds": broken is None, "broken": found, "head": head._asdict()}, ensure_ascii=False))
    elif broken is None:
        print(f"the chain holds: {head.number} entries; keep this elsewhere: {head.number}:{head.hash}")
    else:
        print(f"entry {broken.number} does not hold: {broken.why}", file=sys.stderr)
    return 0 if broken is None else 1


@said("audit list")
def _list(options: argparse.Namespace) -> int:
    with _state(options).store() as store:
        for entry in store.trail.entries(after=options.after, limit=options.most):
            if options.json:
                print(json.dumps({name: getattr(entry, name) for name in _SHOWN}, ensure_ascii=False))
            else:
                who = f"{entry.number:>6}  {entry.at[:19]}  {entry.actor:<16} {entry.action:<9}"
                print(f"{who} {entry.subject}  {entry.reason}")
    return 0


_SHOWN = ("number", "at", "actor", "action", "subject", "reason", "batch", "count")


def _state(options: argparse.Namespace) -> State:
    state = State.of(settings_of(options))
    if state.database.startswith("sqlite:") and not (state.folder / "rules.db").exists():
        raise Problems([Problem(str(state.folder), 0, "nothing was changed here yet: there is no rules.db")])
    return state
