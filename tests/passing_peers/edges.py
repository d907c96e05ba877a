"""An edge that passes everything to one upstream, with raw sockets in front of it."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import HttpVersion11
from aiohttp.web import BaseRequest, RequestHandler, Response, Server, StreamResponse
from prometheus_client import CollectorRegistry

from proxy.passing.addresses import Lookup, system_lookup
from proxy.passing.failures import Failure
from proxy.passing.forwarded import Trust
from proxy.passing.passer import Passer
from proxy.passing.policy import Upstream, UpstreamRow, upstream_of

HOST = "dichvucong.langson.gov.vn"


@dataclass
class Edge:
    """An edge that listens."""

    port: int
    passer: Passer
    registry: CollectorRegistry
    server: Server
    failures: list[Failure] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    async def ask(self, octets: bytes, *, until_close: bool = False) -> bytes:
        """Send octets on a connection of their own; everything that comes back within its framing, or to the close."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            writer.write(octets)
            async with asyncio.timeout(10):
                return await (reader.read() if until_close else one_answer(reader, octets))
        finally:
            writer.close()

    def counted(self, outcome: str) -> float:
        """How many requests ended so."""
        labels = {"upstream": "province", "outcome": outcome}
        return self.registry.get_sample_value("dvc_edge_passed_total", labels) or 0.0


async def one_answer(reader: asyncio.StreamReader, asked: bytes) -> bytes:
    """The octets of one answer, by the simplest of readers: heads of the 100s, then one with a length or chunks."""
    octets = b""
    while True:
        head = await reader.readuntil(b"\r\n\r\n")
        octets += head
        if head[9:10] != b"1" or head[9:12] == b"101":
            break
    lower = head.lower()
    if asked.startswith(b"HEAD ") or head[9:12] in {b"204", b"304", b"101"}:
        return octets
    if b"\r\ntransfer-encoding: chunked\r\n" in lower:
        while (line := await reader.readuntil(b"\r\n")) and int(line.partition(b";")[0], 16):
            octets += line + await reader.readexactly(int(line.partition(b";")[0], 16) + 2)
        octets += line
        while line != b"\r\n":
            octets += (line := await reader.readuntil(b"\r\n"))
        return octets
    if b"\r\ncontent-length:" in lower:
        length = int(lower.partition(b"\r\ncontent-length:")[2].partition(b"\r\n")[0])
        return octets + await reader.readexactly(length)
    return octets + await reader.read()


def upstream(*ports: int, **row: object) -> Upstream:
    """An upstream on loopback ports, with the rest as an operator would write it."""
    table = {
        "name": "province",
        "origins": [{"url": f"http://127.0.0.1:{port}"} for port in ports],
        "allow_networks": ["127.0.0.0/8"],
        **row,
    }
    return upstream_of(UpstreamRow.model_validate_json(json.dumps(table)))


@asynccontextmanager
async def edge(
    to: Upstream,
    *,
    trust: Trust | None = None,
    via: str = "test-edge",
    lookup: Lookup = system_lookup,
    host: str = HOST,
    made_with: Upstream | None = None,
) -> AsyncIterator[Edge]:
    """An edge in front of an upstream: aiohttp's low-level server, as the real one stands on.

    made_with  the upstream without the limit of its route, where they differ
    """
    registry = CollectorRegistry()
    passer = Passer([made_with or to], via=via, trust=trust or Trust(), registry=registry, lookup=lookup)
    failures: list[Failure] = []
    errors: list[str] = []

    async def handler(request: BaseRequest) -> StreamResponse:
        try:
            answer = await passer.forward(request, to, host=host)
        except Exception as error:
            errors.append(repr(error))
            raise
        if not isinstance(answer, Failure):
            return answer
        failures.append(answer)
        request._version = HttpVersion11
        response = Response(status=answer.status, text=answer.reason)
        if answer.closes:
            response.force_close()
        return response

    server = Server(handler)
    loop = asyncio.get_running_loop()

    def protocol() -> RequestHandler:
        return RequestHandler(server, loop=loop, access_log=None, auto_decompress=False)  # type: ignore[arg-type]

    listener = await loop.create_server(protocol, "127.0.0.1", 0)
    passer.start()
    try:
        yield Edge(listener.sockets[0].getsockname()[1], passer, registry, server, failures, errors)
        assert not errors, errors
    finally:
        listener.close()
        await server.shutdown(0.1)
        await passer.close()


async def until(holds: Callable[[], object], *, seconds: float = 3) -> None:
    """Wait for something to become true, which no event announces."""
    end = asyncio.get_running_loop().time() + seconds
    while not holds():
        assert asyncio.get_running_loop().time() < end, "it did not come true in time"
        await asyncio.sleep(0.01)


def get(target: str = "/", *lines: str, method: str = "GET", version: str = "1.1") -> bytes:
    """A request without a body."""
    return request(b"", *lines, method=method, target=target, version=version)


def request(
    body: bytes, *lines: str, method: str = "POST", target: str = "/", version: str = "1.1", host: str = HOST
) -> bytes:
    """A request; its framing is among the lines."""
    fields: Sequence[str] = (f"Host: {host}", *lines)
    head = "".join(f"{line}\r\n" for line in (f"{method} {target} HTTP/{version}", *fields))
    return f"{head}\r\n".encode("latin-1") + body
