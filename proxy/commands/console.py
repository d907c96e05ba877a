"""`dvc-edge console`."""

import argparse
import asyncio
import getpass
import signal
import sys
from contextlib import suppress

from aiohttp import web

from proxy.clock import utc_now
from proxy.commands.workspaces import add_config, add_state, said, settings_of
from proxy.config import Settings
from proxy.console.desk import Desk
from proxy.console.passwords import LEAST_LETTERS, WeakPassword, hash_of
from proxy.console.whole import create_console
from redirect_rules.people import Password
from redirect_rules.rights import Role
from redirect_rules.sources import Problem, Problems
from redirect_rules.store import NEW, Change, Kind, Ref

NAME = "console"
HELP = "serve the officers' pages, make the first administrator"
DESCRIPTION = "The pages on which officers look after the rules: a process of its own, beside `dvc-edge serve`."
EPILOG = """\
The first time:
  dvc-edge console administrator an.nguyen    asks for a password
  dvc-edge console serve                      then open http://127.0.0.1:8083/
Behind TLS, say how officers reach it: [console] public = "https://…" in edge.toml."""

_ENOUGH = 10.0  # seconds for requests in hand when it stops


def add(command: argparse.ArgumentParser) -> None:
    """Describe the verbs."""
    verbs = command.add_subparsers(title="verbs", metavar="VERB", required=True)
    serve = verbs.add_parser("serve", help="listen and answer")
    add_config(serve)
    add_state(serve)
    serve.set_defaults(verb=_serve)
    administrator = verbs.add_parser("administrator", help="let somebody do everything, with a password")
    administrator.add_argument("actor", metavar="NAME", help="as they will sign in, and as the audit trail names them")
    add_config(administrator)
    add_state(administrator)
    administrator.set_defaults(verb=_administrator)


@said("console")
def run(options: argparse.Namespace) -> int:
    """Do what the verb says."""
    return int(options.verb(options))


def _administrator(options: argparse.Namespace) -> int:
    settings = settings_of(options)
    password = _password()
    try:
        hashed = hash_of(password, actor=options.actor)
    except WeakPassword:
        text = f"too easy to guess: write at least {LEAST_LETTERS} characters, without the name in them"
        raise Problems([Problem("password", 0, text)]) from None
    with Desk.open(settings, utc_now) as desk:
        ref = Ref(Kind.PERSON, "", options.actor)
        with desk.store.reading() as workspace:
            there = workspace.get(ref)
        body = {"name": options.actor, **(there.body if there else {}), "grants": [{"role": Role.ADMINISTRATOR.value}]}
        change = Change(options.actor, "made administrator by whoever runs this machine", utc_now())
        desk.store.put(ref, body, change, seen_version=there.version if there else NEW)
        desk.people.keep_password(Password(options.actor, hashed))
    print(f"{options.actor} may do everything, and signs in with this password.")
    return 0


def _password() -> str:
    """From the terminal, twice; or one line of a pipe."""
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\n")
    first = getpass.getpass("Password: ")
    if getpass.getpass("Again: ") != first:
        raise Problems([Problem("password", 0, "the two are not the same: nothing was changed")])
    return first


def _serve(options: argparse.Namespace) -> int:
    settings = settings_of(options)
    with Desk.open(settings, utc_now) as desk:
        asyncio.run(_served(settings, desk))
    return 0


async def _served(settings: Settings, desk: Desk) -> None:
    console = create_console(desk, secure=settings.console.public.startswith("https://"))
    runner = web.AppRunner(console, access_log=None, handle_signals=False, shutdown_timeout=_ENOUGH)
    await runner.setup()
    try:
        place = settings.console
        try:
            await web.TCPSite(runner, place.host, place.port).start()
        except OSError as error:
            text = f"cannot listen on {place.host}:{place.port}: {error.strerror}; set [console] port in edge.toml"
            raise Problems([Problem("console", 0, text)]) from None
        host, port = runner.addresses[0][:2]
        with suppress(OSError):
            print(f"dvc-edge console: http://{host}:{port}/  (Ctrl-C stops it)", file=sys.stderr, flush=True)
        await _told_to_stop()
    finally:
        await runner.cleanup()


async def _told_to_stop() -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    await stopped.wait()
