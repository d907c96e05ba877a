"""The wheel of deadlines: nobody is looked at early, nobody is forgotten, and an empty wheel stands still."""

import asyncio
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.deadlines import BATCH, Deadlines


@dataclass(eq=False)
class Clock:
    """A loop whose time is turned by hand, as far as the wheel asks for one."""

    now: float = 1_000.0
    timers: list[tuple[float, asyncio.TimerHandle]] = field(default_factory=list)

    def time(self) -> float:
        return self.now

    def call_at(self, when: float, callback: Callable[[], None]) -> asyncio.TimerHandle:
        handle = asyncio.TimerHandle(when, callback, (), self)  # type: ignore[arg-type]  # only cancelled
        self.timers.append((when, handle))
        return handle

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        self.timers = [timer for timer in self.timers if timer[1] is not handle]

    def get_debug(self) -> bool:
        return False

    def advance(self, seconds: float) -> None:
        until = self.now + seconds
        while due := [timer for timer in self.timers if timer[0] <= until]:
            first = min(due, key=lambda timer: timer[0])
            self.timers.remove(first)
            self.now = max(self.now, first[0])
            first[1]._run()
        self.now = until


@dataclass(eq=False)
class Bell:
    due: int = 0
    rung: list[float] = field(default_factory=list)
    again: Callable[[], None] | None = None

    def ring(self, now: float) -> None:
        self.rung.append(now)
        if self.again is not None:
            self.again()


def wheel(clock: Clock) -> Deadlines:
    return Deadlines(clock, tick_seconds=1.0)  # type: ignore[arg-type]  # as far as it asks


def test_one_that_is_wound_rings_once_within_a_tick_of_its_time() -> None:
    clock, bell = Clock(now=1_000.4), Bell()
    wheel(clock).wind(bell, 3)
    clock.advance(2.9)
    assert bell.rung == []
    clock.advance(20)
    assert len(bell.rung) == 1
    assert 1_003.4 <= bell.rung[0] <= 1_004.4


def test_who_is_wound_again_forgets_the_time_of_before() -> None:
    clock, bell = Clock(), Bell()
    deadlines = wheel(clock)
    deadlines.wind(bell, 2)
    deadlines.wind(bell, 60)
    clock.advance(50)
    assert bell.rung == []
    deadlines.wind(bell, 1)
    clock.advance(3)
    assert len(bell.rung) == 1
    clock.advance(100)
    assert len(bell.rung) == 1


def test_who_is_stopped_is_neither_rung_nor_kept() -> None:
    clock, bell = Clock(), Bell()
    deadlines = wheel(clock)
    deadlines.wind(bell, 2)
    deadlines.stop(bell)
    assert len(deadlines) == 0
    clock.advance(10)
    assert bell.rung == []
    deadlines.stop(bell)  # twice is no mistake


def test_who_rings_may_wind_itself_again() -> None:
    clock, bell = Clock(), Bell()
    deadlines = wheel(clock)
    bell.again = lambda: deadlines.wind(bell, 1) if len(bell.rung) < 5 else None
    deadlines.wind(bell, 1)
    clock.advance(30)
    assert len(bell.rung) == 5


def test_one_that_fails_stops_nobody_s_clock(caplog: pytest.LogCaptureFixture) -> None:
    def fail() -> None:
        raise RuntimeError("the handler is closed")

    clock, bad, good = Clock(), Bell(), Bell()
    deadlines = wheel(clock)
    bad.again = fail
    deadlines.wind(bad, 1)
    deadlines.wind(good, 1)
    clock.advance(3)
    assert len(good.rung) == 1
    deadlines.wind(good, 1)
    clock.advance(3)
    assert len(good.rung) == 2
    assert "the handler is closed" in caplog.text


def test_an_empty_wheel_has_no_timer() -> None:
    clock, bell = Clock(), Bell()
    wheel(clock).wind(bell, 1)
    clock.advance(5)
    assert clock.timers == []


def test_ten_thousand_of_one_second_are_looked_at_in_batches() -> None:
    clock = Clock()
    deadlines = wheel(clock)
    bells = [Bell() for _ in range(BATCH * 5 + 1)]
    for bell in bells:
        deadlines.wind(bell, 1)
    clock.timers[0][1]._run()
    clock.timers.pop(0)
    assert sum(len(bell.rung) for bell in bells) == 0  # not yet its time
    clock.now += 2
    turns = 0
    while clock.timers:
        clock.timers.pop(0)[1]._run()
        turns += 1
    assert turns == 6
    assert all(len(bell.rung) == 1 for bell in bells)


def test_what_is_left_of_a_batch_does_not_wait_for_those_who_have_rung() -> None:
    clock = Clock()
    deadlines = wheel(clock)
    bells = [Bell() for _ in range(BATCH * 3)]
    for bell in bells:
        bell.again = partial(deadlines.wind, bell, 60)
        deadlines.wind(bell, 1)
    clock.advance(3)
    assert {len(bell.rung) for bell in bells} == {1}


class Plain:
    """A timer of a loop that says no more of itself than asyncio promises: uvloop's is no asyncio.TimerHandle."""

    def __init__(self, handle: asyncio.TimerHandle) -> None:
        self.cancel = handle.cancel


class PlainClock(Clock):
    def call_at(self, when: float, callback: Callable[[], None]) -> asyncio.TimerHandle:
        return Plain(super().call_at(when, callback))  # type: ignore[return-value]  # as far as it is used


@pytest.mark.parametrize("kind", [Clock, PlainClock])
def test_who_is_to_be_looked_at_sooner_than_all_others_does_not_wait_for_them(kind: type[Clock]) -> None:
    clock, late, soon = kind(), Bell(), Bell()
    deadlines = wheel(clock)
    deadlines.wind(late, 60)
    deadlines.wind(soon, 2)
    clock.advance(4)
    assert (len(late.rung), len(soon.rung)) == (0, 1)
    assert len(clock.timers) == 1
    clock.advance(60)
    assert (len(late.rung), len(soon.rung)) == (1, 1)


def test_a_time_may_be_told_in_place_of_seconds() -> None:
    clock, bell = Clock(now=100.5), Bell()
    wheel(clock).wind_at(bell, 103.5)
    assert bell.due == 104
    clock.advance(3)
    assert bell.rung == []
    clock.advance(1)
    assert len(bell.rung) == 1


@given(st.lists(st.floats(0.0, 90.0), min_size=1, max_size=40), st.floats(0.0, 1.0))
def test_everybody_rings_once_never_early_and_at_most_a_tick_late(seconds: list[float], offset: float) -> None:
    clock = Clock(now=500.0 + offset)
    deadlines, bells = wheel(clock), [Bell() for _ in seconds]
    for bell, wanted in zip(bells, seconds, strict=True):
        deadlines.wind(bell, wanted)
    began = clock.now
    clock.advance(200)
    for bell, wanted in zip(bells, seconds, strict=True):
        (at,) = bell.rung
        assert at >= math.floor((began + wanted) * 1e4) / 1e4 - 1e-3
        assert at <= began + wanted + 1.001
