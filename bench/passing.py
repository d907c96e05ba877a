"""What passing on costs, beside nginx doing the same in turn: CPU of the proxy for small and for large answers.

    python -m bench.passing [--rounds 5] [--requests 8000] [--long]

An nginx serves files; a proxy on the first processor stands before it; the load and the files are on the second.
`--long` moves 2 GB each way through ours, and watches its memory.
"""

import argparse
import asyncio
import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median

import uvloop
from aiohttp.web import BaseRequest, RequestHandler, Server, StreamResponse
from prometheus_client import CollectorRegistry

from proxy.passing.failures import Failure
from proxy.passing.forwarded import Trust
from proxy.passing.passer import Passer
from proxy.passing.policy import UpstreamRow, upstream_of

ROOT = Path(__file__).parent.parent
CONNECTIONS = 16
HEAD = b"GET /%b HTTP/1.1\r\nHost: a.gov.vn\r\nUser-Agent: Mozilla/5.0\r\nAccept: */*\r\n\r\n"
NGINX = """
daemon off; master_process off; worker_processes 1; pid {folder}/{name}.pid; error_log {folder}/{name}.log crit;
events {{ worker_connections 1024; }}
http {{
  access_log off; sendfile on; tcp_nodelay on; keepalive_requests 100000000; client_max_body_size 0;
  client_body_temp_path {folder}/b; proxy_temp_path {folder}/p; fastcgi_temp_path {folder}/f;
  uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  upstream origin {{ server 127.0.0.1:{origin}; keepalive 64; }}
  server {{
    listen 127.0.0.1:{port};
    {body}
  }}
}}
"""
FILES = "root {folder};"
PROXY = """location / {{ proxy_pass http://origin; proxy_http_version 1.1; proxy_set_header Connection "";
  proxy_set_header Host $host; proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
  proxy_request_buffering off; proxy_max_temp_file_size 0; }}"""


async def ours(port: int, origin: int) -> None:
    """The edge's server with nothing but the passer behind it."""
    row = {
        "name": "origin",
        "origins": [{"url": f"http://127.0.0.1:{origin}"}],
        "allow_networks": ["127.0.0.0/8"],
    }
    upstream = upstream_of(UpstreamRow.model_validate_json(json.dumps(row)))
    passer = Passer([upstream], via="bench", trust=Trust(), registry=CollectorRegistry())

    async def handler(request: BaseRequest) -> StreamResponse:
        answer = await passer.forward(request, upstream, host="a.gov.vn")
        if isinstance(answer, Failure):
            raise TypeError(answer)
        return answer

    served = Server(handler)
    loop = asyncio.get_running_loop()
    await loop.create_server(
        lambda: RequestHandler(served, loop=loop, access_log=None, auto_decompress=False),  # type: ignore[arg-type]
        "127.0.0.1",
        port,
    )
    passer.start()
    await asyncio.Event().wait()


def cpu_seconds(pid: int) -> float:
    """User and system time a process has spent."""
    fields = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Asker(asyncio.Protocol):
    """Asks again as soon as an answer of a known size has come whole."""

    def __init__(self, head: bytes, size: int, times: int, done: asyncio.Future[None]) -> None:
        self._head = head
        self._size = size
        self._left = times
        self._missing = 0
        self._done = done

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.write(self._head)

    def data_received(self, data: bytes) -> None:
        if not self._missing:
            # A head comes in one piece on a loopback, or the measurement is worth nothing.
            self._missing = data.index(b"\r\n\r\n") + 4 + self._size
        self._missing -= len(data)
        if self._missing:
            return
        self._left -= 1
        if self._left:
            self._transport.write(self._head)
        else:
            self._done.set_result(None)
            self._transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self._done.done():
            self._done.set_exception(exc or ConnectionError("it closed"))


async def ask(port: int, head: bytes, size: int, requests: int) -> None:
    loop = asyncio.get_running_loop()
    ends = [loop.create_future() for _ in range(CONNECTIONS)]
    for end in ends:
        await loop.create_connection(
            lambda end=end: Asker(head, size, requests // CONNECTIONS, end),  # type: ignore[misc]
            "127.0.0.1",
            port,
        )
    async with asyncio.timeout(120):
        await asyncio.gather(*ends)


def loaded(pid: int, port: int, file: Path, requests: int) -> float:
    """CPU seconds of a process for one request."""
    before = cpu_seconds(pid)
    asyncio.run(ask(port, HEAD % file.name.encode(), file.stat().st_size, requests))
    return (cpu_seconds(pid) - before) / requests


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


@contextlib.contextmanager
def server(*command: str, port: int, cpu: int) -> Iterator[int]:
    """A server on one processor, as a process of its own."""
    process = subprocess.Popen(command, cwd=ROOT)
    try:
        for _ in range(200):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 0.2):
                break
            time.sleep(0.1)
        os.sched_setaffinity(process.pid, {cpu})
        yield process.pid
    finally:
        process.kill()
        process.wait()


@contextlib.contextmanager
def nginx(folder: Path, name: str, body: str, *, port: int, origin: int, cpu: int) -> Iterator[int]:
    program = shutil.which("nginx")
    if program is None:
        raise SystemExit("nginx is absent: there is nothing to stand beside")
    text = NGINX.format(folder=folder, name=name, port=port, origin=origin, body=body.format(folder=folder))
    (folder / f"{name}.conf").write_text(text)
    command = (program, "-p", str(folder), "-c", str(folder / f"{name}.conf"), "-e", str(folder / f"{name}.log"))
    with server(*command, port=port, cpu=cpu) as pid:
        yield pid


def memory(pid: int) -> int:
    """Resident octets of a process."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


async def through(port: int, octets: bytes, size: int, pid: int, *, up: bool) -> int:
    """Move so many octets one way; the most memory the process had meanwhile."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(octets)
    most, piece, moved = 0, b"x" * 262_144, 0
    while moved < size:
        if up:
            writer.write(piece)
            await writer.drain()
            moved += len(piece)
        else:
            got = await reader.read(1 << 20)
            if not got:
                raise ConnectionError("it ended too early")
            moved += len(got)
        most = max(most, memory(pid))
    writer.close()
    return most


def long(pid: int, port: int) -> Iterator[str]:
    size = 2 << 30
    before = memory(pid)
    head = b"GET /long HTTP/1.1\r\nHost: a.gov.vn\r\n\r\n"
    most = asyncio.run(through(port, head, size, pid, up=False))
    yield f"| 2 GB down: memory over the empty proxy | {(most - before) / 1e6:.1f} MB | | |"
    head = b"PUT /up HTTP/1.1\r\nHost: a.gov.vn\r\nContent-Length: %d\r\n\r\n" % size
    most = asyncio.run(through(port, head, size, pid, up=True))
    yield f"| 2 GB up: memory over the empty proxy | {(most - before) / 1e6:.1f} MB | | |"


def main() -> None:
    parser = argparse.ArgumentParser("bench.passing", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--requests", type=int, default=8_000)
    parser.add_argument("--long", action="store_true", help="2 GB each way")
    parser.add_argument("--serve", nargs=2, type=int, metavar=("PORT", "ORIGIN"), help="only our proxy")
    options = parser.parse_args()
    if options.serve:
        uvloop.run(ours(*options.serve))
        return
    with tempfile.TemporaryDirectory() as name, contextlib.ExitStack() as stack:
        folder = Path(name)
        (folder / "small").write_bytes(b"x" * 1_024)
        (folder / "large").write_bytes(b"x" * 10_000_000)
        files, theirs, own = free_port(), free_port(), free_port()
        # The origin discards what it is sent, and answers 200.
        body = FILES + " location /up {{ proxy_pass http://127.0.0.1:{port}/sink; proxy_request_buffering off; }}"
        body = body.replace("{port}", str(files)) + " location /sink {{ return 200; }}"
        cpus = sorted(os.sched_getaffinity(0))
        stack.enter_context(nginx(folder, "files", body, port=files, origin=files, cpu=cpus[-1]))
        peer = stack.enter_context(nginx(folder, "proxy", PROXY, port=theirs, origin=files, cpu=cpus[0]))
        serve = (sys.executable, "-m", "bench.passing", "--serve", str(own), str(files))
        us = stack.enter_context(server(*serve, port=own, cpu=cpus[0]))
        os.sched_setaffinity(0, {cpus[-1]})
        print("| what | ours | nginx | nginx / ours |\n|---|---|---|---|")
        for file, requests, unit, factor in (
            ("small", options.requests, "µs for 1 KB", 1e6),
            ("large", max(16, options.requests // 200), "CPU s for 1 GB in 10 MB", 100.0),
        ):
            path = folder / file
            found = [
                (loaded(us, own, path, requests) * factor, loaded(peer, theirs, path, requests) * factor)
                for _ in range(options.rounds + 1)
            ]
            del found[0]  # the warm-up
            mine, other = median(a for a, _ in found), median(b for _, b in found)
            ratio = median(b / a for a, b in found)
            print(f"| {unit} | {mine:.2f} | {other:.2f} | {ratio:.2f} × |", flush=True)
        if options.long:
            with (folder / "long").open("wb") as sparse:
                sparse.truncate(2 << 30)
            for line in long(us, own):
                print(line, flush=True)


if __name__ == "__main__":
    main()
