"""Visitors who behave badly, held from a process of its own until it is killed.

    python -m bench.crowds (attackers | readers | waiting) PORT HOST TARGET NUMBER

attackers begin a head and send a letter of it each second; readers ask and take nothing; waiting ones ask again and
again, as people do whose page does not come.
"""

import asyncio
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import uvloop

from bench.servers import LOAD_CPU, ROOT, on_cpu

READY = "ready"


def head(host: str, target: str) -> bytes:
    """A request of a browser's."""
    return f"GET {target} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: Mozilla/5.0\r\nAccept: */*\r\n\r\n".encode()


async def attack(port: int, number: int) -> None:
    """Hold so many half-open requests; those that are ended begin anew."""

    async def one() -> None:
        while True:
            with suppress(OSError):
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.write(b"GET / HTTP/1.1\r\nX-Slow: ")
                while not reader.at_eof() and not writer.is_closing():
                    writer.write(b"x")
                    await asyncio.sleep(1)
            await asyncio.sleep(0.1)

    tasks = [asyncio.ensure_future(one()) for _ in range(number)]
    await asyncio.sleep(1)
    print(READY, flush=True)
    await asyncio.gather(*tasks)


def idle(port: int, asked: bytes, number: int) -> None:
    """Ask so often, and read nothing."""
    held = []
    for _ in range(number):
        sock = socket.create_connection(("127.0.0.1", port))
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        sock.sendall(asked)
        held.append(sock)
    time.sleep(3)
    print(READY, flush=True)
    time.sleep(3_600)


async def wait(port: int, asked: bytes, number: int) -> None:
    """Ask, wait for the answer, and ask again."""

    async def one() -> None:
        while True:
            with suppress(OSError, asyncio.IncompleteReadError):
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.write(asked)
                await reader.read(4_096)
                writer.close()
            await asyncio.sleep(0.5)

    tasks = [asyncio.ensure_future(one()) for _ in range(number)]
    await asyncio.sleep(2)
    print(READY, flush=True)
    await asyncio.gather(*tasks)


@contextmanager
def crowd(kind: str, port: int, host: str, target: str, number: int) -> Iterator[None]:
    """Such a crowd, from a moment at which all are there."""
    command = [sys.executable, "-m", "bench.crowds", kind, str(port), host, target, str(number)]
    with on_cpu(LOAD_CPU):
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        if process.stdout.readline().strip() != READY:
            raise ConnectionError(f"{kind} could not be gathered")
        yield
    finally:
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


def main() -> None:
    kind, port, host, target, number = sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4], int(sys.argv[5])
    match kind:
        case "attackers":
            uvloop.run(attack(port, number))
        case "readers":
            idle(port, head(host, target), number)
        case _:
            uvloop.run(wait(port, head(host, target), number))


if __name__ == "__main__":
    main()
