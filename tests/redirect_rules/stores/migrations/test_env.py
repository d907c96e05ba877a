"""A database made by the migrations is the one that `tables` declares."""

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from redirect_rules.stores.database import Database
from redirect_rules.stores.tables import METADATA


@pytest.mark.filterwarnings("ignore:Skipped unsupported reflection")
def test_migrations_and_tables_agree(url: str) -> None:
    database = Database(url)
    with database.reading() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, METADATA) == []
    database.close()
