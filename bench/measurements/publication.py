"""From a list of old addresses to answers, and from one changed line to all workers, under load."""

import asyncio
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from bench.commands import Took, arguments, command, environment, pointer_moved_at
from bench.edges import Edge, edge
from bench.figures import Figure, Row, Skipped, Target, at_most, below
from bench.postgres import postgres
from bench.rulesets import CRAWLING, OldAddress, drawn, head, old_address, old_addresses
from bench.servers import ROOT
from bench.states import NOW
from bench.visitors import Service, Visitors
from bench.workshop import MILLION, Workshop
from redirect_rules.analysis import analyse
from redirect_rules.opening import opened
from redirect_rules.snapshot_file import path_of

ABOUT = (
    "A CSV of `old_url,new_url` is imported by `dvc-edge rules import`, on SQLite and on PostgreSQL, and published. "
    "Then, under load on two workers, one line is changed and published again: from the moment the pointer moves "
    "until the last answer of the number before. A pause is the slowest answer asked for from then until half a "
    "second after; before, the slowest within as long. Load, edge, compiler and store share two processors."
)
_RATE = 500
_OTHERS = 2_000


def run(shop: Workshop) -> Iterator[Row]:
    """Import, analyse, publish, change one."""
    many = shop.extent.rules
    full = many >= MILLION
    lists = shop.place("lists")
    big = _written(lists / "all.csv", old_addresses(many, shop.sites))
    yield from _imported_on_postgres(shop, big, at_most(90) if full else None)
    state = shop.place("state")
    took = _imported(shop, big, state, {})
    yield from _rows(f"import {many:,} lines of CSV on SQLite", took, at_most(60) if full else None)
    yield from _analysed(shop, many, at_most(30) if full else None)
    shop.told("publishing")
    took = command("rules", "publish", "-m", "all of them", "--state", str(state), "--quiet")
    yield from _rows(f"check and publish {many:,} rules", took, None)
    with edge(shop.place("edge"), state, workers=2, cpu=None) as serving:
        yield from _changed_under_load(shop, serving, state, lists)


def _written(path: Path, rules: Iterator[OldAddress]) -> Path:
    with path.open("w", encoding="utf-8") as file:
        file.write("old_url,new_url\n")
        file.writelines(f"{one.url},{one.target}\n" for one in rules)
    return path


def _imported(shop: Workshop, file: Path, state: Path, environ: dict[str, str], mode: str = "add") -> Took:
    shop.told(f"importing {file.name} ({mode})")
    words = ("rules", "import", str(file), "--mode", mode, "--state", str(state), "--quiet")
    return command(*words, environ=environ)


def _imported_on_postgres(shop: Workshop, file: Path, target: Target | None) -> Iterator[Row]:
    what = f"import {shop.extent.rules:,} lines of CSV on PostgreSQL"
    try:
        with postgres() as database:
            took = _imported(shop, file, shop.place("state-pg"), {"DVC_EDGE__STATE__DATABASE": database.url})
            yield from _rows(what, took, target)
    except FileNotFoundError as error:
        yield Skipped(what, str(error))


def _rows(what: str, took: Took, target: Target | None) -> Iterator[Row]:
    yield Figure(f"{what}: wall", (took.wall_seconds,), "s", target)
    yield Figure(f"{what}: CPU of the command", (took.cpu_seconds,), "s")


def _analysed(shop: Workshop, many: int, target: Target | None) -> Iterator[Row]:
    shop.told("analysing")
    packs = opened(path_of(shop.state("exact", many) / "snapshots", 1))
    try:
        begun = time.process_time()
        findings = sum(1 for _ in analyse(packs, packs.snapshot.exact, now=NOW))
        taken = time.process_time() - begun
    finally:
        packs.close()
    yield Figure(f"analysis of {many:,} rules: CPU", (taken,), "s", target, f"{findings:,} findings")


def _changed_under_load(shop: Workshop, serving: Edge, state: Path, lists: Path) -> Iterator[Row]:
    times = 1 if shop.extent.quick else shop.extent.rounds
    changes = [asyncio.run(_change(shop, serving, state, lists, edition)) for edition in range(1, times + 1)]
    live, pauses, before, whole, mixed, failed = map(tuple, zip(*changes, strict=True))
    full = shop.extent.rules >= MILLION
    what = f"one change in {shop.extent.rules:,} rules"
    yield Figure(f"{what}: import and publish, under load", whole, "s")
    yield Figure(f"{what}: from the pointer's move until all workers answer it", live, "s", below(2) if full else None)
    yield Figure(f"{what}: failed requests at {_RATE} a second", failed, "requests", at_most(0))
    yield Figure(f"{what}: answers that mix two numbers", mixed, "requests", at_most(0))
    yield Figure(f"{what}: slowest answer while workers change", pauses, "ms")
    yield Figure(f"{what}: slowest answer in as long a time before", before, "ms")
    more = tuple(max(pause - usual, 0.0) for pause, usual in zip(pauses, before, strict=True))
    yield Figure(f"{what}: pause, over what is usual", more, "ms", at_most(5) if full else None)


async def _change(
    shop: Workshop, serving: Edge, state: Path, lists: Path, edition: int
) -> tuple[float, float, float, float, float, float]:
    """Seconds until all workers answer, the slowest answer then and before (ms), seconds in all, mixed, failed."""
    former, changed = (old_address(0, shop.sites, edition=number) for number in (edition - 1, edition))
    others = drawn(_OTHERS, shop.extent.rules, shop.sites, seed=edition)
    # Every other visitor asks for what changes.
    asked = [one for other in others for one in (changed, other)]
    visitors = Visitors(serving.server.port, [head(one.site.host, one.path, *CRAWLING) for one in asked], rate=_RATE)
    async with asyncio.TaskGroup() as tasks:
        load = tasks.create_task(visitors.run())
        await asyncio.sleep(3)
        quiet_until = time.time()
        before = pointer_moved_at(state)
        await _given(
            "rules", "import", str(_written(lists / "one.csv", iter([changed]))), "--mode", "upsert", state=state
        )
        await _given("rules", "publish", "-m", "one of them", state=state)
        took = time.time() - quiet_until
        await asyncio.sleep(3)
        visitors.stop()
    moved_at = pointer_moved_at(state)
    if moved_at == before:
        raise TimeoutError("the pointer did not move")
    service = load.result()
    last = _last_of(service, former.target)
    live = max(last - moved_at, 0.0)
    shop.told(f"edition {edition}: live in {live:.2f} s; {len(service.visits):,} visits, {service.failed} failed")
    if _last_of(service, changed.target) < moved_at:
        raise TimeoutError(f"nobody was sent to {changed.target}: the published change never served")
    window = live + 0.5
    pause = service.within(moved_at, moved_at + window).longest_ms
    usual = service.within(quiet_until - window, quiet_until).longest_ms
    mixed = service.mixed([former.target, changed.target])
    return live, pause, usual, took, float(mixed), float(service.failed)


def _last_of(service: Service, target: str) -> float:
    return max((one.answered_at for one in service.visits if one.target == target), default=0.0)


async def _given(*words: str, state: Path) -> None:
    line: Sequence[str] = arguments(*words, "--state", str(state), "--quiet")
    process = await asyncio.create_subprocess_exec(
        *line, cwd=ROOT, env=environment(), stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE
    )
    _, said = await process.communicate()
    if process.returncode:
        raise OSError(f"dvc-edge {' '.join(words[:2])}: {said.decode()[-600:]}")
