"""What the API has answered under an Idempotency-Key, for a day: the same again gets the same answer."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import delete, select
from sqlalchemy.dialects import postgresql, sqlite

from redirect_rules.audit import utc_text
from redirect_rules.people import Seal, digest_of
from redirect_rules.stores.database import Database
from redirect_rules.stores.tables import ANSWERS

HOLDS: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Answered:
    """An answer, and to what."""

    actor: str
    key: str = field(repr=False)  # the Idempotency-Key; kept as its SHA-256
    said: str  # SHA-256 of the request: the same key for another request is a mistake
    at: datetime
    status: int
    body: str = field(repr=False)


class SqlAnswers:
    """Kept in a database, sealed: an answer may hold what is shown only once."""

    def __init__(self, database: Database, seal: Seal) -> None:
        self._database = database
        self._seal = seal

    def kept(self, actor: str, key: str, *, now: datetime) -> Answered | None:
        """The answer of this person's key; None: there is none, or it is too old.  Raises SealBroken."""
        digest = digest_of(key)
        theirs = ANSWERS.c.actor == actor, ANSWERS.c.key == digest, ANSWERS.c.at > utc_text(now - HOLDS)
        with self._database.reading() as connection:
            row = connection.execute(select(ANSWERS).where(*theirs)).one_or_none()
        if row is None:
            return None
        body = self._seal.unseal(row.body, purpose=_purpose(actor, digest))
        return Answered(actor, key, row.said, datetime.fromisoformat(row.at), row.status, body)

    def keep(self, answered: Answered) -> bool:
        """Remember one; what is older than a day is forgotten on the way.

        Whether it was kept: another process may have answered the same a moment before, and its answer stays.
        """
        digest = digest_of(answered.key)
        with self._database.writing() as connection:
            connection.execute(delete(ANSWERS).where(ANSWERS.c.at <= utc_text(answered.at - HOLDS)))
            inserted = sqlite.insert(ANSWERS) if self._database.is_sqlite else postgresql.insert(ANSWERS)
            kept = inserted.values(
                actor=answered.actor,
                key=digest,
                said=answered.said,
                at=utc_text(answered.at),
                status=answered.status,
                body=self._seal.seal(answered.body, purpose=_purpose(answered.actor, digest)),
            )
            # In one step: between a look and a writing, another process writes.
            written = connection.execute(kept.on_conflict_do_nothing().returning(ANSWERS.c.key))
            return written.one_or_none() is not None


def _purpose(actor: str, digest: str) -> str:
    return f"answer {digest} {actor}"
