"""`dvc-edge explain`."""

import argparse
import json
import sys
from collections.abc import Iterable

from proxy.clock import utc_now
from proxy.commands.workspaces import add_state, settings_of
from proxy.state import served
from redirect_rules.explaining import Explanation, Question, explain
from redirect_rules.model import ClientClass
from redirect_rules.schedules import instant
from redirect_rules.units import LocalityCode

NAME = "explain"
HELP = "say where an old link leads, and why"
DESCRIPTION = "Decide a URL as the edge would, and show the reasoning."
EPILOG = """\
examples:
  dvc-edge explain https://dichvucong.thainguyen.gov.vn/nop-ho-so?MaTTHC=1.001193
  dvc-edge explain --client-class bot --at 2025-06-30T23:59 https://dichvucong.langson.gov.vn/
  dvc-edge explain --json - < urls.txt        one JSON object a line
Outcomes: notice, redirect, pass, ask (which commune?), gone, refuse."""


def add(command: argparse.ArgumentParser) -> None:
    """Describe the options."""
    command.add_argument("url", nargs="+", metavar="URL", help="an old address; - reads them from standard input")
    command.add_argument("--json", action="store_true", help="one JSON object a line")
    command.add_argument("--at", type=_instant, metavar="INSTANT", help="decide as of then (2025-07-01T00:00+07:00)")
    command.add_argument("--method", default="GET", type=str.upper, help="the request method (GET)")
    command.add_argument(
        "--client-class",
        "--client",
        type=ClientClass,
        metavar="CLASS",
        help=f"who asks: {', '.join(ClientClass)} (default: a browser opening that address)",
    )
    add_state(command)
    command.add_argument("--place", type=_place, metavar="CODE", help="the commune the visitor chose (new:00004)")


def _instant(text: str) -> object:
    try:
        return instant(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _place(text: str) -> LocalityCode:
    try:
        return LocalityCode.parse(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def run(options: argparse.Namespace) -> int:
    """Explain every URL."""
    settings = settings_of(options)
    packs = served(settings, utc_now())
    question = Question(options.at or utc_now(), options.method, options.client_class, options.place)
    for url in _urls(options.url):
        found = explain(url, question, packs.snapshot, suffixes=settings.preview.host_suffixes, crawlers=packs.crawlers)
        print(json.dumps(found, ensure_ascii=False) if options.json else _in_words(found))
    return 0


def _urls(given: Iterable[str]) -> Iterable[str]:
    for url in given:
        if url == "-":
            yield from filter(None, map(str.strip, sys.stdin))
        else:
            yield url


def _in_words(found: Explanation) -> str:
    lines = [found["url"]]
    names = ("portal", "phase", "client_class", "key", "rule", "outcome", "destination", "target")
    values = {**found}
    lines += [f"  {name:<13}{values[name]}" for name in names if values[name] is not None]
    lines += ["  because", *(f"    {step}" for step in found["trace"])]
    return "\n".join(lines)
