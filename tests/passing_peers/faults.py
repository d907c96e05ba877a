"""A TCP relay between edge and origin that delays, stalls, tears, resets or trickles what the origin says."""

import asyncio
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass


@dataclass
class Fault:
    """What befalls the octets from the origin; may be changed while it runs."""

    latency_seconds: float = 0.0
    after: int = -1  # octets that pass before the fault; -1: it never comes
    kind: str = "stall"  # or "truncate", "reset"
    piece: int = 65_536  # octets at a time
    port: int = 0
    connections: int = 0
    open: int = 0


def reset(writer: asyncio.StreamWriter) -> None:
    """Close with a RST."""
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def _towards_edge(fault: Fault, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    passed = 0
    while octets := await reader.read(fault.piece):
        await asyncio.sleep(fault.latency_seconds)
        if fault.after >= 0:
            octets = octets[: fault.after - passed]
        writer.write(octets)
        passed += len(octets)
        await writer.drain()
        if fault.after >= 0 and passed >= fault.after:
            if fault.kind == "stall":
                await asyncio.Event().wait()
            await asyncio.sleep(0.02)  # what passed is to arrive before the end does
            if fault.kind == "reset":
                reset(writer)
            return


async def _towards_origin(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while octets := await reader.read(65_536):
        writer.write(octets)
        await writer.drain()


@asynccontextmanager
async def faulty(to: int, fault: Fault) -> AsyncIterator[Fault]:
    """The relay on a free port, in front of an origin's, until the block ends."""
    tasks: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        fault.connections += 1
        fault.open += 1
        there, back = await asyncio.open_connection("127.0.0.1", to)
        directions = [
            asyncio.ensure_future(_towards_origin(reader, back)),
            asyncio.ensure_future(_towards_edge(fault, there, writer)),
        ]
        try:
            await asyncio.wait(directions, return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            pass  # the test is over
        finally:
            for direction in directions:
                direction.cancel()
            tasks.update(directions)
            fault.open -= 1
            back.close()
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    fault.port = server.sockets[0].getsockname()[1]
    try:
        yield fault
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
