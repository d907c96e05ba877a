"""What is written down of sign-in, so that an auditor can follow a person's complaint without meeting the person.

An event holds ids of our own configuration, fixed words, a session's handle (which opens nothing) and a speakable code.
No name, number, address, code, token or value of a request ever becomes part of one.
"""

import re
from dataclasses import dataclass, fields
from typing import Any, Final, Protocol, Self

_WORD: Final = re.compile(r"[A-Za-z0-9_.:-]{0,128}")
_LONG_NUMBER: Final = re.compile(r"(?<![0-9A-Za-z_-])[0-9]{9,}(?![0-9A-Za-z_-])")


@dataclass(frozen=True, slots=True)
class AuditEvent:
    """Something that happened.  Every text is one word: letters, digits and `_ . : -`."""

    at: int  # seconds since 1970
    event: str  # "sign-in.done", "ticket.refused", …
    outcome: str  # "ok", or the fixed word of a refusal
    client: str = ""
    upstream: str = ""
    portal: str = ""
    level: int = 0  # 0: none was reached
    code: str = ""  # what the person may read out: of the request, "k7m2-9fxd-3hqp"
    cause: str = ""  # of the refusal, "DN-104"
    session: str = ""  # its handle

    def __post_init__(self) -> None:
        for name in self.__slots__:
            value = getattr(self, name)
            if value and isinstance(value, str) and (_WORD.fullmatch(value) is None or _LONG_NUMBER.search(value)):
                raise ValueError(f"{name} of an audit event must be one word of our own")

    def record(self) -> dict[str, object]:
        """As it is written: without what is empty."""
        return {name: value for name in self.__slots__ if (value := getattr(self, name))}

    @classmethod
    def of(cls, record: dict[str, Any]) -> Self:
        """One that was written.  Raises TypeError or ValueError for what is none; fields of a later version are left
        out.
        """
        if not isinstance(record, dict):
            raise TypeError("an event is an object")
        known = {own.name for own in fields(cls)}
        return cls(**{"outcome": "", **{name: value for name, value in record.items() if name in known}})


class AuditSink(Protocol):
    """Where events go: a file today, a database tomorrow."""

    def write(self, event: AuditEvent) -> None:
        """Keep an event.  Never raises for want of room, and never waits long: sign-in goes on without an auditor's
        disk, and says so by a metric.
        """
