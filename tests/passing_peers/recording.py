"""An origin that writes down every octet, reads requests with a parser of its own, and answers what a test says.

Its parser shares nothing with the edge's: it is written from RFC 9112 alone, takes no shortcut, and refuses whatever is
not exactly a message.  Two readers that were written apart and agree are the point of it.
"""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

TCHAR = frozenset(b"!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")


class NoMessage(Exception):
    """What came is not exactly an HTTP/1.1 request."""


@dataclass
class Seen:
    """A request as it reached the origin."""

    method: bytes = b""
    target: bytes = b""
    fields: list[tuple[bytes, bytes]] = field(default_factory=list)
    body: bytes = b""
    connection: int = 0  # which one it came on, in the order of their opening
    complete: bool = False

    def all(self, name: str) -> list[str]:
        """The values of a field, in their order."""
        return [value.decode("latin-1") for own, value in self.fields if own.lower() == name.encode()]

    def one(self, name: str) -> str:
        """The value of a field that stands there once."""
        (value,) = self.all(name)
        return value


class Dialogue:
    """One connection of the origin: read requests from it, write what you like to it."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int) -> None:
        self.reader = reader
        self.writer = writer
        self.number = number
        self.raw = bytearray()

    async def line(self) -> bytes:
        """A line without its CRLF.  Raises NoMessage for any other end."""
        octets = await self.reader.readuntil(b"\n")
        self.raw += octets
        if not octets.endswith(b"\r\n") or b"\r" in octets[:-2] or b"\0" in octets:
            raise NoMessage(f"a line with a stray end: {octets!r}")
        return octets[:-2]

    async def exactly(self, size: int) -> bytes:
        """So many octets."""
        octets = await self.reader.readexactly(size)
        self.raw += octets
        return octets

    async def head(self) -> Seen | None:
        """The head of the next request; None when the connection is over."""
        try:
            start = await self.line()
        except asyncio.IncompleteReadError as error:
            if error.partial:
                raise NoMessage(f"a torn line: {error.partial!r}") from None
            return None
        method, target, version = start.split(b" ")
        if version != b"HTTP/1.1" or not method.isalpha() or not all(33 <= octet < 127 for octet in target):
            raise NoMessage(f"no request line: {start!r}")
        seen = Seen(method, target, connection=self.number)
        while line := await self.line():
            name, colon, value = line.partition(b":")
            if not colon or not name or not TCHAR.issuperset(name):
                raise NoMessage(f"no field line: {line!r}")
            if any((octet < 32 and octet != 9) or octet == 127 for octet in value):
                raise NoMessage(f"a control character: {line!r}")
            seen.fields.append((name, value.strip(b" \t")))
        if len(seen.all("host")) != 1:
            raise NoMessage("not exactly one Host")
        return seen

    async def body(self, seen: Seen) -> None:
        """The body of a request, as its head says."""
        lengths, codings = seen.all("content-length"), seen.all("transfer-encoding")
        if (lengths and codings) or len(lengths) > 1 or len(codings) > 1:
            raise NoMessage("a body with two ends")
        if codings:
            if codings != ["chunked"]:
                raise NoMessage(f"a coding that is not chunked: {codings}")
            await self._chunks(seen)
        elif lengths:
            if not lengths[0].isascii() or not lengths[0].isdigit():
                raise NoMessage(f"no length: {lengths}")
            seen.body = await self.exactly(int(lengths[0]))
        seen.complete = True

    async def _chunks(self, seen: Seen) -> None:
        while True:
            line = await self.line()
            if not line or not all(octet in b"0123456789abcdefABCDEF" for octet in line):
                raise NoMessage(f"no chunk size: {line!r}")
            size = int(line, 16)
            if not size:
                break
            seen.body += await self.exactly(size)
            if await self.exactly(2) != b"\r\n":
                raise NoMessage("a chunk without its end")
        if await self.line():
            raise NoMessage("trailers that nobody announced")

    def say(self, octets: bytes) -> None:
        """Write."""
        self.writer.write(octets)


Script = Callable[[Dialogue, Seen], Awaitable[None]]
"""What the origin does with a request whose head it has read; the body is read after it, unless it was before."""


def says(octets: bytes) -> Script:
    """Read the body, then answer so."""

    async def script(dialogue: Dialogue, seen: Seen) -> None:
        await dialogue.body(seen)
        dialogue.say(octets)

    return script


OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@dataclass
class RecordingOrigin:
    """What the origin has seen, and what it answers."""

    port: int = 0
    script: Script = field(default_factory=lambda: says(OK))
    seen: list[Seen] = field(default_factory=list)
    raw: list[bytearray] = field(default_factory=list)  # every octet, by connection
    broken: list[str] = field(default_factory=list)  # what its parser refused
    connections: int = 0
    open: int = 0

    stop: Callable[[], Awaitable[None]] = field(default=lambda: asyncio.sleep(0))  # stops listening, and ends all

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, to its end."""
        dialogue = Dialogue(reader, writer, self.connections)
        self.connections += 1
        self.open += 1
        self.raw.append(dialogue.raw)
        try:
            while seen := await dialogue.head():
                self.seen.append(seen)
                await self.script(dialogue, seen)
                if not seen.complete:
                    await dialogue.body(seen)
                await writer.drain()
        except (NoMessage, ValueError) as error:
            self.broken.append(str(error))
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # a torn request: `complete` says so
        finally:
            self.open -= 1
            writer.close()


@asynccontextmanager
async def recording_origin(
    script: Script | None = None, *, port: int = 0, secure: ssl.SSLContext | None = None
) -> AsyncIterator[RecordingOrigin]:
    """An origin on a free port, until the block ends; over TLS where a context is given."""
    origin = RecordingOrigin() if script is None else RecordingOrigin(script=script)
    tasks: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        try:
            await origin.serve(reader, writer)
        except asyncio.CancelledError:
            writer.close()  # the test is over

    server = await asyncio.start_server(serve, "127.0.0.1", port, ssl=secure)
    origin.port = server.sockets[0].getsockname()[1]

    async def stop() -> None:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    origin.stop = stop
    try:
        yield origin
    finally:
        await stop()
