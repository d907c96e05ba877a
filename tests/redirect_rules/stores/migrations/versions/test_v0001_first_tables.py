"""What the first step makes beside tables: triggers, partial indexes, an empty trail."""

from sqlalchemy import inspect, text

from redirect_rules.audit import GENESIS
from redirect_rules.stores.database import Database
from redirect_rules.stores.migrations.versions import v0001_first_tables as step
from redirect_rules.stores.sql import SqlStore
from redirect_rules.stores.tables import APPEND_ONLY


def test_it_is_the_first() -> None:
    assert (step.revision, step.down_revision) == ("v0001", None)


def test_what_is_append_only_is_guarded(url: str) -> None:
    asked = "select tbl_name from sqlite_master where type = 'trigger'"
    if not url.startswith("sqlite"):
        asked = "select event_object_table from information_schema.triggers"
    database = Database(url)
    with database.reading() as connection:
        assert set(connection.execute(text(asked)).scalars()) == {table.name for table in APPEND_ONLY}
    database.close()


def test_indexes_hold_only_what_is_searched(url: str) -> None:
    database = Database(url)
    with database.reading() as connection:
        found = {index["name"]: index for index in inspect(connection).get_indexes("rules")}
        partial = {name for name, index in found.items() if any("where" in key for key in index["dialect_options"])}
    database.close()
    assert partial == {"ix_rules_scope_key_facet", "ix_rules_valid_until_scope_id_facet"}


def test_the_trail_begins_at_nothing(store: SqlStore) -> None:
    assert store.trail.head() == GENESIS
