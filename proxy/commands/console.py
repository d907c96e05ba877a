"""`dvc-edge console`."""

import argparse
import asyncio
import getpass
import os
import secrets
import signal
import sys
from contextlib import suppress

from aiohttp import web

from proxy import processes
from proxy.clock import utc_now
from proxy.commands.workspaces import add_config, add_state, said, settings_of
from proxy.config import Settings
from proxy.console.desk import Desk
from proxy.console.passwords import LEAST_LETTERS, WeakPassword, hash_of
from proxy.console.whole import create_console
from proxy.login.opening import keys_folder
from proxy.serve import prepare_output
from redirect_rules.invitations import HOLDS, digest_of_code, new_code
from redirect_rules.objects import NEW, Change, Kind, Ref
from redirect_rules.people import Invitation, Password
from redirect_rules.rights import Role
from redirect_rules.sources import Problem, Problems
from sso.stores.key_folder import KeyFolder, KeysUnreadable, master_key

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
    # The supervisor that started it: it ends with that one, however that ends.
    serve.add_argument("--beside", type=int, metavar="PROCESS", help=argparse.SUPPRESS)
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
        now, reason = utc_now(), "made administrator by whoever runs this machine"
        desk.store.put(ref, body, Change(options.actor, reason, now), seen_version=there.version if there else NEW)
        # Where passwords are closed this one is the way back in: for a day, and this person alone.
        ends = now + HOLDS if desk.people.passwords_closed_at() is not None else None
        desk.people.keep_password(Password(options.actor, hashed, open_until=ends))
        link = _invitation(settings, desk, options.actor, reason)
    until = " for 24 hours" if ends else ""
    print(f"{options.actor} may do everything, and signs in with this password{until}.")
    if link:
        print(f"Or by the broker, with this invitation, once, within 24 hours:\n  {link}")
    return 0


def _invitation(settings: Settings, desk: Desk, actor: str, reason: str) -> str:
    """A link with which they sign in by the broker; "" where there is none."""
    if not settings.console.by_broker:
        return ""
    now, code = utc_now(), new_code(secrets.choice)
    desk.people.invite(Invitation(digest_of_code(code) or "", actor, actor, now, now + HOLDS), reason)
    return f"{settings.console.public}/invitation?code={code}"


def _password() -> str:
    """From the terminal, twice; or one line of a pipe."""
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\n")
    first = getpass.getpass("Password: ")
    if getpass.getpass("Again: ") != first:
        raise Problems([Problem("password", 0, "the two are not the same: nothing was changed")])
    return first


def _serve(options: argparse.Namespace) -> int:
    if options.beside is not None:
        processes.die_with_parent()
        if os.getppid() != options.beside:
            return 1  # it has ended before we could ask to end with it
        processes.name_process("dvc-console")
    prepare_output()
    settings = settings_of(options)
    with Desk.open(settings, utc_now) as desk:
        if settings.sso.simulator and settings.console.by_broker:
            _enlist(settings, desk)
        asyncio.run(_served(settings, desk))
    return 0


def _enlist(settings: Settings, desk: Desk) -> None:
    """The demonstration's test persons as officers; the configuration lets this be in development alone."""
    from proxy.simulation.officers import enlist  # noqa: PLC0415 - nothing of it is loaded in production

    folder = keys_folder(settings)
    try:
        ring = KeyFolder(folder, master_key(os.environ, folder)).ensure(int(utc_now().timestamp()))
    except KeysUnreadable as error:
        raise Problems([Problem(str(folder), 0, str(error))]) from None
    salts = {salt.version: salt for salt in ring.salts}
    enlist(desk.store, desk.people, issuer=settings.sso.issuer, salts=salts, now=utc_now())


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
        shown = place.public or f"http://{host}:{port}"
        with suppress(OSError):
            print(f"dvc-edge console: {shown}/  (listens on http://{host}:{port})", file=sys.stderr, flush=True)
        await _told_to_stop()
    finally:
        await runner.cleanup()


async def _told_to_stop() -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    await stopped.wait()
