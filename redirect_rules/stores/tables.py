"""The tables, the same on SQLite and PostgreSQL.  `migrations` makes them; a test holds the two together.

`rules` and `objects` hold what is there now, each row with the number of the audit entry (`change`) that wrote it;
`revisions` holds what stood there before, and removals.  So a new object is one row, not two.  Texts are compared by
their code points on both databases; instants are UTC texts that sort as time does.
"""

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    text,
)

METADATA = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

Words = Text().with_variant(Text(collation="C"), "postgresql")

AUDIT = Table(
    "audit",
    METADATA,
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("at", Words, nullable=False),
    Column("actor", Words, nullable=False),
    Column("action", Words, nullable=False),
    Column("subject", Words, nullable=False),
    Column("reason", Words, nullable=False),
    Column("batch", Words),
    Column("count", BigInteger, nullable=False),
    Column("draft", Integer, nullable=False),
    Column("detail", Words, nullable=False),
    Column("digest", Words, nullable=False),
    Column("previous", Words, nullable=False),
    Column("hash", Words, nullable=False),
    UniqueConstraint("batch"),
    Index(None, "actor", "number"),
    Index(None, "action", "number"),
    Index(None, "at"),
)

WORKSPACE = Table(
    "workspace",
    METADATA,
    Column("id", Integer, primary_key=True, autoincrement=False),  # always 1: writers queue at this row
    Column("audit_number", BigInteger, nullable=False),
    Column("audit_hash", Words, nullable=False),
    Column("revision", BigInteger, nullable=False),  # the last entry that changed the draft
)

RULES = Table(
    "rules",
    METADATA,
    Column("scope", Words, primary_key=True),
    Column("id", Words, primary_key=True),
    Column("change", BigInteger, nullable=False),
    Column("position", BigInteger, nullable=False),  # in its change
    Column("state", Words, nullable=False),
    Column("match", Words, nullable=False),  # its first template or address, as written
    Column("key", Words),  # canonical path of its first exact address; the host is the scope's
    Column("action", Words, nullable=False),
    Column("destination", Words, nullable=False),  # the first one wished for
    Column("owner", Words, nullable=False),
    Column("tags", Words, nullable=False),  # "\ta\tb\t"
    Column("valid_from", Words),
    Column("valid_until", Words),
    Column("body", Words, nullable=False),
    Column("facet", BigInteger, nullable=False),  # what it is filtered by: a row of FACETS
    Index(None, "change", "position"),
    # Each order that a list can have, with the facet beside it, so that what does not fit is passed over in the index.
    # No index by action, destination, owner or tag: facets answer those, and each would cost an import two seconds
    # a million.
    Index(None, "facet", "id"),
    Index(None, "facet", "change", "position"),
    Index(
        None,
        "scope",
        "key",
        "facet",
        sqlite_where=text("key is not null"),
        postgresql_where=text("key is not null"),
    ),
    Index(
        None,
        "valid_until",
        "scope",
        "id",
        "facet",
        sqlite_where=text("valid_until is not null"),
        postgresql_where=text("valid_until is not null"),
    ),
)

FACETS = Table(
    "facets",
    METADATA,
    Column("id", BigInteger().with_variant(Integer(), "sqlite"), primary_key=True, autoincrement=True),
    Column("scope", Words, nullable=False),
    Column("state", Words, nullable=False),
    Column("action", Words, nullable=False),
    Column("destination", Words, nullable=False),  # "https:" for any address of its own
    Column("owner", Words, nullable=False),
    Column("tags", Words, nullable=False),
    Column("digest", Words, nullable=False),  # of all of these: tags may be longer than an index holds
    Column("count", BigInteger, nullable=False),  # rules of it
    Index(None, "scope"),
    UniqueConstraint("digest"),
)

OBJECTS = Table(
    "objects",
    METADATA,
    Column("kind", Words, primary_key=True),
    Column("scope", Words, primary_key=True),
    Column("id", Words, primary_key=True),
    Column("change", BigInteger, nullable=False),
    Column("position", BigInteger, nullable=False),
    Column("state", Words, nullable=False),
    Column("body", Words, nullable=False),
    Index(None, "change", "position"),
)

REVISIONS = Table(
    "revisions",
    METADATA,
    Column("kind", Words, primary_key=True),
    Column("scope", Words, primary_key=True),
    Column("id", Words, primary_key=True),
    Column("change", BigInteger, primary_key=True, autoincrement=False),
    Column("position", BigInteger, nullable=False),
    Column("state", Words, nullable=False),
    Column("body", Words),  # null: removed
    Index(None, "change", "position"),
)

REVIEWS = Table(
    "reviews",
    METADATA,
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("revision", BigInteger, nullable=False),
    Column("message", Words, nullable=False),
    Column("requested_by", Words, nullable=False),
    Column("requested_at", Words, nullable=False),
    Column("activates_at", Words),
    Column("state", Words, nullable=False),
    Column("decided_by", Words, nullable=False),
    Column("decided_at", Words),
)

SNAPSHOTS = Table(
    "snapshots",
    METADATA,
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("revision", BigInteger, nullable=False),
    Column("hash", Words, nullable=False),
    Column("message", Words, nullable=False),
    Column("actor", Words, nullable=False),
    Column("approved_by", Words, nullable=False),
    Column("at", Words, nullable=False),
    Column("activates_at", Words, nullable=False),
    Column("state", Words, nullable=False),
    Column("review", BigInteger, ForeignKey("reviews.number")),
)

PACKS = Table(
    "packs",
    METADATA,
    Column("name", Words, primary_key=True),
    Column("version", BigInteger, nullable=False),
    Column("digest", Words, nullable=False),
)

SHIPPED = Table(
    "shipped",
    METADATA,
    Column("pack", Words, ForeignKey("packs.name"), primary_key=True),
    Column("kind", Words, primary_key=True),
    Column("scope", Words, primary_key=True),
    Column("id", Words, primary_key=True),
    Column("body", Words, nullable=False),
)

HITS = Table(
    "hits",
    METADATA,
    Column("day", Words, primary_key=True),  # "2026-11-01", in Viet Nam
    Column("portal", Words, primary_key=True),
    Column("key", Words, primary_key=True),
    Column("outcome", Words, primary_key=True),
    Column("client", Words, primary_key=True),
    Column("rule", Words, primary_key=True),  # "": no rule knows the page
    Column("visits", BigInteger, nullable=False),
    sqlite_with_rowid=False,  # the key is nearly the whole row: once is enough
)

RULE_VISITS = Table(
    "rule_visits",
    METADATA,
    Column("rule", Words, primary_key=True),
    Column("day", Words, primary_key=True),
    Column("portal", Words, primary_key=True),
    Column("visits", BigInteger, nullable=False),  # the sum of its hits
    Index(None, "day"),
    sqlite_with_rowid=False,
)

PASSWORDS = Table(
    "passwords",
    METADATA,
    Column("actor", Words, primary_key=True),
    Column("hash", Words, nullable=False),
    Column("totp", Words, nullable=False),
    Column("failures", Integer, nullable=False),
    Column("locked_until", Words),
    Column("last_step", Integer, nullable=False),
    Column("open_until", Words),
)

SIGNED_IN = Table(
    "signed_in",
    METADATA,
    Column("digest", Words, primary_key=True),
    Column("actor", Words, nullable=False),
    Column("csrf", Words, nullable=False),
    Column("begun_at", Words, nullable=False),
    Column("seen_at", Words, nullable=False),
    Column("ends_at", Words, nullable=False),
    Column("way", Words, nullable=False),
    Column("sid", Words),  # of the broker's session, by which it names what has ended
    Column("id_token", Words),  # sealed
    Index(None, "actor"),
)

LINKS = Table(
    "links",
    METADATA,
    Column("actor", Words, primary_key=True),
    Column("issuer", Words, nullable=False),
    Column("subject", Words, nullable=False),  # pairwise: the broker's name of the person for the console alone
    Column("linked_at", Words, nullable=False),
    UniqueConstraint("issuer", "subject"),
)

INVITATIONS = Table(
    "invitations",
    METADATA,
    Column("actor", Words, primary_key=True),  # a new one takes the place of the one before
    Column("digest", Words, nullable=False),
    Column("made_by", Words, nullable=False),
    Column("made_at", Words, nullable=False),
    Column("ends_at", Words, nullable=False),
    UniqueConstraint("digest"),
)

MILESTONES = Table(
    "milestones",
    METADATA,
    Column("name", Words, primary_key=True),
    Column("at", Words, nullable=False),
)

ANSWERS = Table(
    "answers",
    METADATA,
    Column("actor", Words, primary_key=True),
    Column("key", Words, primary_key=True),  # SHA-256 of the Idempotency-Key
    Column("said", Words, nullable=False),  # SHA-256 of the request
    Column("at", Words, nullable=False),
    Column("status", Integer, nullable=False),
    Column("body", Words, nullable=False),  # sealed: a new token is shown once, and stands in it
    Index(None, "at"),
)

TOKENS = Table(
    "tokens",
    METADATA,
    Column("id", Words, primary_key=True),
    Column("actor", Words, nullable=False),
    Column("name", Words, nullable=False),
    Column("digest", Words, nullable=False),
    Column("deeds", Words, nullable=False),  # "edit see"
    Column("created_at", Words, nullable=False),
    Column("expires_at", Words, nullable=False),
    Column("used_on", Words, nullable=False),
    Column("revoked_at", Words),
    UniqueConstraint("digest"),
)

APPEND_ONLY = (AUDIT, REVISIONS)
"""Triggers refuse to change or remove a row of these."""
