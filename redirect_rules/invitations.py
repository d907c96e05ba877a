"""Inviting officers to sign in by the broker, and taking that away again: for whoever may look after people.

An invitation is a code of 123 random bits that can be written down, or stand in a link.  It is bound to a person whom
an administrator made, and never to a name, a number or an e-mail address that the broker might tell.
"""

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from redirect_rules.objects import Change
from redirect_rules.people import Invitation, PeopleStore, digest_of
from redirect_rules.rights import CENTRE, Deed, Person, check

HOLDS: Final = timedelta(hours=24)
ALPHABET: Final = "abcdefghjkmnpqrstuvwxyz23456789"
"""Letters and digits that nobody mistakes for another when they are read out: no i, l, o, 0, 1."""
LETTERS: Final = 25
_GROUP: Final = 5
_FORM: Final = re.compile(f"[{ALPHABET}]{{{LETTERS}}}")


def new_code(choose: Callable[[str], str]) -> str:
    """A code as people write it: "k7m2x-…".  choose: one of these letters, at random (secrets.choice)."""
    letters = "".join(choose(ALPHABET) for _ in range(LETTERS))
    return "-".join(letters[start : start + _GROUP] for start in range(0, LETTERS, _GROUP))


def digest_of_code(typed: str) -> str | None:
    """What is kept of a code, however it was typed; None: nothing that could be one."""
    plain = "".join(typed.split()).replace("-", "").casefold()
    return digest_of(plain) if _FORM.fullmatch(plain) else None


def invite(person: Person, people: PeopleStore, actor: str, code: str, change: Change) -> Invitation:
    """Invite somebody, once more if need be.  Raises NotAllowed, ValueError."""
    _must(person, change)
    digest = digest_of_code(code)
    if digest is None:
        raise ValueError("this is no code of an invitation")
    invitation = Invitation(digest, actor, person.actor, change.at, change.at + HOLDS)
    people.invite(invitation, change.reason)
    return invitation


def unlink(person: Person, people: PeopleStore, actor: str, change: Change) -> bool:
    """Let the broker open nothing for somebody any more; whether it did.  Raises NotAllowed, ValueError."""
    _must(person, change)
    return people.unlink(actor, change)


def holds(invitation: Invitation, now: datetime) -> bool:
    """Whether it can be used."""
    return now < invitation.ends_at


def _must(person: Person, change: Change) -> None:
    check(person, Deed.EDIT_PEOPLE, [CENTRE])
    if change.actor != person.actor or not change.reason.strip():
        raise ValueError("a change is made in one's own name, and for a reason")
