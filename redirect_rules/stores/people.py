"""Passwords, invitations, links to the broker, sessions of the console and API tokens in the database."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Row, delete, insert, select, update

from redirect_rules.audit import utc_text
from redirect_rules.objects import Change
from redirect_rules.people import (
    Invitation,
    InvitationGone,
    Link,
    LinkTaken,
    Password,
    Seal,
    SealBroken,
    SignedIn,
    Token,
)
from redirect_rules.rights import Deed
from redirect_rules.stores.database import Database
from redirect_rules.stores.ledger import Ledger
from redirect_rules.stores.tables import INVITATIONS, LINKS, MILESTONES, PASSWORDS, SIGNED_IN, TOKENS

_SEEN_AFTER: Final = timedelta(minutes=1)
"""How old `seen_at` may get before it is written anew: not every look at a page is a write."""
_PASSWORDS_CLOSED: Final = "passwords-closed"
_ID_TOKEN: Final = "id-token"  # noqa: S105 - a purpose's name


class SqlPeople:
    """The PeopleStore of a database.  Raises StoreBusy, or what the database raises."""

    def __init__(self, database: Database, seal: Seal) -> None:
        self._database = database
        self._seal = seal

    def password(self, actor: str) -> Password | None:
        """What they sign in with.  Raises SealBroken."""
        with self._database.reading() as connection:
            row = connection.execute(select(PASSWORDS).where(PASSWORDS.c.actor == actor)).one_or_none()
        if row is None:
            return None
        return Password(
            row.actor,
            row.hash,
            self._seal.unseal(row.totp, purpose=_totp_of(actor)),
            row.failures,
            _instant(row.locked_until),
            row.last_step,
            _instant(row.open_until),
            is_stale=not self._seal.is_current(row.totp),
        )

    def keep_password(self, password: Password) -> None:
        """Keep it, over an earlier one; everybody signed in by the earlier one no longer is."""
        values = {
            "actor": password.actor,
            "hash": password.hash,
            "totp": self._seal.seal(password.totp, purpose=_totp_of(password.actor)),
            "failures": password.failures,
            "locked_until": utc_text(password.locked_until) if password.locked_until else None,
            "last_step": password.last_step,
            "open_until": utc_text(password.open_until) if password.open_until else None,
        }
        with self._database.writing() as connection:
            connection.execute(delete(PASSWORDS).where(PASSWORDS.c.actor == password.actor))
            connection.execute(insert(PASSWORDS).values(values))
            connection.execute(delete(SIGNED_IN).where(SIGNED_IN.c.actor == password.actor))

    def seal_again(self, actor: str) -> None:
        """Keep the secret of a telephone sealed with the key that seals now."""
        with self._database.writing() as connection:
            theirs = PASSWORDS.c.actor == actor
            found = connection.execute(select(PASSWORDS.c.totp).where(theirs)).scalar_one_or_none()
            if not found:
                return
            plain = self._seal.unseal(found, purpose=_totp_of(actor))
            sealed = self._seal.seal(plain, purpose=_totp_of(actor))
            connection.execute(update(PASSWORDS).where(theirs).values(totp=sealed))

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
                    sid=signed_in.sid or None,
                    id_token=self._seal.seal(signed_in.id_token, purpose=_ID_TOKEN) or None,
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
            row.sid or "",
            self._id_token(row.id_token or ""),
        )
        if now >= found.ends_at or now - found.seen_at >= timedelta(seconds=idle_seconds):
            self.end(digest)
            return None
        if now - found.seen_at >= _SEEN_AFTER:
            with self._database.writing() as connection:
                connection.execute(update(SIGNED_IN).where(SIGNED_IN.c.digest == digest).values(seen_at=utc_text(now)))
            found = replace(found, seen_at=now)
        return found

    def _id_token(self, text: str) -> str:
        """It only saves a question at the broker: where its key is gone, the question is asked."""
        try:
            return self._seal.unseal(text, purpose=_ID_TOKEN)
        except SealBroken:
            return ""

    def end(self, digest: str) -> None:
        """They signed out."""
        with self._database.writing() as connection:
            connection.execute(delete(SIGNED_IN).where(SIGNED_IN.c.digest == digest))

    def end_all(self, actor: str) -> int:
        """Sign somebody out everywhere; how many places that were."""
        with self._database.writing() as connection:
            return connection.execute(delete(SIGNED_IN).where(SIGNED_IN.c.actor == actor)).rowcount

    def end_by_sid(self, sid: str) -> int:
        """A session of the broker has ended; how many places were signed in by it."""
        with self._database.writing() as connection:
            return connection.execute(delete(SIGNED_IN).where(SIGNED_IN.c.sid == sid)).rowcount if sid else 0

    def end_by_broker(self, actor: str) -> int:
        """Sign somebody out wherever they came in by the broker; how many places that were."""
        theirs = SIGNED_IN.c.actor == actor, SIGNED_IN.c.sid.is_not(None)
        with self._database.writing() as connection:
            return connection.execute(delete(SIGNED_IN).where(*theirs)).rowcount

    def invite(self, invitation: Invitation, reason: str) -> None:
        """Let its code link this person once; an earlier invitation of theirs is worth nothing from now on."""
        change = Change(invitation.made_by, reason, invitation.made_at)
        with self._database.writing() as connection:
            ledger = Ledger(connection, change)
            connection.execute(delete(INVITATIONS).where(INVITATIONS.c.actor == invitation.actor))
            connection.execute(
                insert(INVITATIONS).values(
                    actor=invitation.actor,
                    digest=invitation.digest,
                    made_by=invitation.made_by,
                    made_at=utc_text(invitation.made_at),
                    ends_at=utc_text(invitation.ends_at),
                )
            )
            ledger.close("invite", _person(invitation.actor))

    def invitation(self, digest: str, *, now: datetime) -> Invitation | None:
        """Whom a code invites."""
        usable = INVITATIONS.c.digest == digest, INVITATIONS.c.ends_at > utc_text(now)
        with self._database.reading() as connection:
            row = connection.execute(select(INVITATIONS).where(*usable)).one_or_none()
        return None if row is None else _invitation(row)

    def invited(self, *, now: datetime) -> Sequence[Invitation]:
        """Everybody who has not come yet, by name."""
        query = select(INVITATIONS).where(INVITATIONS.c.ends_at > utc_text(now)).order_by(INVITATIONS.c.actor)
        with self._database.reading() as connection:
            return [_invitation(row) for row in connection.execute(query)]

    def link(self, digest: str, *, issuer: str, subject: str, now: datetime) -> Link:
        """Use an invitation; whoever had the link before, or is signed in as this person, is out.

        Raises InvitationGone and LinkTaken: then nothing has changed.  Of two at once one gets it.
        """
        with self._database.writing() as connection:
            usable = INVITATIONS.c.digest == digest, INVITATIONS.c.ends_at > utc_text(now)
            used = connection.execute(delete(INVITATIONS).where(*usable).returning(*INVITATIONS.c)).one_or_none()
            if used is None:
                raise InvitationGone("it was used, replaced or has ended: ask an administrator for a new one")
            actor = used.actor
            ledger = Ledger(connection, Change(actor, f"invited by {used.made_by}", now))
            account = LINKS.c.issuer == issuer, LINKS.c.subject == subject
            holder = connection.execute(select(LINKS.c.actor).where(*account)).scalar_one_or_none()
            if holder not in {None, actor}:
                raise LinkTaken("this account signs somebody else in already")
            replaced = connection.execute(delete(LINKS).where(LINKS.c.actor == actor)).rowcount
            connection.execute(
                insert(LINKS).values(actor=actor, issuer=issuer, subject=subject, linked_at=utc_text(now))
            )
            connection.execute(delete(SIGNED_IN).where(SIGNED_IN.c.actor == actor))
            # The name by which the broker knows them is nobody's business: the trail says that, not whom.
            ledger.close("relink" if replaced else "link", _person(actor), issuer=issuer)
        return Link(actor, issuer, subject, now)

    def linked(self, issuer: str, subject: str) -> str | None:
        """Whose account at the broker this is."""
        account = LINKS.c.issuer == issuer, LINKS.c.subject == subject
        with self._database.reading() as connection:
            return connection.execute(select(LINKS.c.actor).where(*account)).scalar_one_or_none()

    def links(self) -> Sequence[Link]:
        """All of them, by name."""
        with self._database.reading() as connection:
            rows = connection.execute(select(LINKS).order_by(LINKS.c.actor)).all()
        return [Link(row.actor, row.issuer, row.subject, datetime.fromisoformat(row.linked_at)) for row in rows]

    def unlink(self, actor: str, change: Change) -> bool:
        """Let the broker open nothing for them any more; whether it did."""
        with self._database.writing() as connection:
            ledger = Ledger(connection, change)
            connection.execute(delete(INVITATIONS).where(INVITATIONS.c.actor == actor))
            connection.execute(delete(SIGNED_IN).where(SIGNED_IN.c.actor == actor, SIGNED_IN.c.sid.is_not(None)))
            done = connection.execute(delete(LINKS).where(LINKS.c.actor == actor)).rowcount == 1
            if done:
                ledger.close("unlink", _person(actor))
        return done

    def close_passwords(self, actor: str, *, now: datetime) -> bool:
        """From now on passwords open nothing but where they are opened for a while; whether they did before."""
        if self.passwords_closed_at() is not None:
            return False
        with self._database.writing() as connection:
            ledger = Ledger(connection, Change(actor, "an administrator signs in by the broker", now))
            there = connection.execute(select(MILESTONES.c.at).where(MILESTONES.c.name == _PASSWORDS_CLOSED))
            if there.one_or_none() is not None:
                return False
            connection.execute(insert(MILESTONES).values(name=_PASSWORDS_CLOSED, at=utc_text(now)))
            ledger.close("close-passwords", "console")
        return True

    def passwords_closed_at(self) -> datetime | None:
        """Since when; None: they are open."""
        asked = select(MILESTONES.c.at).where(MILESTONES.c.name == _PASSWORDS_CLOSED)
        with self._database.reading() as connection:
            return _instant(connection.execute(asked).scalar_one_or_none())

    def has_open_password(self, *, now: datetime) -> bool:
        """Whether somebody's password is good although passwords are closed."""
        asked = select(PASSWORDS.c.actor).where(PASSWORDS.c.open_until > utc_text(now)).limit(1)
        with self._database.reading() as connection:
            return connection.execute(asked).first() is not None

    def forget(self, actor: str, *, now: datetime) -> None:
        """Take away everything that opens a door to somebody: password, link, invitation, sessions, tokens."""
        with self._database.writing() as connection:
            for table in (PASSWORDS, LINKS, INVITATIONS, SIGNED_IN):
                connection.execute(delete(table).where(table.c.actor == actor))
            alive = TOKENS.c.actor == actor, TOKENS.c.revoked_at.is_(None)
            connection.execute(update(TOKENS).where(*alive).values(revoked_at=utc_text(now)))

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


def _totp_of(actor: str) -> str:
    """What a telephone's secret is sealed for: in another row it opens nothing."""
    return f"totp {actor}"


def _person(actor: str) -> str:
    return f"person {actor}"


def _instant(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _invitation(row: Row[Any]) -> Invitation:
    made_at, ends_at = datetime.fromisoformat(row.made_at), datetime.fromisoformat(row.ends_at)
    return Invitation(row.digest, row.actor, row.made_by, made_at, ends_at)


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
