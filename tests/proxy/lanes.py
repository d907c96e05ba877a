"""Two edges over the same rules, one with the fast lane and one without, and connections that are kept."""

import asyncio
import gzip
import io
import json
import re
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import brotli

from proxy.access_log import AccessLog
from proxy.edge import Edge
from proxy.metrics import Metrics
from proxy.packs import Packs
from proxy.pages import Pages
from proxy.request_ids import speakable_id
from proxy.server import EdgeServer
from redirect_rules.hits import Hit, HitCounter
from tests.conftest import AUTUMN, settings_with

_LENGTH: Final = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_ID: Final = re.compile(rb"\r\nX-Request-Id: ([^\r]*)")
_DATE: Final = re.compile(rb"\r\nDate: [^\r]*")


class Connection:
    """A connection to an edge that is used again and again, and opened anew where the edge has ended it."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def ask(self, request: bytes) -> bytes:
        """Send octets, and read one answer."""
        await self.send(request)
        return await self.answer(has_body=not request.startswith(b"HEAD"))

    async def send(self, *pieces: bytes) -> None:
        if self._writer is None:
            self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port)
        for number, piece in enumerate(pieces):
            if number:
                await asyncio.sleep(0.001)  # so that the pieces arrive as such
            self._writer.write(piece)

    async def answer(self, *, has_body: bool = True) -> bytes:
        assert self._reader is not None
        async with asyncio.timeout(10):
            head = await self._reader.readuntil(b"\r\n\r\n")
            length = _LENGTH.search(head)
            body = await self._reader.readexactly(int(length[1])) if length and has_body else b""
        if b"\r\nConnection: close" in head:
            self.close()
        return head + body

    def close(self) -> None:
        if self._writer is not None:
            self._writer.close()
        self._reader = self._writer = None


@dataclass
class Lane:
    """One edge that listens."""

    edge: Edge
    metrics: Metrics
    port: int
    text: io.StringIO
    server: EdgeServer
    clock: list[datetime]
    counter: HitCounter

    @asynccontextmanager
    async def connected(self) -> AsyncIterator[Connection]:
        connection = Connection(self.port)
        try:
            yield connection
        finally:
            connection.close()

    async def asked(self, *requests: bytes) -> list[bytes]:
        """The answers on one new connection."""
        async with self.connected() as connection:
            return [await connection.ask(request) for request in requests]

    @property
    def lines(self) -> list[dict[str, Any]]:
        """The access log so far, without what differs between two equal requests."""
        self.metrics.exposition()
        lines = [json.loads(line) for line in self.text.getvalue().splitlines()]
        return [{name: line[name] for name in line if name not in {"id", "us"}} for line in lines]

    def figures(self) -> Mapping[str, float]:
        """What Prometheus reads, without times."""
        lines = (line.rpartition(" ") for line in self.metrics.exposition().decode().splitlines() if line[0] != "#")
        return {name: float(value) for name, _, value in lines if "_seconds" not in name and "_created" not in name}

    @property
    def hits(self) -> Counter[Hit]:
        """Visits so far, by hit."""
        self.metrics.exposition()
        return Counter({Hit._make(hit): visits for hit, visits in self.counter.counted.items()})

    @property
    def fast(self) -> int:
        """Requests that the fast lane answered."""
        return int(self.figures()["dvc_edge_fast_lane_total"])


@asynccontextmanager
async def lane_over(
    packs: Packs, pages: Pages, *, enabled: bool = True, at: datetime = AUTUMN, environ: Mapping[str, str] | None = None
) -> AsyncIterator[Lane]:
    """An edge on a free port, with a clock that stands still."""
    switch = {"DVC_EDGE__FAST_LANE__ENABLED": str(enabled).lower()}
    settings = settings_with(switch | dict(environ or {}))
    clock, text, hits, metrics = [at], io.StringIO(), HitCounter(1_000_000), Metrics(process=False)
    edge = Edge(
        settings=settings,
        packs=packs,
        pages=pages,
        metrics=metrics,
        log=AccessLog(text),
        clock=lambda: clock[0],
        new_id=speakable_id,
        hits=hits,
    )
    server = EdgeServer(edge, settings.limits)
    listener = await asyncio.get_running_loop().create_server(server, "127.0.0.1", 0)
    try:
        yield Lane(edge, metrics, listener.sockets[0].getsockname()[1], text, server, clock, hits)
    finally:
        listener.close()
        await server.drain(0.3)


def same(answer: bytes) -> bytes:
    """An answer without what differs between two equal requests: its id, wherever it stands, and its date."""
    head, end, body = answer.partition(b"\r\n\r\n")
    found = _ID.search(head)
    if found is not None:
        page = unpacked(head, body)
        if found[1] in page:  # a page that can be read out over the telephone: packed, its length differs too
            head, body = _LENGTH.sub(b"\r\nContent-Length: N", head), page.replace(found[1], b"ID")
        elif b"\r\nX-Request-Id" in head and not body and b" 200 " not in head[:16]:
            head = _LENGTH.sub(b"\r\nContent-Length: N", head)  # the same page, asked for by HEAD
        head = head.replace(found[1], b"ID")
    return _DATE.sub(b"\r\nDate: NOW", head, count=1) + end + body


def unpacked(head: bytes, body: bytes) -> bytes:
    """The page as it is."""
    if b"\r\nContent-Encoding: br" in head and body:
        return bytes(brotli.decompress(body))
    return gzip.decompress(body) if b"\r\nContent-Encoding: gzip" in head and body else body
