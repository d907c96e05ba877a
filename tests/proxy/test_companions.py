"""A program beside the workers: kept running, told to stop, and nobody's trouble when it does not run."""

import asyncio
import os
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from proxy.companions import Companion, console

WITHIN_SECONDS = 60


def companion(folder: Path, ready: str, then: str, *, shutdown_seconds: float = WITHIN_SECONDS) -> Companion:
    """One that makes itself ready, writes its process id into a file of its own, and goes on."""
    told = f"open({str(folder)!r} + '/' + str(os.getpid()), 'w').close()"
    program = f"import os, signal, sys, time\n{ready}\n{told}\n{then}"
    return Companion("the sample", (sys.executable, "-c", program), shutdown_seconds)


async def until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + WITHIN_SECONDS
    while not condition():
        assert time.monotonic() < end
        await asyncio.sleep(0.02)


def pids(folder: Path) -> list[int]:
    return [int(path.name) for path in folder.iterdir()]


def lives(folder: Path) -> int:
    return len(pids(folder))


def runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


Story = Callable[[asyncio.Event, asyncio.Event, asyncio.Event], Awaitable[None]]


async def kept(one: Companion, story: Story) -> None:
    """Keep it while a story is told."""
    stop, hurry, renew = asyncio.Event(), asyncio.Event(), asyncio.Event()
    async with asyncio.TaskGroup() as tasks:
        keeping = tasks.create_task(one.keep(stop, hurry, renew))
        await story(stop, hurry, renew)
        stop.set()
        await asyncio.wait_for(keeping, WITHIN_SECONDS)


async def test_it_is_told_to_stop_and_finishes_what_it_has_in_hand(tmp_path: Path) -> None:
    done = tmp_path.parent / f"{tmp_path.name}.done"
    ready = f"signal.signal(15, lambda *_: (open({str(done)!r}, 'w').close(), sys.exit(0)))"

    async def story(*_: asyncio.Event) -> None:
        await until(lambda: lives(tmp_path) == 1)

    await kept(companion(tmp_path, ready, "while True: time.sleep(.01)"), story)
    assert done.exists()
    assert lives(tmp_path) == 1


async def test_who_dies_is_replaced_at_once_and_then_later_and_later(tmp_path: Path) -> None:
    async def story(*_: asyncio.Event) -> None:
        await until(lambda: lives(tmp_path) >= 3)

    await kept(companion(tmp_path, "", "sys.exit(1)"), story)
    assert lives(tmp_path) <= 6


DEAF = "signal.signal(15, signal.SIG_IGN)"


async def test_who_does_not_finish_in_time_is_killed(tmp_path: Path) -> None:
    async def story(*_: asyncio.Event) -> None:
        await until(lambda: lives(tmp_path) == 1)

    await kept(companion(tmp_path, DEAF, "time.sleep(600)", shutdown_seconds=0.2), story)
    assert not any(map(runs, pids(tmp_path)))


async def test_told_to_hurry_nobody_waits_for_it(tmp_path: Path) -> None:
    async def story(stop: asyncio.Event, hurry: asyncio.Event, _: asyncio.Event) -> None:
        await until(lambda: lives(tmp_path) == 1)
        stop.set()
        hurry.set()

    await kept(companion(tmp_path, DEAF, "time.sleep(600)", shutdown_seconds=600), story)
    assert not any(map(runs, pids(tmp_path)))


async def test_a_reload_exchanges_it(tmp_path: Path) -> None:
    async def story(_stop: asyncio.Event, _hurry: asyncio.Event, renew: asyncio.Event) -> None:
        await until(lambda: lives(tmp_path) == 1)
        renew.set()
        await until(lambda: lives(tmp_path) == 2)
        assert not renew.is_set()

    await kept(companion(tmp_path, "", "time.sleep(600)"), story)


async def test_a_program_that_there_is_not_is_complained_of_and_harms_nobody(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def story(*_: asyncio.Event) -> None:
        await until(lambda: "could not be started" in caplog.text)

    await kept(Companion("the sample", ("/nowhere/program",), 1), story)


def test_the_console_reads_the_configuration_of_the_edge() -> None:
    assert console(Path("conf/edge.toml")).command[1:] == (
        "-m", "proxy", "console", "serve", "--config", "conf/edge.toml",
    )  # fmt: skip
    assert "--config" not in console(None).command
