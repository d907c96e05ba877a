"""What the second step makes: the table of hits, beside all that was there."""

from pathlib import Path

from sqlalchemy import create_engine, text

from redirect_rules.stores.database import Database
from redirect_rules.stores.migrations.versions import v0002_hits as step
from redirect_rules.stores.sql import SqlStore
from tests.redirect_rules.kept import NEWS
from tests.redirect_rules.stores.migrations.former import insert_rule, make_tables


def test_it_follows_the_first() -> None:
    assert (step.revision, step.down_revision) == ("v0002", "v0001")


def test_a_store_of_the_first_release_keeps_its_rules(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'rules.db'}"
    make_tables(url, "v0001")
    with create_engine(url).begin() as connection:
        insert_rule(connection, "news")
    upgraded = SqlStore(url)
    assert upgraded.get(NEWS) is not None
    upgraded.close()
    database = Database(url)
    with database.reading() as connection:
        assert connection.execute(text("select count(*) from hits")).scalar_one() == 0
    database.close()
