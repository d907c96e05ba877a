"""A peer: a plain aiohttp Application that answers old addresses out of a dictionary.

    python -m bench.plain PORT RULES [LOG]

RULES has an old address without its scheme and a new one in each line, apart by a tab; LOG takes aiohttp's access log.
"""

import asyncio
import logging
import sys
from pathlib import Path

import uvloop
from aiohttp import web


def application(rules: dict[str, str]) -> web.Application:
    """Answers every path."""

    async def redirect(request: web.Request) -> web.Response:
        target = rules.get(request.headers["Host"] + request.path)
        if target is None:
            return web.Response(status=404)
        return web.Response(status=301, headers={"Location": target})

    made = web.Application()
    made.router.add_get("/{path:.*}", redirect)
    return made


async def main(port: int, rules: dict[str, str], log: str | None) -> None:
    """Answer on a loopback port until the process is ended."""
    logger = None
    if log is not None:
        logger = logging.getLogger("aiohttp.access")
        logger.addHandler(logging.FileHandler(log))
        logger.setLevel(logging.INFO)
        logger.propagate = False
    runner = web.AppRunner(application(rules), access_log=logger)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    await asyncio.Event().wait()


if __name__ == "__main__":
    pairs = (line.partition("\t") for line in Path(sys.argv[2]).read_text("utf-8").splitlines())
    known = {old: new for old, _, new in pairs}
    uvloop.run(main(int(sys.argv[1]), known, sys.argv[3] if len(sys.argv) > 3 else None))
