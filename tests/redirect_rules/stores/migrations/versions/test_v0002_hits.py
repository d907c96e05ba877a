"""What the second step makes: the table of hits, beside all that was there."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import text

from redirect_rules.store import NEW
from redirect_rules.stores.database import Database
from redirect_rules.stores.migrations.versions import v0002_hits as step
from redirect_rules.stores.sql import SqlStore
from tests.redirect_rules.kept import NEWS, by, rule


def test_it_follows_the_first() -> None:
    assert (step.revision, step.down_revision) == ("v0002", "v0001")


def test_a_store_of_the_first_release_keeps_its_rules(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'rules.db'}"
    store = SqlStore(url)
    store.put(NEWS, rule("news"), by("an"), seen_version=NEW)
    store.close()
    database = Database(url)
    with database.writing() as connection:
        for table in ("hits", "passwords", "signed_in", "tokens"):  # its own, and what later steps make
            connection.execute(text(f"drop table {table}"))
        config = Config()
        config.set_main_option("script_location", "redirect_rules.stores:migrations")
        config.set_main_option("path_separator", "os")
        config.attributes["connection"] = connection
        command.stamp(config, "v0001")
    database.close()
    upgraded = SqlStore(url)
    assert upgraded.get(NEWS) is not None
    upgraded.close()
    database = Database(url)
    with database.reading() as connection:
        assert connection.execute(text("select count(*) from hits")).scalar_one() == 0
    database.close()
