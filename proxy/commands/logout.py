"""`dvc-edge logout`."""

import argparse
import json
from collections import Counter
from collections.abc import Sequence

from proxy.commands.sign_in import Desk, at_desk, shown
from proxy.commands.workspaces import add_config, add_state
from sso.model import LogoutDelivery

NAME = "logout"
HELP = "which systems have not heard of a sign-out yet"
DESCRIPTION = "Each client of a session hears of its end; one that does not answer is asked again, for a day."
EPILOG = """\
  dvc-edge logout status                   by client: how many wait, when the next attempt is, what went wrong
  dvc-edge logout status --client langson
Exit status 0: nothing waits for more than an hour; 1: something does, or was given up."""

_LATE_SECONDS = 3_600


def add(command: argparse.ArgumentParser) -> None:
    """Describe the options."""
    verbs = command.add_subparsers(title="verbs", metavar="VERB", required=True)
    status = verbs.add_parser("status", help="what waits", description="What waits, by client.")
    status.add_argument("--client", metavar="ID", help="only this one's")
    status.add_argument("--json", action="store_true", help="JSON")
    add_config(status)
    add_state(status)
    status.set_defaults(verb=_status)


def run(options: argparse.Namespace) -> int:
    """Run the verb."""
    return int(options.verb(options))


def _status(options: argparse.Namespace) -> int:
    async def look(desk: Desk) -> dict[str, Sequence[LogoutDelivery]]:
        return dict(await desk.store.deliveries(options.client))

    rows = [row(client, found) for client, found in sorted(at_desk(options, look).items())]
    if options.json:
        print(json.dumps(rows))
    elif not rows:
        print("nothing has been delivered lately, and nothing waits")
    else:
        for one in rows:
            print(_line(one))
    return 1 if any(one["late"] or one["given_up"] for one in rows) else 0


def row(client: str, deliveries: Sequence[LogoutDelivery]) -> dict[str, object]:
    """How things stand with one client, without anything of a person."""
    states = Counter(delivery.state for delivery in deliveries)
    waiting = [delivery for delivery in deliveries if delivery.state == "waiting"]
    errors = Counter(delivery.last_error for delivery in deliveries if delivery.last_error)
    return {
        "client": client,
        "waiting": states["waiting"],
        "delivered": states["delivered"],
        "given_up": states["given-up"],
        "oldest": min((delivery.created_at for delivery in waiting), default=None),
        "next_attempt": min((delivery.next_at for delivery in waiting), default=None),
        "errors": dict(errors),
        "late": any(delivery.next_at - delivery.created_at > _LATE_SECONDS for delivery in waiting),
    }


def _line(one: dict[str, object]) -> str:
    text = f"{one['client']!s:16} {one['waiting']} wait, {one['delivered']} delivered, {one['given_up']} given up"
    if isinstance(one["next_attempt"], int) and isinstance(one["oldest"], int):
        text += f"; the oldest of {shown(one['oldest'])}, next attempt {shown(one['next_attempt'])}"
    if isinstance(one["errors"], dict) and one["errors"]:
        text += "; " + ", ".join(f"{error} ({count})" for error, count in one["errors"].items())
    return text
