"""Bringing the tables of a database to the number that this release knows."""

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from redirect_rules.store import StoreTooNew


def upgrade(connection: Connection) -> None:
    """Make or upgrade the tables, inside a transaction that nobody else is in.  Raises StoreTooNew."""
    config = Config()
    config.set_main_option("script_location", "redirect_rules.stores:migrations")
    config.set_main_option("path_separator", "os")
    known = ScriptDirectory.from_config(config)
    found = MigrationContext.configure(connection).get_current_revision()
    if found is not None and found not in {script.revision for script in known.walk_revisions()}:
        raise StoreTooNew(f"the database has tables of a later release ({found}): use that release")
    if found != known.get_current_head():
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
