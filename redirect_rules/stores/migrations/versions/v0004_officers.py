"""How officers are known to the broker, what invites them, and what the API answered under an Idempotency-Key."""

from typing import Final

import sqlalchemy as sa
from alembic import op

revision = "v0004"
down_revision = "v0003"
branch_labels = None
depends_on = None

WORDS: Final = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Make the tables, and the columns beside those that are there.

    The secrets of telephones stay as they are: each is sealed when its owner signs in the next time.
    """
    op.add_column("passwords", sa.Column("open_until", WORDS))
    op.add_column("signed_in", sa.Column("sid", WORDS))
    op.add_column("signed_in", sa.Column("id_token", WORDS))
    op.create_table(
        "links",
        sa.Column("actor", WORDS, nullable=False),
        sa.Column("issuer", WORDS, nullable=False),
        sa.Column("subject", WORDS, nullable=False),
        sa.Column("linked_at", WORDS, nullable=False),
        sa.PrimaryKeyConstraint("actor", name="pk_links"),
        sa.UniqueConstraint("issuer", "subject", name="uq_links_issuer_subject"),
    )
    op.create_table(
        "invitations",
        sa.Column("actor", WORDS, nullable=False),
        sa.Column("digest", WORDS, nullable=False),
        sa.Column("made_by", WORDS, nullable=False),
        sa.Column("made_at", WORDS, nullable=False),
        sa.Column("ends_at", WORDS, nullable=False),
        sa.PrimaryKeyConstraint("actor", name="pk_invitations"),
        sa.UniqueConstraint("digest", name="uq_invitations_digest"),
    )
    op.create_table(
        "milestones",
        sa.Column("name", WORDS, nullable=False),
        sa.Column("at", WORDS, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_milestones"),
    )
    op.create_table(
        "answers",
        sa.Column("actor", WORDS, nullable=False),
        sa.Column("key", WORDS, nullable=False),
        sa.Column("said", WORDS, nullable=False),
        sa.Column("at", WORDS, nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("body", WORDS, nullable=False),
        sa.PrimaryKeyConstraint("actor", "key", name="pk_answers"),
    )
    op.create_index("ix_answers_at", "answers", ["at"])
