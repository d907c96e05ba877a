"""The load over TLS: a handshake for each request, or one for many."""

import asyncio
from pathlib import Path

import pytest

from bench import tls_load
from tests.passing_peers.certificates import Authority, server_context

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@pytest.mark.parametrize(("kept", "handshakes"), [(True, tls_load.CONNECTIONS), (False, 16)])
async def test_connections_are_kept_or_new(tmp_path: Path, kept: bool, handshakes: int) -> None:  # noqa: FBT001 - a column
    opened = asked = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal opened, asked
        opened += 1
        try:
            while await reader.readuntil(b"\r\n\r\n"):
                asked += 1
                writer.write(ANSWER)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    context = server_context(Authority(tmp_path).issue("a.gov.vn"))
    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    await tls_load.ask(server.sockets[0].getsockname()[1], "a.gov.vn", "/", 16, kept=kept)
    assert (opened, asked) == (handshakes, 16)
    server.close()
