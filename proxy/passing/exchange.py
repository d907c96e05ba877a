"""The answer to one request, read from octets alone: interim answers, the head, the body, the trailers.

Fed whole, byte by byte or with a stranger's octets behind it, the same answer comes out; and only an answer that ended
where it said it would leaves its connection fit for another request.
"""

from typing import Final, NamedTuple

from proxy.passing.fields import Fields
from proxy.passing.framing import (
    BodyReader,
    Framing,
    NoBody,
    UntilClose,
    asks_to_close,
    body_reader,
    response_framing,
)
from proxy.passing.heads import LONGEST_HEAD, BadMessage, ResponseHead, read_response_head

MOST_INTERIM: Final = 16
"""Interim answers before the real one; more are an origin gone mad."""


class Interim(NamedTuple):
    """A head of the 100s that is followed by another (RFC 9110 §15.2)."""

    head: ResponseHead


class Answer(NamedTuple):
    """The head that counts, and how its body ends."""

    head: ResponseHead
    framing: Framing


class Switched(NamedTuple):
    """101: what follows is another protocol's, beginning with `rest`."""

    head: ResponseHead
    rest: bytes


class Body(NamedTuple):
    """Octets of the body, never empty."""

    octets: bytes


class End(NamedTuple):
    """The answer is complete."""

    trailers: Fields


Event = Interim | Answer | Switched | Body | End


class ResponseReader:
    """Reads the answer to one request.  `begun`: something came; `complete`: all came; `reusable`: see there."""

    __slots__ = ("_body", "_head", "_interim", "_keeps", "_may_switch", "_method", "_surplus", "begun", "complete")

    def __init__(self, method: bytes, *, may_switch: bool = False) -> None:
        self._method = method
        self._may_switch = may_switch  # whether another protocol was asked for
        self._head = bytearray()
        self._interim = 0
        self._body: BodyReader | None = None
        self._keeps = False
        self._surplus = False
        self.begun = False
        self.complete = False

    @property
    def reusable(self) -> bool:
        """Whether the connection may carry another request: all was framed, nobody asked to close, nothing is left."""
        return self.complete and self._keeps and not self._surplus

    def feed(self, octets: bytes) -> list[Event]:
        """Take what came; say what it meant.  Raises BadMessage, after which the connection is good for nothing."""
        events: list[Event] = []
        self.begun = self.begun or bool(octets)
        while octets and not self.complete:
            if self._body is None:
                octets = self._read_head(octets, events)
            else:
                octets = self._read_body(self._body, octets, events)
        # Nobody asked for more than one answer: what stands behind it may be meant for the next visitor.
        self._surplus = self._surplus or bool(octets)
        return events

    def close(self) -> list[Event]:
        """The connection ended.  Raises BadMessage when the answer had not."""
        if self.complete:
            return []
        if self._body is None:
            raise BadMessage("the connection closed before the answer")
        self._body.close()
        self._keeps = False
        self.complete = True
        return [End([])]

    def _read_head(self, octets: bytes, events: list[Event]) -> bytes:
        if self._head:
            looked = max(0, len(self._head) - 3)
            self._head += octets
            end = self._head.find(b"\r\n\r\n", looked)
            octets = bytes(self._head) if end >= 0 else b""
        elif (end := octets.find(b"\r\n\r\n")) < 0:
            self._head += octets
        if end < 0:
            if len(self._head) > LONGEST_HEAD:
                raise BadMessage("a head without an end")
            return b""
        self._head.clear()
        if end > LONGEST_HEAD:
            raise BadMessage("a head without an end")
        return self._judge(read_response_head(octets[: end + 4]), octets[end + 4 :], events)

    def _judge(self, head: ResponseHead, rest: bytes, events: list[Event]) -> bytes:
        if head.status == 101:
            if not self._may_switch:
                raise BadMessage("101 that nobody asked for")
            self.complete = True
            events.append(Switched(head, rest))
            return b""
        if head.status < 200:
            self._interim += 1
            if self._interim > MOST_INTERIM:
                raise BadMessage("interim answers without an end")
            response_framing(self._method, head)
            events.append(Interim(head))
            return rest
        framing = response_framing(self._method, head)
        self._keeps = not isinstance(framing, UntilClose) and not asks_to_close(head.minor, head.fields)
        events.append(Answer(head, framing))
        if isinstance(framing, NoBody):
            self._finish([], events)
        else:
            self._body = body_reader(framing)
            rest = self._read_body(self._body, rest, events)
        return rest

    def _read_body(self, body: BodyReader, octets: bytes, events: list[Event]) -> bytes:
        parts, ended, rest, trailers = body.feed(octets)
        events += map(Body, parts)
        if ended:
            self._finish(trailers, events)
        return rest

    def _finish(self, trailers: Fields, events: list[Event]) -> None:
        self.complete = True
        events.append(End(trailers))
