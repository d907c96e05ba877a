"""What a server has taken, read from /proc."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.accounting import Memory, cpu_seconds, cpu_ticks, descendants, family, memory, memory_of, named, parent

pytestmark = pytest.mark.clocked


STAT = "4242 ({name}) S 17 4242 4242 0 -1 4194560 100 0 0 0 {user} {system} 5 6 20 0 1 0 1000 10000 100 18446744073709551615"
ROLLUP = """\
55d0c0000000-7ffd000000 ---p 00000000 00:00 0                          [rollup]
Rss:               20000 kB
Pss:                8000 kB
Shared_Clean:      10000 kB
Private_Clean:      3000 kB
Private_Dirty:      5000 kB
"""


@given(st.text(min_size=1, max_size=15), st.integers(0, 10**9), st.integers(0, 10**9))
def test_ticks_and_parent_are_read_whatever_a_process_calls_itself(name: str, user: int, system: int) -> None:
    stat = STAT.format(name=name, user=user, system=system)
    assert cpu_ticks(stat) == user + system
    assert parent(stat) == 17


def test_private_memory_is_what_was_written_and_not_a_page_of_a_file_that_others_could_share() -> None:
    assert memory(ROLLUP) == Memory(private=5.12, proportional=8.192)


def test_a_text_without_its_lines_is_no_memory() -> None:
    with pytest.raises(KeyError):
        memory("header\nRss: 1 kB\n")


def test_memories_add_up() -> None:
    assert Memory(1, 2) + Memory(3, 4) == Memory(4, 6)


def test_descendants_are_found_at_any_depth_and_strangers_are_not() -> None:
    assert descendants({2: 1, 3: 2, 4: 3, 9: 8}, 1) == {1, 2, 3, 4}


@pytest.fixture
def busy() -> Iterator[int]:
    """A process whose child works."""
    work = "import time; until = time.process_time() + 60\nwhile time.process_time() < until: pass"
    child = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {work!r}])"
    process = subprocess.Popen([sys.executable, "-c", child], start_new_session=True)
    yield process.pid
    os.killpg(process.pid, 9)
    process.wait()


def test_the_work_of_a_child_is_counted_as_its_servers(busy: int) -> None:
    until = time.monotonic() + 20
    while cpu_seconds(busy) < 0.3:
        assert time.monotonic() < until, "the child's time was never seen"
        time.sleep(0.05)
    assert len(family(busy)) == 2
    assert memory_of(family(busy)).proportional > 1
    assert busy in named(busy, lambda name: name.startswith("python"))


def test_who_has_ended_holds_nothing() -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    assert memory_of([gone.pid]) == Memory(0, 0)
    assert cpu_seconds(gone.pid) == 0
