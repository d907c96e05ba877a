"""`dvc-edge keys`."""

import argparse
import json
import secrets
from collections.abc import Callable

from proxy.commands.sign_in import key_folder, now, shown, telling
from proxy.commands.workspaces import add_config, add_state, settings_of
from sso import keys
from sso.keys import ALGORITHMS, KeyRing

NAME = "keys"
HELP = "the keys that sign-in signs with"
DESCRIPTION = """\
A key is published as "next" first, so that every client has fetched it when it begins to sign; one that has signed
stays published for a day.  All workers follow a change within a second or two."""
EPILOG = """\
  dvc-edge keys list                     which key signs, which comes next, which may go
  dvc-edge keys rotate                   the next keys sign from now on; others are published to come next
  dvc-edge keys rotate ES256 --at-once   the key has become known: do not wait until clients know the next one
  dvc-edge keys retire                   take away retired keys whose time is over
  dvc-edge keys generate ES256           publish a next key, where there is none
  dvc-edge keys generate salt            a new salt for pairwise names (a client's salt_version chooses it)
Exit status 0: done; 2: refused, and what to do instead."""


def add(command: argparse.ArgumentParser) -> None:
    """Describe the options."""
    verbs = command.add_subparsers(title="verbs", metavar="VERB", required=True)
    listing = verbs.add_parser("list", help="list the keys", description="List the keys and salts.")
    listing.set_defaults(verb=_list)
    generate = verbs.add_parser("generate", help="publish a next key", description="Publish a next key, or a salt.")
    generate.add_argument("kind", choices=[*ALGORITHMS, "salt"])
    generate.set_defaults(verb=_generate)
    rotate = verbs.add_parser("rotate", help="let the next key sign", description="Let the next keys sign.")
    rotate.add_argument("algorithm", nargs="?", choices=ALGORITHMS, help="only this one's")
    rotate.add_argument("--at-once", action="store_true", help="although clients may not know it yet")
    rotate.set_defaults(verb=_rotate)
    retire = verbs.add_parser("retire", help="take keys away", description="Take retired keys away.")
    retire.add_argument("kid", nargs="?", help="this one (six letters of its name will do)")
    retire.add_argument("--at-once", action="store_true", help="although what it signed may still be in use")
    retire.set_defaults(verb=_retire)
    for verb in (listing, generate, rotate, retire):
        verb.add_argument("--json", action="store_true", help="JSON")
        add_config(verb)
        add_state(verb)


def run(options: argparse.Namespace) -> int:
    """Run the verb."""
    return telling("keys", lambda: int(options.verb(options)))


def _list(options: argparse.Namespace) -> int:
    return _show(options, key_folder(settings_of(options)).load())


def _generate(options: argparse.Namespace) -> int:
    if options.kind == "salt":
        return _change(options, lambda ring: keys.salted(ring, now(), secrets.token_urlsafe))
    return _change(options, lambda ring: keys.generated(ring, options.kind, now()))


def _rotate(options: argparse.Namespace) -> int:
    chosen = [options.algorithm] if options.algorithm else ALGORITHMS

    def turned(ring: KeyRing) -> KeyRing:
        for algorithm in chosen:
            ring = keys.rotated(ring, algorithm, now(), at_once=options.at_once)
        return keys.without_expired(ring, now())

    return _change(options, turned)


def _retire(options: argparse.Namespace) -> int:
    if options.kid is None:
        return _change(options, lambda ring: keys.without_expired(ring, now()))
    return _change(options, lambda ring: keys.retired(ring, options.kid, now(), at_once=options.at_once))


def _change(options: argparse.Namespace, step: Callable[[KeyRing], KeyRing]) -> int:
    return _show(options, key_folder(settings_of(options)).change(step))


def _show(options: argparse.Namespace, ring: KeyRing) -> int:
    listed = keys.listing(ring.keys, now())
    if options.json:
        salts = [{"version": salt.version, "created_at": salt.created_at} for salt in ring.salts]
        print(json.dumps({"keys": listed, "salts": salts}))
        return 0
    order = {"current": 0, "next": 1, "retired": 2}
    for key in sorted(ring.keys, key=lambda key: (key.algorithm, order[key.state], key.created_at)):
        print(f"{key.algorithm}  {key.state:8} {key.kid}  {_outlook(key)}")
    for salt in ring.salts:
        print(f"salt   version {salt.version}, made {shown(salt.created_at)}")
    return 0


def _outlook(key: keys.SigningKey) -> str:
    match key.state:
        case "current":
            return f"signs since {shown(key.current_since)}"
        case "next":
            return f"may sign from {shown(key.created_at + keys.OVERLAP_SECONDS)}"
        case "retired":
            return f"may go from {shown((key.retired_at or 0) + keys.KEEP_SECONDS)}"
