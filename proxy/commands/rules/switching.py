"""`dvc-edge rules switch`: in an emergency, at once."""

import argparse
import json

from proxy.commands.rules.verbs import Verbs, verb
from proxy.commands.workspaces import a_position, said, workspace
from redirect_rules import activation
from redirect_rules.publishing import overrule
from redirect_rules.sources import Problem, Problems


def add(verbs: Verbs) -> None:
    """Describe the options."""
    command = verb(
        verbs, "switch", run, "overrule a portal's rules at once: everything to the front page, or passed on"
    )
    command.add_argument("portal", nargs="?", metavar="PORTAL", help="which portal; without it, say which are on")
    command.add_argument("position", nargs="?", type=a_position, metavar="home|pass|off", help="where to turn it")
    command.add_argument("-m", "--message", default="", metavar="TEXT", help="why")


@said("rules switch")
def run(options: argparse.Namespace) -> int:
    """Turn a switch, or say which are on."""
    with workspace(options) as here:
        folder = here.state.snapshots
        if options.portal is not None:
            if options.portal not in {portal.id for portal in here.shipped.snapshot.all_portals}:
                raise Problems([Problem("PORTAL", 0, f"there is no portal {options.portal!r} in portals.toml")])
            reason = options.message or f"emergency switch of {options.portal}"
            overrule(here.store, folder, options.portal, options.position, here.change(reason))
        on = activation.switches(folder)
    if options.json:
        print(json.dumps({portal: position.value for portal, position in on.items()}))
    else:
        print("\n".join(f"{portal:<20} {position}" for portal, position in on.items()) or "no switch is on")
    return 0
