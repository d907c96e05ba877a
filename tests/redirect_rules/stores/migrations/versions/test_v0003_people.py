"""What the third step makes: passwords, sessions and tokens, beside all that was there."""

from pathlib import Path

from sqlalchemy import create_engine

from redirect_rules.people import Password
from redirect_rules.stores.database import Database
from redirect_rules.stores.migrations.versions import v0003_people as step
from redirect_rules.stores.people import SqlPeople
from redirect_rules.stores.sql import SqlStore
from tests.redirect_rules.kept import NEWS
from tests.redirect_rules.seals import SEAL
from tests.redirect_rules.stores.migrations.former import insert_rule, make_tables


def test_it_follows_the_second() -> None:
    assert (step.revision, step.down_revision) == ("v0003", "v0002")


def test_a_store_without_a_console_keeps_its_rules_and_gets_people(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'rules.db'}"
    make_tables(url, "v0002")
    with create_engine(url).begin() as connection:
        insert_rule(connection, "news")
    upgraded = SqlStore(url)
    assert upgraded.get(NEWS) is not None
    upgraded.close()
    database = Database(url)
    people = SqlPeople(database, SEAL)
    people.keep_password(Password("an", "$argon2id$"))
    assert people.password("an") == Password("an", "$argon2id$")
    database.close()
