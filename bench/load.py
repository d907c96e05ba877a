"""Where wrk is not installed: the same load from a process of our own.

    python -m bench.load PORT FILE SECONDS CONNECTIONS

FILE holds requests as they go over the wire, one after the other; they are asked in their order and from the beginning
again.  Prints what `bench.wrk` reads.
"""

import asyncio
import json
import sys
import time
from collections.abc import Iterator
from itertools import cycle
from pathlib import Path
from typing import Final, cast

import uvloop

from bench.figures import percentile

END_OF_HEAD: Final = b"\r\n\r\n"


def requests_in(text: bytes) -> list[bytes]:
    """The requests of a file: heads without bodies."""
    return [head + END_OF_HEAD for head in text.split(END_OF_HEAD) if head]


def answer_length(received: bytes) -> int | None:
    """Octets of the answer that begins here, head and body; None while its head is not complete.

    Raises ValueError for an answer that does not say its length.
    """
    end = received.find(END_OF_HEAD)
    if end < 0:
        return None
    head = received[:end].lower()
    _, found, rest = head.partition(b"\r\ncontent-length:")
    if not found:
        raise ValueError(f"an answer without a length: {head[:80]!r}")
    return end + len(END_OF_HEAD) + int(rest.partition(b"\r\n")[0])


class Tally:
    """What came back."""

    def __init__(self) -> None:
        self.seconds: list[float] = []
        self.broken = 0
        self.refused = 0  # answers of 400 and more


class Asker(asyncio.Protocol):
    """Sends the next request as soon as the answer before is complete."""

    def __init__(self, requests: Iterator[bytes], tally: Tally, over: asyncio.Event) -> None:
        self._requests = requests
        self._tally = tally
        self._over = over
        self._received = b""
        self._asked = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is none by its class
        self._ask()

    def _ask(self) -> None:
        self._asked = time.perf_counter()
        self._transport.write(next(self._requests))

    def data_received(self, data: bytes) -> None:
        self._received += data
        wanted = answer_length(self._received)
        if wanted is None or len(self._received) < wanted:
            return
        self._tally.seconds.append(time.perf_counter() - self._asked)
        self._tally.refused += self._received[9:10] >= b"4"
        self._received = self._received[wanted:]
        if self._over.is_set():
            self._transport.close()
        else:
            self._ask()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio says it
        if not self._over.is_set():
            self._tally.broken += 1


async def ask(port: int, requests: list[bytes], seconds: float, connections: int) -> Tally:
    """Ask a loopback port for so long over so many connections that are kept."""
    loop = asyncio.get_running_loop()
    tally, over, endless = Tally(), asyncio.Event(), cycle(requests)
    askers = [
        await loop.create_connection(lambda: Asker(endless, tally, over), "127.0.0.1", port) for _ in range(connections)
    ]
    await asyncio.sleep(seconds)
    over.set()
    await asyncio.sleep(0.2)
    for transport, _ in askers:
        transport.close()
    return tally


def main() -> None:
    port, file, seconds, connections = sys.argv[1:5]
    requests = requests_in(Path(file).read_bytes())
    begun = time.perf_counter()
    tally = uvloop.run(ask(int(port), requests, float(seconds), int(connections)))
    taken = time.perf_counter() - begun
    micros = [value * 1e6 for value in tally.seconds] or [0.0]
    said = {
        "requests": len(tally.seconds),
        "seconds": taken,
        "broken": tally.broken,
        "refused": tally.refused,
        "p50": percentile(micros, 0.5),
        "p99": percentile(micros, 0.99),
        "most": max(micros),
    }
    print(json.dumps(said))


if __name__ == "__main__":
    main()
