"""Listening: a clean start and a clean stop, of one process with all addresses or of one worker among many."""

import asyncio
import logging
import socket
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Final

from aiohttp import web

from proxy.app import App
from proxy.following import Follower, FollowingMetrics, following
from proxy.hits import HitMetrics, HitWriter, writing_hits
from proxy.listeners import address, listen
from proxy.operations import InOneProcess, create_operations
from proxy.server import EdgeServer
from proxy.state import State

SWITCH_SECONDS: Final = 0.0005
"""How long a thread may keep the interpreter from the loop."""
HITS_STOP_SECONDS: Final = 2.0
"""How long a worker that stops waits for the store to take its last counts."""


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where a running edge listens."""

    edge: tuple[str, int]
    operations: tuple[str, int]


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
                state.hits,
                metrics=HitMetrics(registry),
                clock=app.clock,
                write_seconds=app.settings.hits.write_seconds,
                keep_days=app.settings.hits.keep_days,
            )
            await running.enter_async_context(writing_hits(writer, stop_seconds=HITS_STOP_SECONDS))
        yield


@asynccontextmanager
async def accepting(
    app: App, listeners: Sequence[socket.socket], *, arrival_seconds: float = 0.0
) -> AsyncIterator[None]:
    """Answer what arrives on these sockets until the block ends; then answer what is in hand, and close them.

    arrival_seconds  how long connections that were accepted last may take to send their first request
    """
    # Pages are made in threads beside the loop, which gets its turn again after so long at most.
    sys.setswitchinterval(SWITCH_SECONDS)
    server = EdgeServer(app.edge, app.settings.limits)
    loop = asyncio.get_running_loop()
    async with beside(app):
        acceptors = [await loop.create_server(server, sock=listener) for listener in listeners]
        try:
            app.metrics.ready.set(1)
            yield
        finally:
            app.metrics.ready.set(0)
            for acceptor in acceptors:
                acceptor.close()
            await asyncio.sleep(arrival_seconds)
            await server.drain(app.settings.limits.shutdown_seconds)


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
        addresses = Addresses(address(edge[0]), address(operations[0]))
        await opened.enter_async_context(accepting(app, edge))
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
