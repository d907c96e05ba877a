"""Databases that are dead, deaf or full: redirects never ask one."""

import asyncio
import contextlib
import os
import signal
import sqlite3
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from typing import Final

from bench.edges import edge
from bench.figures import Figure, Row, Skipped, at_least, below
from bench.measurements.exact import draw
from bench.postgres import Postgres, postgres
from bench.visitors import Service, Visitors
from bench.workshop import Workshop

ABOUT = (
    "200 redirects a second by two workers that count hits and write them each second; a third of the time later the "
    "database goes. Counted are all who asked from then on."
)
_RATE: Final = 200
_RULES: Final = 20_000
_FULL_BYTES: Final = 4 << 20

Trouble = Callable[[], AbstractContextManager[None]]


def run(shop: Workshop) -> Iterator[Row]:
    """Each trouble once, on an edge of its own."""
    yield from _sqlite(shop)
    if shop.extent.quick:
        return
    yield from _postgres(shop)
    yield from _full(shop)
    yield from _dead_from_the_beginning(shop)


def _sqlite(shop: Workshop) -> Iterator[Row]:
    for name, trouble in (("locked for good", _locked), ("removed", _removed)):
        file = shop.place("database") / "hits.db"
        yield from _served(shop, f"SQLite, {name}", f"sqlite:///{file}", partial(trouble, file))


def _postgres(shop: Workshop) -> Iterator[Row]:
    for name, number in (("killed", signal.SIGKILL), ("stopped (SIGSTOP)", signal.SIGSTOP)):
        try:
            with postgres() as database:
                yield from _served(shop, f"PostgreSQL, {name}", database.url, partial(_sent, database, number))
        except FileNotFoundError as error:
            yield Skipped(f"PostgreSQL, {name}", str(error))


def _full(shop: Workshop) -> Iterator[Row]:
    folder = shop.place("full")
    mounting = ["mount", "-t", "tmpfs", "-o", f"size={_FULL_BYTES}", "tmpfs", str(folder)]
    if os.geteuid() or subprocess.run(mounting, capture_output=True, check=False).returncode:
        yield Skipped("SQLite, its disk full", "a small file system cannot be mounted here: run it as root")
        return
    try:
        yield from _served(shop, "SQLite, its disk full", f"sqlite:///{folder}/hits.db", partial(_filled, folder))
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=False)


def _dead_from_the_beginning(shop: Workshop) -> Iterator[Row]:
    environ = {"DVC_EDGE__STATE__DATABASE": "postgresql://rules@127.0.0.1:9/rules"}  # port 9: nobody listens there
    with edge(shop.place("edge"), _state(shop), workers=2, cpu=None, environ=environ) as serving:
        service = asyncio.run(_visited(shop, serving.server.port, contextlib.nullcontext))
    yield Figure("no database when the edge begins: ready", (serving.ready_seconds,), "s")
    yield Figure(
        "no database when the edge begins: redirects that were served", (service.served_percent,), "%", at_least(100)
    )


def _served(shop: Workshop, name: str, url: str, trouble: Trouble) -> Iterator[Row]:
    shop.told(name)
    environ = {"DVC_EDGE__STATE__DATABASE": url, "DVC_EDGE__HITS__WRITE_SECONDS": "1"}
    with edge(shop.place("edge"), _state(shop), workers=2, cpu=None, environ=environ) as serving:
        service = asyncio.run(_visited(shop, serving.server.port, trouble))
    asked = f"{len(service.visits):,} asked"
    yield Figure(f"{name}: redirects that were served", (service.served_percent,), "%", at_least(100), asked)
    yield Figure(f"{name}: p99 of them", (service.percentile_ms(0.99),), "ms", below(250))


def _state(shop: Workshop) -> Path:
    return shop.state("exact", _RULES)


async def _visited(shop: Workshop, port: int, trouble: Trouble) -> Service:
    seconds = 4.0 if shop.extent.quick else 12.0
    requests = [one.request for one in draw(shop, _RULES)(0)[:10_000]]
    visitors = Visitors(port, requests, rate=_RATE)
    async with asyncio.TaskGroup() as tasks:
        load = tasks.create_task(visitors.run())
        await asyncio.sleep(seconds / 3)
        context = trouble()
        await asyncio.to_thread(context.__enter__)
        since = time.time()
        await asyncio.sleep(seconds * 2 / 3)
        visitors.stop()
        await load
        await asyncio.to_thread(context.__exit__, None, None, None)
    return load.result().within(since)


@contextlib.contextmanager
def _sent(database: Postgres, number: signal.Signals) -> Iterator[None]:
    database.send(number)
    yield


@contextlib.contextmanager
def _locked(file: Path) -> Iterator[None]:
    held, over = threading.Event(), threading.Event()

    def hold() -> None:
        with contextlib.closing(sqlite3.connect(file, timeout=30)) as connection:
            connection.execute("begin exclusive")
            held.set()
            over.wait(60)

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait(30)
    try:
        yield
    finally:
        over.set()
        thread.join()


@contextlib.contextmanager
def _removed(file: Path) -> Iterator[None]:
    for path in file.parent.glob(f"{file.name}*"):
        path.unlink()
    file.mkdir()  # so that it cannot be made anew
    yield


@contextlib.contextmanager
def _filled(folder: Path) -> Iterator[None]:
    with contextlib.suppress(OSError), (folder / "ballast").open("wb") as file:
        while True:
            file.write(bytes(4_096))
            file.flush()
    yield
