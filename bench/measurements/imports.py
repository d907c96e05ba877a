"""A large import through the console beside an edge that serves: dry run, commit, undo; what visitors notice."""

import asyncio
import time
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from bench.consoles import Officer, console
from bench.edges import edge
from bench.figures import Figure, Row, Target, at_least, at_most, ratios
from bench.rulesets import CRAWLING, drawn, head, old_addresses
from bench.visitors import Service, Visitors
from bench.workshop import MILLION, Workshop

ABOUT = (
    "100,000 lines of `old_url,new_url` are imported through the console's API, as its page does it: dry run, import, "
    "undo. Beside stand two workers of the edge, over the same SQLite, asked 300 times a second, at instants that "
    "nothing delays. A ratio compares the p99 while an import goes on with that of the ten seconds before it."
)
_LINES: Final = 100_000
_RATE: Final = 300
_OTHERS: Final = 2_000
_QUIET_SECONDS: Final = 10.0


class Told(NamedTuple):
    """What one piece of work took, and what visitors saw before and meanwhile."""

    seconds: float
    before: Service
    during: Service


def run(shop: Workshop) -> Iterator[Row]:
    """So many rounds of dry run, import and undo."""
    full = shop.extent.rules >= MILLION
    lines = _LINES if full else 2_000
    text = "old_url,new_url\n" + "".join(f"{one.url},{one.target}\n" for one in old_addresses(lines, shop.sites))
    state = shop.place("state")
    told: dict[str, list[Told]] = {"dry run": [], "import": [], "undo": []}
    with console(shop.place("console"), state) as officer, edge(shop.place("edge"), state, workers=2, cpu=None) as ours:
        for number in range(1 if shop.extent.quick else min(shop.extent.rounds, 3)):
            shop.told(f"round {number + 1}")
            quiet = 2.0 if shop.extent.quick else _QUIET_SECONDS
            for what, one in asyncio.run(_round(shop, officer, ours.server.port, text, quiet)).items():
                told[what].append(one)
    for what, ones in told.items():
        yield from _rows(f"{what} of {lines:,} lines", ones, at_most(1.25) if full else None)


async def _round(shop: Workshop, officer: Officer, port: int, text: str, quiet: float) -> dict[str, Told]:
    heads = [head(one.site.host, one.path, *CRAWLING) for one in drawn(_OTHERS, _LINES, shop.sites, seed=3)]
    visitors = Visitors(port, heads, rate=_RATE)
    spans: dict[str, tuple[float, float]] = {}
    asked = {"text": text, "name": "list.csv", "mode": "add", "action": "redirect", "reason": "measured"}
    async with asyncio.TaskGroup() as tasks:
        load = tasks.create_task(visitors.run())
        await asyncio.sleep(1)  # connections, first pages
        batch = ""
        for what in ("dry run", "import", "undo"):
            await asyncio.sleep(quiet)
            begun = time.time()
            if what == "undo":
                await asyncio.to_thread(_work, officer, f"/batches/{batch}/undo", {"reason": "measured"})
            else:
                done = await asyncio.to_thread(_work, officer, "/imports", asked | {"dry_run": what == "dry run"})
                batch = done["result"]["batch"] or ""
            spans[what] = begun, time.time()
        visitors.stop()
    service = load.result()
    return {
        what: Told(end - begun, service.within(begun - quiet, begun), service.within(begun, end))
        for what, (begun, end) in spans.items()
    }


def _work(officer: Officer, path: str, body: dict[str, Any]) -> dict[str, Any]:
    return officer.done(officer.call("POST", path, body))


def _rows(what: str, told: list[Told], target: Target | None) -> Iterator[Row]:
    before = tuple(one.before.percentile_ms(0.99) for one in told)
    during = tuple(one.during.percentile_ms(0.99) for one in told)
    yield Figure(f"{what}: wall", tuple(one.seconds for one in told), "s")
    yield Figure(f"{what}: edge's p99 before", before, "ms")
    yield Figure(f"{what}: edge's p99 meanwhile", during, "ms")
    yield Figure(f"{what}: edge's p99 meanwhile ÷ before", ratios(during, before), "×", target)
    yield Figure(
        f"{what}: redirects that were served", tuple(one.during.served_percent for one in told), "%", at_least(100)
    )
