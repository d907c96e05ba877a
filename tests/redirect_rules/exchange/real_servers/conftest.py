"""Servers run under a temporary folder and end with their test."""

import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.redirect_rules.exchange.real_servers.servers import PATIENCE, Server


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[[list[str], int], Server]]:
    """Start a command that listens on a port; it ends with the test."""
    started: list[subprocess.Popen[bytes]] = []
    servers: list[Server] = []

    def starting(command: list[str], port: int) -> Server:
        log = (tmp_path / "output.log").open("wb")
        process = subprocess.Popen(command, stdout=log, stderr=log, cwd=tmp_path)
        started.append(process)
        log.close()
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until and process.poll() is None:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
            except OSError:
                time.sleep(0.02)
            else:
                servers.append(Server(port))
                return servers[-1]
        pytest.fail(f"{command[0]} did not start: {(tmp_path / 'output.log').read_text()}")

    yield starting
    for server in servers:
        server.close()
    for process in started:
        process.terminate()
        try:
            process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
