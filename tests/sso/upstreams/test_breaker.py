"""An upstream that fails is left alone for a while."""

from sso.upstreams.breaker import FAILURES, FIRST_PAUSE, LONGEST_PAUSE, Breaker


def broken(times: int = FAILURES, at: int = 100) -> Breaker:
    breaker = Breaker()
    for _ in range(times):
        breaker.failed(at)
    return breaker


def test_a_few_failures_are_nothing() -> None:
    assert broken(FAILURES - 1).pause_left(100) == 0


def test_many_in_a_row_begin_a_pause() -> None:
    assert broken().pause_left(100) == FIRST_PAUSE
    assert broken().pause_left(103) == FIRST_PAUSE - 3
    assert broken().pause_left(100 + FIRST_PAUSE) == 0


def test_a_success_between_them_forgets_them() -> None:
    breaker = broken(FAILURES - 1)
    breaker.succeeded()
    breaker.failed(100)
    assert breaker.pause_left(100) == 0


def test_a_failure_after_the_pause_begins_one_of_twice_the_length_up_to_the_longest() -> None:
    breaker, now, pauses = broken(), 100, []
    for _ in range(6):
        now += breaker.pause_left(now)
        breaker.failed(now)
        pauses.append(breaker.pause_left(now))
    assert pauses[:3] == [2 * FIRST_PAUSE, 4 * FIRST_PAUSE, 8 * FIRST_PAUSE]
    assert pauses[-1] == LONGEST_PAUSE


def test_those_that_were_under_way_do_not_make_it_longer() -> None:
    breaker = broken(FAILURES + 50)
    assert breaker.pause_left(100) == FIRST_PAUSE


def test_a_success_after_the_pause_ends_it() -> None:
    breaker = broken()
    breaker.succeeded()
    breaker.failed(200)
    assert breaker.pause_left(200) == 0
