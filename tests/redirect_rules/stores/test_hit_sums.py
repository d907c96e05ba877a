"""Hits that are written by a driver alone: the same rows, under the same promises, as if SQLAlchemy had written them."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from datetime import date, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Dialect, delete, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.engine import make_url

from redirect_rules.hits import OTHER, Hit
from redirect_rules.model import Action, ClientClass
from redirect_rules.store import StoreBusy
from redirect_rules.stores.database import Database
from redirect_rules.stores.hit_sums import (
    STATEMENT_ROWS,
    TABLES,
    HitSums,
    OtherTables,
    SummedTable,
    adding,
    additions,
    forgetting,
    given_of,
)
from redirect_rules.stores.hits import HitStore, Recorded, RuleHits, Span
from redirect_rules.stores.tables import METADATA, WORKSPACE

TODAY = date(2026, 11, 1)
WEEK = Span.until(TODAY, 7)
DIALECTS: dict[str, Dialect] = {"?": SQLiteDialect_pysqlite(), "%s": PGDialect_psycopg()}  # type: ignore[no-untyped-call]


MANY = 3 * STATEMENT_ROWS[0] - 1


def hit(path: str, rule: str = "") -> Hit:
    return Hit("langson", f"langson.gov.vn{path}", "notice", "navigation", rule)


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    made = Database(url)
    yield made
    made.close()


@pytest.fixture
def sums(database: Database, url: str) -> Iterator[HitSums]:
    with closing(HitSums.open(url, wait_seconds=0.1)) as opened:
        yield opened


def recorded(database: Database) -> list[Recorded]:
    return list(HitStore(database).recorded(WEEK))


def plain(statement: object, dialect: Dialect) -> str:
    """One line, and every value's place spelt alike."""
    compiled = statement.compile(dialect=dialect)  # type: ignore[attr-defined]
    found = " ".join(str(compiled).split())
    for name in compiled.params:
        for place in (f"%({name})s::VARCHAR", f"%({name})s::BIGINT", f"%({name})s"):
            found = found.replace(place, "%s")
    return found.replace('%s COLLATE "C"', "%s")  # that of the columns, whoever fills them


@pytest.mark.parametrize("mark", DIALECTS)
@pytest.mark.parametrize("rows", [1, 2, 3])
@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_what_is_said_is_what_sqlalchemy_says_of_the_tables(table: SummedTable, rows: int, mark: str) -> None:
    described, insert = METADATA.tables[table.name], sqlite.insert if mark == "?" else postgresql.insert
    keys = [column.name for column in described.primary_key.columns]
    assert list(table.keys) == keys
    added = insert(described).values([dict.fromkeys(described.columns.keys(), 1)] * rows)
    summed = {"visits": described.c.visits + added.excluded.visits}
    wanted = added.on_conflict_do_update(index_elements=keys, set_=summed)
    assert adding(table, rows, mark).replace('"', "") == plain(wanted, DIALECTS[mark]).replace('"', "")
    assert forgetting(table, mark) == plain(delete(described).where(described.c.day < "2026-11-01"), DIALECTS[mark])


# Each is what somebody writes into `state.database`.
URLS = [
    "postgresql://rules@127.0.0.1:5432/rules",
    "postgres:///rules",
    "postgresql://db.example",
    "postgresql+psycopg://r:p%40%2Fss+w@db.example/rules",
    "postgresql://u:p#s/s?x@db.example/rules",
    "postgresql://u:@h/r",
    "postgresql://@h/r",
    "postgresql://u@/rules?host=/var/run/postgresql",
    "postgresql://u:pw@/rules?host=a:5432&host=b:5433",
    "postgresql://u@/r?host=a&host=b",
    "postgresql:///r?host=a:1",
    "postgresql://u@h:5432/r?host=x&port=7",
    "postgresql://u@[::1]:5444/rules?sslmode=require&connect_timeout=3",
    "postgresql://u@H.Example/Rules%20x?options=-c%20search_path%3Dx",
]


@pytest.mark.parametrize("url", URLS)
def test_a_server_is_found_where_sqlalchemy_finds_it(url: str) -> None:
    _, wanted = DIALECTS["%s"].create_connect_args(make_url(url))
    assert {name: str(value) for name, value in given_of(url).items()} == {
        name: str(value) for name, value in wanted.items()
    }


@pytest.mark.parametrize(
    "url", ["", "rules.db", "sqlite://", "sqlite:///", "sqlite:///rules.db?mode=ro", "postgresql:"]
)
def test_an_address_of_nothing_is_refused_in_words(url: str) -> None:
    with pytest.raises(ValueError, match=r"sqlite:///FILE|postgresql://USER@HOST/NAME"):
        HitSums.open(url)


def test_counts_are_added_to_those_of_the_day_and_summed_by_rule(sums: HitSums, database: Database) -> None:
    sums.add(TODAY, {hit("/a", "x/y"): 2, hit("/b", "x/y"): 1})
    sums.add(TODAY, {hit("/a", "x/y"): 3, hit("/c"): 1, hit("/d"): 0})
    sums.add(TODAY, {})
    assert [(one.key, one.rule, one.visits) for one in recorded(database)] == [
        ("langson.gov.vn/a", "x/y", 5),
        ("langson.gov.vn/b", "x/y", 1),
        ("langson.gov.vn/c", "", 1),
    ]
    assert list(HitStore(database).rules(WEEK)) == [RuleHits("x/y", 6)]


_counted = st.dictionaries(
    st.builds(
        Hit,
        st.sampled_from(["langson", "hue"]),
        st.sampled_from([OTHER, *(f"langson.gov.vn/{number}?ma=" for number in range(MANY))]),
        st.sampled_from([Action.NOTICE, "notice", "gone"]),
        st.sampled_from([ClientClass.BOT, "bot", "form"]),
        st.sampled_from(["", "a/b", "c/d"]),
    ),
    st.integers(0, 9),
    max_size=MANY,
)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(_counted, max_size=3))
def test_both_ways_of_writing_leave_the_same_rows(
    sums: HitSums, database: Database, batches: list[dict[Hit, int]]
) -> None:
    def left() -> tuple[list[Recorded], list[RuleHits]]:
        store = HitStore(database)
        return recorded(database), sorted(store.rules(WEEK))

    sums.forget(TODAY + timedelta(days=1))
    assert left() == ([], [])
    for counts in batches:
        sums.add(TODAY, counts)
    by_driver = left()
    sums.forget(TODAY + timedelta(days=1))
    for counts in batches:
        HitStore(database).add(TODAY, counts)
    assert left() == by_driver


@given(st.integers(0, 3 * STATEMENT_ROWS[0]))
@settings(max_examples=30, deadline=None)
def test_however_many_rows_there_are_few_statements_are_said(number: int) -> None:
    counts = {hit(f"/{at}", f"x/{at % 7}"): at + 1 for at in range(number)}
    said = list(additions(TODAY, counts, "?"))
    assert len({one.statement for one in said}) <= len(TABLES) * len(STATEMENT_ROWS)
    assert all(len(one.values) == one.statement.count("?") <= 999 for one in said)
    rows = [one.values[at : at + 7] for one in said if " hits " in one.statement for at in range(0, len(one.values), 7)]
    assert rows == [(TODAY.isoformat(), *one, visits) for one, visits in sorted(counts.items())]


def test_old_days_are_forgotten_and_counted(sums: HitSums, database: Database) -> None:
    for days in range(4):
        sums.add(TODAY - timedelta(days=days), {hit("/a", "x/y"): 1, hit("/b"): 1})
    assert sums.forget(TODAY - timedelta(days=1)) == 4
    assert [one.visits for one in recorded(database)] == [2, 2]
    assert list(HitStore(database).rules(WEEK)) == [RuleHits("x/y", 2)]


def test_a_write_is_whole_or_it_is_nothing_and_the_next_one_is_made(sums: HitSums, database: Database) -> None:
    many = {hit(f"/{number:05}"): 1 for number in range(MANY)}
    with pytest.raises(UnicodeEncodeError):
        sums.add(TODAY, many | {hit("/~\ud800"): 1})  # the last in order, and no database holds half a character
    assert recorded(database) == []
    sums.add(TODAY, many)
    assert len(recorded(database)) == len(many)


def test_another_writer_is_not_waited_for_longer_than_was_said(sums: HitSums, database: Database) -> None:
    """On SQLite there is one writer; on PostgreSQL an import does not stand in the way at all."""
    with database.writing() as connection:
        connection.execute(WORKSPACE.select().with_for_update())
        if database.is_sqlite:
            with pytest.raises(StoreBusy, match="nothing was written"):
                sums.add(TODAY, {hit("/a"): 1})
        else:
            sums.add(TODAY, {hit("/a"): 1})
            connection.execute(text("lock table hits"))
            with pytest.raises(StoreBusy, match="nothing was written"):
                sums.add(TODAY, {hit("/a"): 1})
    sums.add(TODAY, {hit("/a"): 1})
    assert sum(one.visits for one in recorded(database)) == (1 if database.is_sqlite else 2)


def test_a_connection_that_broke_meanwhile_is_made_again(sums: HitSums, database: Database) -> None:
    if database.is_sqlite:
        pytest.skip("a file has no connections")
    sums.add(TODAY, {hit("/a"): 1})
    with database.reading() as connection:
        ended = "select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid() and datname = "
        connection.execute(text(ended + "current_database()"))
    sums.add(TODAY, {hit("/a"): 1})
    assert [one.visits for one in recorded(database)] == [2]


def test_tables_of_another_release_are_not_written_to(database: Database, url: str) -> None:
    with database.writing() as connection:
        connection.execute(text("update alembic_version set version_num = 'v0001'"))
    with pytest.raises(OtherTables, match="v0001"):
        HitSums.open(url)


def test_tables_that_are_not_there_are_told_from_others(tmp_path_factory: pytest.TempPathFactory) -> None:
    with pytest.raises(OtherTables, match="are none"):
        HitSums.open(f"sqlite:///{tmp_path_factory.mktemp('empty') / 'rules.db'}")


LOADED = """
import sys
from redirect_rules.stores.hit_sums import HitSums, read_driver
read_driver("sqlite:///rules.db")
print(*(name for name in ("sqlalchemy", "alembic", "psycopg") if name in sys.modules))
read_driver("postgresql://db.example/rules")
print(*(name for name in ("sqlalchemy", "alembic", "psycopg") if name in sys.modules))
"""


def test_whoever_writes_loads_the_driver_and_nothing_else() -> None:
    done = subprocess.run([sys.executable, "-c", LOADED], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == "\npsycopg\n"
