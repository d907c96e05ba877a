"""Exact rules at national scale: `python -m bench.exact --rules 1000000` compiles, opens and looks them up.

Times are CPU seconds of the process (user and system) unless a line says wall.  Memory is what a fresh process holds
for itself after opening the file and 100,000 look-ups, over what it held before; the pages of the file are shared.
"""

import argparse
import json
import random
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from tqdm import tqdm

from redirect_rules.canonical import canonical_key
from redirect_rules.dict_index import DictIndex
from redirect_rules.exact import ExactIndex, ExactRule
from redirect_rules.model import Action
from redirect_rules.snapshot_file import open_current, path_of, point_at
from redirect_rules.snapshot_writer import Contents, write
from redirect_rules.stores.lmdb_index import LmdbIndex

NOW = datetime(2026, 11, 1, tzinfo=UTC)
PORTALS = [f"tinh-{number:02}" for number in range(34)]
MIX, MASK = 0x9E3779B97F4A7C15F39CC061, (1 << 96) - 1  # odd: every number once, in no order
LOOK_UPS = 100_000
PAGES = "https://dichvucong.gov.vn/thu-tuc-hanh-chinh/"


def rule(number: int, shape: str) -> ExactRule:
    """Half of the rules name a procedure, half spell an address, as imports do."""
    portal, mixed = PORTALS[number % 34], number * MIX & MASK
    path, query = f"/vi/procedure/detail/{mixed:024x}", ()
    name = f"import-17/{number:08}"
    if shape == "query":
        path, query = "/index.php", (("id", f"{mixed:024x}"),)  # type: ignore[assignment]
    if number % 2:
        return ExactRule(portal, path, query, Action.REDIRECT, name, url=f"{PAGES}{mixed:036x}")
    code = f"{number % 3}.{number % 1_000_000:06}"
    return ExactRule(portal, path, query, Action.NOTICE, name, "procedure", (("code", code),))


def rules(count: int, shape: str) -> Iterator[ExactRule]:
    return (rule(number, shape) for number in range(count))


def timed(work: Callable[[], object]) -> tuple[float, float]:
    """CPU and wall seconds."""
    cpu, wall = time.process_time(), time.perf_counter()
    work()
    return time.process_time() - cpu, time.perf_counter() - wall


def consumed(work: Iterator[object]) -> None:
    for _ in work:
        pass


def micros(find: Callable[[ExactRule], object], wanted: list[ExactRule], rounds: int) -> tuple[float, float, float]:
    """Lowest, median and highest CPU microseconds of one look-up over rounds."""

    def all_of_them() -> None:
        for one in wanted:
            find(one)

    figures = [timed(all_of_them)[0] / len(wanted) * 1e6 for _ in range(rounds)]
    return min(figures), median(figures), max(figures)


def own_megabytes() -> float:
    """What only this process holds: no page of a file, no page shared with another process."""
    lines = Path("/proc/self/smaps_rollup").read_text().splitlines()[1:]
    return int(next(line for line in lines if line.startswith("Private_Dirty:")).split()[1]) / 1_000


def look_ups(index: ExactIndex, count: int, shape: str, rounds: int) -> dict[str, tuple[float, float, float]]:
    drawn = random.Random(3)
    wanted = [rule(drawn.randrange(count), shape) for _ in range(LOOK_UPS)]
    missed = [rule(count + drawn.randrange(count), shape) for _ in range(LOOK_UPS)]
    find = index.find
    if any(find(one.portal, one.path, one.query, NOW) != one for one in wanted[:1_000]):
        raise AssertionError("a rule was not found")
    return {
        "find, known": micros(lambda one: find(one.portal, one.path, one.query, NOW), wanted, rounds),
        "find, unknown": micros(lambda one: find(one.portal, one.path, one.query, NOW), missed, rounds),
    }


def probe(folder: Path, count: int, shape: str, rounds: int) -> dict[str, object]:
    """What one process sees: called in a fresh one."""
    drawn = random.Random(4)
    keys = [rule(drawn.randrange(count), shape) for _ in range(LOOK_UPS)]
    before = own_megabytes()
    begun = time.perf_counter()
    snapshot = open_current(folder).snapshot
    opened = time.perf_counter() - begun
    index = snapshot.exact
    for one in keys:
        index.find(one.portal, one.path, one.query, NOW)
    own = own_megabytes() - before
    probes = [probed(index, keys) for _ in range(rounds)]
    target = "/vi/procedure/detail/629dae4edb4662230f940e11"
    key = canonical_key("h", target)
    figures = look_ups(index, count, shape, rounds)
    figures["LMDB probe"] = min(probes), median(probes), max(probes)
    figures["Key.path"] = micros(lambda _: key.path, keys_of(LOOK_UPS), rounds)
    figures["canonical_key"] = micros(lambda _: canonical_key("h", target), keys_of(LOOK_UPS), rounds)
    return {"opened": opened, "own": own, "figures": figures}


def probed(index: LmdbIndex, keys: list[ExactRule]) -> float:
    """CPU microseconds of LMDB alone: one probe for the path, its key made before."""
    get, begin = index._table._probe, index.places.begin  # noqa: SLF001 - there is no other way to it
    octets = [(begin(portal, path) or b"") + b"\x01" for portal, path, *_ in keys]

    def all_of_them() -> None:
        for key in octets:
            get(key)

    return timed(all_of_them)[0] / len(keys) * 1e6


def keys_of(count: int) -> list[ExactRule]:
    return [rule(0, "path")] * count


def compiled(folder: Path, count: int, shape: str) -> tuple[float, float]:
    with tqdm(total=count, unit=" rules", unit_scale=True, disable=not sys.stderr.isatty()) as bar:

        def show(stage: str, done: int) -> None:
            bar.set_description(stage)
            bar.n = done
            bar.refresh()

        contents = Contents(1, rules(count, shape), (), (), NOW, "bench", "")
        return timed(lambda: point_at(folder, write(folder, contents, progress=show)))


def show(name: str, figures: tuple[float, float, float]) -> None:
    print(f"{name:34} {figures[1]:8.2f} µs  ({figures[0]:.2f}-{figures[2]:.2f})")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rules", type=int, default=1_000_000)
    parser.add_argument(
        "--shape", choices=["path", "query"], default="path", help="paths of their own, or one path?id="
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--folder", type=Path, help="where the file is made (default: a temporary folder)")
    parser.add_argument("--dict", action="store_true", help="the index in memory as well")
    parser.add_argument("--probe", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.probe:
        print(json.dumps(probe(args.probe, args.rules, args.shape, args.rounds)))
        return
    with TemporaryDirectory(dir=args.folder) as name:
        report(Path(name), args.rules, args.shape, args.rounds)
    if args.dict:
        index = DictIndex(rules(args.rules, args.shape))
        for what, figures in look_ups(index, args.rules, args.shape, args.rounds).items():
            show(f"dict: {what}", figures)


def report(folder: Path, count: int, shape: str, rounds: int) -> None:
    print(f"{count:,} rules, {shape}")
    made = timed(lambda: consumed(rules(count, shape)))[0]
    cpu, wall = compiled(folder, count, shape)
    size = path_of(folder, 1).stat().st_size
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1_000
    print(f"{'compile, without making the rules':34} {cpu - made:8.2f} s   (with: {cpu:.2f} CPU, {wall:.2f} wall)")
    print(f"{'file':34} {size / 1e6:8.1f} MB  ({size / count:.0f} bytes for a rule)")
    print(f"{'peak of the compiling process':34} {peak:8.0f} MB")
    run = [sys.executable, "-m", "bench.exact", "--probe", str(folder)]
    run += ["--rules", str(count), "--shape", shape, "--rounds", str(rounds)]
    seen = json.loads(subprocess.run(run, check=True, capture_output=True, text=True).stdout)
    begun = time.perf_counter()
    open_current(folder, full=True).snapshot.close()
    full = time.perf_counter() - begun
    print(f"{'open':34} {seen['opened'] * 1e3:8.2f} ms  (every octet hashed: {full * 1e3:.0f} wall)")
    print(f"{'memory of its own':34} {seen['own']:8.1f} MB")
    for what, figures in seen["figures"].items():
        show(what, figures)


if __name__ == "__main__":
    main()
