"""Parents and children: who is told of whose end, and who dies with whom."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from proxy import processes
from proxy.processes import Child, check_support, close_all, ending

ROOT = Path(__file__).parents[2]

ORPHAN = """
import os
from proxy import processes
processes.adopt_orphans()
parent = os.getpid()
reading, writing = os.pipe()
if not os.fork():                         # the process between
    if not os.fork():                     # the worker
        adopted = processes.became_child_of(EXPECTED, within_seconds=0.2)
        os.write(writing, b"adopted" if adopted else b"left alone")
        os._exit(0)
    os._exit(0)
print(os.read(reading, 100).decode())
"""


@pytest.mark.parametrize(("expected", "said"), [("parent", b"adopted\n"), ("1", b"left alone\n")])
def test_an_orphan_knows_whether_it_came_to_the_right_parent(expected: str, said: bytes) -> None:
    program = ORPHAN.replace("EXPECTED", expected)
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, cwd=ROOT, timeout=30, check=True)
    assert found.stdout == said


DEPENDENT = """
import os, signal, time
from proxy import processes
child = os.fork()
if not child:
    processes.die_with_parent()
    processes.name_process("dvc-edge of this name is too long")
    os.kill(os.getpid(), signal.SIGSTOP)  # it cannot even run any more
print(child, flush=True)
time.sleep(60)
"""


def test_a_stopped_child_dies_when_its_parent_is_killed() -> None:
    with subprocess.Popen([sys.executable, "-c", DEPENDENT], stdout=subprocess.PIPE, cwd=ROOT) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        until = time.monotonic() + 10
        while state_of(child) != "T" and time.monotonic() < until:
            time.sleep(0.01)
        assert Path(f"/proc/{child}/comm").read_text() == "dvc-edge of thi\n"
        parent.kill()
        while state_of(child) not in {"", "Z"} and time.monotonic() < until:
            time.sleep(0.01)
        assert state_of(child) in {"", "Z"}


def state_of(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0]
    except OSError:
        return ""


# what it does         signal           how it ended
ENDS = [
    ("pass",           None,            0),
    ("raise SystemExit(3)", None,            3),
    ("input()",        signal.SIGTERM,  -15),
    ("input()",        signal.SIGKILL,  -9),
]  # fmt: skip


@pytest.mark.parametrize(("does", "number", "ended"), ENDS)
async def test_a_child_says_how_it_ended(does: str, number: signal.Signals | None, ended: int) -> None:
    reading, writing = os.pipe()
    actions = [(os.POSIX_SPAWN_DUP2, reading, 0)]
    command = [sys.executable, "-S", "-c", does]
    child = Child(os.posix_spawn(sys.executable, command, os.environ, file_actions=actions))  # noqa: ASYNC221 - at once
    try:
        if number is not None:
            child.send(number)
        assert await asyncio.wait_for(child.ended, 10) == ended
        child.send(signal.SIGKILL)  # nobody is there: nobody is hit
    finally:
        close_all([reading, writing, writing])


@pytest.mark.parametrize(
    ("returncode", "words"),
    [
        (0, "exited with status 0"),
        (1, "exited with status 1"),
        (-9, "was killed by SIGKILL"),
        (-63, "was killed by signal 63"),
    ],
)
def test_an_end_is_told_in_words(returncode: int, words: str) -> None:
    assert ending(returncode) == words


def test_this_machine_can_supervise() -> None:
    check_support()


def test_memory_that_was_freed_goes_back_to_the_kernel() -> None:
    held = [b"x" * 100_000 for _ in range(300)]  # of a size that the C library does not map by itself
    held = held[-1:]
    before = _resident_bytes()
    processes.return_memory()
    assert _resident_bytes() < before - 5_000_000
    assert held


def _resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
