"""The demonstration lives as long as the edge, and no longer."""

import socket
import time
from pathlib import Path

from proxy.simulation.beside import beside
from tests.proxy.simulation.conftest import free_port

WITHIN_SECONDS = 60


def listens(port: int) -> bool:
    with socket.socket() as caller:
        return caller.connect_ex(("127.0.0.1", port)) == 0


def test_it_answers_while_the_edge_runs_and_is_gone_with_it(tmp_path: Path) -> None:
    port = free_port()
    config = tmp_path / "edge.toml"
    sso = f'issuer = "http://signin.localhost:8080"\nenvironment = "development"\nsimulator = {port}\n'
    config.write_text(f"[sso]\n{sso}", "utf-8")
    with beside(config):
        until = time.monotonic() + WITHIN_SECONDS
        while not listens(port):
            assert time.monotonic() < until
            time.sleep(0.05)
    assert not listens(port)
