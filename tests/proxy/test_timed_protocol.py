"""What is taken from inside aiohttp to watch a connection is there; what it does is seen in tests/limits."""

import asyncio

from aiohttp.web import RequestHandler
from aiohttp.web_protocol import _ErrInfo

from proxy.packs import Packs
from proxy.pages import Pages
from proxy.timed_protocol import TOO_LARGE, TimedProtocol, _too_large
from tests.proxy.conftest import request_bytes
from tests.proxy.lanes import lane_over

PRIVATE = (
    "_messages", "_request_count", "_waiter", "_close", "_force_close", "_upgraded", "_paused", "_reading_paused",
    "_buffer_paused", "_request_in_progress", "_next_keepalive_close_time", "_keepalive_handle",
)  # fmt: skip


async def test_what_is_taken_from_inside_aiohttp_is_there(packs: Packs, pages: Pages) -> None:
    """When this fails, aiohttp has changed: read `data_received` and `start` in its web_protocol before anything else."""
    async with lane_over(packs, pages) as lane:
        protocol = lane.server.reader()
        assert isinstance(protocol, TimedProtocol)
        assert [name for name in PRIVATE if not hasattr(protocol, name)] == []
    assert issubclass(TimedProtocol, RequestHandler)


def test_a_head_that_is_too_large_is_refused_as_aiohttp_refuses_heads() -> None:
    error = _too_large()
    assert isinstance(error, _ErrInfo)
    assert (error.status, error.message) == (431, TOO_LARGE)


async def test_no_timer_is_set_for_a_connection_that_is_kept(packs: Packs, pages: Pages) -> None:
    async with lane_over(packs, pages, enabled=False) as lane:
        reader, writer = await asyncio.open_connection("127.0.0.1", lane.port)
        for _ in range(2):
            writer.write(request_bytes("/vi", headers=["User-Agent: Googlebot"], keep=True))
            async with asyncio.timeout(20):
                head = await reader.readuntil(b"\r\n\r\n")
                await reader.readexactly(int(head.partition(b"Content-Length: ")[2].partition(b"\r\n")[0]))
        (connection,) = lane.server.connections
        assert isinstance(connection, TimedProtocol)
        assert connection._keepalive_handle is lane.server.no_timer
        assert connection.due
        writer.close()
