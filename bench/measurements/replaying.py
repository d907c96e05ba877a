"""How fast an access log is replayed, and a draft compared with what serves by one, by `bench.replay`."""

from collections.abc import Callable, Iterator
from functools import partial

from bench import replay
from bench.figures import Figure, Row, at_least
from bench.workshop import Workshop

ABOUT = (
    "A log of a million lines, 41,000 addresses as unevenly asked for as pages are, sixty agents; one processor. "
    "What is asked for first is decided: of a day of a portal's visits that is less. "
    "The effect of a draft decides it twice."
)

_DISTINCT = 41_000


def run(shop: Workshop) -> Iterator[Row]:
    """The log as it is, packed, and as JSON; and what a draft would change for it."""
    lines = 50_000 if shop.extent.quick else 1_000_000
    shop.told(f"writing {lines:,} lines")
    paths = replay.write_logs(shop.place("logs"), shop.packs.snapshot, lines, _DISTINCT)
    after = replay.drafted(shop.packs.snapshot, _DISTINCT)
    works: dict[str, Callable[[], object]] = {
        "replay": partial(replay.replayed, paths["plain"], shop.packs),
        "replay, gzip": partial(replay.replayed, paths["gzip"], shop.packs),
        "replay, JSON": partial(replay.replayed, paths["JSON"], shop.packs),
        "effect of a draft, gzip": partial(replay.compared, paths["gzip"], shop.packs, after),
    }
    for what, work in works.items():
        shop.told(what)
        rates = [lines / replay.timed(work) for _ in range(min(shop.extent.rounds, 3))]
        yield Figure(what, tuple(rates), "lines/s of CPU", None if shop.extent.quick else at_least(100_000))
