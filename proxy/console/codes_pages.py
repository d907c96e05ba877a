"""What a code means that a citizen reads out: why it was, what they see, what to say; and what was written down."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from proxy.console import sign_in_health
from proxy.console.calls import Answer, Call, Route, Show
from proxy.sign_in_codes import Meaning, meaning, meanings
from sso.events import AuditEvent

LONGEST: Final = 40
_NOTHING: Final[Mapping[str, str]] = {"vi": "", "en": ""}


@dataclass(frozen=True, slots=True)
class Happened:
    """One line of what was written down: nothing of anybody."""

    at: datetime
    event: str
    outcome: str
    cause: str
    what: Mapping[str, str]  # the cause's meaning, by language
    client: str
    upstream: str
    level: int


@dataclass(frozen=True, slots=True)
class Codes:
    """The page."""

    code: str
    meaning: Meaning | None
    events: Sequence[Happened]
    all: Sequence[Meaning]


def show(call: Call) -> Answer:
    """Look a code up; without one, show all of them."""
    code = call.query.get("code")[:LONGEST]
    found = meaning(code) if code else None
    events = sign_in_health.events_of(call.desk, found.code if found else code.lower()) if code else []
    return Show("client_codes.html", Codes(code, found, [happened(event) for event in events], [*meanings().values()]))


def happened(event: AuditEvent) -> Happened:
    """An event as people read it."""
    why = meaning(event.cause) if event.cause else None
    return Happened(
        datetime.fromtimestamp(event.at, UTC),
        event.event,
        event.outcome,
        event.cause,
        why.what if why else _NOTHING,
        event.client,
        event.upstream,
        event.level,
    )


ROUTES: Final = (Route("GET", "/clients/codes", show),)
