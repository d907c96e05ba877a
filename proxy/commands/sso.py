"""`dvc-edge sso`."""

import argparse
import asyncio
import json
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path

from proxy import sign_in_codes, sign_in_log
from proxy.app import load_parts
from proxy.commands.workspaces import add_config, add_state, settings_of
from proxy.config import Settings
from proxy.gate_opening import read_paths
from proxy.login.opening import read_files, state_folder
from proxy.readiness import STEPS, Doorway, Row, check, doorways
from proxy.sign_in_codes import LANGUAGES, Meaning
from proxy.walker import Test
from redirect_rules.model import HO_CHI_MINH
from redirect_rules.sources import Problem, Problems
from sso.events import AuditEvent
from sso.model import Client
from sso.sources import Mistakes

NAME = "sso"
HELP = "is sign-in ready for every province, and what happened to somebody"
DESCRIPTION = "Walk through sign-in with a test person for every client, or look up a code that a citizen reads out."
EPILOG = """\
  dvc-edge sso check                                  a row for each client, on the running edge
  dvc-edge sso check --client khanhhoa --json
  dvc-edge sso check --secrets secrets.toml           with `khanhhoa = "…"`: the claims of its tokens, too
  dvc-edge sso code k7m2-9fxd-3hqp                    what happened to that request
  dvc-edge sso code DN-134                            what this refusal means
Exit status 0: ready, or found; 1: something failed, or nothing is known under the code; 2: it could not be tried."""

_MARKS = {True: "ok", False: "FAILED", None: "-"}


def add(command: argparse.ArgumentParser) -> None:
    """Describe the options."""
    verbs = command.add_subparsers(title="verbs", metavar="VERB", required=True)
    walk = verbs.add_parser("check", help="sign in for every client", description="Sign in for every client.")
    walk.add_argument("--client", metavar="ID", help="only this one")
    walk.add_argument("--person", default="an", metavar="ID", help="the simulator's test person (an)")
    walk.add_argument("--upstream", default="vneid", metavar="ID", help="where they sign in (vneid)")
    walk.add_argument("--secrets", type=Path, metavar="FILE", help='clients\' secrets, as TOML: khanhhoa = "…"')
    walk.add_argument("--json", action="store_true", help="JSON")
    walk.set_defaults(verb=_check)
    code = verbs.add_parser("code", help="look a code up", description="Look up a code that somebody reads out.")
    code.add_argument("code", metavar="CODE", help="k7m2-9fxd-3hqp, or DN-134")
    code.add_argument("--json", action="store_true", help="JSON")
    code.set_defaults(verb=_code)
    for verb in (walk, code):
        add_config(verb)
        add_state(verb)


def run(options: argparse.Namespace) -> int:
    """Run the verb."""
    return int(options.verb(options))


# check


def _check(options: argparse.Namespace) -> int:
    settings = settings_of(options)
    if not settings.sso.issuer:
        raise Problems([Problem("sso", 0, "nobody signs in here: name `[sso] issuer` in edge.toml")])
    test = Test(settings.sso.issuer, options.person, options.upstream, _secrets(options.secrets))
    clients, ways = _clients(settings, options.client)
    rows = asyncio.run(_rows(clients, ways, test))
    if options.json:
        print(json.dumps([{"client": row.client, "ready": row.ready, **_steps(row)} for row in rows], indent=1))
    else:
        _show(rows)
    return 0 if all(row.ready for row in rows) else 1


async def _rows(clients: Sequence[Client], ways: Mapping[str, Doorway], test: Test) -> list[Row]:
    # One after the other: it is a check, and no load.
    return [await check(client, ways.get(client.id), test) for client in clients]


def _clients(settings: Settings, only: str | None) -> tuple[list[Client], Mapping[str, Doorway]]:
    try:
        files = read_files(settings)
    except Mistakes as error:
        raise Problems([Problem(one.source, one.line, one.text) for one in error.mistakes]) from None
    if only is not None and only not in files.clients:
        names = ", ".join(sorted(files.clients))
        raise Problems([Problem("sso", 0, f"there is no client {only!r}: one of {names}")])
    portals = {portal.id: portal for portal in load_parts(settings).packs.snapshot.all_portals}
    paths = read_paths(settings, portals.values(), files.known)
    return [client for client in files.clients.values() if only in {None, client.id}], doorways(
        paths, portals, settings.sso.issuer
    )


def _secrets(path: Path | None) -> Mapping[str, str]:
    if path is None:
        return {}
    try:
        given = tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise Problems(
            [Problem(str(path), 0, f'cannot be read: {error}; write lines such as khanhhoa = "…"')]
        ) from None
    return {name: str(secret) for name, secret in given.items()}


def _steps(row: Row) -> dict[str, dict[str, object]]:
    return {name: asdict(step) for name, step in row.steps.items()}


def _show(rows: Sequence[Row]) -> None:
    width = max([len("client"), *(len(row.client) for row in rows)])
    print("  ".join(["client".ljust(width), *(name.ljust(9) for name in STEPS)]).rstrip())
    for row in rows:
        cells = [_MARKS[row.steps[name].ok].ljust(9) for name in STEPS]
        print("  ".join([row.client.ljust(width), *cells]).rstrip())
    for row in rows:
        for name, step in row.steps.items():
            if step.text:
                print(f"  {row.client}: {name}: {step.text}")
    ready = sum(row.ready for row in rows)
    print(f"{ready} of {len(rows)} ready")


# code


def _code(options: argparse.Namespace) -> int:
    code = options.code.strip()
    settings = settings_of(options)
    meant = sign_in_codes.meaning(code)
    wanted = meant.code if meant is not None else code.upper()
    found = [
        event
        for event in sign_in_log.events(state_folder(settings) / sign_in_log.FOLDER)
        if code.lower() == event.code.lower() or wanted == event.cause
    ]
    if options.json:
        told = {} if meant is None else _told(meant)
        print(json.dumps({"code": wanted, **told, "events": [event.record() for event in found]}, indent=1))
    else:
        if meant is not None:
            _explain(meant)
        for event in found[:50]:
            print(_line(event))
        if meant is None and not found:
            print(f"nothing is known under {code}: was it read out right?  Codes have no 0, 1, i, l and o")
    return 0 if found or meant is not None else 1


def _told(meant: Meaning) -> dict[str, object]:
    return {
        "error": meant.error,
        "description": meant.description,
        "what": dict(meant.what),
        "sees": dict(meant.sees),
        "say": dict(meant.say),
    }


def _explain(meant: Meaning) -> None:
    print(f"{meant.code}: {meant.description} ({meant.error})")
    for language in LANGUAGES:
        for text in (meant.what[language], meant.sees[language], meant.say[language]):
            print(f"  {language}  {text}")


def _line(event: AuditEvent) -> str:
    at = f"{datetime.fromtimestamp(event.at, HO_CHI_MINH):%Y-%m-%d %H:%M:%S}"
    rest = {name: value for name, value in event.record().items() if name not in {"at", "event", "outcome"}}
    if (cause := sign_in_codes.causes().get(event.cause)) is not None:
        rest["why"] = cause.description
    told = "  ".join(f"{name}={value}" for name, value in rest.items())
    return f"{at}  {event.event}  {event.outcome}  {told}"
