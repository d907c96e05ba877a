"""One line of JSON for each request: what an operator needs at three in the morning, and nothing about a person.

No address, no agent, no query value is written.  Dossier codes and long numbers in paths identify people: masked.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from json.encoder import encode_basestring as quoted
from typing import Final, TextIO, TypeAlias

from redirect_rules.canonical import Key
from redirect_rules.decision import Decision
from redirect_rules.masking import masked

_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,79}\Z")


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
        # Plain words: to look a member of an Enum up, in every count, runs Python.
        return cls(
            portal=decision.portal.id,
            phase=decision.phase.value,
            client=decision.client.value,
            outcome=decision.outcome.value,
            rule=decision.rule.id if decision.rule else "unmapped",
            destination=decision.way.destination if decision.way else "-",
            path=masked_path(decision.key),
        )


Line: TypeAlias = tuple[str, str]
"""A line but for what differs between two requests that are answered alike: what stands between the id and the
microseconds, and what follows them to the end."""


class Lines:
    """Lines but for what differs between two pages that are answered alike besides: the page, and where it leads."""

    __slots__ = ("_after", "_before")

    def __init__(self, before: str, after: str) -> None:
        self._before = before  # up to the length
        self._after = after  # from the microseconds to the rule

    @classmethod
    def of(cls, entry: Entry, method: str, status: int) -> "Lines":
        """From what there is to say."""
        return cls(
            f'", "method": {quoted(method)}, "status": {status}, "bytes": ',
            f', "portal": {quoted(entry.portal)}, "phase": {quoted(entry.phase)}, "client": {quoted(entry.client)}'
            f', "outcome": {quoted(entry.outcome)}, "rule": ',
        )

    def line(self, rule: str, destination: str, path: str, length: int, note: str = "") -> Line:
        """The line of a page; its `path` is masked."""
        told = f', "note": {quoted(note)}' if note else ""
        return (
            f'{self._before}{length}, "us": ',
            f'{self._after}{quoted(rule)}, "destination": {quoted(destination)}, "path": {quoted(path)}{told}}}\n',
        )

    def plain_line(self, rule: str, between: str, path: str, length: int) -> Line:
        """The same where a path has nothing in it that JSON escapes; `between` goes from the rule to the path."""
        return f'{self._before}{length}, "us": ', f'{self._after}{quoted(rule)}{between}{path}"}}\n'


def line_of(entry: Entry, method: str, status: int, length: int) -> Line:
    """From what there is to say.  `length` is that of the answer's body as sent, in octets."""
    return Lines.of(entry, method, status).line(entry.rule, entry.destination, entry.path, length, entry.note)


_THOUSANDTHS: Final = tuple(f".{number:03}" for number in range(1_000))


class Second:
    """Writes instants as ISO 8601 with milliseconds; those of one second cost a tenth of the first of them."""

    __slots__ = ("_after", "_before", "_begin", "_end")

    def __init__(self) -> None:
        self._begin = self._end = datetime.min.replace(tzinfo=UTC)
        self._before = self._after = ""

    def written(self, at: datetime) -> str:
        """An aware instant: "2026-11-01T09:00:00.000+07:00"."""
        if not self._begin <= at < self._end or at.tzinfo is not self._begin.tzinfo:
            self._begin = at.replace(microsecond=0)
            self._end = self._begin + timedelta(seconds=1)
            self._before, _, after = at.isoformat(timespec="milliseconds").partition(".")
            self._after = after[3:]
        return f"{self._before}{_THOUSANDTHS[at.microsecond // 1_000]}{self._after}"


class AccessLog:
    """Writes lines to a stream."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, lines: Iterable[str]) -> None:
        """So many lines more, in order.  Raises OSError where the stream takes no more."""
        self._stream.write("".join(lines))

    def flush(self) -> None:
        """Hand everything to the operating system.  Raises OSError."""
        self._stream.flush()


def masked_path(key: Key) -> str:
    """The canonical path with people taken out, and the names of the parameters without their values."""
    return masked(key.path) + names_of(key.pairs)


def names_of(pairs: Sequence[tuple[str, str]]) -> str:
    """The names of parameters without their values: "?ma&x", or "" for none."""
    # What stands there without a value may be anything, a token too.
    names = sorted({name.lower()[:40] for name, value in pairs if value and _NAME.match(name)})
    return f"?{'&'.join(names[:20])}" if names else ""
