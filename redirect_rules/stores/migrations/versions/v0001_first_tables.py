"""The first tables: objects with their history, the audit trail, the register of snapshots, what was seeded."""

from typing import Final

import sqlalchemy as sa
from alembic import op

revision = "v0001"
down_revision = None
branch_labels = None
depends_on = None

WORDS: Final = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
APPEND_ONLY: Final = ("audit", "revisions")
INDEXES: Final = {
    # table, columns → of which rows
    ("rules", ("change", "position")): None,
    ("rules", ("key",)): "key is not null",
    ("rules", ("valid_until",)): "valid_until is not null",
    ("objects", ("change", "position")): None,
    ("revisions", ("change", "position")): None,
}


def upgrade() -> None:
    """Make the tables, their indexes and the triggers that keep history as it was written."""
    workspace = _make_trail()
    _make_objects()
    _make_register()
    _make_packs()
    for (table, columns), where in INDEXES.items():
        rows = sa.text(where) if where else None
        name = f"ix_{table}_{'_'.join(columns)}"
        op.create_index(name, table, list(columns), sqlite_where=rows, postgresql_where=rows)
    for table in APPEND_ONLY:
        _refuse_rewriting(table)
    op.bulk_insert(workspace, [{"id": 1, "audit_number": 0, "audit_hash": "0" * 64, "revision": 0}])


def _words(name: str, *, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, WORDS, nullable=nullable)


def _number(name: str, *, nullable: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), nullable=nullable, autoincrement=False)


def _primary(table: str, *columns: str) -> sa.PrimaryKeyConstraint:
    return sa.PrimaryKeyConstraint(*columns, name=f"pk_{table}")


def _make_trail() -> sa.Table:
    op.create_table(
        "audit",
        _number("number"),
        *map(_words, ("at", "actor", "action", "subject", "reason")),
        _words("batch", nullable=True),
        _number("count"),
        sa.Column("draft", sa.Integer(), nullable=False),
        *map(_words, ("detail", "digest", "previous", "hash")),
        _primary("audit", "number"),
        sa.UniqueConstraint("batch", name="uq_audit_batch"),
    )
    return op.create_table(
        "workspace",
        sa.Column("id", sa.Integer(), nullable=False, autoincrement=False),
        _number("audit_number"),
        _words("audit_hash"),
        _number("revision"),
        _primary("workspace", "id"),
    )


def _make_objects() -> None:
    op.create_table(
        "rules",
        *map(_words, ("scope", "id")),
        *map(_number, ("change", "position")),
        *map(_words, ("state", "match")),
        _words("key", nullable=True),
        *map(_words, ("action", "destination", "owner", "tags")),
        _words("valid_from", nullable=True),
        _words("valid_until", nullable=True),
        _words("body"),
        _primary("rules", "scope", "id"),
    )
    op.create_table(
        "objects",
        *map(_words, ("kind", "scope", "id")),
        *map(_number, ("change", "position")),
        *map(_words, ("state", "body")),
        _primary("objects", "kind", "scope", "id"),
    )
    op.create_table(
        "revisions",
        *map(_words, ("kind", "scope", "id")),
        *map(_number, ("change", "position")),
        _words("state"),
        _words("body", nullable=True),
        _primary("revisions", "kind", "scope", "id", "change"),
    )


def _make_register() -> None:
    op.create_table(
        "reviews",
        *map(_number, ("number", "revision")),
        *map(_words, ("message", "requested_by", "requested_at")),
        _words("activates_at", nullable=True),
        *map(_words, ("state", "decided_by")),
        _words("decided_at", nullable=True),
        _primary("reviews", "number"),
    )
    op.create_table(
        "snapshots",
        *map(_number, ("number", "revision")),
        *map(_words, ("hash", "message", "actor", "approved_by", "at", "activates_at", "state")),
        _number("review", nullable=True),
        _primary("snapshots", "number"),
        sa.ForeignKeyConstraint(["review"], ["reviews.number"], name="fk_snapshots_review"),
    )


def _make_packs() -> None:
    op.create_table("packs", _words("name"), _number("version"), _words("digest"), _primary("packs", "name"))
    op.create_table(
        "shipped",
        *map(_words, ("pack", "kind", "scope", "id", "body")),
        _primary("shipped", "pack", "kind", "scope", "id"),
        sa.ForeignKeyConstraint(["pack"], ["packs.name"], name="fk_shipped_pack"),
    )


def _refuse_rewriting(table: str) -> None:
    said = f"{table} is append-only"
    if op.get_bind().dialect.name == "sqlite":
        for what in ("update", "delete"):
            op.execute(
                f"create trigger {table}_refuses_{what} before {what} on {table} "
                f"begin select raise(abort, '{said}'); end"
            )
        return
    op.execute(
        f"create function {table}_refuses() returns trigger language plpgsql as "
        f"$$ begin raise exception '{said}'; end $$"
    )
    op.execute(
        f"create trigger {table}_refuses before update or delete or truncate on {table} "
        f"for each statement execute function {table}_refuses()"
    )
