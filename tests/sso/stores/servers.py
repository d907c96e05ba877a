"""Real servers beside the embedded one: Debian's Redis, alone or watched by Sentinels."""

import contextlib
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from redis import Redis
from redis.exceptions import RedisError

REDIS = shutil.which("redis-server")
DEADLINE_SECONDS = 30.0


def needs_redis() -> str:
    """The program; a test without it is skipped."""
    if REDIS is None:
        pytest.skip("redis-server is missing: scripts/packages.sh installs it")
    return REDIS


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


@dataclass
class Server:
    """A Redis that writes every step down, with its files in a folder."""

    folder: Path
    port: int = field(default_factory=free_port)
    options: tuple[str, ...] = ()
    process: "subprocess.Popen[bytes] | None" = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        settings = ["--port", str(self.port), "--dir", str(self.folder), "--bind", "127.0.0.1"]
        durable = ["--appendonly", "yes", "--appendfsync", "always", "--save", ""]
        self._launch([needs_redis(), *settings, *durable, *self.options])

    def kill(self) -> None:
        """As a power cut does it to the process."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def ask(self, *words: str) -> object:
        client = Redis(port=self.port, socket_timeout=5, decode_responses=True)
        with contextlib.closing(client):
            return client.execute_command(*words)  # type: ignore[no-untyped-call]

    def _launch(self, command: list[str]) -> None:
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        until(self.answers, f"{command[0]} on {self.port}")

    def answers(self) -> bool:
        try:
            return bool(self.ask("PING"))
        except RedisError:
            return False


class Watcher(Server):
    """A Sentinel."""

    def watch(self, master: Server, name: str) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / "sentinel.conf"
        path.write_text(
            f"port {self.port}\nbind 127.0.0.1\ndir {self.folder}\n"
            f"sentinel monitor {name} 127.0.0.1 {master.port} 1\n"
            f"sentinel down-after-milliseconds {name} 700\nsentinel failover-timeout {name} 3000\n",
            encoding="utf-8",
        )
        self._launch([needs_redis(), os.fspath(path), "--sentinel"])


@contextlib.contextmanager
def running(*servers: Server) -> Iterator[None]:
    try:
        yield
    finally:
        for server in servers:
            server.kill()


def until(holds: object, what: str) -> None:
    """Wait for a condition, generously."""
    assert callable(holds)
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not holds():
        assert time.monotonic() < deadline, f"waited too long for {what}"
        time.sleep(0.02)
