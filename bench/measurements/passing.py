"""Passing on: what a province behind the edge costs, beside nginx, and what bad company costs the others."""

import asyncio
import re
import subprocess
import sys
from collections.abc import Callable, Coroutine, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

from bench import echo, peers
from bench.crowds import crowd, head
from bench.edges import Edge, edge
from bench.figures import Figure, Row, Skipped, at_least, at_most, ratios
from bench.passing import FILES, PROXY, ask, cpu_seconds, memory, nginx, through
from bench.servers import LOAD_CPU, ROOT, SERVER_CPU, free_port, on_cpu, serving
from bench.workshop import Workshop
from bench.wrk import load

ABOUT = (
    "An nginx serves files to the whole edge (rules, log and metrics on) and to an nginx that passes on as well. The "
    "same octets are asked for again and again, as programs do; a request nobody sent before costs what stands in its "
    "own row."
)
HOST: Final = "dichvucong.langson.gov.vn"
OTHER: Final = "dichvucong.quangninh.gov.vn"  # whose system stalls
BATTERY: Final = ("tests/proxy/passing/test_smuggling.py", "tests/proxy/passing/test_real_origins.py")
_UPSTREAM: Final = """
[[upstream]]
name = "{name}"
allow_networks = ["127.0.0.0/8"]
origins = [{{ url = "http://127.0.0.1:{port}" }}]
[[route]]
portal = "{portal}"
path = "{path}"
upstream = "{name}"
"""
_WEBSOCKET: Final = """location /bench/ws {{ proxy_pass http://127.0.0.1:{echo}; proxy_http_version 1.1;
  proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection upgrade; }}"""


@dataclass(frozen=True, slots=True)
class Stage:
    """Everything that runs."""

    shop: Workshop
    edge: Edge
    nginx: int  # its process id
    nginx_port: int
    folder: Path  # of the files

    @property
    def worker(self) -> int:
        """The process id of the edge's only worker."""
        return self.edge.workers()[0]


def run(shop: Workshop) -> Iterator[Row]:
    """Everything that issue 4 asks to be shown, in one run."""
    yield _battery()
    if not peers.program("nginx"):
        yield Skipped("passing on beside nginx", "nginx is not installed")
        return
    with _stage(shop) as stage:
        yield from _small(stage)
        yield from _large(stage)
        yield from _websockets(stage)
        yield from _long(stage)
        yield from _readers(stage)
        yield from _attackers(stage)
        yield from _stalled(stage)
    yield from _restarted(shop)


def _battery() -> Row:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *BATTERY]
    said = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False).stdout
    counted = {word: int(number) for number, word in re.findall(r"(\d+) (passed|failed|error)", said)}
    if not counted.get("passed"):
        return Skipped("battery", f"it did not run: {said[-300:]}")
    failed = counted.get("failed", 0) + counted.get("error", 0)
    return Figure("battery: disagreements and leaks", (float(failed),), f"of {sum(counted.values())} cases", at_most(0))


@contextmanager
def _stage(shop: Workshop) -> Iterator[Stage]:
    folder = shop.place("files")
    (folder / "bench").mkdir()
    for name, size in (("small.css", 1_024), ("large.zip", 10_000_000)):
        (folder / "bench" / name).write_bytes(b"x" * size)
    with (folder / "bench/long.zip").open("wb") as sparse:
        sparse.truncate(_long_octets(shop))
    files, echoing, stalled, theirs = (free_port() for _ in range(4))
    sink = f" location /bench/up {{{{ proxy_pass http://127.0.0.1:{files}/sink; proxy_request_buffering off; }}}}"
    with ExitStack() as running:
        start = running.enter_context
        start(
            nginx(
                folder,
                "files",
                f"{FILES}{sink} location /sink {{{{ return 200; }}}}",
                port=files,
                origin=files,
                cpu=LOAD_CPU,
            )
        )
        serve = [sys.executable, "-m", "bench.echo", str(echoing)]
        start(serving(serve, port=echoing, folder=shop.place("echo"), cpu=LOAD_CPU))
        start(_silent(stalled))
        body = PROXY + _WEBSOCKET.format(echo=echoing).replace("{", "{{").replace("}", "}}")
        peer = start(nginx(folder, "proxy", body, port=theirs, origin=files, cpu=SERVER_CPU))
        rows = [
            _UPSTREAM.format(name="files", port=files, portal="langson", path="/bench"),
            _UPSTREAM.format(name="echo", port=echoing, portal="langson", path="/bench/ws"),
            _UPSTREAM.format(name="stalled", port=stalled, portal="quangninh", path="/bench"),
        ]
        ours = start(_edge_over(shop, rows))
        yield Stage(shop, ours, peer, theirs, folder)


@contextmanager
def _edge_over(shop: Workshop, rows: list[str]) -> Iterator[Edge]:
    folder = shop.place("upstreams")
    (folder / "upstreams.toml").write_text("".join(rows))
    environ = {"DVC_EDGE__PASSING__FILE": f'"{folder}/upstreams.toml"', "DVC_EDGE__CONSOLE__PORT": str(free_port())}
    with edge(shop.place("edge"), shop.place("empty"), environ=environ) as ours:
        yield ours


@contextmanager
def _silent(port: int) -> Iterator[None]:
    """An origin that accepts and says nothing."""
    text = f"import socket; s = socket.create_server(('127.0.0.1', {port}), backlog=1024); k = []\n"
    process = subprocess.Popen([sys.executable, "-c", text + "while True: k.append(s.accept())"])
    try:
        yield
    finally:
        process.kill()
        process.wait()


def _paired(stage: Stage, requests: int, target: str, size: int) -> tuple[list[float], list[float]]:
    """CPU seconds for one request in each round, ours and nginx's."""
    mine: list[float] = []
    theirs: list[float] = []
    asked = head(HOST, target)
    for number in range(stage.shop.extent.rounds + 1):
        ours = _spent(
            stage.edge.server.cpu_seconds, lambda: asyncio.run(ask(stage.edge.server.port, asked, size, requests))
        )
        other = _spent(_clock(stage.nginx), lambda: asyncio.run(ask(stage.nginx_port, asked, size, requests)))
        stage.shop.told(f"{target}: {ours / requests * 1e6:.0f} µs, nginx {other / requests * 1e6:.0f} µs")
        if number:  # the first warms
            mine.append(ours / requests)
            theirs.append(other / requests)
    return mine, theirs


def _clock(pid: int) -> Callable[[], float]:
    return lambda: cpu_seconds(pid)


def _run(work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(work())


def _spent(clock: Callable[[], float], work: Callable[[], object]) -> float:
    before = clock()
    with on_cpu(LOAD_CPU):
        work()
    return clock() - before


def _small(stage: Stage) -> Iterator[Row]:
    requests = 4_000 if stage.shop.extent.quick else 16_000
    mine, theirs = _paired(stage, requests, "/bench/small.css", 1_024)
    yield Figure("1 KB: CPU, edge", tuple(value * 1e6 for value in mine), "µs/request")
    yield Figure("1 KB: CPU, nginx", tuple(value * 1e6 for value in theirs), "µs/request")
    yield Figure("1 KB: CPU, nginx ÷ edge", ratios(theirs, mine), "×", at_least(0.85), "the floor is 0.25")
    first = []
    for number in range(stage.shop.extent.rounds):
        asked = [head(HOST, f"/bench/small.css?{number}-{one}") for one in range(1_000)]
        spent = _spent(stage.edge.server.cpu_seconds, partial(_run, partial(_each, stage.edge.server.port, asked)))
        first.append(spent / len(asked) * 1e6)
    yield Figure("1 KB, asked for the first time: CPU, edge", tuple(first), "µs/request")


async def _each(port: int, requests: list[bytes]) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for request in requests:
        writer.write(request)
        answer = await reader.readuntil(b"\r\n\r\n")
        await reader.readexactly(int(answer.partition(b"Content-Length: ")[2].partition(b"\r\n")[0]))
    writer.close()


def _large(stage: Stage) -> Iterator[Row]:
    mine, theirs = _paired(stage, 32 if stage.shop.extent.quick else 96, "/bench/large.zip", 10_000_000)
    yield Figure("10 MB: CPU, edge", tuple(value * 100 for value in mine), "s/GB")
    yield Figure("10 MB: CPU, nginx", tuple(value * 100 for value in theirs), "s/GB")
    yield Figure("10 MB: octets for a CPU second, edge ÷ nginx", ratios(theirs, mine), "×", at_least(1.0))


def _websockets(stage: Stage) -> Iterator[Row]:
    messages = 4_000 if stage.shop.extent.quick else 16_000
    mine, theirs = [], []
    for number in range(stage.shop.extent.rounds + 1):
        sides = (
            (stage.edge.server.cpu_seconds, stage.edge.server.port),
            (_clock(stage.nginx), stage.nginx_port),
        )
        found = [
            _spent(clock, partial(_run, partial(echo.talk, port, HOST, "/bench/ws", messages))) for clock, port in sides
        ]
        if number:
            mine.append(found[0] / messages * 1e6)
            theirs.append(found[1] / messages * 1e6)
    yield Figure("WebSocket, 100 octets there and back: CPU, edge", tuple(mine), "µs/message")
    yield Figure("WebSocket: CPU, nginx ÷ edge", ratios(theirs, mine), "×", at_least(0.5))


def _long_octets(shop: Workshop) -> int:
    return 200_000_000 if shop.extent.quick else 2 << 30


def _long(stage: Stage) -> Iterator[Row]:
    size, port, worker = _long_octets(stage.shop), stage.edge.server.port, stage.worker
    down = head(HOST, "/bench/long.zip")
    fields = f"Host: {HOST}\r\nUser-Agent: curl/8\r\nAccept: application/json\r\nContent-Length: {size}\r\n"
    up = f"PUT /bench/up HTTP/1.1\r\n{fields}\r\n"
    for name, octets, upwards in (("down", down, False), ("up", up.encode(), True)):
        before = memory(worker)
        most = asyncio.run(through(port, octets, size, worker, up=upwards))
        yield Figure(f"{size / 1e9:.1f} GB {name}: memory", ((most - before) / 1e6,), "MB", at_most(20))


def _readers(stage: Stage) -> Iterator[Row]:
    before = memory(stage.worker)
    with crowd("readers", stage.edge.server.port, HOST, "/bench/large.zip", 1_000):
        held = memory(stage.worker) - before
    yield Figure("1,000 visitors who take nothing of 10 MB: memory", (held / 1e6,), "MB", at_most(20))


def _p99(stage: Stage) -> float:
    """Of others, in milliseconds."""
    asked = [head(HOST, f"/bench/small.css?{number}") for number in range(50)]
    return load(stage.edge.server.port, asked, stage.shop.extent.seconds, connections=4).p99 / 1e3


def _attackers(stage: Stage) -> Iterator[Row]:
    with crowd("attackers", stage.edge.server.port, HOST, "/", 500):
        found = tuple(_p99(stage) for _ in range(stage.shop.extent.rounds))
    yield Figure("p99 of others beside 500 half-open attackers", found, "ms", at_most(100))


def _stalled(stage: Stage) -> Iterator[Row]:
    alone, beside = [], []
    for _ in range(stage.shop.extent.rounds):
        alone.append(_p99(stage))
        with crowd("waiting", stage.edge.server.port, OTHER, "/bench/small.css", 100):
            beside.append(_p99(stage))
    yield Figure("p99 of other provinces", tuple(alone), "ms")
    yield Figure("p99 beside a province that stalls ÷ p99 alone", ratios(beside, alone), "×", at_most(1.1))


def _restarted(shop: Workshop) -> Iterator[Row]:
    """An origin that ends and begins again while it is asked."""
    folder = shop.place("restarted")
    (folder / "bench").mkdir()
    (folder / "bench/small.css").write_bytes(b"x" * 1_024)
    port = free_port()

    def started() -> ExitStack:
        stack = ExitStack()
        stack.enter_context(nginx(folder, "files", FILES, port=port, origin=port, cpu=LOAD_CPU))
        return stack

    row = _UPSTREAM.format(name="files", port=port, portal="langson", path="/bench")
    with _edge_over(shop, [row]) as ours, started() as first:
        failed = asyncio.run(_failed(ours.server.port, first, started))
    yield Figure("origin restarted under load: GETs that failed, of 8 visitors", (float(failed),), "", at_most(8))


async def _failed(port: int, first: ExitStack, again: Callable[[], ExitStack]) -> int:
    failed = answered = 0
    going = True

    async def visitor() -> None:
        nonlocal failed, answered
        while going:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            while going:
                writer.write(head(HOST, "/bench/small.css"))
                try:
                    answer = await reader.readuntil(b"\r\n\r\n")
                    await reader.readexactly(int(answer.partition(b"Content-Length: ")[2].partition(b"\r\n")[0]))
                except (asyncio.IncompleteReadError, ConnectionError, ValueError):
                    failed += 1
                    break
                failed += not answer.startswith(b"HTTP/1.1 200")
                answered += 1
            writer.close()

    visitors = [asyncio.ensure_future(visitor()) for _ in range(8)]
    await asyncio.sleep(1)
    first.close()
    second = await asyncio.to_thread(again)
    await asyncio.sleep(1)
    going = False
    await asyncio.gather(*visitors)
    second.close()
    return failed
