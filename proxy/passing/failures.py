"""Why something could not be passed on: a value, which the edge turns into words for people and for programs."""

from dataclasses import dataclass
from typing import Literal

Reason = Literal[
    "bad-request",  # 400: two readers could understand it in two ways
    "body-unreadable",  # 400: the body broke off or was framed wrongly
    "body-slow",  # 408
    "body-too-large",  # 413
    "expectation",  # 417: an Expect that nobody knows
    "bad-answer",  # 502: the origin spoke no HTTP, or broke off before its answer
    "unreachable",  # 502: no origin could be connected to
    "address-refused",  # 502: the origin's name leads to addresses that configuration does not allow
    "busy",  # 503: all connections are in use, and waiting took too long
    "resting",  # 503: the breaker is open
    "draining",  # 503: we are stopping
    "late",  # 504: no answer in time
    "loop",  # 508: our own name stands in Via
]


@dataclass(frozen=True, slots=True)
class Failure:
    """An answer that we must give ourselves.  Nothing has been written to the visitor yet."""

    status: Literal[400, 408, 413, 417, 502, 503, 504, 508]
    reason: Reason
    retry_after: int | None = None  # seconds; None: the same again would fail again
    closes: bool = False  # whether the visitor's connection must end with the answer (a body left unread)


class Refused(Exception):
    """Carries a Failure out of the depths; `passer` turns it into its value."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.reason)
        self.failure = failure
