"""Standard output as several workers share it: whole lines only, and nobody waits for a reader that has stopped."""

import errno
import io
import os
import select
import stat
from typing import Final, TextIO

PATIENCE_MS: Final = 20
"""How long a reader may be behind before lines are given up: a visitor waits as long, at most."""


class _WholeLines(io.RawIOBase):
    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._room = select.poll()
        self._room.register(descriptor, select.POLLOUT)
        self._is_file = stat.S_ISREG(os.fstat(descriptor).st_mode)

    def writable(self) -> bool:
        return True

    def write(self, data: object, /) -> int:
        """Write all of it, to a pipe in pieces that the kernel keeps in one piece (pipe(7): PIPE_BUF)."""
        octets = bytes(data)  # type: ignore[call-overload]
        if self._is_file:  # which nobody reads too slowly, and of which the kernel lets one write at a time
            written = 0
            while written < len(octets):
                written += os.write(self._descriptor, octets[written:] if written else octets)
            return len(octets)
        begin = 0
        while begin < len(octets):
            end = begin + select.PIPE_BUF
            if end < len(octets):
                end = octets.rfind(b"\n", begin, end) + 1 or end
            if not self._room.poll(PATIENCE_MS):
                raise BlockingIOError(errno.EAGAIN, "who reads the log is too slow")
            os.write(self._descriptor, octets[begin:end])
            begin = end
        return len(octets)


def log_stream(descriptor: int) -> TextIO:
    """A text stream over a descriptor that other processes write to as well.

    A write raises OSError where the reader has gone, or does not take what is written; what did not fit is lost.
    """
    return io.TextIOWrapper(_WholeLines(descriptor), "utf-8", write_through=True)  # type: ignore[type-var]
