"""The sockets on which connections arrive: made once, shared by every worker process."""

import ctypes
import socket
import struct
import sys
from collections.abc import Iterable
from contextlib import ExitStack
from typing import Final

BACKLOG: Final = 1_024
_SO_ATTACH_FILTER: Final = 26  # <asm-generic/socket.h>; Python has no name for it

# Classic BPF over a TCP header: drop what asks for a connection (SYN without ACK), keep everything else.
_DROP_SYN: Final = (
    (0x30, 0, 0, 13),  # load the octet of flags
    (0x54, 0, 0, 0x12),  # keep SYN and ACK of it
    (0x15, 0, 1, 0x02),  # SYN alone?
    (0x06, 0, 0, 0),  # drop
    (0x06, 0, 0, 0xFFFFFFFF),  # take all of it
)


class SecureListener(socket.socket):
    """A socket on which visitors begin with a TLS handshake."""


def listen(host: str, port: int, *, secure: bool = False) -> tuple[socket.socket, ...]:
    """Listen on every address that a host's name stands for; port 0: any free one.  Raises OSError, and keeps none.

    secure  make SecureListeners
    """
    made = SecureListener if secure else socket.socket
    flags = socket.AI_PASSIVE
    found = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=flags)
    with ExitStack() as opened:
        listeners = [opened.enter_context(_listening(made, *place)) for place in dict.fromkeys(found)]
        opened.pop_all()
    return tuple(listeners)


def _listening(
    made: type[socket.socket], family: int, kind: int, protocol: int, _: str, place: tuple[object, ...]
) -> socket.socket:
    listener = made(family, kind, protocol)
    try:
        # A port whose last connections wait out their time (TIME_WAIT) can be taken again at once.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        listener.setblocking(False)
        listener.bind(place)
        listener.listen(BACKLOG)
    except BaseException:
        listener.close()
        raise
    return listener


def parted(listeners: Iterable[socket.socket]) -> tuple[tuple[socket.socket, ...], tuple[socket.socket, ...]]:
    """Those without TLS and those with it, each in their order."""
    known = tuple(listeners)
    secure = tuple(listener for listener in known if isinstance(listener, SecureListener))
    return tuple(listener for listener in known if listener not in secure), secure


def address(listener: socket.socket) -> tuple[str, int]:
    """Where a socket listens: host and port."""
    name = listener.getsockname()
    if not (isinstance(name, tuple) and len(name) >= 2):
        raise TypeError(f"not an internet address: {name!r}")
    return str(name[0]), int(name[1])


def refuse_new(listeners: Iterable[socket.socket]) -> bool:
    """Let the kernel overlook new connections while those it has made already are still accepted.

    A listener that is merely closed resets what it has queued: requests would be lost.  The filter belongs to the
    socket, not to the process, so it holds for every worker.  Say whether the kernel took it.
    """
    if sys.platform != "linux":
        return False
    program = b"".join(struct.pack("HBBI", *step) for step in _DROP_SYN)
    steps = ctypes.create_string_buffer(program)
    wanted = struct.pack("HxxxxxxP", len(_DROP_SYN), ctypes.addressof(steps))
    try:
        for listener in listeners:
            listener.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, wanted)
    except OSError:
        return False
    return True
