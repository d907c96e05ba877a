"""`dvc-edge clients`."""

import argparse
import json
import secrets

from proxy.commands.workspaces import add_config, settings_of
from proxy.login.opening import read_files
from sso.clients import secret_digest

NAME = "clients"
HELP = "the systems that people are signed in for"
DESCRIPTION = """\
Clients are files in conf/clients, and what officers have agreed on in the console; `dvc-edge check` reads them, too."""
EPILOG = """\
  dvc-edge clients secret    a new secret, shown this once, and the digest that belongs into the client's file
  dvc-edge clients list      who is signed in for, and what they are told
To exchange a secret write the new digest beside the old one, and take the old one away when the client has changed."""


def add(command: argparse.ArgumentParser) -> None:
    """Describe the options."""
    verbs = command.add_subparsers(title="verbs", metavar="VERB", required=True)
    secret = verbs.add_parser("secret", help="make a secret", description="Make a secret for a client.")
    secret.set_defaults(verb=_secret)
    listing = verbs.add_parser("list", help="list the clients", description="List the clients.")
    listing.set_defaults(verb=_list)
    for verb in (secret, listing):
        verb.add_argument("--json", action="store_true", help="JSON")
        add_config(verb)


def run(options: argparse.Namespace) -> int:
    """Run the verb."""
    return int(options.verb(options))


def _secret(options: argparse.Namespace) -> int:
    secret = secrets.token_urlsafe(32)
    if options.json:
        print(json.dumps({"secret": secret, "digest": secret_digest(secret)}))
        return 0
    print(f"secret  {secret}   for the client alone: it is not kept here, and not shown again")
    print(f'digest  {secret_digest(secret)}   into its file: secret_digests = ["…"]')
    return 0


def _list(options: argparse.Namespace) -> int:
    clients = read_files(settings_of(options)).clients.values()
    if options.json:
        rows = [
            {
                "id": client.id,
                "sector": client.sector,
                "profile": client.profile,
                "formats": sorted(client.formats),
                "level": int(client.level),
                "attributes": sorted(client.attributes),
                "legal_basis": client.legal_basis,
            }
            for client in clients
        ]
        print(json.dumps(rows, ensure_ascii=False))
        return 0
    for client in clients:
        told = ", ".join(sorted(client.attributes)) or "nothing but who it is"
        print(f"{client.id:16} level {client.level}  {'+'.join(sorted(client.formats))}  told: {told}")
    return 0
