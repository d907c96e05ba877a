"""What was answered is counted and written down: all of it, in order, soon, whatever fails."""

import asyncio
import io
import json
from collections import Counter

import pytest

from proxy.access_log import AccessLog, Entry
from proxy.clock import nanoseconds_of
from proxy.journal import LONGEST_HELD_SECONDS, MOST_HELD, Account, Journal
from proxy.metrics import Metrics
from redirect_rules.hits import Hit, HitCounter
from tests.conftest import AUTUMN

HIT = Hit("langson", "a/b", "notice", "navigation", "x/y")
AT = nanoseconds_of(AUTUMN)


def account() -> Account:
    return Account.of(Entry(portal="langson", outcome="notice", client="navigation"), "GET", 200, 10, HIT)


class Full(io.StringIO):
    """A disk without room."""

    def write(self, _: str) -> int:
        raise OSError(28, "No space left on device")


class Later:
    """An answer of which is told when it is written down."""

    def account(self) -> Account:
        return account()


class Shop:
    """A journal with what it writes into."""

    def __init__(self, stream: io.StringIO | None = None) -> None:
        self.metrics = Metrics(process=False)
        self.account = account()
        self.text = io.StringIO() if stream is None else stream
        self.counter = HitCounter(100)
        self.journal = Journal(self.metrics, AccessLog(self.text), self.counter)

    def note(self, *ids: str, fast: bool = False) -> None:
        for one in ids:
            self.journal.note(self.account, AT, 1_500, one.encode(), int(fast))

    @property
    def hits(self) -> Counter[Hit]:
        return Counter(self.counter.counted)

    @property
    def ids(self) -> list[str]:
        return [json.loads(line)["id"] for line in self.text.getvalue().splitlines()]

    def figure(self, name: str) -> float:
        lines = self.metrics.exposition().decode().splitlines()
        return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith(name))


async def test_what_is_read_is_exact_whatever_is_held() -> None:
    shop = Shop()
    shop.note("a", "b")
    assert shop.figure("dvc_edge_requests_total") == 2
    assert shop.ids == ["a", "b"]
    assert shop.hits == {HIT: 2}
    assert shop.figure("dvc_edge_requests_total") == 2


async def test_a_line_waits_for_a_fraction_of_a_second_only() -> None:
    shop = Shop()
    shop.note("a")
    assert shop.ids == []
    await asyncio.sleep(LONGEST_HELD_SECONDS * 3)
    assert shop.ids == ["a"]
    # Prometheus' own values have it too: another process may be the one that reads them.
    assert shop.metrics._requests.labels("langson", "notice", "navigation", "200")._value.get() == 1


async def test_many_are_not_held_at_all() -> None:
    shop = Shop()
    shop.note(*map(str, range(MOST_HELD + 1)))
    assert shop.ids == list(map(str, range(MOST_HELD)))


async def test_nothing_is_lost_at_the_end() -> None:
    shop = Shop()
    shop.note("a", "b", "c")
    shop.journal.close()
    shop.journal.close()
    assert shop.ids == ["a", "b", "c"]
    shop.note("d")
    shop.journal.close()
    assert shop.ids == ["a", "b", "c", "d"]


async def test_a_full_disk_stops_nobody_and_is_counted(caplog: pytest.LogCaptureFixture) -> None:
    shop = Shop(Full())
    shop.note("a", "b")
    shop.journal.close()
    assert shop.figure("dvc_edge_requests_total") == 2
    assert shop.figure("dvc_edge_access_log_lost_total") == 2
    assert caplog.text.count("the access log cannot be written") == 1


async def test_an_account_can_be_given_later() -> None:
    shop = Shop()
    shop.journal.note_later(Later(), AT, 1, b"a")
    assert shop.figure("dvc_edge_fast_lane_total") == 1
    assert shop.ids == ["a"]


async def test_an_account_that_cannot_be_given_costs_no_other(caplog: pytest.LogCaptureFixture) -> None:
    class Broken:
        def account(self) -> Account:
            raise ZeroDivisionError

    shop = Shop()
    shop.note("a")
    shop.journal.note_later(Broken(), AT, 1, b"b")
    shop.note("c")
    shop.journal.close()
    assert shop.ids == ["a", "c"]
    assert "ZeroDivisionError" in caplog.text


async def test_without_a_log_everything_is_counted() -> None:
    metrics, hits = Metrics(process=False), HitCounter(100)
    journal = Journal(metrics, None, hits)
    journal.note(account(), AT, 1, b"a")
    journal.close()
    assert hits.counted == {HIT: 1}
    assert 'dvc_edge_requests_total{client_class="navigation"' in metrics.exposition().decode()
