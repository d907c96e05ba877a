"""`dvc-edge rules export`: take the rules of a filter out, as a list or for another server."""

import argparse
import json
import sys
from collections.abc import Iterable, Iterator
from enum import StrEnum
from pathlib import Path
from typing import TypeVar

from proxy.clock import utc_now
from proxy.commands.rules.verbs import Verbs, verb
from proxy.commands.workspaces import Workspace, said, workspace
from redirect_rules.exchange.exports import cloudflare, envoy, haproxy, nginx
from redirect_rules.exchange.exports.rules import Export, ExportedRule
from redirect_rules.exchange.exports.tables import csv_lines
from redirect_rules.exchange.rows import Context, ImportedRow
from redirect_rules.exporting import Unsayable, answers_of, rows_of
from redirect_rules.objects import State, Stored
from redirect_rules.rule_lists import RuleFilter
from redirect_rules.sources import Problem, Problems

Sayable = TypeVar("Sayable", ImportedRow, ExportedRule)

_PAGE = 1_000
_MOST_SHOWN = 20


class Format(StrEnum):
    """What is written."""

    CSV = "csv"
    NGINX = "nginx"
    HAPROXY = "haproxy"
    ENVOY = "envoy"
    CLOUDFLARE = "cloudflare"


def add(verbs: Verbs) -> None:
    """Describe the options."""
    command = verb(verbs, "export", run, "write the draft's rules as a list, or for another server", changes=False)
    command.add_argument("--format", type=Format, required=True, help=f"{', '.join(Format)}")
    command.add_argument(
        "--output", type=Path, metavar="PATH", help="a file (csv), else a folder; without it, standard output"
    )
    command.add_argument("--portal", metavar="ID", help="only this portal's rules")
    command.add_argument("--under", metavar="PATH", help="only exact addresses that begin so")
    command.add_argument("--rule-action", metavar="ACTION", help="only rules that do this")
    command.add_argument("--destination", metavar="NAME", help="only rules that lead there")
    command.add_argument("--owner", metavar="NAME", help="only rules of this owner")
    command.add_argument("--tag", metavar="TAG", help="only rules with this tag")
    command.add_argument("--lasting", action="store_true", help="for another server: 301 rather than 302")


@said("rules export")
def run(options: argparse.Namespace) -> int:
    """Export what the filter shows."""
    left_out: list[Unsayable] = []
    with workspace(options) as here:
        rules = _filtered(here, options)
        portals = {portal.id: portal for portal in here.shipped.snapshot.all_portals}
        destinations = here.shipped.snapshot.destinations
        if options.format is Format.CSV:
            context = Context.of(portals.values(), destinations)
            lines = csv_lines(_sayable(rows_of(rules, portals), left_out), context)
            written = _write_lines(lines, options.output)
        else:
            answers = answers_of(rules, portals, destinations, now=utc_now(), lasting=options.lasting)
            export = _EXPORTS[options.format](_sayable(answers, left_out))
            left_out += [Unsayable(f"{one.rule.host}{one.rule.path}", one.why) for one in export.left_out]
            written = _write_files(export, options.output)
    if options.json:
        found = {"written": written, "left_out": [one._asdict() for one in left_out]}
        print(json.dumps(found, ensure_ascii=False), file=sys.stderr if options.output is None else sys.stdout)
    else:
        for one in left_out[:_MOST_SHOWN]:
            print(f"left out: {one.rule}: {one.why}", file=sys.stderr)
        if len(left_out) > _MOST_SHOWN:
            print(f"… and {len(left_out) - _MOST_SHOWN:,} more left out", file=sys.stderr)
    return 0


_EXPORTS = {
    Format.NGINX: nginx.export,
    Format.HAPROXY: haproxy.export,
    Format.ENVOY: envoy.export,
    Format.CLOUDFLARE: cloudflare.export,
}


def _filtered(here: Workspace, options: argparse.Namespace) -> Iterator[Stored]:
    wanted = RuleFilter(
        scope=f"portal:{options.portal}" if options.portal else None,
        key_prefix=options.under,
        action=options.rule_action,
        destination=options.destination,
        owner=options.owner,
        tag=options.tag,
        state=State.ON,
    )
    with here.store.reading() as reading:
        page = reading.find(wanted, limit=_PAGE)
        while page:
            yield from (stored for stored in page if stored.ref.scope.startswith("portal:"))
            page = reading.find(wanted, after=page[-1].ref, limit=_PAGE) if len(page) == _PAGE else []


def _sayable(found: Iterable[Sayable | Unsayable], left_out: list[Unsayable]) -> Iterator[Sayable]:
    for one in found:
        if isinstance(one, Unsayable):
            left_out.append(one)
        else:
            yield one


def _write_lines(lines: Iterable[str], path: Path | None) -> list[str]:
    if path is None:
        sys.stdout.writelines(line.replace("\r\n", "\n") for line in lines)
        return []
    try:
        with path.open("w", encoding="utf-8", newline="") as file:
            file.writelines(lines)
    except OSError as error:
        raise Problems([Problem(str(path), 0, f"cannot be written: {error.strerror}")]) from None
    return [str(path)]


def _write_files(export: Export, folder: Path | None) -> list[str]:
    if folder is None:
        for file in export.files:
            print(f"# ── {file.name}")
            print(file.text)
        return []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for file in export.files:
            (folder / file.name).write_text(file.text, "utf-8")
    except OSError as error:
        raise Problems([Problem(str(folder), 0, f"cannot be written: {error.strerror}")]) from None
    return [str(folder / file.name) for file in export.files]
