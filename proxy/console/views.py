"""What pages say that belong to no sort of page in particular."""

from dataclasses import dataclass

from redirect_rules.people import Invitation

Wrong = tuple[tuple[str, str], ...]
"""Fields with what is wrong with them: a key under `mistake.`, or a finished sentence."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something cannot be done."""

    reason: str  # its texts are `trouble.REASON.title` and `.say`
    text: str = ""  # what the library said
    code: str = ""  # to be read out over the telephone


@dataclass(frozen=True, slots=True)
class SignIn:
    """The page where officers sign in."""

    next: str
    actor: str = ""
    wrong: Wrong = ()
    by_broker: bool = False  # whether signing in with VNeID is set up
    with_password: bool = True  # whether any password is good


@dataclass(frozen=True, slots=True)
class Invited:
    """The page where an invitation is used."""

    code: str
    invitation: Invitation | None
    go_on: str = ""  # where they sign in
    wrong: Wrong = ()


@dataclass(frozen=True, slots=True)
class Leaving:
    """The session of the console has ended; the browser goes on to the broker, to end the one there."""

    uri: str


@dataclass(frozen=True, slots=True)
class Again:
    """What was typed came too late; it can be sent again."""

    path: str
    fields: tuple[tuple[str, str], ...]
    is_signed_in: bool
    is_incomplete: bool  # files and secrets are not repeated
