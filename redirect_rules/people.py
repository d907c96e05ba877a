"""How officers and their programs are known: what they sign in with, where they are signed in, what their tokens open.

Who may do what stands in the store as an object (`Kind.PERSON`, read by `rights.person_of`), with its history.  What
opens doors stands here, apart from it: never in the trail, never in an export.  Passwords are kept as Argon2 texts;
cookies and tokens as SHA-256, never as themselves.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from redirect_rules.rights import Deed, Person


def digest_of(secret: str) -> str:
    """The SHA-256 of a cookie or token, in small hexadecimal letters: good for 256 random bits, not for passwords."""
    return hashlib.sha256(secret.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Password:
    """What somebody signs in with until the broker knows them."""

    actor: str
    hash: str  # Argon2id, as its own text: "$argon2id$v=19$…"
    totp: str = ""  # the shared secret of RFC 6238, "": none
    failures: int = 0  # in a row
    locked_until: datetime | None = None
    last_step: int = 0  # of the codes that were used: neither it nor an earlier one counts again (RFC 6238 §5.2)


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Somebody at a browser."""

    digest: str  # of the cookie
    actor: str
    csrf: str  # must come with every form
    begun_at: datetime
    seen_at: datetime
    ends_at: datetime  # whatever is done until then
    way: str  # "password" or "sign-in"


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
