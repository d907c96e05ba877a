"""A connection until somebody has to read it: what is known is answered here, at the cost of accepting it.

A parser, a task and their end cost more than twenty answers.  So a connection has none of them until the first chunk
comes that is not one request that is known; then it is handed over, once and for all, as if it had begun with that.

What is answered in one turn of the loop is sent together at its end.  Sending is the kernel's work and answering ours:
each goes quicker where the other does not come between, and a proxy on this machine is woken once, not each time.
"""

import asyncio
import logging
from typing import Protocol, cast

from proxy.admission import Admission, ConnectionMetrics, Crowded, place_at
from proxy.config import Limits
from proxy.deadlines import Deadlines
from proxy.fast_lane import Caller, Lanes, Last
from proxy.passing.proxy_protocol import Preface
from proxy.responses import with_hsts


class Reading(Protocol):
    """The protocol of a connection that is read."""

    preface: Preface | None

    def connection_made(self, transport: asyncio.BaseTransport) -> None: ...  # noqa: D102 - as asyncio calls it
    def pause_writing(self) -> None: ...  # noqa: D102
    def data_received(self, data: bytes) -> None: ...  # noqa: D102


class Keeper(Protocol):
    """The server to which all connections belong."""

    hsts: str  # Strict-Transport-Security of our answers to whoever came by TLS; empty: none
    limits: Limits
    metrics: ConnectionMetrics
    patience_seconds: float

    def reader(self) -> Reading:
        """Somebody to read a connection."""
        ...

    def turn_away(self, transport: asyncio.BaseTransport, crowded: Crowded) -> None:
        """End a connection that is one too many, in words."""
        ...


class Outbox:
    """The answers of one turn of the loop.  No connection has two in it, for none is read twice in a turn."""

    __slots__ = ("_loop", "_waiting", "turn")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._waiting: list[tuple[asyncio.Transport, bytes]] = []
        self.turn = 0.0  # when this turn began, by the loop's clock

    def put(self, transport: asyncio.Transport, answer: bytes) -> None:
        """Send an answer before anything more is read."""
        if not self._waiting:
            self._loop.call_soon(self.send)
            self.turn = self._loop.time()
        self._waiting.append((transport, answer))

    def send(self) -> None:
        """Send everything now: whoever ends a connection or hands it over does so behind its answer."""
        waiting, self._waiting = self._waiting, []
        for transport, answer in waiting:
            try:
                if not transport.is_closing():
                    transport.write(answer)
            except Exception:
                # One connection's trouble must not cost all the others their answers.
                logging.getLogger(__name__).exception("an answer could not be sent")


def came_by_tls(transport: asyncio.BaseTransport, preface: Preface | None) -> bool:
    """Whether a visitor came by TLS: to us, or to the load balancer that introduces them."""
    return bool(preface.secure if preface is not None else transport.get_extra_info("sslcontext"))


class House:
    """What stands behind all connections of a server."""

    __slots__ = (
        "admission",
        "deadlines",
        "hsts",
        "keeper",
        "lanes",
        "loop",
        "outbox",
        "patience_seconds",
        "thresholds",
    )

    def __init__(
        self,
        keeper: Keeper,
        *,
        lanes: Lanes,
        admission: Admission,
        deadlines: Deadlines,
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        self.keeper = keeper
        self.lanes = lanes
        self.admission = admission
        self.deadlines = deadlines
        self.loop = loop
        self.outbox = Outbox(loop)
        self.hsts = keeper.hsts
        self.patience_seconds = keeper.patience_seconds
        self.thresholds: set[Threshold] = set()


class Threshold:
    """One connection, as asyncio.Protocol names what happens to it; no child of that, for it has nothing to give."""

    __slots__ = (
        "_answered",
        "_caller",
        "_house",
        "_hsts",
        "_paused",
        "_place",
        "_since",
        "_transport",
        "_unsent",
        "_unsent_since",
        "due",
        "preface",
    )

    def __init__(self, house: House) -> None:
        self._house = house
        self._caller = Caller()
        self.preface: Preface | None = None  # what a load balancer has said about the connection
        self.due = 0  # the tick at which `ring` is called
        self._transport: asyncio.Transport | None = None  # None: not let in, handed over, or lost
        self._place = ""
        self._hsts = ""  # what is said besides, of Strict-Transport-Security
        self._since = 0.0  # of the loop's clock: when it was made, or answered last
        self._answered = False
        self._paused = False  # whether the client takes too little of what is sent
        self._unsent = 0  # octets that it has not taken, when last looked at
        self._unsent_since = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Let a connection in, or turn it away."""
        house = self._house
        place = place_at(transport, self.preface.source if self.preface is not None else "")
        crowded = house.admission.enter(place)
        if crowded is not None:
            house.keeper.turn_away(transport, crowded)
            return
        self._place = place
        if house.hsts and came_by_tls(transport, self.preface):
            self._hsts = house.hsts
        self._transport = cast(asyncio.Transport, transport)
        self._since = house.loop.time()
        house.deadlines.wind_at(self, self._since + house.patience_seconds)
        house.thresholds.add(self)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - as asyncio calls it
        """Forget a connection."""
        if self._transport is not None:
            self._leave()

    def data_received(self, data: bytes) -> None:
        """Answer what is known; let somebody read what is not."""
        transport = self._transport
        if transport is None or transport.is_closing():
            return
        house = self._house
        answer = None if self._paused else house.lanes.answer(data, self._caller)
        if answer is None:
            self._hand_over(transport, data)
            return
        said = with_hsts(answer, self._hsts) if self._hsts else answer
        if type(answer) is Last:
            transport.write(bytes(said))  # of a kind of bytes the loop would make a view first
            transport.close()
            return
        house.outbox.put(transport, said)
        self._since = house.outbox.turn
        self._answered = True

    def eof_received(self) -> bool:
        """The client has said its last: the connection is closed."""
        return False

    def pause_writing(self) -> None:
        """The client reads more slowly than it asks: whoever takes over waits for it."""
        self._paused = True

    def resume_writing(self) -> None:
        """It has caught up."""
        self._paused = False

    def close(self) -> None:
        """End the connection when what was answered is sent."""
        if self._transport is not None:
            self._house.outbox.send()
            self._transport.close()

    def ring(self, now: float) -> None:
        """Look whether the client keeps its time: called by `Deadlines`, seldom."""
        transport, house = self._transport, self._house
        if transport is None:
            return
        seconds, limits = house.patience_seconds, house.keeper.limits
        if unsent := transport.get_write_buffer_size():
            if unsent != self._unsent:
                self._unsent, self._unsent_since = unsent, now
            elif now - self._unsent_since >= limits.send_seconds:
                house.keeper.metrics.turned_away("not-read")
                transport.abort()
                return
        else:
            self._unsent = 0
            left = self._since + (limits.keep_alive_seconds if self._answered else limits.head_seconds) - now
            if left <= 0:
                transport.close()
                return
            seconds = min(seconds, left)
        house.deadlines.wind_at(self, now + seconds)

    def _hand_over(self, transport: asyncio.Transport, data: bytes) -> None:
        self._leave()
        self._house.outbox.send()
        reader = self._house.keeper.reader()
        reader.preface = self.preface
        transport.set_protocol(cast(asyncio.BaseProtocol, reader))
        reader.connection_made(transport)
        if self._paused:
            reader.pause_writing()
        reader.data_received(data)

    def _leave(self) -> None:
        house = self._house
        self._transport = None
        house.deadlines.stop(self)
        house.thresholds.discard(self)
        house.admission.leave(self._place)
