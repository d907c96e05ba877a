"""WebSocket frames, looked at as they pass (RFC 6455 §5): never changed, never unmasked, refused when they are none.

An end that takes what the other never meant is as bad here as in HTTP; so opcodes, lengths, masks, fragments and close
codes are checked, and a message may not be longer than was agreed.
"""

from dataclasses import dataclass
from enum import IntEnum
from typing import Final


class CloseCode(IntEnum):
    """Why a WebSocket ends (RFC 6455 §7.4.1)."""

    GOING_AWAY = 1001
    PROTOCOL_ERROR = 1002
    TOO_BIG = 1009


class BadFrame(Exception):
    """What came is no frame that may pass; `sound` is what stood before it and may, whole frames all."""

    def __init__(self, code: CloseCode, sound: bytes) -> None:
        super().__init__(code.name)
        self.code = code
        self.sound = sound


_CONTINUATION, _TEXT, _BINARY, _CLOSE, _PING, _PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA
_DATA: Final = frozenset({_TEXT, _BINARY})
_CONTROL: Final = frozenset({_CLOSE, _PING, _PONG})
_LONGEST_CONTROL: Final = 125


@dataclass(slots=True)
class FrameChecker:
    """Follows the frames of one direction."""

    masked: bool  # a client's must be, a server's must not (§5.1)
    most: int  # octets of a message, as they are on the wire
    deflate: bool = False  # whether permessage-deflate was agreed, and the first reserved bit means something
    closed: bool = False  # a close frame has passed whole: nothing may follow (§5.5.1)
    _kept: bytes = b""  # what cannot be judged yet: the head of a frame, or a close frame, that has not come whole
    _left: int = 0  # octets of the payload that are still to pass
    _message: int = 0  # octets of the message so far
    _open: bool = False  # a fragmented message has begun

    @property
    def at_boundary(self) -> bool:
        """Whether a frame of our own could be put in here."""
        return not self._left

    def feed(self, octets: bytes) -> bytes:
        """Take what came; what of it, and of what was held back, may pass.  Raises BadFrame."""
        if self._kept:
            octets, self._kept = self._kept + octets, b""
        at = 0
        size = len(octets)
        while at < size:
            if self._left:
                passing = min(self._left, size - at)
                self._left -= passing
                at += passing
                continue
            try:
                _check(not self.closed)
                head = self._head(octets, at)
            except _Broken as broken:
                raise BadFrame(broken.code, octets[:at]) from None
            if head == 0:
                self._kept = octets[at:]
                return octets[:at]
            at += head
        return octets

    def _head(self, octets: bytes, at: int) -> int:
        """Judge the head of a frame; its length, or 0 when it has not come whole."""
        if len(octets) - at < 2:
            return 0
        first, second = octets[at], octets[at + 1]
        size = second & 0x7F
        extended = {126: 2, 127: 8}.get(size, 0)
        head = 2 + extended + (4 if self.masked else 0)
        _check(bool(second & 0x80) is self.masked)
        opcode = first & 0x0F
        final = bool(first & 0x80)
        reserved = first & 0x70
        _check(opcode in _CONTROL or opcode in _DATA or opcode == _CONTINUATION)
        _check(not reserved or (reserved == 0x40 and self.deflate and opcode in _DATA))
        if opcode in _CONTROL:
            _check(final and size <= _LONGEST_CONTROL)
        else:
            _check(self._open is (opcode == _CONTINUATION))
        if len(octets) - at < head:
            return 0
        if extended:
            size = int.from_bytes(octets[at + 2 : at + 2 + extended], "big")
            _check(size > (0xFFFF if extended == 8 else 125) and size < 1 << 63)  # the shortest form only
        if opcode == _CLOSE:
            return self._close(octets[at + head - 4 : at + head] if self.masked else b"", octets, at + head, size, head)
        if opcode not in _CONTROL:
            self._message = size + (self._message if opcode == _CONTINUATION else 0)
            if self._message > self.most:
                raise _Broken(CloseCode.TOO_BIG)
            self._open = not final
        self._left = size
        return head

    def _close(self, mask: bytes, octets: bytes, at: int, size: int, head: int) -> int:
        if len(octets) - at < size:
            return 0
        payload = octets[at : at + size]
        if mask:
            payload = bytes(octet ^ mask[i & 3] for i, octet in enumerate(payload))
        _check(size != 1 and (not size or _may_be_sent(int.from_bytes(payload[:2], "big"))))
        _check(_is_utf8(payload[2:]))
        self.closed = True
        self._left = size
        return head


class _Broken(Exception):
    def __init__(self, code: CloseCode) -> None:
        super().__init__(code.name)
        self.code = code


def _check(good: bool) -> None:  # noqa: FBT001 - reads as an assertion
    if not good:
        raise _Broken(CloseCode.PROTOCOL_ERROR)


def _may_be_sent(code: int) -> bool:
    """RFC 6455 §7.4: codes that may stand in a frame, with 1012 to 1014 that were registered later."""
    return 1000 <= code <= 1003 or 1007 <= code <= 1014 or 3000 <= code <= 4999


def _is_utf8(octets: bytes) -> bool:
    try:
        octets.decode()
    except UnicodeDecodeError:
        return False
    return True


def close_frame(code: CloseCode, *, mask: bytes = b"") -> bytes:
    """A close frame with a code and no words; `mask`: four octets for a frame to a server."""
    payload = int(code).to_bytes(2, "big")
    if not mask:
        return bytes((0x80 | _CLOSE, 2)) + payload
    return bytes((0x80 | _CLOSE, 0x80 | 2)) + mask + bytes(octet ^ mask[i] for i, octet in enumerate(payload))
