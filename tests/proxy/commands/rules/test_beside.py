"""What a child reads arrives whole, in order, and with its mistakes."""

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from proxy.commands.rules.beside import beside
from redirect_rules.sources import Problem, Problems

ROOT = Path(__file__).parents[4]


@pytest.mark.parametrize("count", [0, 1, 499, 500, 501, 20_000])
def test_everything_arrives_in_order(count: int) -> None:
    assert list(beside(lambda: range(count))) == list(range(count))


def test_it_is_read_in_another_process() -> None:
    assert next(beside(lambda: [os.getpid()])) != os.getpid()


def test_a_mistake_of_the_reader_reaches_the_one_who_asked() -> None:
    def read() -> Iterator[int]:
        yield 1
        raise Problems([Problem("list.csv", 7, "cannot be read")])

    with pytest.raises(Problems, match=r"list\.csv:7: cannot be read"):
        list(beside(read))


def test_a_reader_that_dies_is_told_of() -> None:
    def read() -> Iterator[int]:
        yield from range(1_000)
        os._exit(9)

    with pytest.raises(Problems, match="ended early"):
        list(beside(read))


def test_who_stops_listening_leaves_no_process_behind() -> None:
    items = beside(lambda: iter(int, 1))
    next(items)
    items.close()  # type: ignore[attr-defined]  # a generator has it
    assert not multiprocessing.active_children()


KILLED = """
import os, signal
from proxy.commands.rules.beside import beside

def read():
    yield os.getpid()
    yield from iter(lambda: "x" * 1_000, "")

items = beside(read)
print(next(items), flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_who_is_killed_leaves_no_process_behind(tmp_path: Path) -> None:
    said = tmp_path / "said"  # not a pipe, whose other end the one who stays would hold
    with said.open("w") as file:
        subprocess.run([sys.executable, "-c", KILLED], cwd=ROOT, stdout=file, check=False, timeout=60)
    child = int(said.read_text())
    stat = Path(f"/proc/{child}/stat")
    until = time.monotonic() + 30
    while stat.exists() and stat.read_text().split()[2] != "Z" and time.monotonic() < until:
        time.sleep(0.05)
    left = stat.exists() and stat.read_text().split()[2] != "Z"
    if left:
        os.kill(child, signal.SIGKILL)
    assert not left
