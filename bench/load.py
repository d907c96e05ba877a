"""A load of keep-alive requests from one process, and the CPU that the server spent on them."""

import asyncio
import os
import sys
from pathlib import Path

CONNECTIONS = 16
TICKS = os.sysconf("SC_CLK_TCK")


class Asker(asyncio.Protocol):
    """Sends the same request again as soon as its answer is complete."""

    def __init__(self, head: bytes, times: int, done: asyncio.Future[None]) -> None:
        self._head = head
        self._left = times
        self._done = done
        self._received = bytearray()
        self._wanted = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.write(self._head)

    def data_received(self, data: bytes) -> None:
        self._received += data
        if not self._wanted:
            end = self._received.find(b"\r\n\r\n")
            if end < 0:
                return
            fields = bytes(self._received[:end]).lower()
            _, _, rest = fields.partition(b"content-length:")
            self._wanted = end + 4 + int(rest.partition(b"\r\n")[0])
        if len(self._received) < self._wanted:
            return
        del self._received[: self._wanted]
        self._wanted = 0
        self._left -= 1
        if self._left:
            self._transport.write(self._head)
        elif not self._done.done():
            self._done.set_result(None)
            self._transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self._done.done():
            self._done.set_exception(exc or ConnectionError("the server closed"))


async def ask(port: int, head: bytes, requests: int) -> float:
    """Seconds for so many requests over CONNECTIONS connections to a loopback port."""
    loop = asyncio.get_running_loop()
    each = requests // CONNECTIONS
    ends = [loop.create_future() for _ in range(CONNECTIONS)]
    begun = loop.time()
    for end in ends:
        await loop.create_connection(lambda end=end: Asker(head, each, end), "127.0.0.1", port)  # type: ignore[misc]
    await asyncio.gather(*ends)
    return loop.time() - begun


def cpu_seconds(pid: int) -> float:
    """User and system time a process has spent."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def pin(cpu: int) -> None:
    """Keep this process on one processor, where there are several."""
    available = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {available[cpu % len(available)]})


if __name__ == "__main__":
    pin(1)
    print(asyncio.run(ask(int(sys.argv[1]), sys.argv[2].encode().decode("unicode_escape").encode(), int(sys.argv[3]))))
