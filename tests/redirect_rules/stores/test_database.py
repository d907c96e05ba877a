"""Opening a database, waiting for another writer, and not touching what is too new."""

import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from redirect_rules.objects import NEW
from redirect_rules.store import StoreBusy, StoreTooNew
from redirect_rules.stores.database import Database
from redirect_rules.stores.sql import SqlStore
from redirect_rules.stores.tables import WORKSPACE
from tests.redirect_rules.conftest import Opener, create
from tests.redirect_rules.kept import NEWS, by, rule


def test_who_waits_too_long_is_told_and_has_written_nothing(store: SqlStore, opened: Opener, url: str) -> None:
    holder, hasty = Database(url), opened(wait_seconds=0.1)
    with holder.writing() as connection:
        connection.execute(WORKSPACE.select().with_for_update())
        with pytest.raises(StoreBusy):
            hasty.put(NEWS, rule("news"), by("an"), seen_version=NEW)
        assert hasty.get(NEWS) is None  # reading goes on
    holder.close()
    assert hasty.put(NEWS, rule("news"), by("an"), seen_version=NEW).version == 1


def test_a_database_of_a_later_release_is_left_alone(store: SqlStore, url: str) -> None:
    database = Database(url)
    with database.writing() as connection:
        connection.execute(text("update alembic_version set version_num = 'v9999'"))
    database.close()
    with pytest.raises(StoreTooNew, match="v9999"):
        SqlStore(url)


def test_processes_that_start_together_make_the_tables_once(
    request: pytest.FixtureRequest, url: str, tmp_path: Path
) -> None:
    if url.startswith("sqlite"):
        fresh = f"sqlite:///{tmp_path / 'fresh.db'}"
    else:
        address: str = request.getfixturevalue("postgres")
        fresh = f"{address}/{re.sub('.*/', 'fresh_', url)}"
        create(address, fresh.rpartition("/")[2], "template0")
    with ThreadPoolExecutor(4) as pool:
        stores = list(pool.map(SqlStore, [fresh] * 4))
    assert [store.trail.head().number for store in stores] == [0] * 4
    for store in stores:
        store.close()


def test_a_reader_cannot_write(url: str) -> None:
    database = Database(url)
    with pytest.raises(DBAPIError), database.reading() as connection:
        connection.execute(text("update workspace set revision = 5"))
    with database.writing() as connection:
        assert connection.execute(text("select revision from workspace")).scalar_one() == 0
    database.close()


def test_a_file_is_kept_so_that_readers_and_a_power_cut_do_no_harm(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'x.db'}")
    with database.reading() as connection:
        asked = [connection.exec_driver_sql(f"pragma {name}").scalar_one() for name in ("journal_mode", "synchronous")]
    assert asked == ["wal", 2]  # 2: FULL
    database.close()


def test_an_error_shows_no_body(store: SqlStore, url: str) -> None:
    database = Database(url)
    with pytest.raises(DBAPIError) as told, database.reading() as connection:
        connection.execute(text("select :secret from nowhere"), {"secret": "hidden-value"})
    assert "hidden-value" not in str(told.value)
    database.close()


def test_another_fault_of_the_database_is_told_as_it_is(url: str) -> None:
    database = Database(url)
    with pytest.raises(DBAPIError), database.writing() as connection:
        connection.execute(text("select nothing from nowhere"))
    database.close()
