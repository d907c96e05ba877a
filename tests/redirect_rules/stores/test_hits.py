"""Hits in both databases: sums that add up whoever writes at once, and what can be asked of them."""

import subprocess
import sys
import tracemalloc
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from redirect_rules.hits import OTHER, OURS, SHADOW, Choice, Hit, HitCounter
from redirect_rules.model import Action, ClientClass
from redirect_rules.store import StoreBusy
from redirect_rules.stores.database import Database
from redirect_rules.stores.hits import Answered, Chosen, Coverage, HitStore, Page, RuleHits, Span
from redirect_rules.stores.tables import WORKSPACE

TODAY = date(2026, 11, 1)
YESTERDAY = TODAY - timedelta(days=1)
WEEK = Span.until(TODAY, 7)


@pytest.fixture
def hits(url: str) -> Iterator[HitStore]:
    store = HitStore.open(url)
    yield store
    store.close()


def hit(
    path: str, rule: str = "", *, portal: str = "langson", outcome: str = "notice", client: str = "navigation"
) -> Hit:
    return Hit(portal, path if path == OTHER else f"{portal}.gov.vn{path}", outcome, client, rule)


def sum_of(store: HitStore, span: Span = WEEK) -> int:
    return sum(one.visits for one in store.answered(span))


def test_counts_are_added_to_those_of_the_day(hits: HitStore) -> None:
    hits.add(TODAY, {hit("/a"): 2, hit("/b"): 1})
    hits.add(TODAY, {hit("/a"): 3, hit("/a", outcome="gone"): 1})
    hits.add(YESTERDAY, {hit("/a"): 7})
    assert list(hits.pages(WEEK, mapped=False)) == [
        Page("langson", "langson.gov.vn/a", 13),
        Page("langson", "langson.gov.vn/b", 1),
    ]
    assert sum_of(hits, Span.until(TODAY, 1)) == 7


def test_nothing_is_a_write_too(hits: HitStore) -> None:
    hits.add(TODAY, {})
    hits.add(TODAY, {hit("/a"): 0})
    assert hits.answered(WEEK) == []


def test_a_word_is_the_same_whether_of_an_enumeration_or_not(hits: HitStore) -> None:
    hits.add(TODAY, {hit("/a", outcome=Action.NOTICE, client=ClientClass.NAVIGATION): 1})
    hits.add(TODAY, {hit("/a"): 2})
    assert hits.answered(WEEK) == [Answered(TODAY, "notice", "navigation", 3)]


PROCESS = """
import sys
from datetime import date
from redirect_rules.hits import Hit
from redirect_rules.stores.hits import HitStore
store = HitStore.open(sys.argv[1], wait_seconds=30)
shared = {Hit("langson", f"langson.gov.vn/{i}", "notice", "navigation", ""): i + 1 for i in range(200)}
own = {Hit("langson", f"langson.gov.vn/{sys.argv[2]}", "notice", "navigation", ""): 1}
for i in range(10):
    order = list(shared.items()) if i % 2 else list(shared.items())[::-1]
    store.add(date(2026, 11, 1), dict(order) | own)
"""


def test_two_processes_add_to_the_same_pages(hits: HitStore, url: str) -> None:
    processes = [subprocess.Popen([sys.executable, "-c", PROCESS, url, name]) for name in ("an", "binh")]
    assert [process.wait(60) for process in processes] == [0, 0]
    found = {page.key: page.visits for page in hits.pages(WEEK, mapped=False)}
    wanted = {f"langson.gov.vn/{i}": 20 * (i + 1) for i in range(200)}
    assert found == wanted | {"langson.gov.vn/an": 10, "langson.gov.vn/binh": 10}


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.lists(st.tuples(st.integers(0, 40), st.sampled_from(["", "a/b", "c/d"]), st.integers(1, 9)), max_size=30),
        min_size=1,
        max_size=4,
    )
)
def test_what_counters_counted_is_what_the_store_holds(
    hits: HitStore, batches: list[list[tuple[int, str, int]]]
) -> None:
    hits.forget(TODAY + timedelta(days=1))
    counters = [HitCounter(10) for _ in batches]
    for counter, batch in zip(counters, batches, strict=True):
        for number, rule, visits in batch:
            counter.count(hit(f"/{number}", rule), visits)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda counter: hits.add(TODAY, counter.drain(TODAY)), counters))
    everything = [row for batch in batches for row in batch]
    pages = sum(visits for *_, visits in everything)
    mapped = sum(visits for _, rule, visits in everything if rule)
    assert hits.coverage(WEEK) == ([Coverage(TODAY, "langson", pages, mapped)] if pages else [])
    named = sum(page.visits for known in (True, False) for page in hits.pages(WEEK, mapped=known))
    assert named + sum(hits.unnamed(WEEK)) == pages


MIXED = {
    hit("/a", "igate2/home"): 10,
    hit("/b"): 4,
    hit("/b", client="bot", outcome="gone"): 3,
    hit(OTHER): 2,
    hit(OTHER, "igate2/news"): 5,
    hit(OTHER, OTHER): 6,
    hit("/c", "igate2/filing", outcome="pass"): 100,
    hit("/robots.txt", outcome=OURS, client="bot"): 100,
    hit("/b", client="form", outcome="gone"): 100,
    hit("/logo.png", client="asset", outcome="gone"): 100,
    hit("/a", portal="hanoi"): 1,
}  # fmt: skip


def test_coverage_is_about_opened_closed_pages(hits: HitStore) -> None:
    hits.add(TODAY, MIXED)
    hits.add(YESTERDAY, {hit("/b"): 1})
    assert hits.coverage(WEEK) == [
        Coverage(YESTERDAY, "langson", 1, 0),
        Coverage(TODAY, "hanoi", 1, 0),
        Coverage(TODAY, "langson", 30, 21),
    ]
    assert all(one.is_page == (one.client in {"navigation", "bot"} and visits < 100) for one, visits in MIXED.items())


def test_what_is_asked_of_one_portal_is_of_that_portal(hits: HitStore) -> None:
    hits.add(TODAY, MIXED)
    hanoi = Span.until(TODAY, 1, "hanoi")
    assert [one.portal for one in hits.coverage(hanoi)] == ["hanoi"]
    assert sum_of(hits, hanoi) == 1
    assert list(hits.pages(hanoi, mapped=True)) == []
    assert list(hits.rules(hanoi)) == []


def test_unmapped_pages_come_most_visited_first_and_by_name(hits: HitStore) -> None:
    hits.add(TODAY, MIXED)
    assert list(hits.pages(WEEK, mapped=False)) == [
        Page("langson", "langson.gov.vn/b", 7),
        Page("hanoi", "hanoi.gov.vn/a", 1),
    ]
    assert list(hits.pages(WEEK, mapped=True, most=1)) == [Page("langson", "langson.gov.vn/a", 10)]
    assert hits.unnamed(WEEK) == (11, 2)


def test_outcomes_are_told_of_every_visit(hits: HitStore) -> None:
    hits.add(TODAY, MIXED)
    assert sum_of(hits) == sum(MIXED.values())
    told = {(one.outcome, one.client): one.visits for one in hits.answered(WEEK)}
    assert told["gone", "form"] == 100
    assert told["notice", "navigation"] == 28


def test_rules_that_nobody_needed_are_named_in_their_order(hits: HitStore) -> None:
    hits.add(TODAY, MIXED)
    rules = ["z/never", "igate2/home", "igate2/filing", "a/never", "igate2/news"]
    assert list(hits.never_hit(WEEK, iter(rules))) == ["z/never", "a/never"]
    assert list(hits.rules(WEEK, most=2)) == [RuleHits("igate2/filing", 100), RuleHits("igate2/home", 10)]


def test_a_million_rules_are_asked_about_without_holding_them(hits: HitStore) -> None:
    hits.add(TODAY, {hit("/a", f"langson/r-{number}"): 1 for number in range(0, 1_000_000, 500)})
    tracemalloc.start()
    never = sum(1 for _ in hits.never_hit(WEEK, (f"langson/r-{number}" for number in range(1_000_000))))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert never == 998_000
    assert peak < 5_000_000  # octets


def test_what_is_recorded_says_whether_it_can_be_decided_again(hits: HitStore) -> None:
    hits.add(TODAY, {hit("/a", "x/y"): 1, hit("/b?ma="): 2, hit("/c/#######"): 3, hit(OTHER): 4})
    hits.add(YESTERDAY, {hit("/a", "x/y"): 1})
    assert [(one.key, one.target, one.rule, one.visits) for one in hits.recorded(WEEK)] == [
        ("langson.gov.vn/a", "/a", "x/y", 2),
        ("langson.gov.vn/b?ma=", None, "", 2),
        ("langson.gov.vn/c/#######", None, "", 3),
    ]


def test_days_that_are_over_are_forgotten(hits: HitStore) -> None:
    for days in range(5):
        hits.add(TODAY - timedelta(days=days), {hit("/a"): 1, hit("/b"): 1})
    assert hits.forget(TODAY - timedelta(days=1)) == 6
    assert sum_of(hits) == 4


def test_sums_of_rules_are_those_of_their_hits(hits: HitStore) -> None:
    """They are kept beside, by day and portal: one family's rule is hit in many portals."""
    for days in range(3):
        counts = {
            hit("/a", "f/r"): 1 + days,
            hit("/b", "f/r", outcome="redirect"): 10,
            hit("/a", "f/r", portal="hue"): 100,
            hit("/c", "langson/s", client="api"): 5,
            hit("/d"): 7,
        }
        hits.add(TODAY - timedelta(days=days), counts)
        hits.add(TODAY - timedelta(days=days), counts)
    assert list(hits.rules(WEEK)) == [RuleHits("f/r", 672), RuleHits("langson/s", 30)]
    assert list(hits.rules(Span.until(TODAY, 1, "langson"))) == [RuleHits("f/r", 22), RuleHits("langson/s", 10)]
    assert list(hits.rules(WEEK, most=1)) == [RuleHits("f/r", 672)]
    assert hits.visits_of(Span.until(TODAY, 7, "hue"), ["f/r", "langson/s", "f/none"]) == {"f/r": 600}
    hits.forget(TODAY)
    assert hits.visits_of(WEEK, ["f/r", "langson/s"]) == {"f/r": 222, "langson/s": 10}


def chosen(stopped: int, went: int, carried: int, portal: str = "langson") -> dict[Hit, int]:
    return {Hit.chosen(portal, choice): n for choice, n in zip(Choice, (stopped, went, carried), strict=True)}


def test_choices_are_told_beside_the_notices_that_browsers_were_shown(hits: HitStore) -> None:
    shown = {hit("/a"): 10, hit("/b", "f/r"): 5, hit("/c", "f/r", outcome="ask"): 2}
    others = {
        hit("/a", client="htmx"): 50,
        hit("/a", outcome="redirect", client="bot"): 60,
        hit("/a", client="form"): 70,
    }
    hits.add(YESTERDAY, {**shown, **others, **chosen(1, 2, 3)})
    hits.add(TODAY, {hit("/a", portal="hue"): 4, **chosen(0, 1, 0, "hue")})
    assert hits.chosen(WEEK) == [Chosen(YESTERDAY, 17, 1, 2, 3), Chosen(TODAY, 4, 0, 1, 0)]
    assert hits.chosen(Span.until(TODAY, 7, "hue")) == [Chosen(TODAY, 4, 0, 1, 0)]
    both = Chosen.of(hits.chosen(WEEK))
    assert (both, both.told, both.unknown, both.whole) == (Chosen(YESTERDAY, 21, 1, 3, 3), 7, 14, 21)


def test_a_choice_is_no_visit_no_page_and_nothing_to_decide_again(hits: HitStore) -> None:
    hits.add(TODAY, {hit("/a"): 1})
    before = (hits.answered(WEEK), hits.coverage(WEEK), [*hits.pages(WEEK, mapped=False)], [*hits.recorded(WEEK)])
    hits.add(TODAY, chosen(7, 8, 9))
    assert before == (
        hits.answered(WEEK),
        hits.coverage(WEEK),
        [*hits.pages(WEEK, mapped=False)],
        [*hits.recorded(WEEK)],
    )
    assert hits.unnamed(WEEK) == (0, 0)
    assert list(hits.rules(WEEK)) == []


def test_notices_of_days_before_anybody_asked_are_not_held_for_left(hits: HitStore) -> None:
    hits.add(YESTERDAY - timedelta(days=1), {hit("/a"): 1_000})
    assert hits.chosen(WEEK) == []
    hits.add(YESTERDAY, {hit("/a"): 3, **chosen(0, 0, 1)})
    hits.add(TODAY, {hit("/a"): 4})
    assert hits.chosen(WEEK) == [Chosen(YESTERDAY, 3, 0, 0, 1), Chosen(TODAY, 4, 0, 0, 0)]


def test_no_share_is_above_the_whole_whatever_was_told(hits: HitStore) -> None:
    told = Chosen(TODAY, 2, 5, 0, 1)
    assert (told.whole, told.unknown) == (6, 0)


def test_hits_wait_for_no_import_longer_than_they_may(url: str) -> None:
    """On SQLite there is one writer; on PostgreSQL an import does not stand in the way at all."""
    holder, hasty = Database(url), HitStore.open(url, wait_seconds=0.1)
    with holder.writing() as connection:
        connection.execute(WORKSPACE.select().with_for_update())
        if holder.is_sqlite:
            with pytest.raises(StoreBusy):
                hasty.add(TODAY, {hit("/a"): 1})
        else:
            hasty.add(TODAY, {hit("/a"): 1})
    hasty.add(TODAY, {hit("/a"): 1})
    assert sum_of(hasty) == (1 if holder.is_sqlite else 2)
    holder.close()
    hasty.close()


def test_the_longest_names_there_are_can_be_kept(hits: HitStore) -> None:
    """Ones that do not repeat: what repeats is stored shorter than it is."""
    noise = "".join(chr(33 + (7 * i * i + 3 * i) % 90) for i in range(1_100))
    longest = Hit("x" * 60, "h" * 253 + noise[:850], "redirect", "eventsource", f"{'y' * 60}/{noise[:200]}")
    hits.add(TODAY, {longest: 1})
    assert [one.rule for one in hits.recorded(WEEK)] == [longest.rule]


def test_a_write_is_whole_or_it_is_nothing(hits: HitStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("redirect_rules.stores.hit_sums.STATEMENT_ROWS", (2, 1))
    unwritable = hit("/~\ud800")  # the last in order, and no database holds half a character
    with pytest.raises(UnicodeEncodeError):
        hits.add(TODAY, {hit(f"/{number}"): 1 for number in range(5)} | {unwritable: 1})
    assert hits.answered(WEEK) == []


def test_what_is_ahead_is_told_apart_from_what_is_closed(hits: HitStore) -> None:
    hits.add(TODAY, {hit("/a"): 5, hit("/b", "r", outcome=SHADOW): 3, hit("/c", outcome=SHADOW): 2})
    hits.add(TODAY, {hit("/x.css", outcome=SHADOW, client="asset"): 9, hit("/d", outcome="pass"): 7})
    assert hits.coverage(WEEK) == [Coverage(TODAY, "langson", 5, 0)]
    assert hits.coverage(WEEK, ahead=True) == [Coverage(TODAY, "langson", 5, 3)]
    assert [page.key for page in hits.pages(WEEK, mapped=False)] == ["langson.gov.vn/a"]
    assert [page.key for page in hits.pages(WEEK, mapped=False, ahead=True)] == ["langson.gov.vn/c"]
