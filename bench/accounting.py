"""What a server has taken: processor time and memory of a process and all its descendants, from /proc (proc(5))."""

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

PROC: Final = Path("/proc")
TICKS_PER_SECOND: Final = os.sysconf("SC_CLK_TCK")
BYTES_PER_KB: Final = 1_024


@dataclass(frozen=True, slots=True)
class Memory:
    """What processes hold, in megabytes (10⁶ bytes)."""

    private: float  # written by this process alone: what another of its kind costs again
    proportional: float  # everything, pages shared by n processes counted as 1/n each: what all of them cost together

    def __add__(self, other: "Memory") -> "Memory":
        return Memory(self.private + other.private, self.proportional + other.proportional)


def cpu_ticks(stat: str) -> int:
    """User and system time in clock ticks, of the text of /proc/PID/stat; a name may contain anything."""
    fields = stat.rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


def parent(stat: str) -> int:
    """The parent's process id."""
    return int(stat.rpartition(")")[2].split()[1])


def memory(smaps_rollup: str) -> Memory:
    """What the text of /proc/PID/smaps_rollup says.  Raises KeyError where a line is missing.

    Pages of a mapped file that only one process has touched are Private_Clean: the kernel takes them back when it
    likes, and another process would share them.  So private memory is Private_Dirty.
    """
    lines = (line.split() for line in smaps_rollup.splitlines()[1:])
    found = {words[0].rstrip(":"): int(words[1]) * BYTES_PER_KB / 1e6 for words in lines}
    return Memory(found["Private_Dirty"], found["Pss"])


def descendants(parents: Mapping[int, int], root: int) -> set[int]:
    """A process and all below it, of a table child → parent."""
    found = {root}
    while more := {child for child, above in parents.items() if above in found} - found:
        found |= more
    return found


def family(root: int) -> set[int]:
    """The living processes of a server: that which was started, and all below it."""
    parents = {int(path.name): parent(text) for path in PROC.glob("[0-9]*") if (text := _read(path / "stat"))}
    return {pid for pid in descendants(parents, root) if pid in parents}


def cpu_seconds(root: int) -> float:
    """User and system time of a server: of its living processes, and of those they have waited for.

    A process that ends between two readings and was waited for is in the second reading through its parent.
    """
    ticks = 0
    for pid in family(root):
        stat = _read(PROC / str(pid) / "stat")
        if stat:
            fields = stat.rpartition(")")[2].split()
            ticks += cpu_ticks(stat) + int(fields[13]) + int(fields[14])
    return ticks / TICKS_PER_SECOND


def memory_of(pids: Iterable[int]) -> Memory:
    """The memory of processes together; those that are gone hold none."""
    texts = (_read(PROC / str(pid) / "smaps_rollup") for pid in pids)
    return sum((memory(text) for text in texts if text), Memory(0.0, 0.0))


def named(root: int, is_meant: Callable[[str], bool]) -> list[int]:
    """The processes of a server whose name (/proc/PID/comm) is meant, the oldest first."""
    return sorted(pid for pid in family(root) if is_meant(_read(PROC / str(pid) / "comm").strip()))


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8", "replace")
    except OSError:  # it has ended meanwhile
        return ""
