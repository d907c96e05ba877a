"""What localities cost: loading them, and one look-up of each kind.

    python -m bench.localities

CPU time of this process; the best of several runs, for the machine is never idle.  The first line says how fast
the machine is, so that runs can be compared.
"""

import json
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path

from redirect_rules.localities import Era, Localities, LocalityCode

FOLDER = Path(__file__).parent.parent / "conf" / "localities"
QUERIES = {
    "code": "old:00007",
    "name, district, province": "Phường Phúc Xá, Quận Ba Đình, Thành phố Hà Nội",
    "without commas or diacritics": "xa co bi gia lam ha noi",
    "34 namesakes": "phuong 1",
    "67 namesakes": "tan thanh",
    "misspelt, province right": "Phuc Xaa, Ba Dinh, Ha Noi",
    "misspelt, no province": "Tan Thanhh",
    "house and street": "12 Láng Hạ, phường Láng Hạ, Đống Đa, Hà Nội",
    "nothing": "asdf qwer",
    "hostile": "1 " * 40,
    "hostile, no place": "xa, binh, " * 20,
    "10 kB": "x" * 10_000,
}


def best(work: Callable[[], object], *, times: int, runs: int = 7) -> float:
    """CPU seconds of one call, in the best of several runs."""

    def run() -> float:
        started = time.process_time()
        for _ in range(times):
            work()
        return (time.process_time() - started) / times

    return min(run() for _ in range(runs))


def additions() -> None:
    total = 0
    for number in range(1_000_000):
        total += number


def main() -> None:
    names = ("provinces.csv", "communes_2025.csv", "communes_old_to_new.csv")
    texts = [(FOLDER / name).read_text("utf-8") for name in names]
    print(f"a million additions          {best(additions, times=1) * 1e3:8.1f} ms")
    print(f"parse                        {best(lambda: Localities.parse(*texts), times=1) * 1e3:8.1f} ms")
    tracemalloc.start()
    localities = Localities.parse(*texts)
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    print(f"held                         {held / 1e6:8.1f} MB")
    code = LocalityCode(Era.OLD, "00007")
    print(f"resolve                      {best(lambda: localities.resolve(code), times=10_000) * 1e6:8.1f} µs")
    for kind, query in QUERIES.items():
        cost = best(lambda query=query: localities.find(query), times=30)  # type: ignore[misc]
        print(f"{kind:28} {cost * 1e6:8.1f} µs   {json.dumps(query[:40], ensure_ascii=False)}")


if __name__ == "__main__":
    main()
