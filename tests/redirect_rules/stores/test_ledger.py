"""The audit trail in a database: it cannot be rewritten, and what was rewritten by force is found."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.exc import DBAPIError

from redirect_rules.audit import Link
from redirect_rules.store import NEW, Kind, Put, Ref, Remove
from redirect_rules.stores.sql import SqlStore
from tests.redirect_rules.kept import LANGSON, NEWS, by, new, rule


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
