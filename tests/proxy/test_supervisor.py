"""The supervisor as its neighbours see it: the service manager, the terminal, operators, and visitors while it stops.

What visitors notice when workers die is in tests/chaos.
"""

import asyncio
import os
import pty
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.error import HTTPError

import pytest

from bench.chaos import Edge, edge
from proxy.state import State
from proxy.supervisor import cannot_listen
from redirect_rules.objects import Change
from redirect_rules.packs import Packs
from redirect_rules.publishing import publish
from redirect_rules.seeding import packs_of, seed
from tests.conftest import AUTUMN, CONF, settings_with

pytestmark = pytest.mark.clocked


FORM = (
    b"POST /nop-ho-so HTTP/1.1\r\nHost: dichvucong.langson.gov.vn\r\nUser-Agent: Mozilla/5.0\r\nAccept: text/html\r\n"
    b"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 6\r\n\r\n"
)


def readiness(edge: Edge) -> int:
    try:
        edge.operated("/ready")
    except HTTPError as error:
        return error.code
    return 200


@contextmanager
def half_a_form(edge: Edge) -> Iterator[socket.socket]:
    """A request in hand: its last octets are on their way."""
    with socket.create_connection(("127.0.0.1", edge.port), 10) as visitor:
        visitor.sendall(FORM + b"a=1")
        time.sleep(0.2)
        yield visitor


def test_what_is_in_hand_is_finished_and_nobody_else_is_sent_here(tmp_path: Path) -> None:
    with edge(tmp_path) as started, half_a_form(started) as visitor:
        assert readiness(started) == 200
        started.send(signal.SIGTERM)
        time.sleep(0.5)
        assert readiness(started) == 503
        assert started.operated("/live") == '{"status": "live"}'
        assert started.process.poll() is None
        visitor.sendall(b"&b2")
        assert visitor.recv(100).startswith(b"HTTP/1.1 410 ")
        assert started.process.wait(5) == 0
        assert "dvc-edge stopped." in started.said.read_text()
        assert "Traceback" not in started.said.read_text()


def test_an_edge_that_still_reads_stops_when_told_to_and_not_when_told_to_read_again(tmp_path: Path) -> None:
    portals = tmp_path / "portals.toml"
    os.mkfifo(portals)  # reading it ends when somebody has written it
    environ = {
        "DVC_EDGE__RULES__PORTALS": str(portals),
        "DVC_EDGE__STATE__FOLDER": str(tmp_path),
        "DVC_EDGE__LISTEN__PORT": "0",
        "DVC_EDGE__OPERATIONS__PORT": "0",
    }
    command = [sys.executable, "-m", "proxy", "serve", "--config", str(CONF / "edge.toml")]
    with subprocess.Popen(command, env={**os.environ, **environ}, stderr=subprocess.PIPE, text=True) as reading:
        writer = _opened_by_a_reader(portals)
        reading.send_signal(signal.SIGHUP)
        reading.send_signal(signal.SIGTERM)
        _, said = reading.communicate(timeout=30)
        os.close(writer)
    assert (reading.returncode, "Traceback" in said) == (0, False)


def _opened_by_a_reader(fifo: Path) -> int:
    until = time.monotonic() + 60
    while True:
        try:
            return os.open(fifo, os.O_WRONLY | os.O_NONBLOCK)
        except OSError:  # nobody reads it yet
            assert time.monotonic() < until
            time.sleep(0.01)


def test_the_supervisor_keeps_no_file_of_rules_from_being_removed(tmp_path: Path, packs: Packs) -> None:
    state = State.of(settings_with({"DVC_EDGE__STATE__FOLDER": str(tmp_path / "var")}))
    with state.store() as store:
        seed(store, packs_of(packs.sources), at=AUTUMN)
        publish(store, packs.sources, state.snapshots, Change("an", "one", AUTUMN))
    with edge(tmp_path) as started:
        supervisor, *others = [started.process.pid, started.fork_server(), *started.workers()]
        assert _maps_rules(supervisor) is False
        assert [_maps_rules(pid) for pid in others] == [True] * 3


def _maps_rules(pid: int) -> bool:
    return ".snapshot" in Path(f"/proc/{pid}/maps").read_text()


def test_idle_connections_are_closed(tmp_path: Path) -> None:
    with edge(tmp_path) as started, socket.create_connection(("127.0.0.1", started.port), 10) as idle:
        started.send(signal.SIGTERM)
        assert idle.recv(100) == b""
        assert started.process.wait(5) == 0


def test_a_request_that_never_ends_is_left_in_time(tmp_path: Path) -> None:
    with edge(tmp_path, DVC_EDGE__LIMITS__SHUTDOWN_SECONDS="1") as started, half_a_form(started):
        begun = time.monotonic()
        started.send(signal.SIGINT)
        assert started.process.wait(8) == 0
        assert 0.9 < time.monotonic() - begun < 5


def test_whoever_asks_twice_does_not_want_to_wait(tmp_path: Path) -> None:
    with edge(tmp_path) as started, half_a_form(started):
        begun = time.monotonic()
        started.send(signal.SIGTERM)
        time.sleep(0.5)
        started.send(signal.SIGTERM)
        assert started.process.wait(5) == 0
        assert time.monotonic() - begun < 3
        assert "leaving what is in hand" in started.said.read_text()


def test_a_hung_worker_does_not_keep_the_edge_from_stopping(tmp_path: Path) -> None:
    with edge(tmp_path, DVC_EDGE__LIMITS__SHUTDOWN_SECONDS="0") as started:
        os.kill(started.workers()[0], signal.SIGSTOP)
        started.send(signal.SIGTERM)
        assert started.process.wait(8) == 0


async def test_the_service_manager_is_told_of_every_turn(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(10)
        with edge(tmp_path, NOTIFY_SOCKET=str(tmp_path / "notify"), DVC_EDGE__WORKERS__COUNT="1") as started:
            assert await asyncio.to_thread(manager.recv, 100) == b"READY=1"
            assert len(started.workers()) == 1
            assert " with 1 worker\n" in started.said.read_text()
            (former,) = started.workers()
            started.send(signal.SIGHUP)
            assert (await asyncio.to_thread(manager.recv, 100)).startswith(b"RELOADING=1\nMONOTONIC_USEC=")
            assert await asyncio.to_thread(manager.recv, 100) == b"READY=1"
            await started.until(lambda: len(started.workers()) == 1 and started.workers() != [former])
            started.send(signal.SIGTERM)
            assert await asyncio.to_thread(manager.recv, 100) == b"STOPPING=1"
            assert started.process.wait(5) == 0


def on_a_terminal(state: Path) -> tuple[subprocess.Popen[bytes], int]:
    """An edge in the foreground of a terminal, and the terminal's other end."""
    ours, theirs = pty.openpty()
    environ = {"DVC_EDGE__LISTEN__PORT": "0", "DVC_EDGE__OPERATIONS__PORT": "0", "DVC_EDGE__STATE__FOLDER": str(state)}
    command = [sys.executable, "-m", "proxy", "serve", "--config", str(CONF / "edge.toml")]
    program = (
        f"import os, pty, fcntl, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); os.execv({sys.executable!r}, {command})"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program],
        stdin=theirs,
        stdout=subprocess.DEVNULL,
        stderr=theirs,
        cwd=CONF.parent,
        env={**os.environ, **environ},
        start_new_session=True,
    )
    os.close(theirs)
    said = b""
    while b"Ctrl-C stops it." not in said:
        said += os.read(ours, 4_096)
    return process, ours


@pytest.mark.parametrize("ends_by", ["Ctrl-C", "closing the terminal"])
def test_an_edge_on_a_terminal_ends_with_it(tmp_path: Path, ends_by: str) -> None:
    process, terminal = on_a_terminal(tmp_path)
    try:
        if ends_by == "Ctrl-C":
            os.write(terminal, b"\x03")
            said = b""
            with suppress(OSError):
                while piece := os.read(terminal, 4_096):
                    said += piece
            assert b"dvc-edge stopped." in said
            assert b"Traceback" not in said
        os.close(terminal)
        assert process.wait(10) == 0
    finally:
        process.kill()
        process.wait()


@pytest.mark.parametrize(
    ("key", "port", "another"), [("listen", 8080, 8081), ("operations", 8082, 8083), ("listen", 0, 8081)]
)
def test_a_place_that_is_taken_is_told_with_what_to_do(key: str, port: int, another: int) -> None:
    told = cannot_listen(("127.0.0.1", port), OSError(98, "Address already in use"), key)
    assert told.startswith(f"cannot listen on 127.0.0.1:{port}: Address already in use; choose another")
    assert told.endswith(f"DVC_EDGE__{key.upper()}__PORT={another}")
