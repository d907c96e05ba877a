"""`dvc-edge`: the commands, and how mistakes reach the person who made them."""

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Final

from proxy import __version__
from redirect_rules.garbage import uncollected
from redirect_rules.sources import Problems

_DESCRIPTION = """\
The edge that stands on the addresses of closed public-service portals: it tells people what happened and takes them to
the right page of the national portal."""

_EPILOG = """\
Begin with:
  dvc-edge serve                                        listen on http://127.0.0.1:8080/
  dvc-edge explain https://dichvucong.langson.gov.vn/   where does this old link lead, and why?
  dvc-edge locality "xa co bi gia lam ha noi"           what is this commune today?
  dvc-edge check                                        is the configuration sound?
  dvc-edge rules --help                                 change the rules, publish them, take them back

The configuration is the first of: --config FILE, $DVC_EDGE_CONFIG, conf/edge.toml here, conf/edge.toml beside the
.venv, /etc/dvc-edge/edge.toml, the one that came with the program.  Any key of it can be given by the environment:
DVC_EDGE__LISTEN__PORT=8081."""


COMMANDS: Final = (
    "serve",
    "check",
    "explain",
    "locality",
    "test",
    "replay",
    "rules",
    "hits",
    "audit",
    "console",
    "keys",
    "clients",
    "sessions",
    "logout",
    "sso",
)
"""Each is a module of `proxy.commands`."""


def parser(named: str = "") -> argparse.ArgumentParser:
    """The command line.  Of commands only the one that is named is read, if one is: reading all takes half a second."""
    top = argparse.ArgumentParser(
        "dvc-edge", description=_DESCRIPTION, epilog=_EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    top.add_argument("--version", action="version", version=f"dvc-edge {__version__}")
    commands = top.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for name in (named,) if named in COMMANDS else COMMANDS:
        with uncollected():  # of a start a tenth
            module = import_module(f"proxy.commands.{name}")
        command = commands.add_parser(
            module.NAME,
            help=module.HELP,
            description=module.DESCRIPTION,
            epilog=module.EPILOG,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        command.add_argument("--config", type=Path, metavar="FILE", help="the configuration (edge.toml)")
        module.add(command)
        command.set_defaults(run=module.run)
    return top


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command.  Exit status 0: done; 1: it found something wrong; 2: it could not be done."""
    given = sys.argv[1:] if arguments is None else [*arguments]
    options = parser(*given[:1]).parse_args(given)
    try:
        return int(options.run(options))
    except Problems as error:
        count = len(error.problems)
        print(f"dvc-edge: {count} mistake{'s' if count != 1 else ''} to mend:", file=sys.stderr)
        for problem in error.problems:
            print(f"  {problem}", file=sys.stderr)
        return 2
    except BrokenPipeError:
        # The reader of our output has seen enough (| head); a second complaint at exit would help nobody.
        sys.stderr.close()
        return 0
    except KeyboardInterrupt:
        return 0 if given[0] == "serve" else 130


if __name__ == "__main__":
    sys.exit(main())
