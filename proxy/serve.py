"""Listening: two addresses, a clean start and a clean stop."""

import asyncio
import logging
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from aiohttp import web

from proxy.app import App
from proxy.operations import create_operations
from proxy.server import EdgeServer

BACKLOG = 1_024


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where a running edge listens."""

    edge: tuple[str, int]
    operations: tuple[str, int]


@asynccontextmanager
async def running(app: App) -> AsyncIterator[Addresses]:
    """Listen on both addresses until the block ends; then answer what is in hand, and close.

    Raises OSError when an address is taken; neither listens then.
    """
    settings = app.settings
    operations = web.AppRunner(create_operations(app.metrics), access_log=None)
    await operations.setup()
    server = EdgeServer(app.edge, settings.limits)
    try:
        site = web.TCPSite(operations, settings.operations.host, settings.operations.port)
        await site.start()
        loop = asyncio.get_running_loop()
        listener = await loop.create_server(server, settings.listen.host, settings.listen.port, backlog=BACKLOG)
        try:
            app.metrics.ready.set(1)
            yield Addresses(_address(listener.sockets[0].getsockname()), _address(operations.addresses[0]))
        finally:
            app.metrics.ready.set(0)
            listener.close()
            await server.drain(settings.limits.shutdown_seconds)
    finally:
        await operations.cleanup()


def _address(name: object) -> tuple[str, int]:
    if not (isinstance(name, (tuple, list)) and len(name) >= 2):
        raise TypeError(f"not an internet address: {name!r}")
    return str(name[0]), int(name[1])


async def serve(app: App, *, started: Callable[[Addresses], None]) -> None:
    """Run until SIGINT or SIGTERM."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    async with running(app) as addresses:
        started(addresses)
        await stop.wait()
        logging.getLogger(__name__).info("stopping: finishing what is in hand")
