"""One line of JSON for each request: what an operator needs at three in the morning, and nothing about a person.

No address, no agent, no query value is written.  Dossier codes and long numbers in paths identify people: masked.
"""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TextIO

from aiohttp.web import StreamResponse

from redirect_rules.canonical import Key
from redirect_rules.decision import Decision

MASK = "***"

_DOSSIER = re.compile(r"(?<![0-9A-Za-z])(?:[A-Za-z]?\d{2,3}\.){1,4}[0-9A-Za-z.]*[-_]\d[0-9A-Za-z-]*")
_NUMBER = re.compile(r"\d{7,}")
_ADDRESS = re.compile(r"[^/\s]+@[^/\s]+")


@dataclass(frozen=True, slots=True)
class Entry:
    """What there is to say about a request; also the labels under which it is counted."""

    portal: str = "-"
    phase: str = "-"
    client: str = "-"
    outcome: str = "-"
    rule: str = "-"
    destination: str = "-"
    path: str = "-"  # masked
    note: str = ""

    @classmethod
    def of(cls, decision: Decision) -> "Entry":
        """From a decision."""
        return cls(
            portal=decision.portal.id,
            phase=decision.phase,
            client=decision.client,
            outcome=decision.outcome,
            rule=decision.rule.id if decision.rule else "unmapped",
            destination=decision.way.destination if decision.way else "-",
            path=masked_path(decision.key),
        )


class AccessLog:
    """Writes entries to a stream."""

    def __init__(self, stream: TextIO, clock: Callable[[], datetime]) -> None:
        self._stream = stream
        self._clock = clock

    def write(self, entry: Entry, method: str, response: StreamResponse, nanoseconds: int, request_id: str) -> None:
        """One line.  The answer's length is that of its body as sent."""
        line = {
            "at": self._clock().isoformat(timespec="milliseconds"),
            "id": request_id,
            "method": method,
            "status": response.status,
            "bytes": 0 if method == "HEAD" else response.content_length or 0,
            "us": nanoseconds // 1000,
            "portal": entry.portal,
            "phase": entry.phase,
            "client": entry.client,
            "outcome": entry.outcome,
            "rule": entry.rule,
            "destination": entry.destination,
            "path": entry.path,
        }
        if entry.note:
            line["note"] = entry.note
        self._stream.write(json.dumps(line, ensure_ascii=False) + "\n")


def masked_path(key: Key) -> str:
    """The canonical path with people taken out, and the names of the parameters without their values."""
    path = _ADDRESS.sub(MASK, _NUMBER.sub(MASK, _DOSSIER.sub(MASK, key.path)))
    # What stands there without a value may be anything, a token too.
    names = sorted({name.lower()[:40] for name, value in key.pairs if value and _NAME.match(name)})
    return path[:500] + (f"?{'&'.join(names[:20])}" if names else "")


_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,79}\Z")
