"""The table of hits: counts of visits by day, page, outcome, client and rule."""

from typing import Final

import sqlalchemy as sa
from alembic import op

revision = "v0002"
down_revision = "v0001"
branch_labels = None
depends_on = None

WORDS: Final = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
NAMED_BY: Final = ("day", "portal", "key", "outcome", "client", "rule")


def upgrade() -> None:
    """Make the table.  On SQLite it is its own index: a row is little more than its name."""
    op.create_table(
        "hits",
        *(sa.Column(name, WORDS, nullable=False) for name in NAMED_BY),
        sa.Column("visits", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint(*NAMED_BY, name="pk_hits"),
        sqlite_with_rowid=False,
    )
