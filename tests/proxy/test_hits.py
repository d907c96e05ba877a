"""Hits on their way to the store: a database that is well gets them all, one that is not costs visitors nothing."""

import asyncio
import logging
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry

from proxy.hits import DAYS_THAT_WAIT, ENOUGH, MOST_AT_ONCE, MOST_BUNDLES, Bundle, HitMetrics, HitWriter, writing_hits
from redirect_rules.hits import Hit, HitCounter
from redirect_rules.model import HO_CHI_MINH, Action, ClientClass
from redirect_rules.stores.database import Database
from redirect_rules.stores.hit_sums import HitSums
from redirect_rules.stores.hits import HitStore, Span

NINE = datetime(2026, 11, 1, 9, tzinfo=HO_CHI_MINH)
TODAY = NINE.date()
PAGE = Hit("langson", "dichvucong.langson.gov.vn/a", "notice", "navigation", "")
OTHER_PAGE = PAGE._replace(key="dichvucong.langson.gov.vn/b")


class Beside:
    """A writer over a file, its counter, and a clock that stands still until it is set."""

    def __init__(self, url: str, **changes: float) -> None:
        self.url = url
        self.now = NINE
        self.counter = HitCounter(1_000)
        self.registry = CollectorRegistry()
        self.opened = 0
        self.writer = HitWriter(
            self.counter,
            self._open,
            metrics=HitMetrics(self.registry),
            clock=lambda: self.now,
            write_seconds=changes.get("write_seconds", 0.01),
            keep_days=int(changes.get("keep_days", 30)),
        )

    def _open(self) -> HitSums:
        self.opened += 1
        if self.url.startswith("sqlite"):
            Database(self.url).close()  # a file without tables gets them
        return HitSums.open(self.url, wait_seconds=0.05)

    def metric(self, name: str) -> float:
        return self.registry.get_sample_value(f"dvc_edge_hits_{name}_total") or 0

    def kept(self) -> Mapping[date, int]:
        """Visits in the store, by day."""
        store = HitStore.open(self.url)
        try:
            found: dict[date, int] = {}
            for one in store.answered(Span(date(2020, 1, 1), date(2030, 1, 1))):
                found[one.day] = found.get(one.day, 0) + one.visits
        finally:
            store.close()
        return found


@pytest.fixture
def beside(tmp_path: Path) -> Beside:
    return Beside(f"sqlite:///{tmp_path / 'rules.db'}")


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not true():  # noqa: ASYNC110 - metrics and files tell nobody
            await asyncio.sleep(0.01)


async def test_what_is_counted_is_written_every_few_seconds(beside: Beside) -> None:
    async with writing_hits(beside.writer, stop_seconds=5):
        beside.counter.count(PAGE, 3)
        await until(lambda: beside.metric("written") == 3)
        beside.counter.count(PAGE)
        beside.counter.count(OTHER_PAGE)
        await until(lambda: beside.metric("written") == 5)
        assert beside.kept() == {TODAY: 5}
    assert (beside.opened, beside.metric("lost"), beside.metric("write_failures")) == (1, 0, 0)


async def test_a_clean_stop_writes_what_is_left(tmp_path: Path) -> None:
    beside = Beside(f"sqlite:///{tmp_path / 'rules.db'}", write_seconds=60)
    async with writing_hits(beside.writer, stop_seconds=5):
        beside.counter.count(PAGE, 7)
    assert beside.kept() == {TODAY: 7}
    assert (beside.metric("written"), beside.writer.waiting) == (7, 0)


async def test_an_edge_that_fails_writes_what_is_left_too(beside: Beside) -> None:
    async def fail() -> None:
        async with writing_hits(beside.writer, stop_seconds=5):
            beside.counter.count(PAGE)
            raise OSError("the address is taken")

    with pytest.raises(OSError, match="address"):
        await fail()
    assert beside.kept() == {TODAY: 1}


async def test_a_visit_belongs_to_its_day_in_viet_nam(beside: Beside) -> None:
    beside.now = datetime.fromisoformat("2026-11-01T16:59:00+00:00")
    async with writing_hits(beside.writer, stop_seconds=5):
        beside.counter.count(PAGE, 2)
        await until(lambda: beside.metric("written") == 2)
        beside.now += timedelta(minutes=2)
        await until(lambda: beside.writer._drained_on == TODAY + timedelta(days=1))
        beside.counter.count(PAGE)
    assert beside.kept() == {TODAY: 2, TODAY + timedelta(days=1): 1}


async def test_a_day_that_turns_while_the_database_is_dead_keeps_its_visits(tmp_path: Path) -> None:
    folder = tmp_path / "later"
    beside = Beside(f"sqlite:///{folder / 'rules.db'}", write_seconds=0.02)
    async with writing_hits(beside.writer, stop_seconds=5):
        beside.counter.count(PAGE, 2)
        await until(lambda: beside.metric("write_failures") >= 6)  # the next attempt is more than a second away
        beside.counter.count(PAGE, 3)
        beside.now += timedelta(days=1)
        async with asyncio.timeout(1):  # not only with the next attempt
            await until(lambda: beside.counter.total == 0)
        beside.counter.count(PAGE, 4)
        folder.mkdir()
    assert beside.kept() == {TODAY: 5, TODAY + timedelta(days=1): 4}


async def test_days_beyond_those_that_are_kept_are_forgotten(tmp_path: Path) -> None:
    beside = Beside(f"sqlite:///{tmp_path / 'rules.db'}", keep_days=2)
    store = HitStore.open(beside.url)
    for days in range(4):
        store.add(TODAY - timedelta(days=days), {PAGE: 1})
    store.close()
    async with writing_hits(beside.writer, stop_seconds=5):
        beside.counter.count(PAGE)
    assert beside.kept() == {TODAY: 2, TODAY - timedelta(days=1): 1}


async def test_a_locked_database_is_waited_for_and_complained_of_once(
    beside: Beside, caplog: pytest.LogCaptureFixture
) -> None:
    holder = Database(beside.url)
    with caplog.at_level(logging.INFO, "proxy.hits"):
        async with writing_hits(beside.writer, stop_seconds=5):
            with holder.writing():
                beside.counter.count(PAGE, 2)
                await until(lambda: beside.metric("write_failures") >= 2)
                beside.counter.count(OTHER_PAGE)
                assert beside.writer.waiting == 3
            await until(lambda: beside.metric("written") == 3)
    holder.close()
    assert beside.kept() == {TODAY: 3}
    assert beside.metric("lost") == 0
    said = [record.getMessage() for record in caplog.records]
    assert [text.partition(":")[0] for text in said] == [
        "hits cannot be written and wait in memory",
        "hits are written again",
    ]


async def test_attempts_become_rarer(tmp_path: Path) -> None:
    beside = Beside(f"sqlite:///{tmp_path / 'no-folder' / 'rules.db'}", write_seconds=0.02)
    async with writing_hits(beside.writer, stop_seconds=1):
        beside.counter.count(PAGE)
        await asyncio.sleep(1)
        assert 3 <= beside.metric("write_failures") <= 6  # each pause twice the one before
    assert beside.metric("lost") == 1


async def test_a_database_that_is_not_there_yet_gets_everything_later(tmp_path: Path) -> None:
    folder = tmp_path / "later"
    beside = Beside(f"sqlite:///{folder / 'rules.db'}")
    async with writing_hits(beside.writer, stop_seconds=5):
        beside.counter.count(PAGE, 2)
        await until(lambda: beside.metric("write_failures") >= 2)
        folder.mkdir()
        beside.counter.count(PAGE, 2)
    assert beside.kept() == {TODAY: 4}


@pytest.fixture
def silent() -> Iterator[str]:
    """The address of a database that takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"postgresql://rules@127.0.0.1:{server.getsockname()[1]}/rules"


async def test_a_database_that_hangs_holds_neither_the_loop_nor_the_end(
    silent: str, caplog: pytest.LogCaptureFixture
) -> None:
    beside = Beside(silent)
    loop = asyncio.get_running_loop()
    async with writing_hits(beside.writer, stop_seconds=0.3):
        beside.counter.count(PAGE, 2)
        await until(lambda: beside.opened == 1)
        longest = 0.0
        for _ in range(50):
            before = loop.time()
            beside.counter.count(OTHER_PAGE)
            await asyncio.sleep(0.001)
            longest = max(longest, loop.time() - before)
        assert longest < 0.5
        assert beside.writer.waiting == 52
        ended = loop.time()
    assert loop.time() - ended < 3
    assert beside.metric("lost") == 52
    assert "the count of 52 visits is lost" in caplog.text


HANGING = """
import asyncio, sys
from datetime import UTC, datetime
from prometheus_client import CollectorRegistry
from proxy.hits import HitMetrics, HitWriter, writing_hits
from redirect_rules.hits import Hit, HitCounter
from redirect_rules.stores.hit_sums import HitSums

async def main():
    counter = HitCounter(10)
    counter.count(Hit("langson", "a.vn/a", "notice", "navigation", ""))
    writer = HitWriter(counter, lambda: HitSums.open(sys.argv[1]), metrics=HitMetrics(CollectorRegistry()),
                       clock=lambda: datetime.now(UTC), write_seconds=0.01, keep_days=1)
    async with writing_hits(writer, stop_seconds=0.2):
        await asyncio.sleep(0.2)
    print("ended")

asyncio.run(main())
"""


def test_a_process_ends_although_its_database_hangs(silent: str) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", HANGING, silent], timeout=30, capture_output=True, text=True, check=True
    )
    assert ended.stdout == "ended\n"


async def test_a_database_that_is_dead_for_days_costs_a_bounded_memory(tmp_path: Path) -> None:
    beside = Beside(f"sqlite:///{tmp_path / 'no-folder' / 'rules.db'}", write_seconds=0.001)
    async with writing_hits(beside.writer, stop_seconds=1):
        for days in range(DAYS_THAT_WAIT + 2):
            beside.now = NINE + timedelta(days=days)
            before = beside.writer.waiting
            beside.counter.count(PAGE)
            await until(lambda: beside.counter.total == 0)
            assert beside.writer.waiting <= before + 1
        await until(lambda: beside.metric("lost") == 2)
        assert beside.writer.waiting == DAYS_THAT_WAIT


async def test_nothing_is_lost_whenever_the_database_fails(tmp_path: Path) -> None:
    """Failures in the midst of counting: every visit is in the store once, or still waits."""
    beside = Beside(f"sqlite:///{tmp_path / 'rules.db'}", write_seconds=0.005)
    holder = Database(beside.url)
    async with writing_hits(beside.writer, stop_seconds=5):
        for number in range(200):
            beside.counter.count(PAGE if number % 3 else OTHER_PAGE)
            if number % 50 == 25:
                with holder.writing():
                    failures = beside.metric("write_failures")
                    await until(lambda: beside.metric("write_failures") > failures)  # noqa: B023 - as above
            await asyncio.sleep(0)
    holder.close()
    assert beside.kept() == {TODAY: 200}
    assert (beside.metric("written"), beside.metric("lost")) == (200, 0)


async def test_a_flood_of_new_pages_is_written_piece_by_piece(tmp_path: Path) -> None:
    beside = Beside(f"sqlite:///{tmp_path / 'rules.db'}", write_seconds=0.2)
    beside.writer._counter = HitCounter(20 * MOST_AT_ONCE)
    for number in range(3 * MOST_AT_ONCE):
        beside.writer._counter.count(PAGE._replace(key=f"dichvucong.langson.gov.vn/{number}"))
    pieces: list[float] = []
    async with writing_hits(beside.writer, stop_seconds=20):
        while len(pieces) < 2:
            await until(lambda: beside.metric("written") > sum(pieces))
            pieces.append(beside.metric("written") - sum(pieces))
            beside.writer._counter.count(PAGE, 2)
    assert pieces == [MOST_AT_ONCE] * 2
    assert beside.kept() == {TODAY: 3 * MOST_AT_ONCE + 4}  # all that was left, at the end
    assert beside.metric("lost") == 0


def page(number: int) -> Hit:
    return PAGE._replace(key=f"dichvucong.langson.gov.vn/{number}")


words = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
hits = st.builds(Hit, words, words, st.sampled_from([*Action, "ours"]), st.sampled_from([*ClientClass, "form"]), words)


@given(st.dictionaries(hits, st.integers(1, 2**60), max_size=20))
def test_what_is_packed_is_what_was_counted(counts: dict[Hit, int]) -> None:
    bundle = Bundle.of(counts.items())
    assert (bundle.counts(), bundle.visits) == (counts, sum(counts.values()))


def test_a_name_that_waits_takes_a_tenth_of_what_it_takes_while_it_is_counted() -> None:
    counts = {
        Hit("hue", f"dichvucong.hue.gov.vn/vi/{n * n:024x}", "redirect", "bot", f"a/{n:08}"): 1 for n in range(2_000)
    }
    assert len(Bundle.of(counts.items()).octets) < 60 * len(counts)


async def test_a_flood_is_taken_from_the_counter_and_packed_before_it_is_time_to_write(tmp_path: Path) -> None:
    beside = Beside(f"sqlite:///{tmp_path / 'rules.db'}", write_seconds=3_600)
    beside.writer._counter = counter = HitCounter(20 * ENOUGH)
    async with writing_hits(beside.writer, stop_seconds=20):
        for number in range(ENOUGH):
            counter.count(page(number))
        await until(lambda: any(day.bundles for day in beside.writer._waiting.values()))
        assert (counter.total, beside.writer.waiting, beside.opened) == (0, ENOUGH, 0)
    assert beside.kept() == {TODAY: ENOUGH}


async def test_pages_asked_for_all_the_time_wait_once_however_often_the_database_fails(tmp_path: Path) -> None:
    beside = Beside(f"sqlite:///{tmp_path / 'no-folder' / 'rules.db'}", write_seconds=0.001)
    writer, rounds = beside.writer, MOST_BUNDLES + 20
    async with writing_hits(writer, stop_seconds=5):
        for failures in range(1, rounds + 1):
            beside.counter.count(PAGE)
            beside.counter.count(page(failures))
            await until(lambda: beside.metric("write_failures") >= failures)  # noqa: B023 - awaited here
            writer._due = 0  # not a minute later
        await until(lambda: writer._writing is None)
        (waits,) = writer._waiting.values()
        assert len(waits.bundles) <= MOST_BUNDLES // 2
        assert writer.waiting == 2 * rounds
        (tmp_path / "no-folder").mkdir()
        writer._due = 0
        await until(lambda: beside.metric("written") == 2 * rounds)
    assert beside.kept() == {TODAY: 2 * rounds}
    assert beside.metric("lost") == 0
