"""`python -m proxy.simulation --config FILE`: the demonstration, until it is stopped or its parent dies."""

import argparse
import asyncio
import os
import sys
from contextlib import suppress
from pathlib import Path

from proxy import config_file
from proxy.processes import die_with_parent
from proxy.simulation.server import Unfit, check, serve
from redirect_rules.sources import Problems


def main() -> int:
    """Serve; the number is the exit code."""
    parser = argparse.ArgumentParser(prog="python -m proxy.simulation", description=__doc__)
    parser.add_argument("--config", type=Path, help="the configuration of the edge; [sso] simulator names the port")
    options = parser.parse_args()
    die_with_parent()
    try:
        settings = config_file.load(options.config or config_file.find(os.environ), os.environ).sso
        check(settings.issuer, settings.environment)
        if not settings.simulator:
            raise Unfit("[sso] simulator = 0: name a port, e.g. 8090")  # noqa: TRY301 - as the two before
    except (Problems, Unfit) as error:
        print(error, file=sys.stderr)
        return 2
    try:
        with suppress(KeyboardInterrupt):
            asyncio.run(serve(settings.issuer, settings.simulator, environment=settings.environment))
    except OSError as error:
        text = f"the simulator cannot listen on port {settings.simulator} ({error.strerror}): stop what does"
        print(text, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
