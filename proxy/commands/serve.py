"""`dvc-edge serve`."""

import argparse
import asyncio
import gc
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from proxy import authorities, companions, config_file, kept_localities  # noqa: F401 - authorities before aiohttp
from proxy.config import Settings
from proxy.fork_server import Plan, load
from proxy.forking import begin
from proxy.listeners import listen
from proxy.processes import Unsupported, check_support, return_memory
from proxy.roster import Sockets
from proxy.serve import Addresses, prepare_output
from proxy.supervisor import Supervisor, cannot_listen
from redirect_rules.sources import Problem, Problems

NAME = "serve"
HELP = "listen and answer"
DESCRIPTION = "Answer visitors on the edge's address, and operators on theirs (/live, /ready, /metrics)."
EPILOG = """\
Stops cleanly on Ctrl-C or SIGTERM: finishes what is in hand, takes nothing new.
SIGHUP reads the configuration and the program anew: new workers take over, then the old ones finish.
Before DNS is touched any portal can be seen at its host followed by .localhost:
  http://dichvucong.langson.gov.vn.localhost:8080/"""


def add(command: argparse.ArgumentParser) -> None:
    """No options of its own."""


def run(options: argparse.Namespace) -> int:
    """Serve until told to stop."""
    prepare_output()
    settings = config_file.load(options.config or config_file.find(os.environ), os.environ)
    try:
        check_support()
    except Unsupported as error:
        raise Problems([Problem("serve", 0, str(error))]) from None
    edge = _listening((settings.listen.host, settings.listen.port), "listen")
    if settings.listen.secure_place is not None:
        edge = (*edge, *_listening(settings.listen.secure_place, "listen__tls", secure=True))
    operations = _listening((settings.operations.host, settings.operations.port), "operations")
    with _stoppable():
        loaded = load(options.config)
    # Before there is a loop: a process that is forked from a running one inherits what it must not touch.
    first = begin(loaded, foreign=(*edge, *operations))
    loaded.parts.packs.close()  # a file that is unmapped here can be removed when workers no longer need it
    kept = [loaded]
    del loaded

    def let_go() -> None:
        """Free what was read.  Not while workers share it: what is freed is written to, and so copied."""
        kept.clear()
        kept_localities.forget()
        gc.unfreeze()
        gc.collect()
        return_memory()

    beside = [companions.console(options.config)] if settings.console.enabled else []
    with _demonstration(settings, options.config):
        supervisor = Supervisor(
            first, edge=edge, operations=operations, path=options.config, companions=beside, let_go=let_go
        )
        asyncio.run(supervisor.run(_say_where))
    with suppress(OSError):  # the terminal may be what has gone
        print("dvc-edge stopped.", file=sys.stderr)
    return 0


@contextmanager
def _stoppable() -> Iterator[None]:
    """Until there is a loop to obey signals: SIGTERM stops as Ctrl-C does; SIGHUP asks for what is done just now."""

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def _demonstration(settings: Settings, path: Path | None) -> Iterator[None]:
    """Simulated accounts beside the edge, where the configuration wants them and development is what it is for."""
    if not settings.sso.simulator:
        yield
        return
    from proxy.simulation.beside import beside  # noqa: PLC0415 - nothing of it is loaded anywhere else

    walk = f"http://dichvucong.khanhhoa.gov.vn.localhost:{settings.listen.port}/vi/nps/apply?MaTTHC=1.001193&vneid=1"
    with suppress(OSError):
        print(f"DEMONSTRATION of sign-in, with simulated accounts: begin at\n  {walk}", file=sys.stderr)
    with beside(path):
        yield


def _listening(place: tuple[str, int], key: str, *, secure: bool = False) -> Sockets:
    try:
        return listen(*place, secure=secure)
    except OSError as error:
        raise Problems([Problem("serve", 0, cannot_listen(place, error, key))]) from None


def _say_where(addresses: Addresses, plan: Plan) -> None:
    host, port = addresses.edge
    shown = "127.0.0.1" if host in {"0.0.0.0", "::"} else host  # noqa: S104 - compared, not bound
    workers = f"{plan.workers} worker{'s' if plan.workers != 1 else ''}"
    lines = (
        f"dvc-edge answers for {plan.portals} portals ({plan.hosts} addresses) with {workers}",
        f"  edge        http://{shown}:{port}/",
        *([f"              https://{shown}:{addresses.secure[1]}/"] if addresses.secure else []),
        f"  try         http://dichvucong.langson.gov.vn.localhost:{port}/",
        f"  operations  http://{addresses.operations[0]}:{addresses.operations[1]}/metrics",
        "Ctrl-C stops it.",
    )
    with suppress(OSError):  # visitors are answered, whether or not anybody reads this
        print("\n".join(lines), file=sys.stderr, flush=True)
