"""Passwords, sessions of the console and API tokens in the database."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Row, delete, insert, select, update

from redirect_rules.audit import utc_text
from redirect_rules.people import Password, SignedIn, Token
from redirect_rules.rights import Deed
from redirect_rules.stores.database import Database
from redirect_rules.stores.tables import PASSWORDS, SIGNED_IN, TOKENS

_SEEN_AFTER: Final = timedelta(minutes=1)
"""How old `seen_at` may get before it is written anew: not every look at a page is a write."""


class SqlPeople:
    """The PeopleStore of a database.  Raises StoreBusy, or what the database raises."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def password(self, actor: str) -> Password | None:
        """What they sign in with."""
        with self._database.reading() as connection:
            row = connection.execute(select(PASSWORDS).where(PASSWORDS.c.actor == actor)).one_or_none()
        if row is None:
            return None
        locked_until = datetime.fromisoformat(row.locked_until) if row.locked_until else None
        return Password(row.actor, row.hash, row.totp, row.failures, locked_until, row.last_step)

    def keep_password(self, password: Password) -> None:
        """Keep it, over an earlier one; everybody signed in by the earlier one no longer is."""
        values = {
            "actor": password.actor,
            "hash": password.hash,
            "totp": password.totp,
            "failures": password.failures,
            "locked_until": utc_text(password.locked_until) if password.locked_until else None,
            "last_step": password.last_step,
        }
        with self._database.writing() as connection:
            connection.execute(delete(PASSWORDS).where(PASSWORDS.c.actor == password.actor))
            connection.execute(insert(PASSWORDS).values(values))
            connection.execute(delete(SIGNED_IN).where(SIGNED_IN.c.actor == password.actor))

    def forget_password(self, actor: str) -> None:
        """Let nobody sign in by it any more, nor stay signed in."""
        with self._database.writing() as connection:
            connection.execute(delete(PASSWORDS).where(PASSWORDS.c.actor == actor))
            connection.execute(delete(SIGNED_IN).where(SIGNED_IN.c.actor == actor))

    def use_step(self, actor: str, step: int) -> bool:
        """Take the code of a step; False: it, or a later one, was taken before.  Of two at once one gets it."""
        with self._database.writing() as connection:
            later = PASSWORDS.c.actor == actor, PASSWORDS.c.last_step < step
            return connection.execute(update(PASSWORDS).where(*later).values(last_step=step)).rowcount == 1

    def count_failure(self, actor: str, *, locked_until: datetime | None) -> None:
        """One more wrong password."""
        values: dict[str, Any] = {"failures": PASSWORDS.c.failures + 1}
        if locked_until is not None:
            values["locked_until"] = utc_text(locked_until)
        with self._database.writing() as connection:
            connection.execute(update(PASSWORDS).where(PASSWORDS.c.actor == actor).values(values))

    def forget_failures(self, actor: str) -> None:
        """It was right."""
        with self._database.writing() as connection:
            connection.execute(
                update(PASSWORDS).where(PASSWORDS.c.actor == actor).values(failures=0, locked_until=None)
            )

    def begin(self, signed_in: SignedIn) -> None:
        """Somebody signed in.  Sessions that have ended are cleared away on the way."""
        with self._database.writing() as connection:
            connection.execute(delete(SIGNED_IN).where(SIGNED_IN.c.ends_at < utc_text(signed_in.begun_at)))
            connection.execute(
                insert(SIGNED_IN).values(
                    digest=signed_in.digest,
                    actor=signed_in.actor,
                    csrf=signed_in.csrf,
                    begun_at=utc_text(signed_in.begun_at),
                    seen_at=utc_text(signed_in.seen_at),
                    ends_at=utc_text(signed_in.ends_at),
                    way=signed_in.way,
                )
            )

    def signed_in(self, digest: str, *, now: datetime, idle_seconds: int) -> SignedIn | None:
        """Who holds this cookie; None when too long idle or at its end.  Seen now, to the minute."""
        with self._database.reading() as connection:
            row = connection.execute(select(SIGNED_IN).where(SIGNED_IN.c.digest == digest)).one_or_none()
        if row is None:
            return None
        found = SignedIn(
            row.digest,
            row.actor,
            row.csrf,
            datetime.fromisoformat(row.begun_at),
            datetime.fromisoformat(row.seen_at),
            datetime.fromisoformat(row.ends_at),
            row.way,
        )
        if now >= found.ends_at or now - found.seen_at >= timedelta(seconds=idle_seconds):
            self.end(digest)
            return None
        if now - found.seen_at >= _SEEN_AFTER:
            with self._database.writing() as connection:
                connection.execute(update(SIGNED_IN).where(SIGNED_IN.c.digest == digest).values(seen_at=utc_text(now)))
            found = replace(found, seen_at=now)
        return found

    def end(self, digest: str) -> None:
        """They signed out."""
        with self._database.writing() as connection:
            connection.execute(delete(SIGNED_IN).where(SIGNED_IN.c.digest == digest))

    def end_all(self, actor: str) -> int:
        """Sign somebody out everywhere; how many places that were."""
        with self._database.writing() as connection:
            return connection.execute(delete(SIGNED_IN).where(SIGNED_IN.c.actor == actor)).rowcount

    def put_token(self, token: Token) -> None:
        """A new token."""
        with self._database.writing() as connection:
            connection.execute(
                insert(TOKENS).values(
                    id=token.id,
                    actor=token.actor,
                    name=token.name,
                    digest=token.digest,
                    deeds=" ".join(sorted(deed.value for deed in token.deeds)),
                    created_at=utc_text(token.created_at),
                    expires_at=utc_text(token.expires_at),
                    used_on=token.used_on,
                    revoked_at=utc_text(token.revoked_at) if token.revoked_at else None,
                )
            )

    def token(self, digest: str, *, today: str) -> Token | None:
        """The token, used today."""
        with self._database.reading() as connection:
            row = connection.execute(select(TOKENS).where(TOKENS.c.digest == digest)).one_or_none()
        if row is None:
            return None
        found = _token(row)
        if found.used_on != today:
            with self._database.writing() as connection:
                connection.execute(update(TOKENS).where(TOKENS.c.digest == digest).values(used_on=today))
        return replace(found, used_on=today)

    def tokens(self, actor: str | None = None) -> Sequence[Token]:
        """All, or somebody's, the newest first."""
        query = select(TOKENS).order_by(TOKENS.c.created_at.desc(), TOKENS.c.id)
        if actor is not None:
            query = query.where(TOKENS.c.actor == actor)
        with self._database.reading() as connection:
            return [_token(row) for row in connection.execute(query)]

    def revoke(self, id_: str, *, at: datetime) -> bool:
        """Let a token open nothing any more; whether there was one that did."""
        with self._database.writing() as connection:
            done = connection.execute(
                update(TOKENS).where(TOKENS.c.id == id_, TOKENS.c.revoked_at.is_(None)).values(revoked_at=utc_text(at))
            )
            return done.rowcount == 1


def _token(row: Row[Any]) -> Token:
    return Token(
        row.id,
        row.actor,
        row.name,
        row.digest,
        frozenset(Deed(word) for word in row.deeds.split()),
        datetime.fromisoformat(row.created_at),
        datetime.fromisoformat(row.expires_at),
        row.used_on,
        datetime.fromisoformat(row.revoked_at) if row.revoked_at else None,
    )
