"""`dvc-edge replay`."""

import argparse
import gzip
import io
import json
import os
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, closing
from datetime import datetime
from itertools import islice
from multiprocessing import get_context
from pathlib import Path
from typing import Never

from tqdm import tqdm

from proxy.clock import utc_now
from proxy.commands.workspaces import add_state, settings_of
from proxy.config import Settings
from proxy.state import served
from redirect_rules.replay import Report, replay
from redirect_rules.schedules import instant
from redirect_rules.sources import Problem, Problems

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

_GZIP = b"\x1f\x8b"
_AT_ONCE = 10_000  # lines between two steps of the progress bar


def add(command: argparse.ArgumentParser) -> None:
    """Describe the options."""
    command.add_argument("log", nargs="+", metavar="LOG", help="an access log; - is standard input")
    command.add_argument("--host", default="", help="the host of logs that do not name one")
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
    if processes > 1 and "-" not in options.log:
        report = _side_by_side(options.log, settings, now, options.host, processes, quiet=options.quiet)
    else:
        report = _replayed(lines_of(options.log, quiet=options.quiet), settings, now, options.host)
    print(
        json.dumps(report.as_json(options.most), ensure_ascii=False)
        if options.json
        else _in_words(report, options.most)
    )
    return 0


def _replayed(lines: Iterator[str], settings: Settings, now: datetime, host: str) -> Report:
    with closing(served(settings, now)) as packs:
        return replay(lines, packs.snapshot, now=now, crawlers=packs.crawlers, host=host)


def _one(path: str, settings: Settings, now: datetime, host: str) -> Report:
    """One log, in a process of its own."""
    return _replayed(lines_of([path], quiet=True), settings, now, host)


def _side_by_side(
    paths: Sequence[str], settings: Settings, now: datetime, host: str, processes: int, *, quiet: bool
) -> Report:
    """Each log in a process; joined in their order, so that the same pages are named whoever is first."""
    whole = Report()
    # Not forked: a mapped file of rules must not be shared with a child that way.
    with (
        ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool,
        tqdm(total=_size(paths), unit="B", unit_scale=True, disable=quiet or None, file=sys.stderr) as bar,
    ):
        count = len(paths)
        reports = pool.map(_one, paths, [settings] * count, [now] * count, [host] * count)
        for path, report in zip(paths, reports, strict=True):
            whole.add(report)
            bar.update(_size([path]))
    return whole


def _size(paths: Sequence[str]) -> int:
    return sum(Path(path).stat().st_size for path in paths if path != "-" and Path(path).is_file())


def lines_of(paths: Sequence[str], *, quiet: bool) -> Iterator[str]:
    """The lines of access logs, plain or gzip, under a progress bar unless `quiet`; - is standard input.

    Raises Problems for what cannot be read.
    """
    with tqdm(total=_size(paths) or None, unit="B", unit_scale=True, disable=quiet or None, file=sys.stderr) as bar:
        for path in paths:
            yield from _lines_of(path, bar)


def _lines_of(path: str, bar: "tqdm[Never]") -> Iterator[str]:
    try:
        with ExitStack() as opened:
            number = sys.stdin.fileno() if path == "-" else path
            file = opened.enter_context(io.FileIO(number, closefd=path != "-"))
            raw = opened.enter_context(io.BufferedReader(file))
            text = opened.enter_context(_text(raw))
            before = 0
            while some := list(islice(text, _AT_ONCE)):
                yield from some
                if path != "-":
                    bar.update(raw.tell() - before)
                    before = raw.tell()
    except (OSError, EOFError) as error:
        raise Problems([Problem(path, 0, f"cannot be read: {error}")]) from None


def _text(raw: "io.BufferedReader[io.FileIO]") -> io.TextIOWrapper:
    packed = raw.peek(2)[:2] == _GZIP
    whole = io.BufferedReader(gzip.GzipFile(fileobj=raw), 1 << 20) if packed else raw
    return io.TextIOWrapper(whole, "utf-8", "replace")


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
