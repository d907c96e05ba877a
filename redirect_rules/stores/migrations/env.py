"""Run by Alembic: takes the steps inside the transaction that `database` has begun."""

from alembic import context

from redirect_rules.stores.tables import METADATA

context.configure(connection=context.config.attributes["connection"], target_metadata=METADATA)
context.run_migrations()
