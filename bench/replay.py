"""Replay at national scale: `python -m bench.replay` makes logs of a million lines, replays them and compares a draft.

The log is what portals see: some 41,000 addresses, asked for as unevenly as pages are (Zipf), by sixty agents, with
campaign parameters, assets, nonsense and other people's hosts in it.  Times are CPU seconds (user and system).
"""

import argparse
import gzip
import json
import random
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from itertools import accumulate
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import NamedTuple

from proxy import config_file
from proxy.commands.replay import log_of
from proxy.packs import Packs, load_packs
from redirect_rules.dict_index import DictIndex
from redirect_rules.effects import EffectReport, effect
from redirect_rules.exact import ExactRule
from redirect_rules.model import Action
from redirect_rules.replay import Report, replay
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


class Asked(NamedTuple):
    """One visit of the log."""

    host: str
    target: str
    second: int  # of the day
    agent: str

    @property
    def stamp(self) -> str:
        return f"{self.second // 3600:02}:{self.second // 60 % 60:02}:{self.second % 60:02}"

    def combined(self) -> str:
        """Combined Log Format, with the virtual host in front."""
        return (
            f"{self.host} 203.0.113.{self.second % 250} - - [01/Jul/2025:{self.stamp} +0700] "
            f'"GET {self.target} HTTP/1.1" 200 {self.second} "https://{self.host}/vi" "{self.agent}"\n'
        )

    def in_json(self) -> str:
        """As servers write it that are told to write JSON."""
        fields = {
            "time": f"2025-07-01T{self.stamp}+07:00",
            "remote_addr": f"203.0.113.{self.second % 250}",
            "host": self.host,
            "request_method": "GET",
            "request_uri": self.target,
            "status": 200,
            "body_bytes_sent": self.second,
            "http_referer": f"https://{self.host}/vi",
            "http_user_agent": self.agent,
        }
        return json.dumps(fields) + "\n"


def visits(snapshot: Snapshot, count: int, distinct: int) -> Iterator[Asked]:
    drawn = random.Random(2)
    pages = addresses(snapshot, distinct)
    weights = list(accumulate(1 / (rank + 1) for rank in range(len(pages))))
    known = agents()
    for host, target in drawn.choices(pages, cum_weights=weights, k=count):
        yield Asked(host, target, drawn.randrange(86_400), drawn.choice(known))


def write_logs(folder: Path, snapshot: Snapshot, lines: int, distinct: int) -> dict[str, Path]:
    """The same visits in each of the forms that are read, by name."""
    plain, packed, objects = folder / "access.log", folder / "access.log.gz", folder / "access.json"
    with plain.open("w", encoding="utf-8") as file, objects.open("w", encoding="utf-8") as others:
        for visit in visits(snapshot, lines, distinct):
            file.write(visit.combined())
            others.write(visit.in_json())
    packed.write_bytes(gzip.compress(plain.read_bytes(), 6))
    return {"plain": plain, "gzip": packed, "JSON": objects}


def drafted(snapshot: Snapshot, distinct: int) -> Snapshot:
    """A draft that knows every fourth of the pages that no rule knows."""
    unknown = [page for page in addresses(snapshot, distinct) if page[1].startswith("/khong/ai/biet/")]
    rules = [
        ExactRule(portal.id, target, (), Action.NOTICE, f"draft-{number}", "help")
        for number, (host, target) in enumerate(unknown[::4])
        if (portal := snapshot.portals.get(host)) is not None
    ]
    return replace(snapshot, exact=DictIndex(rules))


def read(path: Path) -> int:
    """Its octets, unpacked."""
    return sum(map(len, log_of([str(path)], quiet=True)))


def timed(work: Callable[[], object]) -> float:
    """CPU seconds (user and system)."""
    begun = time.process_time()
    work()
    return time.process_time() - begun


def replayed(path: Path, packs: Packs) -> Report:
    return replay(log_of([str(path)], quiet=True), packs.snapshot, now=NOW, crawlers=packs.crawlers)


def compared(path: Path, packs: Packs, after: Snapshot) -> EffectReport:
    return effect(packs.snapshot, after, log_of([str(path)], quiet=True), now=NOW, crawlers=packs.crawlers)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lines", type=int, default=1_000_000)
    parser.add_argument("--distinct", type=int, default=41_000)
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    packs = load_packs(config_file.load(ROOT / "conf/edge.toml", {}))
    after = drafted(packs.snapshot, args.distinct)
    with TemporaryDirectory() as folder:
        for name, path in write_logs(Path(folder), packs.snapshot, args.lines, args.distinct).items():
            print(f"{name}: {args.lines:,} lines, {path.stat().st_size / 1e6:.0f} MB")
            works: dict[str, Callable[[], object]] = {
                "read": partial(read, path),
                "replay": partial(replayed, path, packs),
                "effect": partial(compared, path, packs, after),
            }
            for what, work in works.items():
                rates = sorted(args.lines / timed(work) for _ in range(args.rounds))
                print(f"  {what:7} {median(rates):>10,.0f} lines/s ({rates[0]:,.0f}-{rates[-1]:,.0f})")


if __name__ == "__main__":
    main()
