"""The audit trail in a database: it cannot be rewritten, and what was rewritten by force is found."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.exc import DBAPIError

from redirect_rules.audit import Link, Search, first_break
from redirect_rules.objects import NEW, Kind, Put, Ref, Remove
from redirect_rules.stores.sql import SqlStore
from tests.redirect_rules.kept import LANGSON, NEWS, NOON, by, new, rule


@contextmanager
def raw(url: str) -> Iterator[Connection]:
    """A connection that knows nothing of the store."""
    engine = create_engine(url.replace("postgresql:", "postgresql+psycopg:"))
    try:
        with engine.begin() as connection:
            yield connection
    finally:
        engine.dispose()


def with_history(store: SqlStore) -> SqlStore:
    store.put(NEWS, rule("news"), by("an"), seen_version=NEW)  # 1
    store.apply([new("a"), new("b"), Put(NEWS, rule("news", note="x"), 1)], by("binh", batch="b"))  # 2
    store.put(LANGSON, {"id": "langson"}, by("an"), seen_version=NEW)  # 3
    store.publications.request("please", by("an"))  # 4
    store.apply([Remove(Ref(Kind.RULE, "portal:langson", "a"), 2)], by("chi"))  # 5
    return store


def test_every_write_is_one_entry(store: SqlStore) -> None:
    told = [
        (e.number, e.actor, e.action, e.subject, e.count, e.draft, e.batch) for e in with_history(store).trail.entries()
    ]
    assert told == [
        (1, "an", "put", "rule portal:langson/news", 1, 1, None),
        (2, "binh", "apply", "batch b", 3, 1, "b"),
        (3, "an", "put", "portal langson", 1, 1, None),
        (4, "an", "request", "review 1", 0, 0, None),
        (5, "chi", "apply", "objects", 1, 1, None),
    ]
    assert [e.number for e in store.trail.entries(after=2, limit=2)] == [3, 4]


def test_an_honest_trail_holds(store: SqlStore) -> None:
    assert store.trail.verify() is None
    kept = [with_history(store).trail.head()]
    store.remove(LANGSON, by("an"), seen_version=3)
    kept.append(store.trail.head())
    assert store.trail.verify(known=kept) is None
    assert store.trail.verify(known=[Link(kept[0].number, "0" * 64)]) is not None


REWRITING = [
    "update audit set actor = 'nobody'",
    "delete from audit",
    "update revisions set body = '{}'",
    "delete from revisions",
]


@pytest.mark.parametrize("statement", REWRITING)
def test_history_cannot_be_rewritten(store: SqlStore, url: str, statement: str) -> None:
    with_history(store)
    with pytest.raises(DBAPIError, match="append-only"), raw(url) as connection:
        connection.execute(text(statement))
    assert store.trail.verify() is None


def test_nor_emptied_at_once(store: SqlStore, url: str) -> None:
    with_history(store)
    if url.startswith("sqlite"):
        return  # has no TRUNCATE
    with pytest.raises(DBAPIError, match="append-only"), raw(url) as connection:
        connection.execute(text("truncate audit"))


# what somebody does who may drop the triggers                                    the first entry that does not hold
FORGERIES = [
    ("update audit set actor = 'nobody' where number = 2",                        2),
    ("update audit set at = '2020-01-01T00:00:00.000000+00:00' where number = 1", 1),
    ("update audit set reason = 'asked by the minister' where number = 4",        4),
    ("update audit set hash = previous where number = 5",                         5),
    ("delete from audit where number = 3",                                        3),
    ("delete from audit where number = 5",                                        5),
    ("delete from audit",                                                         1),
    ("update rules set body = replace(body, 'home', 'evil') where id = 'b'",      2),
    ("update rules set state = 'off' where id = 'b'",                             2),
    ("update rules set change = 3, position = 7 where id = 'b'",                  2),
    ("update rules set change = 4, position = 0 where id = 'b'",                  2),
    ("delete from rules where id = 'b'",                                          2),
    ("update objects set body = '{}'",                                            3),
    ("update objects set kind = 'person'",                                        3),
    ("delete from objects",                                                       3),
    ("update revisions set body = '{}' where change = 1",                         1),
    ("delete from revisions where change = 5",                                    5),
    ("insert into revisions values ('rule', 'portal:langson', 'z', 4, 0, 'on', '{}')",  4),
    ("insert into revisions values ('rule', 'portal:langson', 'z', 99, 0, 'on', '{}')", 99),
    ("insert into revisions values ('rule', 'portal:langson', 'z', 0, 0, 'on', '{}')",  0),
]  # fmt: skip


@pytest.mark.parametrize(("statement", "number"), FORGERIES)
def test_what_is_rewritten_by_force_is_found(store: SqlStore, url: str, statement: str, number: int) -> None:
    with_history(store)
    with raw(url) as connection:
        for table in ("audit", "revisions"):
            if url.startswith("sqlite"):
                connection.execute(text(f"drop trigger {table}_refuses_update"))
                connection.execute(text(f"drop trigger {table}_refuses_delete"))
            else:
                connection.execute(text(f"drop trigger {table}_refuses on {table}"))
        connection.execute(text(statement))
    broken = store.trail.verify()
    assert broken is not None
    assert broken.number == number
    assert (store.trail.verify(contents=False) is None) == ("audit" not in statement)


SEARCHES = [
    (Search(), [5, 4, 3, 2, 1]),
    (Search(actor="an"), [4, 3, 1]),
    (Search(action="apply"), [5, 2]),
    (Search(actor="an", action="put"), [3, 1]),
    (Search(word="LANGSON"), [3, 1]),
    (Search(word="batch B"), [2]),
    (Search(word="không có"), []),
    (Search(since=NOON + timedelta(minutes=1)), []),
    (Search(until=NOON), []),
    (Search(until=NOON + timedelta(minutes=1)), [5, 4, 3, 2, 1]),
    (Search(since=NOON, word="review"), [4]),
]


@pytest.mark.parametrize(("wanted", "numbers"), SEARCHES, ids=lambda one: str(one)[:60])
def test_entries_are_searched_for_the_newest_first(store: SqlStore, wanted: Search, numbers: list[int]) -> None:
    found = with_history(store).trail.search(wanted)
    assert [one.number for one in found.entries] == numbers
    assert found.looked_to is None


def test_a_search_goes_on_where_it_ended(store: SqlStore, monkeypatch: pytest.MonkeyPatch) -> None:
    trail = with_history(store).trail
    first = trail.search(Search(), limit=2)
    assert ([one.number for one in first.entries], first.looked_to) == ([5, 4], 4)
    rest = trail.search(Search(), before=first.looked_to, limit=3)
    assert ([one.number for one in rest.entries], rest.looked_to) == ([3, 2, 1], None)
    monkeypatch.setattr("redirect_rules.stores.ledger.MOST_SEARCHED", 2)
    nothing_yet = trail.search(Search(word="LANGSON"))
    assert (nothing_yet.entries, nothing_yet.looked_to) == ((), 4)
    more = trail.search(Search(word="LANGSON"), before=nothing_yet.looked_to)
    assert ([one.number for one in more.entries], more.looked_to) == ([3], 2)
    last = trail.search(Search(word="LANGSON"), before=more.looked_to)
    assert ([one.number for one in last.entries], last.looked_to) == ([1], None)


def test_an_instant_out_of_order_is_found_all_the_same(store: SqlStore) -> None:
    store.put(NEWS, rule("news"), by("an", minutes=5), seen_version=NEW)
    store.put(LANGSON, {"id": "langson"}, by("an", minutes=3), seen_version=NEW)  # it had waited
    found = store.trail.search(Search(until=NOON + timedelta(minutes=4)))
    assert [one.number for one in found.entries] == [2]
    assert [one.number for one in store.trail.search(Search(since=NOON + timedelta(minutes=4))).entries] == [1]


def test_the_entry_of_a_batch_is_told(store: SqlStore) -> None:
    trail = with_history(store).trail
    entry = trail.of_batch("b")
    assert entry is not None
    assert (entry.number, entry.count) == (2, 3)
    assert trail.of_batch("none") is None


def test_what_is_taken_along_can_be_checked_elsewhere(store: SqlStore) -> None:
    chain = list(with_history(store).trail.chain())
    assert first_break(chain, known=[store.trail.head()]) is None
    assert [one.entry.number for one in store.trail.chain(after=3, limit=1)] == [4]
    assert first_break([*chain[:2], *chain[3:]]) is not None


def test_who_checks_a_long_trail_is_told_how_far_it_is(store: SqlStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("redirect_rules.stores.ledger._AT_ONCE", 2)
    told: list[int] = []
    assert with_history(store).trail.verify(progress=told.append) is None
    assert told == [2, 4]


WORDS = ["MỘT LÝ DO", "lý", "ý", "100%", "_", "Ộ"]


@pytest.mark.parametrize("word", WORDS)
def test_a_word_is_found_in_any_case_and_as_it_is_written(store: SqlStore, word: str) -> None:
    store.put(NEWS, rule("news"), by("an", "Một lý do: 100% _ là đúng"), seen_version=NEW)
    store.put(LANGSON, {"id": "langson"}, by("an", "khác"), seen_version=NEW)
    assert [one.number for one in store.trail.search(Search(word=word)).entries] == [1]
