"""Visitors who see a portal closed before it closes: the ticket that each of them keeps, in a cookie.

It holds a number below a thousand, or one of two words: enough to tell a share of the visitors from the others, and not
enough to tell anybody from anybody else.  It is set only while a pilot runs that needs it.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from redirect_rules.model import JOINED, LEFT, TICKETS, Schedule

COOKIE: Final = "_edge_pilot"
JOIN: Final = "join"
LEAVE: Final = "leave"
"""What stands in the cookie for those who said so themselves; LEAVE also stands in the link of those who want out."""
LONGEST: Final = timedelta(days=30)
_WORDS: Final = {JOIN: JOINED, LEAVE: LEFT}
_NAMES: Final = {ticket: word for word, ticket in _WORDS.items()}


def ticket_of(value: str) -> int | None:
    """The ticket in the value of a cookie; None for whatever is none."""
    if (word := _WORDS.get(value)) is not None:
        return word
    return int(value) if value.isascii() and value.isdigit() and len(value) <= 3 else None


def _drawn() -> int:
    return random.randrange(TICKETS)  # noqa: S311 - chosen without thought, guarded from nobody


@dataclass(frozen=True, slots=True)
class Pilots:
    """Draws tickets and writes them down."""

    draw: Callable[[], int] = _drawn  # from 0 to 999

    def cookie(self, ticket: int, schedule: Schedule, now: datetime, *, secure: bool) -> str:
        """The value of a Set-Cookie field that keeps a ticket until the portal closes, for thirty days at most.

        secure  whether the visitor came over TLS
        """
        left = schedule.closed_at - now if schedule.closed_at is not None else LONGEST
        seconds = max(0, int(min(left, LONGEST).total_seconds()))
        value = _NAMES.get(ticket, str(ticket))
        flags = "; Secure" if secure else ""
        return f"{COOKIE}={value}; Max-Age={seconds}; Path=/; HttpOnly; SameSite=Lax{flags}"
