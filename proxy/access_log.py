"""One line of JSON for each request: what an operator needs at three in the morning, and nothing about a person.

No address, no agent, no query value is written.  Dossier codes and long numbers in paths identify people: masked.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from json.encoder import encode_basestring as quoted
from typing import BinaryIO, Final, TextIO, TypeAlias

from redirect_rules.canonical import Key
from redirect_rules.decision import Decision
from redirect_rules.masking import masked
from redirect_rules.octets import joined

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


Line: TypeAlias = tuple[bytes, bytes]
"""A line but for what differs between two requests that are answered alike: what stands between the id and the
microseconds, and what follows them to the end."""

_ASCII: Final = "ascii"
_UNKNOWN: Final = "backslashreplace"  # half a character costs nobody a line


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
        after = f'{self._after}{quoted(rule)}, "destination": {quoted(destination)}, "path": {quoted(path)}{told}}}\n'
        return f'{self._before}{length}, "us": '.encode(), after.encode("utf-8", _UNKNOWN)

    def by(self, id_head: str, destination: str) -> "PlainLines":
        """Those of pages that rules with ids of this beginning lead to a destination ("" or a name)."""
        return PlainLines(
            self._before.encode(),
            f"{self._after}{quoted(id_head)[:-1]}".encode(),
            f'", "destination": {quoted(destination)}, "path": "'.encode(),
        )


class PlainLines:
    """Lines of pages that are answered alike, by rules whose ids begin alike."""

    __slots__ = ("_after", "_before", "_between")

    def __init__(self, before: bytes, after: bytes, between: bytes) -> None:
        self._before = before  # from the id to the length
        self._after = after  # from the microseconds to the rule's beginning
        self._between = between  # from the rule to the path

    def line(
        self,
        second: "Second",
        at: int,
        request_id: bytes,
        length: int,
        microseconds: int,
        id_tail: bytes,
        path: bytes,
    ) -> bytes:
        """One of them, to its end.  Neither the end of the rule's id nor the masked path has what JSON escapes.

        at  nanoseconds since 1970
        """
        thousandth = second.turn(at)
        return joined(
            (
                second.before,
                _THOUSANDTHS[thousandth],
                second.after,
                request_id,
                self._before,
                number(length),
                _MICROSECONDS,
                number(microseconds),
                self._after,
                id_tail,
                self._between,
                path,
                _END,
            )
        )


def line_of(entry: Entry, method: str, status: int, length: int) -> Line:
    """From what there is to say.  `length` is that of the answer's body as sent, in octets."""
    return Lines.of(entry, method, status).line(entry.rule, entry.destination, entry.path, length, entry.note)


_MICROSECONDS: Final = b', "us": '
_END: Final = b'"}\n'
_THOUSANDTHS: Final = tuple(b".%03d" % thousandth for thousandth in range(1_000))
_MOST_NUMBERS: Final = 1_024
_NUMBERS: Final = tuple(b"%d" % small for small in range(_MOST_NUMBERS))
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_SECOND: Final = 1_000_000_000


def number(value: int) -> bytes:
    """A number that is not negative, in digits."""
    return _NUMBERS[value] if value < _MOST_NUMBERS else b"%d" % value


class Second:
    """Begins lines with their instant: ISO 8601 with milliseconds.  Those of one second cost little."""

    __slots__ = ("_begin", "_zone", "after", "before")

    def __init__(self, zone: tzinfo) -> None:
        """`zone`: in which instants are told."""
        self._zone = zone
        self._begin = 0
        # What stands around the thousandths.
        self.before = self.after = b""

    def begin(self, at: int) -> bytes:
        """The beginning of a line, up to the request's id: `{"at": "2026-11-01T09:00:00.000+07:00", "id": "`.

        at  nanoseconds since 1970
        """
        thousandth = self.turn(at)
        return joined((self.before, _THOUSANDTHS[thousandth], self.after))

    def turn(self, at: int) -> int:
        """Be about the second of an instant from now on; how many thousandths of it have passed."""
        past = at - self._begin
        if not 0 <= past < _SECOND:
            past = at % _SECOND
            self._begin = at - past
            text = (_EPOCH + timedelta(seconds=at // _SECOND)).astimezone(self._zone).isoformat(timespec="milliseconds")
            before, _, after = text.partition(".")
            self.before, self.after = f'{{"at": "{before}'.encode(_ASCII), f'{after[3:]}", "id": "'.encode(_ASCII)
        return past // 1_000_000


class AccessLog:
    """Writes lines to a stream."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        # Past the text, where there are octets below it: what is in them already need not become them again.
        self._octets: BinaryIO | None = getattr(stream, "buffer", None)

    def write(self, lines: Iterable[bytes]) -> None:
        """So many lines more, in order.  Raises OSError where the stream takes no more."""
        octets = b"".join(lines)
        if self._octets is not None:
            self._octets.write(octets)
        else:
            self._stream.write(octets.decode())

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
