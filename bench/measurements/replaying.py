"""How fast an access log is replayed, by `bench.replay`."""

import gzip
from collections.abc import Iterator

from bench import replay
from bench.figures import Figure, Row, at_least
from bench.workshop import Workshop

ABOUT = "A log of a million lines, 41,000 addresses as unevenly asked for as pages are, sixty agents; one processor."


def run(shop: Workshop) -> Iterator[Row]:
    """The log as it is, and packed."""
    lines = 50_000 if shop.extent.quick else 1_000_000
    folder = shop.place("logs")
    plain, packed = folder / "access.log", folder / "access.log.gz"
    shop.told(f"writing {lines:,} lines")
    with plain.open("w", encoding="utf-8") as file:
        file.writelines(replay.log(shop.packs.snapshot, lines, 41_000))
    packed.write_bytes(gzip.compress(plain.read_bytes(), 6))
    for name, path in (("", plain), (", gzip", packed)):
        shop.told(f"replaying {path.name}")
        rates = []
        for _ in range(min(shop.extent.rounds, 3)):
            _, seconds = replay.timed(path, shop.packs.snapshot, shop.packs.crawlers)
            rates.append(lines / seconds)
        target = None if shop.extent.quick else at_least(100_000)
        yield Figure(f"replay{name}", tuple(rates), "lines/s of CPU", target)
