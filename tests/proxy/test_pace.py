"""How slowly a body may come, and how long a head may take."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.pace import Pace, head_seconds

PACES = [
    # patience, rate, octets each second → after how many seconds it is given up (None: never in 1,000)
    (20, 500, 0, 20),
    (20, 500, 1, 21),
    (20, 500, 250, 40),
    (20, 500, 499, None),
    (20, 500, 500, None),
    (20, 0, 0, 20),
    (20, 0, 1, None),
]


@pytest.mark.parametrize(("seconds", "rate", "octets", "given_up"), PACES)
def test_a_body_is_given_up(seconds: int, rate: int, octets: int, given_up: int | None) -> None:
    pace = Pace(seconds=seconds, rate=rate, now=0)
    found = next((now for now in range(1, 1_000) if not pace.holds(octets, now)), None)
    assert found == given_up


def test_a_quick_beginning_buys_no_more_patience_than_there_was() -> None:
    pace = Pace(seconds=20, rate=500, now=0)
    assert pace.holds(1_000_000_000, 1)
    assert next(now for now in range(2, 100) if not pace.holds(0, now)) == 21


def test_time_in_which_we_did_not_read_costs_nothing() -> None:
    pace = Pace(seconds=20, rate=500, now=0)
    assert all(pace.holds(0, now, waited_for=False) for now in range(1, 10_000))
    assert not all(pace.holds(0, now) for now in range(10_000, 10_021))


@given(st.lists(st.integers(500, 10_000), max_size=200))
def test_who_never_falls_below_the_rate_is_never_given_up(each_second: list[int]) -> None:
    pace = Pace(seconds=2, rate=500, now=0)
    assert all(pace.holds(octets, now) for now, octets in enumerate(each_second, 1))


def test_a_long_head_may_take_longer_but_not_at_any_pace() -> None:
    assert head_seconds(0, seconds=15, rate=500) == 15
    assert head_seconds(5_000, seconds=15, rate=500) == 25
    assert head_seconds(5_000, seconds=15, rate=0) == 15
