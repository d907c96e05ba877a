"""What the third step makes: passwords, sessions and tokens, beside all that was there."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import text

from redirect_rules.people import Password
from redirect_rules.store import NEW
from redirect_rules.stores.database import Database
from redirect_rules.stores.migrations.versions import v0003_people as step
from redirect_rules.stores.people import SqlPeople
from redirect_rules.stores.sql import SqlStore
from tests.redirect_rules.kept import NEWS, by, rule


def test_it_follows_the_second() -> None:
    assert (step.revision, step.down_revision) == ("v0003", "v0002")


def test_a_store_without_a_console_keeps_its_rules_and_gets_people(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'rules.db'}"
    store = SqlStore(url)
    store.put(NEWS, rule("news"), by("an"), seen_version=NEW)
    store.close()
    database = Database(url)
    with database.writing() as connection:
        for table in ("passwords", "signed_in", "tokens"):
            connection.execute(text(f"drop table {table}"))
        config = Config()
        config.set_main_option("script_location", "redirect_rules.stores:migrations")
        config.set_main_option("path_separator", "os")
        config.attributes["connection"] = connection
        command.stamp(config, "v0002")
    database.close()
    upgraded = SqlStore(url)
    assert upgraded.get(NEWS) is not None
    upgraded.close()
    database = Database(url)
    people = SqlPeople(database)
    people.keep_password(Password("an", "$argon2id$"))
    assert people.password("an") == Password("an", "$argon2id$")
    database.close()
