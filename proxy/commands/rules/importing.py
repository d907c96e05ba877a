"""`dvc-edge rules import` and `rules undo`."""

import argparse
import json
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from tqdm import tqdm

from proxy.clock import utc_now
from proxy.commands.rules.beside import beside
from proxy.commands.rules.verbs import Verbs, verb
from proxy.commands.workspaces import said, workspace
from redirect_rules.exchange.candidates import Candidate, candidate
from redirect_rules.exchange.outcomes import Kind, Mode, Outcome
from redirect_rules.exchange.reading import Format, read_rules
from redirect_rules.exchange.rows import Context, ImportedRow, ImportProblem
from redirect_rules.importing import ImportRefused, ImportReport, import_rows
from redirect_rules.model import Action
from redirect_rules.sources import Problem, Problems

_BLOCK = 1 << 20
_LONG = 1 << 21  # bytes: from here on a process that reads beside pays


def add(verbs: Verbs) -> None:
    """Describe the options."""
    command = verb(verbs, "import", run, "read a list of old addresses into the draft: all lines, or none")
    command.add_argument(
        "file", metavar="FILE", help="CSV, TSV, XLSX, nginx, Apache, HAProxy, Cloudflare; - is standard input"
    )
    command.add_argument("--mode", type=Mode, required=True, help=f"{', '.join(Mode)}: what may be changed")
    command.add_argument("--dry-run", action="store_true", help="say what each line would do, and change nothing")
    command.add_argument("--portal", metavar="ID", help="whose paths these are, where the lines do not name a host")
    command.add_argument("--format", type=Format, metavar="FORMAT", help=f"one of {', '.join(Format)} (told by itself)")
    command.add_argument("--action", type=Action, default=Action.NOTICE, help="what lines do that do not say (notice)")
    command.add_argument("-m", "--message", default="", metavar="TEXT", help="why")
    command.add_argument("--quiet", action="store_true", help="no progress bar")
    undo = verb(verbs, "undo", run_undo, "put back what an import changed")
    undo.add_argument("batch", metavar="BATCH", help="as `rules import` named it")
    undo.add_argument("-m", "--message", default="", metavar="TEXT", help="why")


@said("rules import")
def run(options: argparse.Namespace) -> int:
    """Import a file."""
    with workspace(options) as here:
        snapshot = here.shipped.snapshot
        portals = snapshot.all_portals
        known = {portal.id for portal in portals}
        if options.portal is not None and options.portal not in known:
            raise Problems([Problem("--portal", 0, f"there is no portal {options.portal!r} in portals.toml")])
        if options.mode is Mode.REPLACE_SCOPE and options.portal is None:
            raise Problems([Problem("--mode", 0, "replace-scope needs --portal ID: whose rules are replaced?")])
        batch = f"import-{utc_now():%Y%m%d-%H%M%S-%f}"
        change = here.change(options.message or f"import {Path(options.file).name}", batch=batch)
        rows = _rows(options, Context.of(portals, snapshot.destinations))
        shown = None if options.json or not options.dry_run else _show
        try:
            report = import_rows(
                here.store,
                rows,
                options.mode,
                change,
                folds={portal.id: portal.fold_case for portal in portals},
                portal=options.portal,
                dry_run=options.dry_run,
                told=shown,
            )
        except ImportRefused as refused:
            report = refused.report
        print(json.dumps(report.as_json(), ensure_ascii=False) if options.json else _in_words(report, options))
        return 0 if report.stands else 1


@said("rules undo")
def run_undo(options: argparse.Namespace) -> int:
    """Undo a batch."""
    with workspace(options) as here:
        version = here.store.undo(options.batch, here.change(options.message or f"undo {options.batch}"))
        print(json.dumps({"undone": options.batch, "version": version}) if options.json else f"{options.batch}: undone")
    return 0


def _rows(options: argparse.Namespace, context: Context) -> Iterable[ImportedRow | Candidate | ImportProblem]:
    path = options.file

    def read() -> Iterator[ImportedRow | ImportProblem]:
        return read_rules(
            _blocks(path, quiet=options.quiet or options.json),
            name=Path(path).name,
            context=context,
            portal=options.portal,
            file_format=options.format,
            action=options.action,
        )

    is_long = path == "-" or (Path(path).is_file() and Path(path).stat().st_size > _LONG)
    if not is_long:
        return read()
    return (
        row if isinstance(row, ImportProblem) else Candidate._make(row) for row in beside(lambda: _crossing(read()))
    )


def _crossing(rows: Iterable[ImportedRow | ImportProblem]) -> Iterator[tuple[Any, ...] | ImportProblem]:
    """What goes from process to process: plain tuples cross in half the time."""
    return (row if isinstance(row, ImportProblem) else tuple(candidate(row)) for row in rows)


def _blocks(path: str, *, quiet: bool) -> Iterator[bytes]:
    try:
        with open(sys.stdin.fileno() if path == "-" else path, "rb", closefd=path != "-") as file:
            size = None if path == "-" else Path(path).stat().st_size
            with tqdm(total=size, unit="B", unit_scale=True, disable=quiet or None, file=sys.stderr) as bar:
                while block := file.read(_BLOCK):
                    yield block
                    bar.update(len(block))
    except OSError as error:
        raise Problems([Problem(path, 0, f"cannot be read: {error.strerror}")]) from None


def _show(outcome: Outcome) -> None:
    where = f"line {outcome.line}" if outcome.line else "not named"
    print(f"{where:>12}  {outcome.kind:<8}  {outcome.key}" + (f"  ({outcome.say})" if outcome.say else ""))


def _in_words(report: ImportReport, options: argparse.Namespace) -> str:
    counts = ", ".join(f"{report.counts[kind]:,} {kind}" for kind in Kind if report.counts[kind]) or "no lines"
    lines = [f"{options.file}: {counts}"]
    if not report.stands:
        lines += [f"{options.file}:{o.line}: {o.kind}: {o.say}" for o in report.refused if not options.dry_run]
        bad = report.counts[Kind.ERROR] + report.counts[Kind.CONFLICT]
        if bad > len(report.refused):
            lines.append(f"… and {bad - len(report.refused):,} more")
        lines.append(f"nothing was changed: mend these {bad:,} lines and import again")
    elif report.batch:
        lines.append(f"in the draft as {report.batch} (dvc-edge rules undo {report.batch} takes it back)")
        lines.append("look at it: dvc-edge rules check; make it serve: dvc-edge rules publish -m TEXT")
    elif options.dry_run:
        lines.append("a dry run: nothing was changed")
    else:
        lines.append("nothing to change")
    return "\n".join(lines)
