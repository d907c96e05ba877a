"""Through the edge or without it: servers that people really run answer with the same octets."""

import asyncio
import re
from pathlib import Path

import pytest

from tests.passing_peers.edges import edge, get, one_answer, request, upstream
from tests.passing_peers.real import real_origin

HOST = "127.0.0.1"

ASKED = {
    "a file": get("/text.txt"),
    "a file, packed": get("/text.txt", "Accept-Encoding: gzip"),
    "octets": get("/bytes.bin"),
    "a range": get("/bytes.bin", "Range: bytes=100-199"),
    "two ranges": get("/bytes.bin", "Range: bytes=0-9,20-29"),
    "no such range": get("/bytes.bin", "Range: bytes=9999999-"),
    "a head": get("/bytes.bin", method="HEAD"),
    "not modified": get("/bytes.bin", "If-Modified-Since: Fri, 01 Jan 2100 00:00:00 GMT"),
    "cookies": get("/cookies"),
    "a redirect": get("/moved"),
    "nothing": get("/empty"),
    "not there": get("/none"),
    "encoded": get("/te%78t.txt?a=%2F"),
    "options": get("/", method="OPTIONS"),
    "a form": request(
        b"a=1&b=2", "Content-Length: 7", "Content-Type: application/x-www-form-urlencoded", target="/upload"
    ),
    "chunks": request(b"5\r\nhello\r\n0\r\n\r\n", "Transfer-Encoding: chunked", target="/upload"),
    "trailers": get("/trailers", "TE: trailers", "Connection: TE"),
    "hints": get("/hints"),
}

# What is ours, or differs from one moment to the next: the connection's own fields, the clock, random boundaries.
OWN = re.compile(rb"\r\n(?:Connection|Keep-Alive|Date|X-Request-Id): [^\r]*", re.IGNORECASE)
BOUNDARY = re.compile(rb"(?<=boundary=)[0-9a-f]+|(?<=--)[0-9a-f]{8,}|0{10,}\d+")
CHUNK = re.compile(rb"\r\n[0-9a-f]+\r\n")


def told(octets: bytes) -> bytes:
    """An answer without what is allowed to differ; chunks may be cut elsewhere."""
    head, end, body = octets.partition(b"\r\n\r\n")
    if head.startswith(b"HTTP/1.1 1"):
        return OWN.sub(b"", head) + end + told(body)
    if b"chunked" in head:
        body = CHUNK.sub(b"", b"\r\n" + body)
    return BOUNDARY.sub(b"", OWN.sub(b"", head)) + end + BOUNDARY.sub(b"", body)


async def ask(port: int, octets: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(octets)
        async with asyncio.timeout(10):
            return await one_answer(reader, octets)
    finally:
        writer.close()


@pytest.mark.parametrize("kind", ["nginx", "apache", "node", "uvicorn"])
async def test_real_servers_answer_with_the_same_octets(kind: str, tmp_path: Path) -> None:
    async with real_origin(kind, tmp_path) as port:
        if port is None:
            pytest.skip(f"{kind} is not installed")
        async with edge(upstream(port, rewrite={"own_addresses": False})) as ours:
            differing = {}
            for name, octets in ASKED.items():
                direct, through = await ask(port, octets), await ask(ours.port, octets)
                if told(direct) != told(through):
                    differing[name] = told(direct)[:400], told(through)[:400]
            assert not differing
            assert not ours.failures


async def test_a_server_of_files_moves_to_the_address_that_visitors_know(tmp_path: Path) -> None:
    async with real_origin("nginx", tmp_path) as port:
        if port is None:
            pytest.skip("nginx is not installed")
        async with edge(upstream(port)) as ours:
            assert b"\r\nLocation: http://dichvucong.langson.gov.vn/here\r\n" in await ask(ours.port, get("/moved"))
