"""A breaker's states, with a clock that a test moves."""

import pytest

from proxy.passing.breaker import Breaker, State


def test_it_opens_after_so_many_failures_in_a_row() -> None:
    breaker = Breaker(3, 10)
    for good in (False, False, True, False, False):
        breaker.heard(good=good, now=0)
        assert breaker.allows(0)
    breaker.heard(good=False, now=0)
    assert (breaker.state, breaker.allows(9.9), breaker.retry_after(0)) == (State.OPEN, False, 10)


@pytest.mark.parametrize(("good", "state"), [(True, State.CLOSED), (False, State.OPEN)])
def test_one_probe_decides(good: bool, state: State) -> None:  # noqa: FBT001 - a column
    breaker = Breaker(1, 10)
    breaker.heard(good=False, now=0)
    assert breaker.allows(10)
    assert not breaker.allows(10)
    breaker.heard(good=good, now=11)
    assert breaker.state is state
    assert breaker.allows(12) is good
    assert breaker.allows(21)


def test_a_probe_that_tells_nothing_leaves_the_place_to_the_next() -> None:
    breaker = Breaker(1, 10)
    breaker.heard(good=False, now=0)
    assert breaker.allows(10)
    breaker.forgotten(11)
    assert breaker.allows(11)


def test_a_probe_that_never_reports_does_not_block_for_ever() -> None:
    breaker = Breaker(1, 10)
    breaker.heard(good=False, now=0)
    assert breaker.allows(10)
    assert not breaker.allows(39)
    assert breaker.allows(40)


def test_retry_after_is_never_nothing() -> None:
    breaker = Breaker(1, 0.2)
    breaker.heard(good=False, now=0)
    assert breaker.retry_after(0.2) == 1


def test_to_forget_changes_nothing_while_it_is_closed() -> None:
    breaker = Breaker(2, 10)
    breaker.heard(good=False, now=0)
    breaker.forgotten(0)
    breaker.heard(good=False, now=0)
    assert breaker.state is State.OPEN
