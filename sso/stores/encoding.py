"""Values ↔ compact JSON, so that two versions of the program can share one store.

What a newer writer added is ignored; what an older one left out has its default.  Text that is no such value is
Damaged: the caller treats it as absent and counts it.
"""

import json
from dataclasses import replace
from typing import Final, Generic, TypeVar

from pydantic import TypeAdapter, ValidationError

from sso.model import (
    AuthorizationRequest,
    Binding,
    Consent,
    Grant,
    LoginAttempt,
    LogoutDelivery,
    Participation,
    Session,
    TokenTerms,
)
from sso.store import SignInRecord, Ticket

T = TypeVar("T")


class Damaged(ValueError):
    """Text in the store that is not what it should be.  Says which kind, and never the text."""


class Form(Generic[T]):
    """One kind of value and its JSON."""

    def __init__(self, kind: type[T], name: str) -> None:
        self.name = name
        self._adapter: TypeAdapter[T] = TypeAdapter(kind)

    def text(self, value: T) -> str:
        """As it is stored."""
        # A Mapping need not be a dict, which is all that the serializer knows.
        return self._adapter.dump_json(value, exclude_defaults=True, fallback=dict, warnings=False).decode()

    def value(self, text: str) -> T:
        """As it was.  Raises Damaged."""
        try:
            return self._adapter.validate_json(text)
        except ValidationError:
            raise Damaged(self.name) from None


REQUEST: Final = Form(AuthorizationRequest, "request")
ATTEMPT: Final = Form(LoginAttempt, "attempt")
GRANT: Final = Form(Grant, "grant")
TERMS: Final = Form(TokenTerms, "token")
TICKET: Final = Form(Ticket, "ticket")
BINDING: Final = Form(Binding, "binding")
DELIVERY: Final = Form(LogoutDelivery, "delivery")
RECORD: Final = Form(SignInRecord, "record")
PARTICIPATION: Final = Form(Participation, "participation")
AGREED: Final = Form(Consent, "consent")
_SESSION: Final = Form(Session, "session")

_PARTICIPATION_PREFIX: Final = "p:"


def session_fields(session: Session) -> dict[str, str]:
    """A session as the fields of a hash: clients join it one by one, without reading the rest."""
    bare = replace(session, participations={})
    fields = {"v": _SESSION.text(bare), "s": str(session.seen_at), "e": str(session.absolute_end)}
    parts = session.participations.items()
    return fields | {_PARTICIPATION_PREFIX + name: PARTICIPATION.text(part) for name, part in parts}


def session_of(fields: dict[str, str]) -> Session:
    """The session that such fields are.  Raises Damaged."""
    if not fields.get("v") or not fields.get("s", "").isdecimal():
        raise Damaged(_SESSION.name)
    parts = [PARTICIPATION.value(text) for name, text in fields.items() if name.startswith(_PARTICIPATION_PREFIX)]
    # A hash has no order; people are told of their clients in the one in which they came.
    parts.sort(key=lambda part: (part.since, part.client))
    return replace(
        _SESSION.value(fields["v"]), seen_at=int(fields["s"]), participations={part.client: part for part in parts}
    )


def session_of_text(text: str) -> Session:
    """The same, from names and values in turn, as a store lists a hash, as JSON.  Raises Damaged."""
    try:
        flat = json.loads(text)
        return session_of(dict(zip(flat[::2], flat[1::2], strict=True)))
    except (ValueError, TypeError):
        raise Damaged(_SESSION.name) from None
