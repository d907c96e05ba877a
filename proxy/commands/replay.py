"""`dvc-edge replay`."""

import argparse
import json
import os
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from datetime import datetime
from multiprocessing import get_context

from tqdm import tqdm

from proxy.clock import utc_now
from proxy.commands.workspaces import add_state, settings_of
from proxy.config import Settings
from proxy.log_files import STANDARD_INPUT, octets_of, size_of
from proxy.state import served
from redirect_rules.canonical import BadHost, canonical_host
from redirect_rules.replay import Report, replay
from redirect_rules.schedules import instant

NAME = "replay"
HELP = "decide the visits of an access log, and report coverage"
DESCRIPTION = (
    "Read access logs and say what the rules would answer: coverage, outcomes, the most frequent unmapped pages."
)
EPILOG = """\
Reads Combined Log Format (with the virtual host in front, or with --host) and JSON lines (host, request_uri or url,
method, user_agent), plain or gzip; - is standard input.  Several logs are read at once where there are processors.
  dvc-edge replay access.log.gz
  dvc-edge replay --host dichvucong.langson.gov.vn --at 2025-07-01 access.log"""


def add(command: argparse.ArgumentParser) -> None:
    """Describe the options."""
    command.add_argument("log", nargs="+", metavar="LOG", help="an access log; - is standard input")
    command.add_argument("--host", type=a_host, default="", help="the host of logs that do not name one")
    command.add_argument("--at", metavar="INSTANT", help="decide as of then (now)")
    command.add_argument("--most", type=int, default=20, help="how many unmapped pages to show (20)")
    command.add_argument("--json", action="store_true", help="one JSON object")
    command.add_argument("--quiet", action="store_true", help="no progress bar")
    add_state(command)


def run(options: argparse.Namespace) -> int:
    """Replay all logs as one."""
    settings = settings_of(options)
    now = instant(options.at) if options.at else utc_now()
    processes = min(len(options.log), len(os.sched_getaffinity(0)))
    if processes > 1 and STANDARD_INPUT not in options.log:
        report = _side_by_side(options.log, settings, now, options.host, processes, quiet=options.quiet)
    else:
        report = _replayed(log_of(options.log, quiet=options.quiet), settings, now, options.host)
    print(
        json.dumps(report.as_json(options.most), ensure_ascii=False)
        if options.json
        else _in_words(report, options.most)
    )
    if advice := advice_on(report.lines, report.unreadable, report.elsewhere, options.host):
        print(advice, file=sys.stderr)
    return 0


def a_host(text: str) -> str:
    """The canonical name of a portal's host, for argparse; "" as it is."""
    try:
        return canonical_host(text) if text else ""
    except BadHost:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no host: write it as dichvucong.langson.gov.vn, without https:// and /"
        ) from None


def advice_on(lines: int, unreadable: int, elsewhere: int, host: str) -> str:
    """What to do about logs of which nothing useful came, in a sentence; "" where something did."""
    if not lines:
        return "the log is empty"
    if unreadable + elsewhere < lines:
        return ""
    if elsewhere:
        return "no visit was to a portal: their hosts stand in portals.toml"
    if not host:
        return "no line tells of a visit: where lines name no host, say it with --host HOST"
    return "no line tells of a visit: dvc-edge replay --help says which logs are read"


def _replayed(log: Iterator[bytes], settings: Settings, now: datetime, host: str) -> Report:
    with closing(served(settings, now)) as packs:
        return replay(log, packs.snapshot, now=now, crawlers=packs.crawlers, host=host)


def _one(path: str, settings: Settings, now: datetime, host: str) -> Report:
    """One log, in a process of its own."""
    return _replayed(log_of([path], quiet=True), settings, now, host)


def _side_by_side(
    paths: Sequence[str], settings: Settings, now: datetime, host: str, processes: int, *, quiet: bool
) -> Report:
    """Each log in a process; joined in their order, so that the same pages are named whoever is first."""
    whole = Report()
    # Not forked: a mapped file of rules must not be shared with a child that way.
    with (
        ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool,
        tqdm(total=size_of(paths), unit="B", unit_scale=True, disable=quiet or None, file=sys.stderr) as bar,
    ):
        count = len(paths)
        reports = pool.map(_one, paths, [settings] * count, [now] * count, [host] * count)
        for path, report in zip(paths, reports, strict=True):
            whole.add(report)
            bar.update(size_of([path]))
    return whole


def log_of(paths: Sequence[str], *, quiet: bool) -> Iterator[bytes]:
    """The octets of access logs, under a progress bar unless `quiet`.  Raises Problems for what cannot be read."""
    total = size_of(paths) or None
    with tqdm(total=total, unit="B", unit_scale=True, disable=quiet or None, file=sys.stderr) as bar:
        yield from octets_of(paths, bar.update)


def _in_words(report: Report, most: int) -> str:
    coverage = "-" if report.coverage is None else f"{report.coverage:.1%}"
    lines = [
        f"{report.lines:,} lines, {report.unreadable:,} unreadable, {report.elsewhere:,} for hosts that are no portal",
        f"{report.pages:,} visits to closed pages, {coverage} of them known to a rule",
        "outcomes",
        *(f"  {count:>10,}  {outcome}" for outcome, count in report.outcomes.most_common()),
    ]
    if report.unmapped:
        lines += ["most visited pages that no rule knows"]
        lines += [f"  {count:>10,}  {key}" for key, count in report.unmapped.most_common(most)]
    if report.unnamed:
        lines.append(f"  {report.unnamed:>10,}  other pages, too many to name")
    return "\n".join(lines)
