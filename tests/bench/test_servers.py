"""Servers are started on their processor and leave nothing behind."""

import contextlib
import os
import socket
import sys
import time
from pathlib import Path

import pytest

from bench import accounting
from bench.servers import SERVER_CPU, DoesNotStart, answer_seconds, field, free_port, length_of, on_cpu, serving

pytestmark = pytest.mark.clocked


SERVER = """
import http.server, subprocess, sys
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
print(child.pid, flush=True)
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        self.send_response(200); self.send_header("Content-Length", "2"); self.end_headers(); self.wfile.write(b"hi")
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""


def test_a_server_stands_on_its_processor_and_ends_with_all_that_it_made(tmp_path: Path) -> None:
    before = os.sched_getaffinity(0)
    port = free_port()
    with serving([sys.executable, "-c", SERVER, str(port)], port=port, folder=tmp_path) as server:
        child = int((tmp_path / "stdout").read_text())
        assert os.sched_getaffinity(server.pid) == os.sched_getaffinity(child) == {SERVER_CPU}
        assert server.ready_seconds > 0
        assert answer_seconds(port, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", b"GET / HTTP/1.1\r\nHost: a\r\n\r\n") > 0
    assert os.sched_getaffinity(0) == before
    until = time.monotonic() + 10
    while accounting.family(child):
        assert time.monotonic() < until, "what the server made goes on"
        time.sleep(0.05)
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.1", port), 1)


def test_a_server_that_ends_at_once_is_told_with_what_it_said(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "import sys; sys.exit('the port is taken')"]
    with pytest.raises(DoesNotStart, match="the port is taken"), serving(command, port=free_port(), folder=tmp_path):
        pass


def test_a_processor_is_given_back() -> None:
    before = os.sched_getaffinity(0)
    seen = set()
    with contextlib.suppress(KeyError), on_cpu(SERVER_CPU):
        seen = os.sched_getaffinity(0)
        raise KeyError
    assert seen == {SERVER_CPU}
    assert os.sched_getaffinity(0) == before


@pytest.mark.parametrize(
    ("head", "name", "value"),
    [
        (b"HTTP/1.1 301 Moved\r\nlocation:  https://a/?b=c:d \r\n\r\n", "Location", "https://a/?b=c:d"),
        (b"HTTP/1.1 200 OK\r\nX-Location: b\r\n\r\n", "Location", ""),
    ],
)
def test_a_field_of_an_answer_is_found_by_its_name(head: bytes, name: str, value: str) -> None:
    assert field(head, name) == value


def test_an_answer_without_a_length_has_no_body() -> None:
    assert length_of(b"HTTP/1.1 204 No Content\r\n\r\n") == 0
    assert length_of(b"HTTP/1.1 200 OK\r\nContent-Length: 17\r\n\r\n") == 17
