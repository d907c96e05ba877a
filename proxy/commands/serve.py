"""`dvc-edge serve`."""

import argparse
import asyncio
import io
import logging
import os
import sys

from proxy import config
from proxy.app import create_app
from proxy.serve import Addresses, serve
from redirect_rules.sources import Problem, Problems

NAME = "serve"
HELP = "listen and answer"
DESCRIPTION = "Answer visitors on the edge's address, and operators on theirs (/live, /ready, /metrics)."
EPILOG = """\
Stops cleanly on Ctrl-C or SIGTERM: finishes what is in hand, takes nothing new.
Before DNS is touched any portal can be seen at its host followed by .localhost:
  http://dichvucong.langson.gov.vn.localhost:8080/"""


def add(command: argparse.ArgumentParser) -> None:
    """No options of its own."""


def run(options: argparse.Namespace) -> int:
    """Serve until told to stop."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(line_buffering=True)  # whoever follows the log sees each line at once
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s", stream=sys.stderr)
    settings = config.load(options.config or config.find(os.environ), os.environ)
    app = create_app(settings)

    def started(addresses: Addresses) -> None:
        host, port = addresses.edge
        portals = len(app.packs.snapshot.all_portals)
        shown = "127.0.0.1" if host in {"0.0.0.0", "::"} else host  # noqa: S104 - compared, not bound
        print(f"dvc-edge answers for {portals} portals ({len(app.packs.snapshot.portals)} addresses)", file=sys.stderr)
        print(f"  edge        http://{shown}:{port}/", file=sys.stderr)
        print(f"  try         http://dichvucong.langson.gov.vn.localhost:{port}/", file=sys.stderr)
        print(f"  operations  http://{addresses.operations[0]}:{addresses.operations[1]}/metrics", file=sys.stderr)
        print("Ctrl-C stops it.", file=sys.stderr, flush=True)

    try:
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            runner.run(serve(app, started=started))
    except OSError as error:
        where = (
            f"{settings.listen.host}:{settings.listen.port} or {settings.operations.host}:{settings.operations.port}"
        )
        text = f"cannot listen on {where}: {error.strerror}; choose others, e.g. DVC_EDGE__LISTEN__PORT=8081"
        raise Problems([Problem("serve", 0, text)]) from None
    print("dvc-edge stopped.", file=sys.stderr)
    return 0


def _loop_factory() -> type[asyncio.AbstractEventLoop] | None:
    try:
        from uvloop import Loop  # noqa: PLC0415 - not on every platform
    except ImportError:
        return None
    return Loop
