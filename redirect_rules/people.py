"""How officers and their programs are known: what they sign in with, where they are signed in, what their tokens open.

Who may do what stands in the store as an object (`Kind.PERSON`, read by `rights.person_of`), with its history.  What
opens doors stands here, apart from it: never in the trail, never in an export.  Passwords are kept as Argon2 texts;
cookies, tokens and invitations as SHA-256, never as themselves; what must be read again is sealed.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from redirect_rules.objects import Change
from redirect_rules.rights import Deed, Person


def digest_of(secret: str) -> str:
    """The SHA-256 of a cookie or token, in small hexadecimal letters: good for 256 random bits, not for passwords."""
    return hashlib.sha256(secret.encode()).hexdigest()


class Seal(Protocol):
    """Makes texts unreadable for whoever reads only the database.  Each is bound to its purpose."""

    def seal(self, text: str, *, purpose: str) -> str:
        """The text as it is kept; nothing stays nothing."""
        ...

    def unseal(self, text: str, *, purpose: str) -> str:
        """It again; what was never sealed comes as it is.  Raises SealBroken."""
        ...

    def is_current(self, text: str) -> bool:
        """Whether it is sealed with the key that seals now; nothing is."""
        ...


class SealBroken(Exception):
    """Something is sealed with a key that is not there, or was changed.  Says what to do."""


@dataclass(frozen=True, slots=True)
class Password:
    """What somebody signs in with until the broker knows them."""

    actor: str
    hash: str = field(repr=False)  # Argon2id, as its own text: "$argon2id$v=19$…"
    totp: str = field(default="", repr=False)  # the shared secret of RFC 6238, "": none
    failures: int = 0  # in a row
    locked_until: datetime | None = None
    last_step: int = 0  # of the codes that were used: neither it nor an earlier one counts again (RFC 6238 §5.2)
    open_until: datetime | None = None  # good until then although passwords are closed
    is_stale: bool = field(default=False, compare=False)  # the secret should be sealed anew


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Somebody at a browser."""

    digest: str  # of the cookie
    actor: str
    csrf: str = field(repr=False)  # must come with every form
    begun_at: datetime
    seen_at: datetime
    ends_at: datetime  # whatever is done until then
    way: str  # "password" or "broker"
    sid: str = ""  # of the broker's session (OpenID Connect Front-Channel Logout §3)
    id_token: str = field(default="", repr=False)  # the broker's, to end its session with


@dataclass(frozen=True, slots=True)
class Invitation:
    """Whoever brings its code signs in by the broker the first time, and is this person from then on."""

    digest: str  # of its code
    actor: str
    made_by: str
    made_at: datetime
    ends_at: datetime


@dataclass(frozen=True, slots=True)
class Link:
    """Whom the broker means by a name that it gives to the console alone."""

    actor: str
    issuer: str
    subject: str = field(repr=False)  # pairwise (OpenID Connect Core §8.1)
    linked_at: datetime


class InvitationGone(LookupError):
    """The invitation was used, replaced by a newer one or has ended; nobody can tell which."""


class LinkTaken(Exception):
    """The account at the broker belongs to another person of the console already."""


@dataclass(frozen=True, slots=True)
class Token:
    """What a program calls the API with: never more than its owner may."""

    id: str
    actor: str  # its owner
    name: str  # "nightly import"
    digest: str
    deeds: frozenset[Deed]
    created_at: datetime
    expires_at: datetime
    used_on: str = ""  # the last day, "2026-11-22"
    revoked_at: datetime | None = None

    def holds_at(self, now: datetime) -> bool:
        """Whether it opens anything at all."""
        return self.revoked_at is None and now < self.expires_at


def limited(person: Person, deeds: frozenset[Deed]) -> "Limited":
    """A person who does only these things."""
    return Limited(person.actor, person.grants, deeds)


@dataclass(frozen=True, slots=True)
class Limited(Person):
    """Somebody who holds back: a program with a token."""

    deeds: frozenset[Deed]

    def may(self, deed: Deed, province: str) -> bool:
        """As the person, within the token."""
        return deed in self.deeds and Person.may(self, deed, province)

    def may_somewhere(self, deed: Deed) -> bool:
        """As the person, within the token."""
        return deed in self.deeds and Person.may_somewhere(self, deed)


class PeopleStore(Protocol):
    """Where this is kept."""

    def password(self, actor: str) -> Password | None:
        """What they sign in with."""
        ...

    def keep_password(self, password: Password) -> None:
        """Keep it, over an earlier one; everybody signed in by the earlier one no longer is."""
        ...

    def forget_password(self, actor: str) -> None:
        """Let nobody sign in by it any more, nor stay signed in."""
        ...

    def use_step(self, actor: str, step: int) -> bool:
        """Take the code of a step; False: it, or a later one, was taken before.  Of two at once one gets it."""
        ...

    def count_failure(self, actor: str, *, locked_until: datetime | None) -> None:
        """One more wrong password."""
        ...

    def forget_failures(self, actor: str) -> None:
        """It was right."""
        ...

    def begin(self, signed_in: SignedIn) -> None:
        """Somebody signed in."""
        ...

    def signed_in(self, digest: str, *, now: datetime, idle_seconds: int) -> SignedIn | None:
        """Who holds this cookie; None when too long idle or at its end.  Seen now, to the minute."""
        ...

    def end(self, digest: str) -> None:
        """They signed out."""
        ...

    def end_all(self, actor: str) -> int:
        """Sign somebody out everywhere; how many places that were."""
        ...

    def invite(self, invitation: Invitation, reason: str) -> None:
        """Let its code link this person once; an earlier invitation of theirs is worth nothing from now on."""
        ...

    def invitation(self, digest: str, *, now: datetime) -> Invitation | None:
        """Whom a code invites."""
        ...

    def invited(self, *, now: datetime) -> Sequence[Invitation]:
        """Everybody who has not come yet, by name."""
        ...

    def link(self, digest: str, *, issuer: str, subject: str, now: datetime) -> Link:
        """Use an invitation; whoever had the link before, or is signed in as this person, is out.

        Raises InvitationGone and LinkTaken: then nothing has changed.  Of two at once one gets it.
        """
        ...

    def linked(self, issuer: str, subject: str) -> str | None:
        """Whose account at the broker this is."""
        ...

    def links(self) -> Sequence[Link]:
        """All of them, by name."""
        ...

    def unlink(self, actor: str, change: Change) -> bool:
        """Let the broker open nothing for them any more; whether it did."""
        ...

    def end_by_sid(self, sid: str) -> int:
        """A session of the broker has ended; how many places were signed in by it."""
        ...

    def end_by_broker(self, actor: str) -> int:
        """Sign somebody out wherever they came in by the broker; how many places that were."""
        ...

    def close_passwords(self, actor: str, *, now: datetime) -> bool:
        """From now on passwords open nothing but where they are opened for a while; whether they did before."""
        ...

    def passwords_closed_at(self) -> datetime | None:
        """Since when; None: they are open."""
        ...

    def has_open_password(self, *, now: datetime) -> bool:
        """Whether somebody's password is good although passwords are closed."""
        ...

    def seal_again(self, actor: str) -> None:
        """Keep the secret of a telephone sealed with the key that seals now."""
        ...

    def forget(self, actor: str, *, now: datetime) -> None:
        """Take away everything that opens a door to somebody: password, link, invitation, sessions, tokens."""
        ...

    def put_token(self, token: Token) -> None:
        """A new token."""
        ...

    def token(self, digest: str, *, today: str) -> Token | None:
        """The token, used today."""
        ...

    def tokens(self, actor: str | None = None) -> Sequence[Token]:
        """All, or somebody's, the newest first."""
        ...

    def revoke(self, id_: str, *, at: datetime) -> bool:
        """Let a token open nothing any more; whether there was one that did."""
        ...
