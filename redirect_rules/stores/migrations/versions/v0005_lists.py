"""What lists are read by: facets of rules with their counts, the indexes of each order, visits by rule and day."""

import hashlib
from typing import Final

import sqlalchemy as sa
from alembic import op

revision = "v0005"
down_revision = "v0004"
branch_labels = None
depends_on = None

WORDS: Final = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
FACET: Final = ("scope", "state", "action", "destination", "owner", "tags")
# A million addresses of their own are one destination here, as `facets.ADDRESS` says.
SPELT: Final = {
    name: f"case when rules.{name} like '%://%' then 'https:' else rules.{name} end"
    if name == "destination"
    else f"rules.{name}"
    for name in FACET
}
INDEXES: Final = {
    ("facet", "id"): None,
    ("facet", "change", "position"): None,
    ("scope", "key", "facet"): "key is not null",
    ("valid_until", "scope", "id", "facet"): "valid_until is not null",
}


def upgrade() -> None:
    """Make the tables, fill them from what is there, and change the indexes."""
    facets = _make_facets()
    op.add_column("rules", sa.Column("facet", sa.BigInteger(), nullable=False, server_default="0"))
    _fill(facets)
    for name in ("ix_rules_key", "ix_rules_valid_until"):
        op.drop_index(name, "rules")
    for columns, where in INDEXES.items():
        rows = sa.text(where) if where else None
        name = f"ix_rules_{'_'.join(columns)}"
        op.create_index(name, "rules", list(columns), sqlite_where=rows, postgresql_where=rows)
    _make_visits()
    for of_trail in (["actor", "number"], ["action", "number"], ["at"]):
        op.create_index(f"ix_audit_{'_'.join(of_trail)}", "audit", of_trail)


def _make_facets() -> sa.Table:
    number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    made = op.create_table(
        "facets",
        sa.Column("id", number, autoincrement=True),
        *(sa.Column(name, WORDS, nullable=False) for name in (*FACET, "digest")),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_facets"),
        sa.UniqueConstraint("digest", name="uq_facets_digest"),
    )
    op.create_index("ix_facets_scope", "facets", ["scope"])
    return made


def _fill(facets: sa.Table) -> None:
    """Count the rules that are there; a digest is what no database can make by itself."""
    of_rule = ", ".join(SPELT.values())
    counted = op.get_bind().execute(sa.text(f"select {of_rule}, count(*) from rules group by {of_rule}"))  # noqa: S608 - our own words
    rows = [
        dict(zip((*FACET, "count"), row, strict=True))
        | {"digest": hashlib.sha256("\x1f".join(row[:-1]).encode()).hexdigest()}
        for row in counted.all()
    ]
    if rows:
        op.bulk_insert(facets, rows)
        same = " and ".join(f"facets.{name} = {spelt}" for name, spelt in SPELT.items())
        op.execute(f"update rules set facet = (select facets.id from facets where {same})")  # noqa: S608 - our own words


def _make_visits() -> None:
    op.create_table(
        "rule_visits",
        sa.Column("rule", WORDS, nullable=False),
        sa.Column("day", WORDS, nullable=False),
        sa.Column("portal", WORDS, nullable=False),
        sa.Column("visits", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("rule", "day", "portal", name="pk_rule_visits"),
        sqlite_with_rowid=False,
    )
    op.execute(
        "insert into rule_visits (rule, day, portal, visits) "
        "select rule, day, portal, sum(visits) from hits where rule <> '' group by rule, day, portal"
    )
    op.create_index("ix_rule_visits_day", "rule_visits", ["day"])
