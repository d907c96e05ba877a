"""Measure and print a table; write it to bench/RESULTS.md with --write."""

import argparse
import contextlib
import os
import platform
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

import aiohttp

from bench.load import cpu_seconds
from proxy import config
from proxy.app import load_parts
from proxy.presentation import Presenter
from redirect_rules.decision import Decision, Visit, decide

ROOT = Path(__file__).parent.parent
NOW = datetime(2026, 11, 1, tzinfo=UTC)
HOST = "dichvucong.langson.gov.vn"
BOT = f"GET /vi HTTP/1.1\\r\\nHost: {HOST}\\r\\nUser-Agent: Googlebot\\r\\nAccept: text/html\\r\\n\\r\\n"
PERSON = (
    f"GET /vi HTTP/1.1\\r\\nHost: {HOST}\\r\\nUser-Agent: Mozilla/5.0\\r\\nAccept: text/html\\r\\n"
    "Accept-Language: vi\\r\\nAccept-Encoding: gzip\\r\\nSec-Fetch-Dest: document\\r\\n\\r\\n"
)
TARGETS = ("/vi", "/vi/thu-tuc-hanh-chinh/chi-tiet?ma=1.001193.000.00.00.H37", "/khong/ai/biet?utm_source=x")


def rounds_of(work: Callable[[], object], times: int, rounds: int) -> list[float]:
    """Microseconds for one piece of work, once for each round."""
    figures = []
    for _ in range(rounds):
        begun = time.process_time()
        for _ in range(times):
            work()
        figures.append((time.process_time() - begun) / times * 1e6)
    return figures


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


@contextlib.contextmanager
def server(*command: str, port: int, **environ: str) -> Iterator[int]:
    """A server as a process of its own, until it is no longer needed."""
    process = subprocess.Popen(
        command, cwd=ROOT, env={**os.environ, **environ}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        for _ in range(200):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 0.2):
                break
            time.sleep(0.1)
        os.sched_setaffinity(process.pid, {min(os.sched_getaffinity(0))})
        yield process.pid
    finally:
        process.kill()
        process.wait()


def loaded(pid: int, port: int, head: str, requests: int) -> tuple[float, float]:
    """CPU microseconds of the server for one request, and requests a second."""
    before = cpu_seconds(pid)
    run = [sys.executable, "-m", "bench.load", str(port), head, str(requests)]
    seconds = float(subprocess.run(run, cwd=ROOT, check=True, capture_output=True, text=True).stdout)
    return (cpu_seconds(pid) - before) / requests * 1e6, requests / seconds


def figures(rounds: int, requests: int) -> Iterator[tuple[str, list[float], str]]:
    """Every measurement: its name, a figure for each round, the unit."""
    settings = config.load(ROOT / "conf/edge.toml", {})
    packs, pages = load_parts(settings)
    for target in TARGETS:
        visit = Visit(HOST, target)
        yield f"decide {target}", rounds_of(lambda v=visit: decide(v, packs.snapshot, NOW), 2_000, rounds), "µs"  # type: ignore[misc]
    decision = decide(Visit(HOST, TARGETS[1]), packs.snapshot, NOW)
    assert isinstance(decision, Decision)
    presenter = Presenter(packs.snapshot, {"vi": "Tiếng Việt", "en": "English"}, 30)
    view = presenter.notice(decision, now=NOW, stay=False, ask=False)
    yield (
        "notice: gather what it says",
        rounds_of(lambda: presenter.notice(decision, now=NOW, stay=False, ask=False), 500, rounds),
        "µs",
    )
    yield "notice: render", rounds_of(lambda: pages.render(view, "vi"), 200, rounds), "µs"
    localities = packs.snapshot.localities
    yield "locality: a name with its district", rounds_of(lambda: localities.find("co bi gia lam"), 200, rounds), "µs"
    yield "locality: a misspelt name", rounds_of(lambda: localities.find("phuong phuc xxa"), 20, rounds), "µs"
    yield from over_http(rounds, requests)


def over_http(rounds: int, requests: int) -> Iterator[tuple[str, list[float], str]]:
    """The edge beside the plain peer, in turn."""
    ours, operations, theirs = free_port(), free_port(), free_port()
    ports = {"DVC_EDGE__LISTEN__PORT": str(ours), "DVC_EDGE__OPERATIONS__PORT": str(operations)}
    serve = (sys.executable, "-m", "proxy", "serve", "--config", str(ROOT / "conf/edge.toml"))
    with (
        server(*serve, port=ours, **ports) as edge,
        server(sys.executable, "-m", "bench.plain", str(theirs), port=theirs) as plain,
    ):
        measured: dict[str, list[tuple[float, float]]] = {"plain": [], "redirect": [], "notice": []}
        for _ in range(rounds + 1):
            measured["plain"].append(loaded(plain, theirs, BOT, requests))
            measured["redirect"].append(loaded(edge, ours, BOT, requests))
            measured["notice"].append(loaded(edge, ours, PERSON, requests // 4))
    for name, found in measured.items():
        del found[0]  # the warm-up
        yield f"HTTP {name}: CPU of the server", [cpu for cpu, _ in found], "µs/request"
        yield f"HTTP {name}: rate", [rate for _, rate in found], "requests/s"
    for name in ("redirect", "notice"):
        pairs = zip(measured[name], measured["plain"], strict=True)
        yield f"HTTP {name}: CPU, of a plain aiohttp Application's", [us[0] / peer[0] for us, peer in pairs], "×"


def main() -> None:
    parser = argparse.ArgumentParser("bench", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--requests", type=int, default=8_000)
    parser.add_argument("--write", action="store_true", help="write bench/RESULTS.md")
    options = parser.parse_args()
    machine = f"{platform.machine()}, {os.cpu_count()} cores"
    versions = f"Python {platform.python_version()}, aiohttp {aiohttp.__version__}"
    lines = [
        f"{machine}, {versions}, {options.rounds} rounds after a warm-up",
        "",
        "| what | median | least | most | unit |",
        "|---|---|---|---|---|",
    ]
    print("\n".join(lines))
    for name, found, unit in figures(options.rounds, options.requests):
        lines.append(f"| {name} | {median(found):,.1f} | {min(found):,.1f} | {max(found):,.1f} | {unit} |")
        print(lines[-1], flush=True)
    if options.write:
        (ROOT / "bench/RESULTS.md").write_text("# Measured by `make bench`\n\n" + "\n".join(lines) + "\n", "utf-8")


if __name__ == "__main__":
    main()
