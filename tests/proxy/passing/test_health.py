"""Who is well: by asking, and by what befalls requests."""

import asyncio

import pytest

from proxy.passing.health import Condition, Health
from proxy.passing.policy import HealthRow, OriginServer

ORIGIN = OriginServer("http", "10.0.0.5", 80)

STREAKS = [
    # answers    well?
    ("",         True),
    ("--",       True),
    ("---",      False),
    ("--+--",    True),
    ("---+",     False),
    ("---++",    True),
    ("---+-+",   False),
    ("---++--",  True),
]  # fmt: skip


@pytest.mark.parametrize(("answers", "well"), STREAKS)
def test_it_takes_several_answers_to_change_our_mind(answers: str, well: bool) -> None:  # noqa: FBT001 - a column
    condition = Condition(HealthRow(rise=2, fall=3))
    for answer in answers:
        condition.answered(good=answer == "+")
    assert condition.is_well(0) is well


def test_requests_that_fail_take_an_origin_out_for_a_while() -> None:
    condition = Condition(HealthRow(eject_after=2, eject_seconds=10))
    condition.served(good=False, now=0)
    condition.served(good=True, now=0)
    condition.served(good=False, now=0)
    assert condition.is_well(0)
    condition.served(good=False, now=0)
    assert not condition.is_well(9.9)
    assert condition.is_well(10)


@pytest.mark.parametrize(
    ("status", "wanted", "good"),
    [(200, [], True), (301, [], True), (404, [], False), (503, [], False), (404, [404], True), (200, [204], False)],
)
async def test_which_answers_are_good(status: int, wanted: list[int], good: bool) -> None:  # noqa: FBT001 - a column
    health = Health.of(HealthRow(path="/", fall=1, statuses=wanted), [ORIGIN])

    async def ask(_: OriginServer) -> int:
        return status

    await health.ask_once(ORIGIN, ask)
    assert health.conditions[ORIGIN].is_well(0) is good


@pytest.mark.parametrize("error", [OSError("gone"), TimeoutError(), ValueError("nonsense")])
async def test_whatever_keeps_it_from_answering_it_is_not_well(error: Exception) -> None:
    health = Health.of(HealthRow(path="/", fall=1), [ORIGIN])

    async def ask(_: OriginServer) -> int:
        raise error

    await health.ask_once(ORIGIN, ask)
    assert not health.conditions[ORIGIN].is_well(0)


async def test_an_origin_that_thinks_too_long_is_not_well() -> None:
    health = Health.of(HealthRow(path="/", fall=1, timeout=0.02), [ORIGIN])

    async def ask(_: OriginServer) -> int:
        await asyncio.sleep(60)
        return 200

    await health.ask_once(ORIGIN, ask)
    assert not health.conditions[ORIGIN].is_well(0)


async def test_it_asks_until_it_is_stopped_and_not_without_a_path() -> None:
    asked = 0

    async def ask(_: OriginServer) -> int:
        nonlocal asked
        asked += 1
        return 200

    silent, curious = (Health.of(HealthRow(path=path, interval=0.01), [ORIGIN]) for path in ("", "/"))
    silent.start(ask)
    await asyncio.sleep(0.05)
    assert asked == 0
    curious.start(ask)
    await asyncio.sleep(0.08)
    curious.stop()
    before = asked
    await asyncio.sleep(0.03)
    assert asked == before > 1
