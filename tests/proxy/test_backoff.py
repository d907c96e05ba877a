"""A worker that dies is replaced at once; one that dies again and again, later and later."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.backoff import SETTLED_SECONDS, Backoff

# how long each lived, in seconds      how long to wait before each next one
LIVES = [
    ([100.0],                          [0]),
    ([100.0, 100.0, 100.0],            [0, 0, 0]),
    ([100.0, 0.1, 0.1, 0.1, 0.1],      [0, 0.25, 0.5, 1, 2]),
    ([0.1, 0.1, 0.1],                  [0, 0.25, 0.5]),
    ([0.1, 0.1, SETTLED_SECONDS, 0.1], [0, 0.25, 0, 0.25]),
    ([0.1] * 12,                       [0, 0.25, 0.5, 1, 2, 4, 8, 16, 30, 30, 30, 30]),
]  # fmt: skip


@pytest.mark.parametrize(("lives", "pauses"), LIVES)
def test_the_pause_grows_with_each_short_life_and_begins_anew_after_a_long_one(
    lives: list[float], pauses: list[float]
) -> None:
    backoff = Backoff()
    assert [backoff.after(lived) for lived in lives] == pauses


@given(st.lists(st.floats(0, SETTLED_SECONDS, exclude_max=True), min_size=2, max_size=300))
def test_no_place_is_filled_more_than_a_few_times_a_minute(lives: list[float]) -> None:
    backoff = Backoff()
    pauses = [backoff.after(lived) for lived in lives]
    assert max(pauses) <= 30
    assert pauses == sorted(pauses)
    assert all(pause > 0 for pause in pauses[1:])
