"""Workers killed, told to stop and exchanged: what visitors notice, by `bench.chaos`."""

import asyncio
from collections.abc import Iterator
from typing import Final

from bench import chaos
from bench.figures import Figure, Row, Target, at_most, below
from bench.workshop import Workshop

ABOUT = (
    "200 requests a second to two workers, half of them on connections that are kept, half on new ones that are never "
    "asked again; `python -m bench.chaos` tells more."
)
_RATE: Final = 200
_HEARTBEAT_SECONDS: Final = "2"
_PROMISES: Final[tuple[tuple[chaos.Disturbance, str, Target], ...]] = (
    (chaos.one_killed, "kill -9 of a worker", at_most(0.2)),
    (chaos.one_told_to_stop, "SIGTERM to a worker", at_most(0)),
    (chaos.exchanged, "SIGHUP: all workers exchanged", at_most(0)),
    (chaos.stopped, "SIGTERM to the edge", at_most(0)),
)


def run(shop: Workshop) -> Iterator[Row]:
    """Each disturbance once, on an edge of its own."""
    seconds = 4.0 if shop.extent.quick else 15.0
    for disturb, name, target in _PROMISES[:1] if shop.extent.quick else _PROMISES:
        shop.told(name)
        with chaos.edge(shop.place("edge"), DVC_EDGE__WORKERS__HEARTBEAT_SECONDS=_HEARTBEAT_SECONDS) as edge:
            outcome = asyncio.run(chaos.under_load(edge, disturb, rate=_RATE, seconds=seconds))
        note = f"{outcome.asked:,} asked, {outcome.asked_again} asked again" + (
            f", {outcome.refused} came when nobody listened any more" if outcome.refused else ""
        )
        yield Figure(f"{name}: failed", (100 * outcome.failed_share,), "%", target, note)
        if disturb is not chaos.stopped:
            gap = below(1) if disturb is chaos.one_killed else None
            yield Figure(f"{name}: longest gap between two answers", (outcome.longest_gap_seconds,), "s", gap)
