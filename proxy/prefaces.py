"""Connections that begin with a PROXY preface: it is read off the socket before TLS and HTTP see their first octet.

Listed peers must say it; whoever else connects is a visitor, whose word about others is nobody's concern.  The preface
is looked at without being taken, and then exactly it is taken, so that what stands behind it (a TLS handshake, a
request) is still the socket's to give.
"""

import asyncio
import errno
import logging
import socket
import ssl
from collections.abc import Callable
from typing import Final, Protocol

from prometheus_client import CollectorRegistry, Counter

from proxy.passing.forwarded import Trust, address_of
from proxy.passing.proxy_protocol import BadPreface, Preface, read_preface

_AT_ONCE: Final = 64  # connections that are accepted in one turn of the loop
_MOST_PEEKED: Final = 4_096
_BREATH_SECONDS: Final = 1.0
"""How long nothing is accepted when there are no more descriptors."""
_LAST_SECONDS: Final = 0.1
"""How long those that were accepted last may take for their preface."""
_OUT_OF_RESOURCES: Final = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})


_log = logging.getLogger(__name__)


class Introduced(Protocol):
    """A protocol of the event loop that can be told who is at the other end."""

    preface: Preface | None  # set before the connection is made; None: nobody spoke for it


class PrefaceMetrics:
    """What Prometheus is told."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.refused = Counter(
            "dvc_edge_prefaces_refused",
            "Connections of listed peers that did not begin with a PROXY preface, or too slowly.",
            registry=registry,
        )


class PrefacedAcceptor:
    """Accepts on one listening socket that other processes may accept on too."""

    def __init__(
        self,
        listener: socket.socket,
        make: Callable[[], asyncio.Protocol],
        *,
        trust: Trust,
        seconds: float,
        metrics: PrefaceMetrics,
        context: Callable[[], ssl.SSLContext | None] = lambda: None,
        handshake_seconds: float | None = None,
    ) -> None:
        """`make`: a protocol for each connection, with a `preface` to set; `seconds`: for the preface to arrive.

        `context`: that of TLS behind the preface, and how long its handshake may take; None: there is none.
        """
        self._loop = asyncio.get_running_loop()
        self._listener = listener
        self._make = make
        self._trust = trust
        self._seconds = seconds
        self._metrics = metrics
        self._context = context
        self._handshake_seconds = handshake_seconds
        self._tasks: set[asyncio.Task[None]] = set()
        self._pause: asyncio.TimerHandle | None = None
        self._complained = False
        self._loop.add_reader(listener.fileno(), self._accept)

    def close(self) -> None:
        """Accept nothing more, and leave those alone that say nothing soon; the listener is closed."""
        if self._pause is not None:
            self._pause.cancel()
        self._loop.remove_reader(self._listener.fileno())
        self._listener.close()
        self._loop.call_later(_LAST_SECONDS, self._leave_the_rest)

    def _leave_the_rest(self) -> None:
        for task in self._tasks:
            task.cancel()

    def _accept(self) -> None:
        for _ in range(_AT_ONCE):
            try:
                connection, peer = self._listener.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return  # another process was quicker, or the peer has gone
            except OSError as error:
                if error.errno not in _OUT_OF_RESOURCES:
                    raise
                self._loop.remove_reader(self._listener.fileno())
                self._pause = self._loop.call_later(
                    _BREATH_SECONDS, self._loop.add_reader, self._listener.fileno(), self._accept
                )
                return
            connection.setblocking(False)
            task = self._loop.create_task(self._begin(connection, str(peer[0])))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _begin(self, connection: socket.socket, peer: str) -> None:
        """Hand a connection over to its protocol, or end it."""
        try:
            preface = await self._preface(connection) if self._trust.knows(address_of(peer)) else None
            protocol = self._make()
            protocol.preface = preface  # type: ignore[attr-defined]  # what `Introduced` says
            if connection.family in {socket.AF_INET, socket.AF_INET6}:
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            context = self._context()
            seconds = self._handshake_seconds if context is not None else None
            await self._loop.connect_accepted_socket(
                lambda: protocol, connection, ssl=context, ssl_handshake_timeout=seconds
            )
        except (BadPreface, TimeoutError) as error:
            connection.close()
            self._metrics.refused.inc()
            if not self._complained:
                self._complained = True
                why = str(error) or "nothing came in time"
                _log.warning("a listed peer did not begin with a PROXY preface (%s): set it to send one", why)
        except OSError:  # the peer has gone, or its TLS handshake was none
            connection.close()
        except BaseException:
            connection.close()
            raise

    async def _preface(self, connection: socket.socket) -> Preface:
        """Take the preface off the socket, and not one octet more.  Raises BadPreface, TimeoutError and OSError."""
        taken = b""
        async with asyncio.timeout(self._seconds):
            while True:
                await self._readable(connection)
                try:
                    seen = connection.recv(_MOST_PEEKED, socket.MSG_PEEK)
                except BlockingIOError:
                    continue
                if not seen:
                    raise ConnectionResetError("gone before it said anything")
                preface = read_preface(taken + seen)
                # What is no whole preface yet belongs to it, all of it: taken, so that the next look waits for more.
                left = len(preface.rest) if preface is not None else 0
                taken += connection.recv(len(seen) - left)
                if preface is not None:
                    return preface

    async def _readable(self, connection: socket.socket) -> None:
        told = self._loop.create_future()
        self._loop.add_reader(connection.fileno(), _tell, told)
        try:
            await told
        finally:
            self._loop.remove_reader(connection.fileno())


def _tell(future: "asyncio.Future[None]") -> None:
    if not future.done():
        future.set_result(None)
