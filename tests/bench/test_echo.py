"""The WebSocket origin of the measurements says the same again, and its load notices when nobody does."""

import asyncio

import pytest

from bench import echo


async def served(protocol: type[asyncio.Protocol]) -> asyncio.Server:
    return await asyncio.get_running_loop().create_server(protocol, "127.0.0.1", 0)


async def test_what_is_said_comes_back() -> None:
    server = await served(echo.Echo)
    await echo.talk(server.sockets[0].getsockname()[1], "a.gov.vn", "/ws", 40, connections=4)
    server.close()


async def test_an_answer_that_is_no_websocket_is_no_measurement() -> None:
    class Refusing(asyncio.Protocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            assert isinstance(transport, asyncio.Transport)
            transport.write(b"HTTP/1.1 503 No\r\n\r\n")
            transport.close()

    server = await served(Refusing)
    with pytest.raises(ConnectionError, match="503"):
        await echo.talk(server.sockets[0].getsockname()[1], "a.gov.vn", "/ws", 1, connections=1)
    server.close()
