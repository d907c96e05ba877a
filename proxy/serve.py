"""Listening: a clean start and a clean stop, of one process with all addresses or of one worker among many."""

import asyncio
import logging
import socket
import ssl
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Final

from aiohttp import web

from proxy import tls
from proxy.app import App
from proxy.following import Follower, FollowingMetrics, following
from proxy.hits import HitMetrics, HitWriter, writing_hits
from proxy.listeners import address, listen
from proxy.operations import InOneProcess, create_operations
from proxy.passing.passer import Passer
from proxy.prefaces import PrefacedAcceptor, PrefaceMetrics
from proxy.server import EdgeServer
from proxy.state import State
from proxy.tls import SHUTDOWN_SECONDS

SWITCH_SECONDS: Final = 0.0005
"""How long a thread may keep the interpreter from the loop."""
HITS_STOP_SECONDS: Final = 2.0
"""How long a worker that stops waits for the store to take its last counts."""


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where a running edge listens."""

    edge: tuple[str, int]
    operations: tuple[str, int]
    secure: tuple[str, int] | None = None  # for https


@asynccontextmanager
async def beside(app: App) -> AsyncIterator[None]:
    """What runs in every process beside its server: begun before the first visitor, ended after the last."""
    state, registry = State.of(app.settings), app.metrics.registry
    follower = Follower(
        state.snapshots, app.edge.packs, app.edge.adopt, clock=app.clock, metrics=FollowingMetrics(registry)
    )
    async with AsyncExitStack() as running:
        await running.enter_async_context(following(follower, seconds=app.settings.state.follow_seconds))
        if app.hits is not None:
            writer = HitWriter(
                app.hits,
                state.hit_sums,
                metrics=HitMetrics(registry),
                clock=app.clock,
                write_seconds=app.settings.hits.write_seconds,
                keep_days=app.settings.hits.keep_days,
            )
            await running.enter_async_context(writing_hits(writer, stop_seconds=HITS_STOP_SECONDS))
        yield


@asynccontextmanager
async def passing(passer: Passer) -> AsyncIterator[None]:
    """Ask after origins and watch over what passes until the block ends; then end whatever is left."""
    passer.start()
    try:
        yield
    finally:
        await passer.close()


@asynccontextmanager
async def signing_in(app: App) -> AsyncIterator[None]:
    """Sign people in until the block ends, where an issuer is configured."""
    if not app.settings.sso.issuer:
        yield
        return
    from proxy.gate_opening import gate_of  # noqa: PLC0415 - where nobody signs in, nothing of it is loaded
    from proxy.login.opening import opened  # noqa: PLC0415 - where nobody signs in, nothing of it is loaded

    async with opened(app.settings, app.pages, app.metrics.registry) as sign_in:
        app.edge.sign_in_by(sign_in.reception, gate_of(app.settings, sign_in, app.packs.snapshot.all_portals))
        try:
            yield
        finally:
            app.edge.sign_in_by(None)


@asynccontextmanager
async def accepting(
    app: App,
    listeners: Sequence[socket.socket],
    *,
    secure: Sequence[socket.socket] = (),
    arrival_seconds: float = 0.0,
) -> AsyncIterator[None]:
    """Answer what arrives on these sockets until the block ends; then answer what is in hand, and close them.

    secure           those for TLS; none without certificates
    arrival_seconds  how long connections that were accepted last may take to send their first request
    """
    # Pages are made in threads beside the loop, which gets its turn again after so long at most.
    sys.setswitchinterval(SWITCH_SECONDS)
    hsts_seconds = app.settings.listen.tls.hsts_seconds
    server = EdgeServer(app.edge, app.settings.limits, app.metrics.registry, hsts_seconds=hsts_seconds)
    async with beside(app), passing(app.passer), certified(app), signing_in(app):
        acceptors = await _acceptors(app, server, listeners, secure)
        try:
            app.metrics.ready.set(1)
            yield
        finally:
            app.metrics.ready.set(0)
            for acceptor in acceptors:
                acceptor.close()
            await asyncio.sleep(arrival_seconds)
            seconds = app.settings.limits.shutdown_seconds
            # Both at once: a WebSocket is in hand until it is told that we are going away.
            await asyncio.gather(app.passer.drain(seconds), server.drain(seconds))


async def _acceptors(
    app: App, server: EdgeServer, listeners: Sequence[socket.socket], secure: Sequence[socket.socket]
) -> Sequence[asyncio.AbstractServer | PrefacedAcceptor]:
    settings, context = app.settings, app.certificates.context if app.certificates is not None else None
    each = [*((listener, None) for listener in listeners), *((listener, context) for listener in secure)]
    if not settings.listen.proxy_protocol:
        loop = asyncio.get_running_loop()
        seconds = settings.listen.tls.handshake_seconds
        return [
            await loop.create_server(server, sock=listener)
            if own is None
            else await loop.create_server(
                server,
                sock=listener,
                ssl=own,
                ssl_handshake_timeout=seconds,
                ssl_shutdown_timeout=SHUTDOWN_SECONDS,
            )
            for listener, own in each
        ]
    metrics = PrefaceMetrics(app.metrics.registry)
    return [
        PrefacedAcceptor(
            listener,
            server,
            trust=settings.passing.trust(),
            seconds=settings.limits.head_seconds,
            metrics=metrics,
            context=partial(_given, own),
            handshake_seconds=settings.listen.tls.handshake_seconds,
        )
        for listener, own in each
    ]


def _given(context: ssl.SSLContext | None) -> ssl.SSLContext | None:
    return context


@asynccontextmanager
async def certified(app: App) -> AsyncIterator[None]:
    """Follow the files of our certificates, if there are any, until the block ends."""
    if app.certificates is None:
        yield
        return
    seconds = app.settings.listen.tls.follow_seconds
    async with tls.following(app.certificates, app.metrics.registry, seconds=seconds):
        yield


@asynccontextmanager
async def operated(application: web.Application, listeners: Sequence[socket.socket]) -> AsyncIterator[None]:
    """Answer operators on these sockets until the block ends, and close them."""
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    try:
        for listener in listeners:
            await web.SockSite(runner, listener).start()
        yield
    finally:
        await runner.cleanup()


@asynccontextmanager
async def running(app: App) -> AsyncIterator[Addresses]:
    """The whole edge in this one process: both addresses until the block ends.

    Raises OSError when an address is taken; neither listens then.
    """
    settings = app.settings
    async with AsyncExitStack() as opened:
        operations = listen(settings.operations.host, settings.operations.port)
        await opened.enter_async_context(operated(create_operations(InOneProcess(app.metrics)), operations))
        edge = listen(settings.listen.host, settings.listen.port)
        place = settings.listen.secure_place
        secure = listen(*place, secure=True) if place is not None else ()
        addresses = Addresses(address(edge[0]), address(operations[0]), address(secure[0]) if secure else None)
        await opened.enter_async_context(accepting(app, edge, secure=secure))
        yield addresses


def loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """The quickest loop that there is on this platform."""
    try:
        from uvloop import Loop  # noqa: PLC0415 - not on every platform
    except ImportError:
        return None
    return Loop


def prepare_output() -> None:
    """One line of the access log is one line on standard output at once; words for people go to standard error."""
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(line_buffering=True)  # whoever follows the log sees each line at once
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s", stream=sys.stderr)
    logging.getLogger("alembic").setLevel(logging.WARNING)  # each worker opens the store: nobody's news
