"""What holds a loop is seen, and what waits beside it is not."""

import asyncio
import threading
import time
from pathlib import Path

from bench.holds import Watch, longest_steps
from bench.rulesets import READING, head


def at_work(seconds: float) -> None:
    until = time.thread_time() + seconds
    while time.thread_time() < until:
        pass


async def test_the_longest_step_is_told_once() -> None:
    watch = Watch()
    loop = asyncio.get_running_loop()
    with watch.watching():
        loop.call_soon(at_work, 0.03)
        await asyncio.sleep(0.01)
        assert watch.taken() >= 0.03
        await asyncio.sleep(0.01)
        assert watch.taken() < 0.03
    assert vars(asyncio.Handle)["_run"].__name__ == "_run"


async def test_what_is_waited_for_and_what_others_do_is_no_step() -> None:
    watch = Watch()
    with watch.watching():
        other = threading.Thread(target=at_work, args=(0.03,))
        other.start()
        await asyncio.to_thread(at_work, 0.03)
        await asyncio.sleep(0.05)
        other.join()
        assert watch.taken() < 0.03


def test_an_edge_is_asked_for_each_kind(tmp_path: Path) -> None:
    kinds = {
        "known": lambda _: head("dichvucong.langson.gov.vn", "/vi", *READING),
        "unknown": lambda number: head("dichvucong.langson.gov.vn", f"/khong/{number}", *READING),
    }
    found = longest_steps(tmp_path, kinds, times=2)
    assert set(found) == {"known", "unknown"}
    assert all(0 < seconds < 1 for seconds in found.values())
