"""The tables of the console: passwords, who is signed in, tokens."""

from typing import Final

import sqlalchemy as sa
from alembic import op

revision = "v0003"
down_revision = "v0002"
branch_labels = None
depends_on = None

WORDS: Final = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "passwords",
        sa.Column("actor", WORDS, nullable=False),
        sa.Column("hash", WORDS, nullable=False),
        sa.Column("totp", WORDS, nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("locked_until", WORDS),
        sa.Column("last_step", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("actor", name="pk_passwords"),
    )
    op.create_table(
        "signed_in",
        sa.Column("digest", WORDS, nullable=False),
        sa.Column("actor", WORDS, nullable=False),
        sa.Column("csrf", WORDS, nullable=False),
        sa.Column("begun_at", WORDS, nullable=False),
        sa.Column("seen_at", WORDS, nullable=False),
        sa.Column("ends_at", WORDS, nullable=False),
        sa.Column("way", WORDS, nullable=False),
        sa.PrimaryKeyConstraint("digest", name="pk_signed_in"),
    )
    op.create_index("ix_signed_in_actor", "signed_in", ["actor"])
    op.create_table(
        "tokens",
        sa.Column("id", WORDS, nullable=False),
        sa.Column("actor", WORDS, nullable=False),
        sa.Column("name", WORDS, nullable=False),
        sa.Column("digest", WORDS, nullable=False),
        sa.Column("deeds", WORDS, nullable=False),
        sa.Column("created_at", WORDS, nullable=False),
        sa.Column("expires_at", WORDS, nullable=False),
        sa.Column("used_on", WORDS, nullable=False),
        sa.Column("revoked_at", WORDS),
        sa.PrimaryKeyConstraint("id", name="pk_tokens"),
        sa.UniqueConstraint("digest", name="uq_tokens_digest"),
    )
