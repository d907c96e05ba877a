"""Real servers on free loopback ports: finding them, and asking them in plain HTTP/1.1."""

import http.client
import shutil
import socket
from dataclasses import dataclass

import pytest

PATIENCE = 10.0


@dataclass(frozen=True)
class Answer:
    """What a server said: 200 where nothing was listed."""

    status: int
    location: str | None = None


class Server:
    """A server on a loopback port, asked over one connection that is kept."""

    def __init__(self, port: int) -> None:
        self.port = port
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)

    def get(self, host: str, target: str) -> Answer:
        self._connection.putrequest("GET", target, skip_host=True, skip_accept_encoding=True)
        self._connection.putheader("Host", host)
        self._connection.endheaders()
        response = self._connection.getresponse()
        response.read()
        return Answer(response.status, response.getheader("Location"))

    def close(self) -> None:
        self._connection.close()


def needed(program: str) -> str:
    """The program's path; a test that cannot find it says what to install."""
    path = shutil.which(program) or shutil.which(program, path="/usr/sbin:/usr/local/sbin")
    if path is None:
        pytest.skip(f"{program} is not installed, so its answers are not compared: apt-get install -y {program}")
    return path


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port
