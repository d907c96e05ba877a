"""Answers to those who are turned away before they have asked: in words, whole, and made once.

What floods us must cost little: a page is rendered once a minute for each language, and sent as octets.
"""

import asyncio
import re
from collections.abc import Callable, Mapping
from typing import Final, cast

from aiohttp.web import Response
from multidict import CIMultiDict, CIMultiDictProxy

from proxy.visits import Reason

KEPT_SECONDS: Final = 60.0
LINGERING_SECONDS: Final = 2.0
"""So long we go on reading, and forget, after our last word: closing at once would reset it (RFC 9112 §9.6)."""
HINT_OCTETS: Final = 4_096
"""Of the beginning of a head: enough to learn the language of whoever sends it."""

_HINTS: Final = re.compile(rb"\n(accept(?:-language)?)[ \t]*:([\t\x20-\x7e]*)", re.IGNORECASE)
_MOST_KEPT: Final = 64

Make = Callable[[Mapping[str, str], int, Reason], Response]
"""Makes an answer: the headers of whoever asks, as far as they are known, a status and why."""


def hints(octets: bytes) -> CIMultiDictProxy[str]:
    """What the beginning of a head says about the answer that is wanted: language, and page or problem."""
    found = _HINTS.findall(octets[:HINT_OCTETS])
    return CIMultiDictProxy(CIMultiDict((name.decode(), value.strip().decode()) for name, value in found))


class Refusals:
    """The answers of one process, each kept for a minute."""

    def __init__(self, make: Make, *, clock: Callable[[], float]) -> None:
        """`clock`: seconds, that of the loop."""
        self._make = make
        self._clock = clock
        self._kept: dict[tuple[Reason, str, str], tuple[float, bytes]] = {}

    def answer(self, status: int, reason: Reason, beginning: bytes = b"") -> bytes:
        """The whole answer to whoever sent this beginning of a head; the connection ends with it."""
        told = hints(beginning)
        key = reason, told.get("Accept-Language", "")[:2], told.get("Accept", "")[:16]
        until, octets = self._kept.get(key, (0.0, b""))
        if self._clock() >= until:
            if len(self._kept) >= _MOST_KEPT:
                self._kept.clear()
            octets = octets_of(self._make(told, status, reason))
            self._kept[key] = self._clock() + KEPT_SECONDS, octets
        return octets


def octets_of(response: Response) -> bytes:
    """A response as it stands on the wire, the last on its connection.  No Date: it is kept."""
    body = response.body if isinstance(response.body, bytes) else b""
    fields = [*response.headers.items(), ("Content-Length", str(len(body))), ("Connection", "close")]
    named = {name.lower(): (name, value) for name, value in fields}
    lines = "".join(f"{name}: {value}\r\n" for name, value in named.values())
    return f"HTTP/1.1 {response.status} {response.reason}\r\n{lines}\r\n".encode() + body


class Farewell(asyncio.Protocol):
    """Takes a connection over that is not let in: hears its first octets, answers, and closes."""

    def __init__(self, answer: Callable[[bytes], bytes], loop: asyncio.AbstractEventLoop) -> None:
        """`answer`: to the first octets."""
        self._answer = answer
        self._loop = loop
        self._transport: asyncio.Transport | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._said = False

    @classmethod
    def after(cls, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        """Take over a connection on which the last word is said."""
        farewell = cls(lambda _: b"", loop)
        farewell.over(transport)
        farewell.data_received(b"")

    def over(self, transport: asyncio.BaseTransport) -> None:
        """Take a connection over from another protocol."""
        transport.set_protocol(self)
        self.connection_made(transport)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self._transport = cast(asyncio.Transport, transport)
        self._timer = self._loop.call_later(LINGERING_SECONDS, self._transport.abort)

    def data_received(self, data: bytes) -> None:
        """Answer once; read and forget what else comes."""
        if self._said or self._transport is None or self._transport.is_closing():
            return
        self._said = True
        self._transport.write(self._answer(data))
        try:
            if self._transport.can_write_eof():
                self._transport.write_eof()
                return
        except (OSError, RuntimeError):  # the client has gone at this very moment; uvloop says so with a RuntimeError
            pass
        self._transport.close()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - as asyncio calls it
        """It is over."""
        if self._timer is not None:
            self._timer.cancel()
