"""The peer: a plain aiohttp Application that answers every path with one constant redirect."""

import asyncio
import sys

import uvloop
from aiohttp import web

from bench.load import pin


async def constant(_: web.Request) -> web.Response:
    return web.Response(status=301, headers={"Location": "https://dichvucong.gov.vn/"})


async def main(port: int) -> None:
    application = web.Application()
    application.router.add_get("/{path:.*}", constant)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    await asyncio.Event().wait()


if __name__ == "__main__":
    pin(0)
    uvloop.run(main(int(sys.argv[1])))
