"""What is kept and when it is fetched anew; over a real provider in test_relying_party.py."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from sso.upstreams.freshness import FRESH_SECONDS, REFETCH_SECONDS, RETRY_SECONDS, Kept, NotHad

NOW = 1_000


class Source:
    """Gives values in turn, or fails."""

    def __init__(self) -> None:
        self.asked = 0
        self.fails = False
        self.pause: asyncio.Event | None = None

    async def __call__(self) -> str:
        self.asked += 1
        answer = f"value {self.asked}"
        if self.pause is not None:
            await self.pause.wait()
        if self.fails:
            raise NotHad
        return answer


async def test_a_fresh_one_is_not_fetched_again() -> None:
    kept, source = Kept[str](), Source()
    assert [await kept.get(NOW + s, source) for s in (0, 1, FRESH_SECONDS - 1)] == ["value 1"] * 3
    assert await kept.get(NOW + FRESH_SECONDS, source) == "value 2"


async def test_the_last_good_one_is_kept_and_tried_for_again_later() -> None:
    kept, source = Kept[str](), Source()
    await kept.get(NOW, source)
    source.fails = True
    later = NOW + FRESH_SECONDS
    assert await kept.get(later, source) == "value 1"
    assert await kept.get(later + RETRY_SECONDS - 1, source) == "value 1"
    assert source.asked == 2
    source.fails = False
    assert await kept.get(later + RETRY_SECONDS, source) == "value 3"


async def test_one_that_lacks_something_is_renewed_and_not_at_every_wish() -> None:
    kept, source = Kept[str](), Source()
    first = await kept.get(NOW, source)
    assert await kept.get(NOW + REFETCH_SECONDS - 1, source, other_than=first) == first
    second = await kept.get(NOW + REFETCH_SECONDS, source, other_than=first)
    assert second == "value 2"
    assert await kept.get(NOW + REFETCH_SECONDS, source, other_than=first) == second
    assert source.asked == 2


async def gathered(kept: Kept[str], fetch: Callable[[], Awaitable[str]], pause: asyncio.Event) -> list[object]:
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(_outcome(kept, fetch)) for _ in range(50)]
        await asyncio.sleep(0)
        pause.set()
    return [task.result() for task in tasks]


async def _outcome(kept: Kept[str], fetch: Callable[[], Awaitable[str]]) -> object:
    try:
        return await kept.get(NOW, fetch)
    except NotHad:
        return NotHad


@pytest.mark.parametrize(("fails", "outcome"), [(False, "value 1"), (True, NotHad)])
async def test_many_who_wait_share_one_try_and_what_comes_of_it(*, fails: bool, outcome: object) -> None:
    kept, source = Kept[str](), Source()
    source.fails, source.pause = fails, asyncio.Event()
    assert await gathered(kept, source, source.pause) == [outcome] * 50
    assert source.asked == 1


async def test_whoever_comes_after_a_failure_tries_anew() -> None:
    kept, source = Kept[str](), Source()
    source.fails = True
    with pytest.raises(NotHad):
        await kept.get(NOW, source)
    source.fails = False
    assert await kept.get(NOW, source) == "value 2"
