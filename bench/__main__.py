"""`python -m bench [NAME…]`: measure, print tables, and write them into bench/RESULTS.md."""

import argparse
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final, NamedTuple

from bench import machine, tables
from bench.figures import Row, Skipped
from bench.measurements import (
    databases,
    decisions,
    disturbances,
    encryption,
    exact,
    imports,
    lists,
    logouts,
    memory,
    minute,
    notices,
    passing,
    publication,
    replaying,
    sign_in,
    templates,
)
from bench.servers import ROOT
from bench.workshop import Extent, Workshop

RESULTS: Final = ROOT / "bench/RESULTS.md"


class Measurement(NamedTuple):
    """One that can be asked for by name."""

    about: str
    run: Callable[[Workshop], Iterator[Row]]


MEASUREMENTS: Final = {
    "exact": Measurement(exact.ABOUT, exact.run),
    "notices": Measurement(notices.ABOUT, notices.run),
    "encryption": Measurement(encryption.ABOUT, encryption.run),
    "passing": Measurement(passing.ABOUT, passing.run),
    "templates": Measurement(templates.ABOUT, templates.run),
    "memory": Measurement(memory.ABOUT, memory.run),
    "publication": Measurement(publication.ABOUT, publication.run),
    "disturbances": Measurement(disturbances.ABOUT, disturbances.run),
    "databases": Measurement(databases.ABOUT, databases.run),
    "imports": Measurement(imports.ABOUT, imports.run),
    "lists": Measurement(lists.ABOUT, lists.run),
    "replaying": Measurement(replaying.ABOUT, replaying.run),
    "sign-in": Measurement(sign_in.ABOUT, sign_in.run),
    "minute": Measurement(minute.ABOUT, minute.run),
    "logouts": Measurement(logouts.ABOUT, logouts.run),
    "decisions": Measurement(decisions.ABOUT, decisions.run),
}
"""In the order in which they are run and written."""


def measured(name: str, shop: Workshop) -> list[Row]:
    """The rows of a measurement; what breaks off leaves the rows until then, and says why it ended."""
    rows: list[Row] = []
    try:
        for row in MEASUREMENTS[name].run(shop):
            rows.append(row)
            print(tables.line(row), flush=True)
    except Exception as error:  # noqa: BLE001 - one that breaks off must not cost the others
        traceback.print_exc()
        rows.append(Skipped(name, f"broke off: {type(error).__name__}: {str(error)[:300]}"))
        print(tables.line(rows[-1]), flush=True)
    return rows


def conditions(extent: Extent, seconds: float) -> str:
    """Under which something was measured, as a line."""
    how = f"{extent.rounds} rounds of {extent.seconds:g} s" + (
        ", a quick run whose figures prove little" if extent.quick else ""
    )
    return f"Measured {machine.today()}, {how}, {seconds:.0f} s in all."


def main() -> None:
    """Measure what was asked for."""
    parser = argparse.ArgumentParser("bench", description=__doc__)
    parser.add_argument("name", nargs="*", metavar="NAME", help=f"one of {', '.join(MEASUREMENTS)}; all of them")
    parser.add_argument("--rounds", type=int, metavar="N", help="of each contestant (5)")
    parser.add_argument(
        "--quick", action="store_true", help="few rules, few rounds: to see that everything works; writes nothing"
    )
    parser.add_argument("--large", action="store_true", help="ten million rules as well")
    parser.add_argument("--no-write", action="store_true", help="leave bench/RESULTS.md as it is")
    parser.add_argument("--results", type=Path, default=RESULTS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if unknown := set(options.name) - set(MEASUREMENTS):
        parser.error(f"{', '.join(sorted(unknown))}: one of {', '.join(MEASUREMENTS)}")
    extent = Extent.short(options.rounds) if options.quick else Extent(rounds=options.rounds or 5, large=options.large)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that every server is stopped
    known = tables.sections(options.results.read_text("utf-8")) if options.results.exists() else {}
    with tempfile.TemporaryDirectory(prefix="dvc-edge-bench-") as folder:
        shop = Workshop(Path(folder), extent)
        for name in options.name or MEASUREMENTS:
            print(f"\n{name}", file=sys.stderr, flush=True)
            begun = time.monotonic()
            rows = measured(name, shop)
            line = conditions(extent, time.monotonic() - begun)
            known[name] = tables.section(name, MEASUREMENTS[name].about, rows, measured=line)
            if not options.no_write and (options.results != RESULTS or not extent.quick):
                options.results.write_text(tables.document(machine.facts(), known, order=list(MEASUREMENTS)), "utf-8")


if __name__ == "__main__":
    main()
