"""What pages say that belong to no sort of page in particular."""

from dataclasses import dataclass

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
    nobody_yet: bool = False  # there is no password at all: say how the first one is made
