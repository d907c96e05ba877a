"""What the gate before protected paths answers, as values; and the gate, as far as an edition knows it.

Apart from the gate itself, because an edge at which nobody signs in loads nothing of sign-in.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, NamedTuple, Protocol, TypeAlias

from aiohttp.web import BaseRequest

from proxy.passing.fields import Fields
from proxy.views import TroubleReason
from redirect_rules.canonical import Key
from redirect_rules.decision import Decision
from redirect_rules.model import Portal

CHALLENGE: Final = "Portal-Session"
"""Of WWW-Authenticate (RFC 9110 §11.6.1).  No browser knows the scheme, and so none asks for a password."""


@dataclass(frozen=True, slots=True)
class Admitted:
    """Pass it on: these fields instead of those that came, and `told` beside them."""

    fields: Fields
    told: Fields


@dataclass(frozen=True, slots=True)
class GoTo:
    """303 to an address of ours, with cookies (Set-Cookie values)."""

    location: str
    cookies: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TurnedAway:
    """In words: `again` is a path of this host that begins a sign-in, "" where that would not help."""

    status: int
    reason: TroubleReason
    again: str = ""
    retry_seconds: int | None = None


class Checked(NamedTuple):
    """The answer to a proxy that asked: a status, fields that it may use, and where a 303 leads."""

    status: int
    fields: tuple[tuple[str, str], ...] = ()
    location: str = ""


Find: TypeAlias = Callable[[str, str], tuple[Portal, Key] | None]
"""The portal of a named host and the key of a request target; None: no portal of ours, or nothing that can be read."""


class Doorkeeper(Protocol):
    """Who stands at the protected paths of portals: `proxy.gate.Gate`."""

    def knows(self, request: BaseRequest) -> bool:
        """Whether a request comes with a cookie of ours: then its answer is nobody else's."""
        ...

    async def admit(self, request: BaseRequest, decision: Decision, request_id: str) -> Admitted | GoTo | TurnedAway:
        """Whether a request may be passed on, and what its system is told about who sends it."""
        ...

    async def reopened(self, request: BaseRequest, decision: Decision) -> Admitted | None:
        """Whether a form whose page is closed opens all the same."""
        ...

    async def own(self, request: BaseRequest, decision: Decision, request_id: str) -> GoTo | TurnedAway | None:
        """Our own addresses of sign-in on a portal's host; None: it is none of them."""
        ...

    def is_question(self, path: str, *, at_issuer: bool) -> bool:
        """Whether this is where other proxies ask."""
        ...

    async def check(self, request: BaseRequest, find: Find, *, at_issuer: bool) -> Checked:
        """Answer a proxy that holds a request back."""
        ...
