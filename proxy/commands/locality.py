"""`dvc-edge locality`."""

import argparse
import json
import os
import sys

from proxy import config_file
from proxy.packs import load_packs
from redirect_rules.localities import Localities

NAME = "locality"
HELP = "find a commune by name or code, and what it is today"
DESCRIPTION = "Look a place up as people type it, before or after the merger of 1 July 2025."
EPILOG = """\
examples:
  dvc-edge locality "phuong phuc xa, ba dinh"
  dvc-edge locality old:00007                  a code means nothing without its era: old: or new:
  dvc-edge locality --json - < places.txt      one JSON object a line"""


def add(command: argparse.ArgumentParser) -> None:
    """Describe the options."""
    command.add_argument("query", nargs="+", metavar="QUERY", help="a name or a code; - reads one a line from stdin")
    command.add_argument("--json", action="store_true", help="one JSON object a line")
    command.add_argument("--province", metavar="CODE", help="two digits of today's province to prefer")
    command.add_argument("--limit", type=int, default=10, help="how many to show (10; equally good ones all show)")


def run(options: argparse.Namespace) -> int:
    """Look everything up.  Exit status 1 when the only query finds nothing."""
    settings = config_file.load(options.config or config_file.find(os.environ), os.environ)
    localities = load_packs(settings).snapshot.localities
    found_any = False
    for query in options.query if options.query != ["-"] else filter(None, map(str.strip, sys.stdin)):
        found_any |= _show(localities, query, options)
    return 0 if found_any or options.json else 1


def _show(localities: Localities, query: str, options: argparse.Namespace) -> bool:
    found = localities.find(query, limit=options.limit, province=options.province)
    if options.json:
        matches = [match.as_json() for match in found.matches]
        print(json.dumps({"query": query, "matches": matches, "more": found.more}, ensure_ascii=False))
        return bool(found.matches)
    print(query)
    for match in found.matches:
        unit = match.locality
        where = ", ".join(part for part in (unit.name, unit.district, unit.province) if part)
        print(f"  {unit.era}:{unit.code:<6} {where}  [{unit.kind}, {unit.confidence}]")
        for now in localities.successors(unit)[:8]:
            print(f"      → new:{now.code} {now.name}, {now.province}")
    if not found.matches:
        print("  nothing found: try the name alone, or with its old district")
    if found.more:
        print(f"  … and {found.more} more: add the district or the province")
    return bool(found.matches)
