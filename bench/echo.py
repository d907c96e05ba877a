"""WebSockets that say the same again: an origin, and the load that talks to it.

    python -m bench.echo PORT

Frames are short and whole: what is measured is the proxy in between.
"""

import asyncio
import base64
import hashlib
import sys
from typing import Final

import uvloop

TEXT: Final = b"x" * 100
_GUID: Final = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_MASKED: Final = 0x80
_FRAME: Final = 6 + len(TEXT)  # a masked one
ASKED: Final = (
    "GET {target} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


class Echo(asyncio.Protocol):
    """The origin's end of one connection."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: asyncio.Transport = transport  # type: ignore[assignment]  # as TCP gives
        self._held = b""
        self._open = False

    def data_received(self, data: bytes) -> None:
        self._held += data
        if not self._open:
            head, end, self._held = self._held.partition(b"\r\n\r\n")
            if not end:
                self._held = head
                return
            key = next(
                line[18:].strip() for line in head.split(b"\r\n") if line.lower().startswith(b"sec-websocket-key:")
            )
            accept = base64.b64encode(hashlib.sha1(key + _GUID, usedforsecurity=False).digest())
            lines = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            self._transport.write(lines + b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n")
            self._open = True
        while len(self._held) >= _FRAME:
            if self._held[1] != _MASKED | len(TEXT):  # a close, or what nobody here sends
                self._transport.close()
                return
            self._held = self._held[_FRAME:]
            self._transport.write(bytes((0x82, len(TEXT))) + TEXT)


async def talk(port: int, host: str, target: str, messages: int, *, connections: int = 8) -> None:
    """Send so many messages in all, each when the one before has come back."""

    async def one() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            writer.write(ASKED.format(host=host, target=target).encode())
            if not (head := await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 101"):
                raise ConnectionError(head.decode("latin-1"))
            frame = bytes((0x82, _MASKED | len(TEXT))) + b"\0\0\0\0" + TEXT
            for _ in range(messages // connections):
                writer.write(frame)
                await reader.readexactly(2 + len(TEXT))
        finally:
            writer.close()

    async with asyncio.timeout(120):
        await asyncio.gather(*(one() for _ in range(connections)))


async def serve(port: int) -> None:
    """Answer until killed."""
    await asyncio.get_running_loop().create_server(Echo, "127.0.0.1", port)
    await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1])))
