"""Workers are killed, hung, told to stop and exchanged while visitors come; `python -m bench.chaos` does it for longer."""

import asyncio
import os
import shutil
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.chaos import (
    Disturbance,
    Edge,
    all_hung,
    edge,
    exchanged,
    killed_each_second,
    one_hung,
    one_killed,
    one_told_to_stop,
    running,
    stopped,
    under_load,
)

pytestmark = pytest.mark.clocked


RATE = 200
HEARTBEAT_SECONDS = 5  # a busy machine holds a sound worker for one now and then
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Edge]:
    heartbeat = str(HEARTBEAT_SECONDS)
    with edge(tmp_path_factory.mktemp("chaos"), DVC_EDGE__WORKERS__HEARTBEAT_SECONDS=heartbeat) as started:
        yield started


async def two_ready(edge: Edge) -> None:
    await edge.until(lambda: edge.metric('dvc_edge_workers{state="ready"}') == 2 and len(edge.workers()) == 2)


# what happens        seconds   requests that may fail   gap in seconds   cause of the replacement
DISTURBED = [
    (one_killed,         3,       1,                       1.0,             "crash"),  # 1 of 600: 0.17 %
    (killed_each_second, 3,       2,                       1.0,             "crash"),
    (one_told_to_stop,   2,       0,                       1.0,             "signal"),
    (exchanged,          2,       0,                       1.0,             "reload"),
    (one_hung,           4,       2,                       2.0,             "heartbeat"),
    (all_hung,           4,       4,                       2.0 + HEARTBEAT_SECONDS, "heartbeat"),
]  # fmt: skip
"""A hung worker holds its visitors for its heartbeat, and as long as a busy machine takes to see that."""


@pytest.mark.parametrize(("disturb", "seconds", "may_fail", "gap_seconds", "cause"), DISTURBED)
async def test_visitors_hardly_notice(
    shared: Edge, disturb: Disturbance, seconds: float, may_fail: int, gap_seconds: float, cause: str
) -> None:
    await two_ready(shared)
    series = f'dvc_edge_worker_restarts_total{{cause="{cause}"}}'
    before, workers = shared.metric(series), shared.workers()
    outcome = await under_load(shared, disturb, rate=RATE, seconds=seconds)
    print(f"\n{disturb.__doc__} {outcome}")
    assert len(outcome.failures) <= may_fail, outcome.failures
    assert outcome.refused == 0
    assert outcome.longest_gap_seconds < gap_seconds
    await two_ready(shared)
    await shared.until(lambda: shared.metric(series) > before)
    assert shared.workers() != workers
    assert "Traceback" not in shared.said.read_text()


async def test_a_stop_answers_everybody_who_had_reached_us(tmp_path: Path) -> None:
    with edge(tmp_path) as started:
        outcome = await under_load(started, stopped, rate=RATE, seconds=2)
        print(f"\n{stopped.__doc__} {outcome}")
        assert not outcome.failures
        assert outcome.answered > 0.4 * outcome.asked
        assert started.process.wait(5) == 0


async def test_counts_of_the_dead_are_kept(shared: Edge) -> None:
    await two_ready(shared)
    await asyncio.sleep(1.5)  # whatever was answered before is counted by now
    before = shared.answers_counted()
    outcome = await under_load(shared, nothing, rate=RATE, seconds=1)
    await shared.until(lambda: shared.answers_counted() == before + outcome.answered)
    for pid in shared.workers():
        os.kill(pid, signal.SIGKILL)
    await two_ready(shared)
    assert shared.answers_counted() == before + outcome.answered


async def nothing(_: Edge, __: float) -> None:
    """No disturbance."""


async def test_operators_are_answered_while_every_worker_hangs(tmp_path: Path) -> None:
    with edge(tmp_path, DVC_EDGE__WORKERS__HEARTBEAT_SECONDS="0") as started:
        await two_ready(started)
        for pid in started.workers():
            os.kill(pid, signal.SIGSTOP)
        assert started.operated("/live") == '{"status": "live"}'
        assert started.metric('dvc_edge_workers{state="ready"}') == 2
        await asyncio.sleep(1.5)
        assert len(started.workers()) == 2, "without a heartbeat nobody is given up"
        for pid in started.workers():
            os.kill(pid, signal.SIGCONT)


async def test_everybody_dies_with_the_supervisor(tmp_path: Path) -> None:
    with edge(tmp_path) as started:
        await two_ready(started)
        family = [*started.workers(), started.fork_server()]
        os.kill(family[0], signal.SIGSTOP)  # nobody depends on what a worker can still do
        started.process.kill()
        await started.until(lambda: not any(map(running, family)), seconds=5)


async def test_workers_outlive_their_fork_server_and_another_makes_the_next(tmp_path: Path) -> None:
    with edge(tmp_path) as started:
        await two_ready(started)
        first, second = started.workers()
        former = started.fork_server()
        os.kill(former, signal.SIGKILL)
        await started.until(lambda: not running(former))
        assert started.workers() == [first, second]
        os.kill(first, signal.SIGKILL)
        await started.until(lambda: len(started.workers()) == 2)
        await two_ready(started)
        assert second in started.workers()
        await started.until(lambda: started.fork_server() not in {0, former})


async def test_one_worker_that_dies_again_and_again_is_replaced_later_and_later_and_others_serve(
    tmp_path: Path,
) -> None:
    with edge(tmp_path) as started:
        await two_ready(started)
        faithful = started.workers()[1]
        for _ in range(4):
            await started.until(lambda: len(started.workers()) == 2)
            (other,) = set(started.workers()) - {faithful}
            os.kill(other, signal.SIGKILL)
            await started.until(lambda other=other: not running(other))  # type: ignore[misc]
        outcome = await under_load(started, nothing, rate=RATE, seconds=0.5)
        assert not outcome.failures
        said = started.said.read_text()
        assert "another takes its place at once" in said
        assert "was killed by SIGKILL after" in said
        assert "death 4 in a row: another takes its place in 1 s" in said


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """A copy of the program, to be changed while it runs."""
    for name in ("proxy", "redirect_rules", "sso", "templates", "conf"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path


def change(file: Path, old: str, new: str) -> None:
    text = file.read_text("utf-8")
    assert old in text
    file.write_text(text.replace(old, new), "utf-8")


async def test_a_reload_takes_what_is_on_disk_and_refuses_what_is_broken(program: Path) -> None:
    settings = program / "conf/edge.toml"
    with edge(program, root=program, config=settings) as started:

        async def reloaded(outcome: str) -> None:
            series = f'dvc_edge_reloads_total{{outcome="{outcome}"}}'
            before = started.metric(series)
            started.send(signal.SIGHUP)
            await started.until(lambda: started.metric(series) == before + 1)
            load = await under_load(started, nothing, rate=RATE, seconds=0.3)
            assert not load.failures
            assert not load.refused

        await two_ready(started)
        # New code.
        change(program / "proxy/__init__.py", '__version__ = "', '__version__ = "9.')
        await reloaded("done")
        assert 'version="9.' in started.operated("/metrics")
        # A configuration with mistakes, each of which is told.
        change(settings, "keep_alive_seconds = 75", "keep_alive_seconds = -75\nnonsense = 1")
        workers = started.workers()
        await reloaded("refused")
        assert started.workers() == workers
        assert "limits.keep_alive_seconds" in started.said.read_text()
        assert "nonsense: unknown key" in started.said.read_text()
        change(settings, "keep_alive_seconds = -75\nnonsense = 1", "keep_alive_seconds = 75")
        # Code that cannot be read, and code that fails in the worker.
        change(program / "proxy/app.py", "def create_app(", "def create_app((")
        await reloaded("refused")
        assert "SyntaxError" in started.said.read_text()
        change(program / "proxy/app.py", "def create_app((", "def create_app(")
        change(program / "proxy/worker.py", "voice.say(READY)", "raise RuntimeError('not today')")
        await reloaded("refused")
        assert "not today" in started.said.read_text()
        assert "before it was ready" in started.said.read_text()
        assert started.workers() == workers
        change(program / "proxy/worker.py", "raise RuntimeError('not today')", "voice.say(READY)")


async def test_a_start_that_cannot_succeed_ends(program: Path) -> None:
    change(program / "proxy/worker.py", "voice.say(READY)", "raise RuntimeError('not today')")
    with pytest.raises(TimeoutError, match="no worker could be made ready"), edge(program, root=program):
        pass


async def test_a_reload_moves_to_another_address_and_another_number_of_workers(program: Path) -> None:
    settings = program / "conf/edge.toml"
    with edge(program, root=program, config=settings) as first:  # only to learn of two free ports
        port, operations = first.port, first.operations
    change(settings, "port = 8080", f"port = {port}")
    change(settings, "port = 8082", f"port = {operations}")
    change(settings, "count = 0", "count = 1")
    with edge(program, chosen=False, root=program, config=settings) as started:
        assert (started.port, started.operations) == (port, operations)
        await started.until(lambda: len(started.workers()) == 1)
        change(settings, "count = 1", "count = 3")
        change(settings, f"port = {port}", "port = 0")
        started.send(signal.SIGHUP)
        await started.until(lambda: len(started.workers()) == 3 and started.metric("dvc_edge_ready") == 1)
        await started.until(lambda: refused(port))


def refused(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except ConnectionRefusedError:
        return True
    return False
