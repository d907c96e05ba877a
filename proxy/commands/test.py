"""`dvc-edge test`."""

import argparse
import os
import sys
from pathlib import Path

from proxy import config_file
from proxy.clock import utc_now
from proxy.packs import load_packs
from redirect_rules.ruletests import parse_ruletest
from redirect_rules.ruletests import run as run_examples
from redirect_rules.sources import Problem, Problems

NAME = "test"
HELP = "try the examples of .ruletest files"
DESCRIPTION = (
    "Try rules with examples: rules above a line of dashes, a URL and the outcome expected in each line below."
)
EPILOG = """\
A file of examples for the rules as they are begins with the dashes:
  ----------
  dichvucong.langson.gov.vn/            notice home
  dichvucong.langson.gov.vn/            redirect home   client=bot
  dichvucong.langson.gov.vn/            pass            at=2025-06-01
Above the dashes may stand what a file of conf/rules/ holds: portal = "…" and [[rule]] tables.
Exit status 0: all hold; 1: some do not; 2: a file cannot be read."""


def add(command: argparse.ArgumentParser) -> None:
    """Describe the options."""
    command.add_argument("file", nargs="+", type=Path, metavar="FILE.ruletest")


def run(options: argparse.Namespace) -> int:
    """Run every file."""
    settings = config_file.load(options.config or config_file.find(os.environ), os.environ)
    failed = total = 0
    for path in options.file:
        try:
            text = path.read_text("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise Problems([Problem(str(path), 0, f"cannot be read: {error}")]) from None
        test = parse_ruletest(str(path), text, at=utc_now())
        packs = load_packs(settings, extra_rules=(test.rules,) if test.rules else ())
        failures = run_examples(test, packs.snapshot, suffixes=settings.preview.host_suffixes, crawlers=packs.crawlers)
        for failure in failures:
            print(f"{path}: {failure}", file=sys.stderr)
        failed += len(failures)
        total += len(test.examples)
    print(f"{total - failed} of {total} examples hold")
    return 1 if failed else 0
