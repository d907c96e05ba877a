"""A server as processes of its own: started on its processor, asked whether it answers, measured, and stopped."""

import contextlib
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from bench import accounting

ROOT: Final = Path(__file__).parent.parent
_CPUS: Final = sorted(os.sched_getaffinity(0))
SERVER_CPU: Final = _CPUS[0]
LOAD_CPU: Final = _CPUS[-1]
PATIENCE_SECONDS: Final = 120
"""Until a server with ten million rules has to answer."""


class DoesNotStart(Exception):
    """The server ended, or never answered; the text has what it said."""


@dataclass(frozen=True, slots=True)
class Server:
    """A running one."""

    pid: int
    port: int
    ready_seconds: float  # from its start until it took a connection

    def cpu_seconds(self) -> float:
        """User and system time of all its processes."""
        return accounting.cpu_seconds(self.pid)

    def memory(self) -> accounting.Memory:
        """What all its processes hold."""
        return accounting.memory_of(accounting.family(self.pid))


@contextlib.contextmanager
def on_cpu(cpu: int | None) -> Iterator[None]:
    """What is started inside stands on this processor; None: wherever there is room."""
    if cpu is None:
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {cpu})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def free_port() -> int:
    """A loopback port that nobody listens on."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


@contextlib.contextmanager
def serving(
    command: Sequence[str],
    *,
    port: int,
    folder: Path,
    environ: Mapping[str, str] | None = None,
    cpu: int | None = SERVER_CPU,
    cwd: Path = ROOT,
) -> Iterator[Server]:
    """Start a server, wait until it takes connections, stop it and all that it made.  Raises DoesNotStart.

    cwd     where it is started
    folder  takes what it says: `stdout`, with the access log of those that write it there, and `stderr`
    """
    said = folder / "stderr"
    begun = time.perf_counter()
    with said.open("wb") as err, (folder / "stdout").open("wb") as out, on_cpu(cpu):
        # In a session of its own: Ctrl-C reaches the measurement alone, which then stops everything in order.
        process = subprocess.Popen(
            command, cwd=cwd, env={**os.environ, **(environ or {})}, stdout=out, stderr=err, start_new_session=True
        )
    try:
        while not _accepts(port):
            if process.poll() is not None or time.perf_counter() - begun > PATIENCE_SECONDS:
                raise DoesNotStart(f"{command[0]}: {said.read_text('utf-8', 'replace')[-2_000:]}")
            time.sleep(0.005)
        yield Server(process.pid, port, time.perf_counter() - begun)
    finally:
        _end(process)


def _accepts(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        pass
    finally:
        # Whatever its processes have left behind: they are a session of their own.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def exchange(port: int, requests: Sequence[bytes], *, seconds: float = 10.0) -> list[bytes]:
    """Ask one request after the other on one connection; the answers as they came, heads only.

    Raises OSError for a connection that breaks or stays silent for so long.
    """
    heads = []
    with socket.create_connection(("127.0.0.1", port), seconds) as sock, sock.makefile("rb") as stream:
        for request in requests:
            sock.sendall(request)
            heads.append(read_answer(stream)[0])
    return heads


def exchange_whole(port: int, request: bytes, *, seconds: float = 10.0) -> tuple[bytes, bytes]:
    """Ask once: the head and the body of the answer.  Raises OSError as `exchange` does."""
    with socket.create_connection(("127.0.0.1", port), seconds) as sock, sock.makefile("rb") as stream:
        sock.sendall(request)
        return read_answer(stream)


def answer_seconds(port: int, before: bytes, request: bytes, *, seconds: float = 10.0) -> float:
    """How long the second of two requests on one connection takes.  Raises OSError as `exchange` does."""
    with socket.create_connection(("127.0.0.1", port), seconds) as sock, sock.makefile("rb") as stream:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.sendall(before)
        read_answer(stream)
        begun = time.perf_counter()
        sock.sendall(request)
        read_answer(stream)
        return time.perf_counter() - begun


def read_answer(stream: BinaryIO) -> tuple[bytes, bytes]:
    """The head and the body of one answer.  Raises ConnectionError where none came."""
    lines = []
    while (line := stream.readline()) not in {b"\r\n", b""}:
        lines.append(line)
    if not lines:
        raise ConnectionError("the server closed the connection")
    head = b"".join(lines)
    return head, stream.read(length_of(head))


def length_of(head: bytes) -> int:
    """The Content-Length of an answer; 0 where there is none."""
    return int(field(head, "Content-Length") or 0)


def field(head: bytes, name: str) -> str:
    """The value of a header field; "" where there is none."""
    for line in head.split(b"\r\n")[1:]:
        key, _, value = line.partition(b":")
        if key.decode("latin-1").lower() == name.lower():
            return value.strip().decode("latin-1")
    return ""
