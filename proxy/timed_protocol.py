"""A connection of aiohttp's that is watched: how long a head, a body, a pause or an answer that nobody takes may last.

aiohttp's parser does the reading; here only is followed what comes, and what does not.
"""

import asyncio
from typing import Any, Final, Protocol

from aiohttp.http import RawRequestMessage
from aiohttp.http_exceptions import BadHttpMessage
from aiohttp.streams import EMPTY_PAYLOAD, StreamReader
from aiohttp.web import RequestHandler, Server
from aiohttp.web_protocol import _ErrInfo

from proxy.admission import ConnectionMetrics
from proxy.config import Limits
from proxy.deadlines import TICK_SECONDS, Deadlines
from proxy.pace import Pace, head_seconds
from proxy.refusals import HINT_OCTETS, Farewell, Refusals

TOO_LARGE: Final = "Too many octets of headers"
"""Beside aiohttp's own "Too many headers received"."""


class Watch(Protocol):
    """What all connections of a server share."""

    limits: Limits
    deadlines: Deadlines
    metrics: ConnectionMetrics
    refusals: Refusals
    patience_seconds: float
    no_timer: asyncio.Handle


class TimedProtocol(RequestHandler):
    """One connection, looked at by `Deadlines` in place of a timer of its own."""

    __slots__ = (
        "_beginning",
        "_body",
        "_body_octets",
        "_head_octets",
        "_head_since",
        "_limited",
        "_made_at",
        "_pace",
        "_refused",
        "_unsent",
        "_unsent_since",
        "_wire",
        "due",
    )

    def __init__(self, server: Server, watch: Watch, **options: Any) -> None:
        super().__init__(server, **options)
        self._limited = watch
        self.due = 0  # the tick at which `ring` is called
        self._wire: asyncio.Transport | None = None  # as `transport`, which aiohttp forgets before it is closed
        self._made_at = 0.0  # of the loop's clock, as all times here
        self._head_since = 0.0  # when the head that is not complete began
        self._head_octets = 0  # of it; 0: none has begun
        self._beginning = b""  # of it, or of one that was refused
        self._body: StreamReader | None = None  # the one that was begun last
        self._body_octets = 0  # of it, since it was last looked at
        self._pace: Pace | None = None
        self._refused = False  # whether something came after which nothing more is read
        self._unsent = 0  # octets that the client has not taken, when last looked at
        self._unsent_since = 0.0
        # Not aiohttp's timer for each connection: `Deadlines` looks at them all.
        self._keepalive_handle = watch.no_timer

    def _feed(self, data: bytes) -> None:
        """Have the parser read, and follow what comes: a head, a body, or the beginning of a head."""
        if self._refused:
            return  # nothing behind what was refused is read; it is taken off the wire, or our answer would be reset
        before = self._request_count
        in_body = self._body is not None and not self._body.is_eof()
        super().data_received(data)
        if parsed := self._request_count - before:
            if self._head_octets + len(data) > self._limited.limits.header_total:
                self._refuse_long_heads(parsed)
            self._head_octets = 0
            message, body = self._messages[-1]
            if isinstance(message, _ErrInfo):
                self._beginning = self._beginning or data[:HINT_OCTETS]
                self._refused = True
            if not body.is_eof():
                self._begin_body(body)
            elif body is EMPTY_PAYLOAD and not self._upgraded and not data.endswith(b"\r\n\r\n"):
                # The beginning of another head; behind a body that has ended it is seen with its next octets.
                self._follow_head(data.rpartition(b"\r\n\r\n")[2])
        elif in_body:
            self._body_octets += len(data)
        elif data and not self._upgraded:
            self._follow_head(data)

    def _begin_body(self, body: StreamReader) -> None:
        limits = self._limited.limits
        self._body, self._body_octets = body, 0
        self._pace = Pace(seconds=limits.body_seconds, rate=limits.body_rate, now=self._loop.time())
        self._limited.deadlines.wind(self, TICK_SECONDS)

    def _follow_head(self, data: bytes) -> None:
        limits = self._limited.limits
        if not data or self._refused:
            return
        if not self._head_octets:
            self._head_since = self._loop.time()
            self._beginning = data[:HINT_OCTETS]
            self._limited.deadlines.wind(self, limits.head_seconds)
        self._head_octets += len(data)
        if self._head_octets > limits.request_line + limits.header_total:
            self._messages.append((_too_large(), EMPTY_PAYLOAD))
            self._request_count += 1
            self._refused = True
            if self._waiter is not None and not self._waiter.done():
                self._waiter.set_result(None)

    def _refuse_long_heads(self, parsed: int) -> None:
        """Of the messages parsed last, those whose fields are too long together become what is refused."""
        for at in range(-parsed, 0):
            message = self._messages[at][0]
            if isinstance(message, RawRequestMessage):
                size = sum(len(name) + len(value) + 4 for name, value in message.raw_headers)
                if size > self._limited.limits.header_total:
                    self._refused = True
                    self._messages[at] = (_too_large(), EMPTY_PAYLOAD)

    def ring(self, now: float) -> None:
        """Look whether the client keeps its time: called by `Deadlines`, seldom."""
        wire = self._wire
        if wire is None:
            return
        seconds = self._taking(wire, now) and (self._looked_at_body(now) or self._waiting(now))
        if seconds:
            self._limited.deadlines.wind(self, seconds)

    def _taking(self, wire: asyncio.Transport, now: float) -> float:
        """End a connection whose client takes nothing of what was sent: a close would wait for it for ever."""
        unsent = wire.get_write_buffer_size()
        patience = self._limited.limits.send_seconds
        if not unsent or unsent != self._unsent or (self._request_in_progress and not self._paused):
            self._unsent, self._unsent_since = unsent, now
        elif now - self._unsent_since >= patience:
            self._limited.metrics.turned_away("not-read")
            wire.abort()
            return 0
        return patience

    def _looked_at_body(self, now: float) -> float:
        """While a body comes, its pace; 0: none comes."""
        body, pace = self._body, self._pace
        if body is None or pace is None or body.is_eof() or body.exception() is not None:
            self._body = self._pace = None
            return 0
        octets, self._body_octets = self._body_octets, 0
        held_up = self._reading_paused or self._buffer_paused  # by us: somebody behind us reads slowly
        if not pace.holds(octets, now, waited_for=not held_up):
            self._limited.metrics.turned_away("body-slow")
            body.set_exception(TimeoutError("the body comes too slowly"))  # whoever reads it answers
        return TICK_SECONDS

    def _waiting(self, now: float) -> float:
        """While nothing is in hand: how long a head may still take, or nothing at all may come; 0: it is ended."""
        limits, patience = self._limited.limits, self._limited.patience_seconds
        if self._request_in_progress or self._messages or self._close or self._force_close or self._upgraded:
            return patience
        if self._head_octets:
            until = self._head_since + head_seconds(
                self._head_octets, seconds=limits.head_seconds, rate=limits.head_rate
            )
        elif self._request_count:
            until = self._next_keepalive_close_time + limits.keep_alive_seconds
        else:
            until = self._made_at + limits.head_seconds
        if now < until:
            return min(until - now, patience)
        if self._head_octets and self._wire is not None:
            self._limited.metrics.turned_away("request-slow")
            self._wire.write(self._limited.refusals.answer(408, "request-slow", self._beginning))
            self._linger()
            return 0
        if self._unsent:
            self._close = True
            return patience  # a close would wait for it; `_taking` does so for a time
        self.force_close()
        return patience

    def _linger(self) -> None:
        """Close after our last word, but read on for a while: a close with octets unread would take it back."""
        if (wire := self._wire) is not None:
            self.transport = None  # so that it is not closed at once
            self.connection_lost(None)
            Farewell.after(wire, self._loop)


def _too_large() -> _ErrInfo:
    error = BadHttpMessage(TOO_LARGE)
    return _ErrInfo(status=431, exc=error, message=error.message)
