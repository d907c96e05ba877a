"""`python -m bench.chaos`: what visitors notice when workers are killed, hung, told to stop and exchanged under load.

Open loop: so many requests a second begin whatever becomes of the others.  Half of the visitors keep their connections
and ask again on a new one where HTTP permits it (RFC 9112 §9.3.1: closed before any octet of an answer); the other half
open a connection for each request and never ask twice.
"""

import argparse
import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from itertools import count, pairwise
from pathlib import Path
from typing import Final
from urllib.request import urlopen

ROOT: Final = Path(__file__).parent.parent
HEAD: Final = "GET /vi HTTP/1.1\r\nHost: dichvucong.langson.gov.vn\r\nUser-Agent: Googlebot\r\nAccept: text/html\r\n"
KEPT: Final = f"{HEAD}\r\n".encode()
ONCE: Final = f"{HEAD}Connection: close\r\n\r\n".encode()
PATIENCE_SECONDS: Final = 10.0
KEPT_CONNECTIONS: Final = 32  # asked in turn, so that each is idle most of the time


class Closed(Exception):
    """A kept connection was closed before any octet of an answer: ask again on another."""


@dataclass
class Outcome:
    """What became of the requests."""

    answered: int = 0
    asked_again: int = 0
    refused: int = 0  # nobody listened any more
    failures: list[str] = field(default_factory=list)
    at: list[float] = field(default_factory=list)  # when answers were complete
    slowest_seconds: float = 0.0

    @property
    def asked(self) -> int:
        return self.answered + self.refused + len(self.failures)

    @property
    def failed_share(self) -> float:
        return len(self.failures) / max(self.asked, 1)

    @property
    def longest_gap_seconds(self) -> float:
        """Between one complete answer and the next."""
        times = sorted(self.at)
        return max((after - before for before, after in pairwise(times)), default=0.0)

    def __str__(self) -> str:
        return (
            f"{self.asked} asked, {self.answered} answered, {len(self.failures)} failed ({self.failed_share:.2%}), "
            f"{self.asked_again} asked again, {self.refused} refused, "
            f"longest gap {self.longest_gap_seconds * 1000:.0f} ms, slowest {self.slowest_seconds * 1000:.0f} ms"
        )


Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def _answer(reader: asyncio.StreamReader) -> str:
    """Read one answer: its status line.  Raises Closed when there is none."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError as error:
        if error.partial:
            raise ConnectionError("half a head") from None
        raise Closed from None
    except ConnectionResetError:
        raise Closed from None
    _, _, rest = head.lower().partition(b"content-length:")
    await reader.readexactly(int(rest.partition(b"\r\n")[0] or 0))
    return head.partition(b"\r\n")[0].decode("latin-1")


class Load:
    """Visitors of a loopback port."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._idle: deque[Connection] = deque()
        self.outcome = Outcome()

    async def run(self, rate: float, seconds: float, enough: asyncio.Event) -> Outcome:
        """So many requests a second, for so long and until it is enough."""
        loop = asyncio.get_running_loop()
        for _ in range(KEPT_CONNECTIONS):
            self._idle.append(await asyncio.open_connection("127.0.0.1", self._port))
        begun = loop.time()
        async with asyncio.TaskGroup() as tasks:
            for number in count():
                if number >= rate * seconds and enough.is_set():
                    break
                await asyncio.sleep(begun + number / rate - loop.time())
                tasks.create_task(self._visit(kept=number % 2 == 0))
        for _, writer in self._idle:
            writer.close()
        return self.outcome

    async def _visit(self, *, kept: bool) -> None:
        loop = asyncio.get_running_loop()
        begun = loop.time()
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                status = await (self._on_a_kept_connection() if kept else self._on_its_own_connection())
        except ConnectionRefusedError:
            self.outcome.refused += 1
        except (OSError, Closed, TimeoutError, asyncio.IncompleteReadError) as error:
            self.outcome.failures.append(f"{'kept' if kept else 'new'}: {type(error).__name__} {error}")
        else:
            if status != "HTTP/1.1 301 Moved Permanently":
                self.outcome.failures.append(status)
                return
            self.outcome.answered += 1
            self.outcome.at.append(loop.time())
            self.outcome.slowest_seconds = max(self.outcome.slowest_seconds, loop.time() - begun)

    async def _on_its_own_connection(self) -> str:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        try:
            writer.write(ONCE)
            return await _answer(reader)
        finally:
            writer.close()

    async def _on_a_kept_connection(self) -> str:
        while self._idle:
            connection = self._idle.popleft()
            if not connection[0].at_eof() and not connection[1].is_closing():
                with contextlib.suppress(Closed):
                    return await self._asked(connection)
                self.outcome.asked_again += 1
                break
            connection[1].close()
        return await self._asked(await asyncio.open_connection("127.0.0.1", self._port))

    async def _asked(self, connection: Connection) -> str:
        reader, writer = connection
        try:
            writer.write(KEPT)
            status = await _answer(reader)
        except BaseException:
            writer.close()
            raise
        self._idle.append(connection)
        return status


@dataclass(frozen=True)
class Edge:
    """A real edge in processes of its own."""

    process: subprocess.Popen[bytes]
    said: Path
    port: int
    operations: int

    def workers(self) -> list[int]:
        """The process ids of its workers."""
        return sorted(pid for pid, name in self._children() if name.startswith("dvc-edge work"))

    def fork_server(self) -> int:
        """The process id of what makes its workers; 0 while there is none."""
        return next((pid for pid, name in self._children() if name == "dvc-edge fork"), 0)

    def _children(self) -> Iterator[tuple[int, str]]:
        listed = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        for pid in map(int, listed.split()):
            with contextlib.suppress(OSError):
                if running(pid):
                    yield pid, Path(f"/proc/{pid}/comm").read_text().strip()

    def operated(self, path: str) -> str:
        """What the operators' address says."""
        with urlopen(f"http://127.0.0.1:{self.operations}{path}", timeout=5) as answer:
            return str(answer.read().decode())

    def metric(self, series: str) -> float:
        """The value of one series, e.g. `dvc_edge_workers{state="ready"}`; 0 where there is none."""
        lines = (line.rpartition(" ") for line in self.operated("/metrics").splitlines() if line[:1] != "#")
        return next((float(value) for name, _, value in lines if name == series), 0.0)

    def answers_counted(self) -> int:
        """The sum of all requests that the workers say they have answered."""
        lines = self.operated("/metrics").splitlines()
        return int(sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith("dvc_edge_requests_total")))

    def send(self, number: signal.Signals) -> None:
        """Send a signal to the supervisor."""
        self.process.send_signal(number)

    async def until(self, holds: Callable[[], bool], *, seconds: float = 30.0) -> float:
        """Wait until something holds; how many seconds it took.  Raises TimeoutError."""
        begun = time.monotonic()
        while not await asyncio.to_thread(holds):
            if time.monotonic() - begun > seconds:
                raise TimeoutError(f"did not come about:\n{self.said.read_text()}")
            await asyncio.sleep(0.01)
        return time.monotonic() - begun


def running(pid: int) -> bool:
    """Whether there is such a process, and it is no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0] not in "ZX"
    except OSError:
        return False


@contextlib.contextmanager
def edge(
    folder: Path, *, root: Path = ROOT, config: Path | None = None, chosen: bool = True, **environ: str
) -> Iterator[Edge]:
    """Start an edge, wait until it says where it listens, and stop it at the end.

    folder  takes what it says
    root    where its program is
    chosen  two workers on free ports; otherwise what the configuration says
    """
    said = folder / "stderr"
    ports = {"DVC_EDGE__LISTEN__PORT": "0", "DVC_EDGE__OPERATIONS__PORT": "0", "DVC_EDGE__WORKERS__COUNT": "2"}
    ours = {"DVC_EDGE__STATE__FOLDER": str(folder / "var"), **(ports if chosen else {})}
    command = [sys.executable, "-m", "proxy", "serve", "--config", str(config or ROOT / "conf/edge.toml")]
    with said.open("wb") as err, (folder / "stdout").open("wb") as out:
        process = subprocess.Popen(command, stdout=out, stderr=err, cwd=root, env={**os.environ, **ours, **environ})
    try:
        until = time.monotonic() + 30
        while "Ctrl-C" not in said.read_text():
            if time.monotonic() > until or process.poll() is not None:
                raise TimeoutError(f"the edge does not start:\n{said.read_text()}")
            time.sleep(0.02)
        found = [word for word in said.read_text().split() if word.startswith("http://")]
        listening, _, operations = (int(word.split(":")[2].partition("/")[0]) for word in found)
        yield Edge(process, said, listening, operations)
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


Disturbance = Callable[[Edge, float], Awaitable[None]]


async def one_killed(edge: Edge, seconds: float) -> None:
    """kill -9 of one worker in the middle."""
    await asyncio.sleep(seconds / 2)
    os.kill(edge.workers()[0], signal.SIGKILL)


async def killed_each_second(edge: Edge, seconds: float) -> None:
    """kill -9 of the oldest worker, each second."""
    for _ in range(max(int(seconds) - 1, 1)):
        await asyncio.sleep(1)
        if workers := edge.workers():
            os.kill(workers[0], signal.SIGKILL)


async def one_told_to_stop(edge: Edge, seconds: float) -> None:
    """SIGTERM to one worker in the middle."""
    await asyncio.sleep(seconds / 2)
    os.kill(edge.workers()[0], signal.SIGTERM)


async def exchanged(edge: Edge, seconds: float) -> None:
    """SIGHUP to the supervisor; the load lasts until new workers have taken over."""
    await asyncio.sleep(min(0.5, seconds / 4))
    former = set(edge.workers())
    edge.send(signal.SIGHUP)
    await edge.until(lambda: not former & set(edge.workers()), seconds=60)
    await asyncio.sleep(0.5)


async def one_hung(edge: Edge, seconds: float) -> None:
    """SIGSTOP of one worker of two."""
    await asyncio.sleep(seconds / 4)
    os.kill(edge.workers()[0], signal.SIGSTOP)


async def all_hung(edge: Edge, seconds: float) -> None:
    """SIGSTOP of all workers."""
    await asyncio.sleep(seconds / 4)
    for pid in edge.workers():
        os.kill(pid, signal.SIGSTOP)


async def stopped(edge: Edge, seconds: float) -> None:
    """SIGTERM to the supervisor in the middle."""
    await asyncio.sleep(seconds / 2)
    edge.send(signal.SIGTERM)


async def under_load(edge: Edge, disturb: Disturbance, *, rate: float, seconds: float) -> Outcome:
    """Load and a disturbance side by side."""
    load = Load(edge.port)
    over = asyncio.Event()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(load.run(rate, seconds, over))
        await disturb(edge, seconds)
        over.set()
    return load.outcome


DISTURBANCES: Final = (one_killed, killed_each_second, one_told_to_stop, exchanged, one_hung, all_hung, stopped)


@contextlib.asynccontextmanager
async def _edges(heartbeat_seconds: int) -> AsyncIterator[Edge]:
    with (
        tempfile.TemporaryDirectory(prefix="dvc-edge-chaos-") as folder,
        edge(Path(folder), DVC_EDGE__WORKERS__HEARTBEAT_SECONDS=str(heartbeat_seconds)) as started,
    ):
        yield started


async def main() -> None:
    parser = argparse.ArgumentParser("bench.chaos", description=__doc__)
    parser.add_argument("--rate", type=float, default=200, help="requests a second")
    parser.add_argument("--seconds", type=float, default=20, help="of each disturbance")
    parser.add_argument("--heartbeat", type=int, default=2, help="seconds until a hung worker is given up")
    options = parser.parse_args()
    for disturb in DISTURBANCES:
        async with _edges(options.heartbeat) as started:
            outcome = await under_load(started, disturb, rate=options.rate, seconds=options.seconds)
            print(f"{disturb.__doc__}\n  {outcome}", flush=True)
            for failure in sorted(set(outcome.failures)):
                print(f"  {outcome.failures.count(failure)} × {failure}")


if __name__ == "__main__":
    asyncio.run(main())
