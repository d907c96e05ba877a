"""What rules cost at rest: making their file, beginning with it, and the memory of those that serve it."""

import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median

from bench import peers
from bench.edges import Edge, edge
from bench.figures import Figure, Row, Skipped, at_most, below
from bench.measurements.exact import draw
from bench.peers import Nginx
from bench.rulesets import old_addresses
from bench.workshop import MILLION, Workshop
from bench.wrk import load
from redirect_rules.stores.hits import HitStore

ABOUT = (
    "Edges and nginx with the same exact rules, after a load over all of them. Private memory is what a worker alone "
    "has written (Private_Dirty); total memory counts every page of all processes once (Pss), the mapped file too, as "
    "far as it is in memory. Ready is from the command until `/ready` says yes, on a machine where it has run before; "
    "the first time on a machine every octet of the file is looked at, and the gazetteer is read from its tables. "
    "Memory is read when counts have been written to the store, whose driver each worker holds from then on."
)
_LARGE = 10_000_000
_SETTLING_SECONDS = 14  # twice over what is between two writes


def run(shop: Workshop) -> Iterator[Row]:
    """Compile, begin, fill memory."""
    many = shop.extent.rules
    sizes = [many, *([_LARGE] if shop.extent.large else [])]
    for size in sizes:
        yield from _compiled(shop, size)
    empty_ready, empty_private = _edge(shop, 0)
    yield Figure("ready: edge without rules of its own", tuple(empty_ready), "s")
    yield Figure("private memory of a worker: no rules of its own", (empty_private,), "MB")
    for size in sizes:
        first = _first_time(shop, shop.state("exact", size))
        yield Figure(f"ready: edge, {size:,} rules, the first time on a machine", (first,), "s")
        ready, private = _edge(shop, size)
        at_scale = size >= MILLION
        yield Figure(f"ready: edge, {size:,} rules", tuple(ready), "s", below(1) if at_scale else None)
        more = median(ready) - median(empty_ready)
        yield Figure(f"ready: edge, {size:,} rules, over the empty edge", (more,), "s")
        target = below(80) if at_scale else None
        yield Figure(
            f"private memory of a worker: {size:,} rules, over the empty edge", (private - empty_private,), "MB", target
        )
    yield from _two_workers(shop, many)


def _compiled(shop: Workshop, size: int) -> Iterator[Row]:
    took = shop.compiled("exact", size)
    target = {MILLION: at_most(8), _LARGE: at_most(90)}.get(size)
    yield Figure(f"compile {size:,} rules: CPU", (took.cpu_seconds,), "s")
    yield Figure(f"compile {size:,} rules: wall", (took.wall_seconds,), "s", target)
    yield Figure(f"compile {size:,} rules: file", (took.megabytes,), "MB")
    yield Figure(f"compile {size:,} rules: peak of the compiler's memory", (took.peak_megabytes,), "MB")


def _first_time(shop: Workshop, state: Path) -> float:
    """Seconds until ready where nothing was looked at before; from then on it was."""
    for note in (state / "snapshots").glob("*.verified"):
        note.unlink()
    with edge(shop.place("edge"), state, cpu=None) as begun:
        return begun.ready_seconds


def _edge(shop: Workshop, size: int) -> tuple[list[float], float]:
    """Seconds until ready, for each round, and a worker's private memory after a load."""
    state = shop.state("exact", size) if size else shop.place("empty")
    if not size:
        HitStore.open(f"sqlite:///{state / 'rules.db'}").close()
        _first_time(shop, state)
    ready: list[float] = []
    private = 0.0
    for number in range(min(shop.extent.rounds, 3)):
        with edge(shop.place("edge"), state, cpu=None) as begun:
            ready.append(begun.ready_seconds)
            shop.told(f"edge, {size:,} rules: ready in {begun.ready_seconds:.2f} s")
            if number == 0:
                # The same load everywhere: without rules of its own the edge knows these addresses by a template.
                load(begun.server.port, [one.request for one in draw(shop, size or shop.extent.rules)(0)], 2)
                _settled(begun)
                private = begun.worker_memory().private
    return ready, private


def _settled(begun: Edge) -> None:
    """Wait until every worker has written what it counted, for as long as that can take."""
    until = time.monotonic() + _SETTLING_SECONDS
    while time.monotonic() < until:
        time.sleep(1)
        if begun.metric("dvc_edge_hits_written_total") > 0 and time.monotonic() > until - _SETTLING_SECONDS / 2:
            return


def _two_workers(shop: Workshop, many: int) -> Iterator[Row]:
    asked = [one.request for one in draw(shop, many)(0)]
    totals = {}
    with edge(shop.place("edge"), shop.state("exact", many), workers=2, cpu=None) as ours:
        load(ours.server.port, asked, 4)
        _settled(ours)
        totals["edge"] = ours.server.memory()
        names = ours.workers()
        shop.told(f"edge: {len(names)} workers, {totals['edge'].proportional:.0f} MB")
    if peers.program("nginx"):
        folder = shop.place("nginx")
        http = peers.nginx_map(folder, old_addresses(many, shop.sites))
        with peers.nginx(folder, Nginx(peers.SEND_AWAY, http, workers=2)) as theirs:
            load(theirs.port, asked, 2)
            totals["nginx"] = theirs.memory()
            yield Figure(f"ready: nginx, {many:,} rules", (theirs.ready_seconds,), "s")
    for name, held in totals.items():
        yield Figure(f"total memory: {name}, two workers, {many:,} rules", (held.proportional,), "MB")
        yield Figure(f"of it private: {name}", (held.private,), "MB")
    if "nginx" not in totals:
        yield Skipped("nginx", "not installed")
        return
    share = totals["edge"].proportional / totals["nginx"].proportional
    yield Figure(
        f"total memory: edge ÷ nginx, {many:,} rules", (share,), "×", at_most(0.35) if many >= MILLION else None
    )
