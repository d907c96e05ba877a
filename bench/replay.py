"""Replay at national scale: `python -m bench.replay` makes a log of a million lines and replays it.

The log is what portals see: some 41,000 addresses, asked for as unevenly as pages are (Zipf), by sixty agents, with
campaign parameters, assets, nonsense and other people's hosts in it.  Times are CPU seconds (user and system).
"""

import argparse
import gzip
import random
import time
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from itertools import accumulate
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from proxy import config
from proxy.commands.replay import lines_of
from proxy.packs import load_packs
from redirect_rules.replay import replay
from redirect_rules.snapshot import Snapshot

ROOT = Path(__file__).parent.parent
NOW = datetime(2026, 11, 1, tzinfo=UTC)
SHAPES = (
    "/vi/thu-tuc-hanh-chinh/chi-tiet?ma=1.{0:06}.000.00.00.H37",
    "/vi/procedure/detail/{0:024x}?keyword=khai%20sinh",
    "/tra-cuu-tien-do?doccode=000.00.12.H06-240101-{0:04}",
    "/nop-ho-so?MaTTHC=1.{0:06}",
    "/tin-tuc/{0}/tin-moi.html",
    "/assets/app.{0:08x}.js",
    "/?utm_source=zalo&utm_campaign={0}",
    "/khong/ai/biet/{0}",
)
HOME = ("/", "/vi", "/vi/", "/robots.txt", "/trang-chu", "/favicon.ico")


def addresses(snapshot: Snapshot, count: int) -> list[tuple[str, str]]:
    """Hosts and targets, the most visited first."""
    hosts = [*snapshot.portals, "nobody.example"]
    pages = [(host, target) for target in HOME for host in hosts]
    drawn = random.Random(1)
    while len(pages) < count:
        number = len(pages)
        pages.append((drawn.choice(hosts), SHAPES[number % len(SHAPES)].format(number)))
    return pages[:count]


def agents() -> list[str]:
    browsers = [
        f"Mozilla/5.0 (Linux; Android {n}; SM-A{n}05F) AppleWebKit/537.36 Chrome/1{n}0.0 Mobile" for n in range(50)
    ]
    return [
        *browsers,
        *(f"Mozilla/5.0 (compatible; Googlebot/2.{n}; +http://www.google.com/bot.html)" for n in range(10)),
    ]


def log(snapshot: Snapshot, lines: int, distinct: int) -> Iterator[str]:
    drawn = random.Random(2)
    pages = addresses(snapshot, distinct)
    weights = list(accumulate(1 / (rank + 1) for rank in range(len(pages))))
    known = agents()
    for host, target in drawn.choices(pages, cum_weights=weights, k=lines):
        second, agent = drawn.randrange(86_400), drawn.choice(known)
        stamp = f"{second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}"
        yield (
            f'{host} 203.0.113.{second % 250} - - [01/Jul/2025:{stamp} +0700] "GET {target} HTTP/1.1" 200 {second} '
            f'"https://{host}/vi" "{agent}"\n'
        )


def consumed(lines: Iterable[str]) -> None:
    for _ in lines:
        pass


def timed(path: Path, snapshot: Snapshot, crawlers: object) -> tuple[float, float]:
    """CPU seconds of reading alone, and of replaying."""
    begun = time.process_time()
    consumed(lines_of([str(path)], quiet=True))
    read = time.process_time()
    replay(lines_of([str(path)], quiet=True), snapshot, now=NOW, crawlers=crawlers)  # type: ignore[arg-type]
    return read - begun, time.process_time() - read


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lines", type=int, default=1_000_000)
    parser.add_argument("--distinct", type=int, default=41_000)
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    packs = load_packs(config.load(ROOT / "conf/edge.toml", {}))
    with TemporaryDirectory() as folder:
        plain, packed = Path(folder, "access.log"), Path(folder, "access.log.gz")
        plain.write_text("".join(log(packs.snapshot, args.lines, args.distinct)), "utf-8")
        packed.write_bytes(gzip.compress(plain.read_bytes(), 6))
        print(f"{args.lines:,} lines, {plain.stat().st_size / 1e6:.0f} MB")
        for path in (plain, packed):
            figures = [timed(path, packs.snapshot, packs.crawlers) for _ in range(args.rounds)]
            reading = median(read for read, _ in figures)
            whole = sorted(args.lines / took for _, took in figures)
            print(
                f"{path.suffix:5} read {reading:.2f} s, {median(whole):,.0f} lines/s ({whole[0]:,.0f}-{whole[-1]:,.0f})"
            )


if __name__ == "__main__":
    main()
