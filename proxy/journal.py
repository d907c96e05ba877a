"""What was answered, until it is counted and written down: together, soon, and in order.

A request on the fast lane takes as long as one line of the log, so neither is done while it waits.  What is held here
becomes metrics, hits and lines of the access log when there is enough of it, when a fraction of a second is over, when
somebody reads the figures, and before the edge stops.
"""

import asyncio
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, tzinfo
from typing import Final, Protocol

from proxy.access_log import AccessLog, Entry, Second, line_of, number
from proxy.metrics import Labels, Metrics, Times
from redirect_rules.hits import Hit, HitCounter
from redirect_rules.octets import joined

LONGEST_HELD_SECONDS: Final = 0.25
MOST_HELD: Final = 64
"""Requests: writing down so many takes half a millisecond where each is about another page; nobody is answered then."""

_MOST_HELD = MOST_HELD  # the same, typed where this is compiled
_log = logging.getLogger(__name__)


class Tally:
    """How often and how long requests of one kind were answered, until those are told who count."""

    __slots__ = ("labels", "times", "visits")

    def __init__(self, labels: Labels) -> None:
        self.labels = labels
        self.visits = 0
        self.times: Times | None = None  # of their outcome; the journal knows it


class Account(Tally):
    """All there is to count and to write down about requests that are answered alike."""

    __slots__ = ("after", "before", "hit")

    def __init__(self, labels: Labels, before: bytes, after: bytes, hit: Hit | None) -> None:
        """`before` and `after` are those of a `Line`; `hit` None: about no page of a portal."""
        super().__init__(labels)
        self.before = before
        self.after = after
        self.hit = hit

    @classmethod
    def of(cls, entry: Entry, method: str, status: int, length: int, hit: Hit | None = None) -> "Account":
        """From what there is to say.  `length` is that of the body as sent, in octets."""
        return cls(Labels.of(entry, status), *line_of(entry, method, status, length), hit)


class Answer(Protocol):
    """One that was made for a single request: what there is to tell of it is worked out when it is written down."""

    def account(self) -> Account:
        """All there is to tell."""
        ...


class Journal:
    """Collects the accounts of one process."""

    __slots__ = ("_complained", "_held", "_hits", "_later", "_log", "_metrics", "_timer", "_touched", "second")

    def __init__(self, metrics: Metrics, log: AccessLog | None, hits: HitCounter | None, *, zone: tzinfo = UTC) -> None:
        """`log` None: nothing is written down; `hits` None: they are not counted.  Instants are told in `zone`."""
        self._metrics = metrics
        self._log = log
        self._hits = hits
        self._held: list[bytes] = []  # lines
        self._later: list[
            tuple[int, Answer, int, int, bytes]
        ] = []  # whose line stands at which place, once it is known
        self._touched: list[Tally] = []
        self.second = Second(zone)  # of the line that was begun last
        self._complained = False
        self._timer: asyncio.TimerHandle | None = None
        metrics.before_reading(self.hand_over)

    @property
    def hits(self) -> HitCounter | None:
        """Where visits are counted."""
        return self._hits

    def note(self, account: Account, at: int, nanoseconds: int, request_id: bytes, fast: int = 0) -> None:
        """One request more, answered at `at` (nanoseconds since 1970) after so many; `fast`: 1 on the fast lane."""
        self.count(account, nanoseconds, fast)
        self.write(self._line(account, at, nanoseconds, request_id))

    def note_later(self, told: Answer, at: int, nanoseconds: int, request_id: bytes) -> None:
        """The same of an answer that the fast lane made for one request: it is asked for its account later."""
        self._later.append((len(self._held), told, at, nanoseconds, request_id))
        self.write(b"")

    def count(self, tally: Tally, nanoseconds: int, fast: int) -> None:
        """One request more of a kind; what is written down about it is told by `write`."""
        times = tally.times
        if times is None:
            times = tally.times = self._metrics.times_of(tally.labels.outcome)
        times.add(nanoseconds, fast)
        if not tally.visits:
            self._touched.append(tally)
        tally.visits += 1

    def write(self, line: bytes) -> None:
        """A line more, which ends what there is to do about a request."""
        held = self._held
        held.append(line)
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(LONGEST_HELD_SECONDS, self._settle)
        if len(held) >= _MOST_HELD:
            self._write_down()
        if len(self._touched) >= _MOST_HELD:
            self._count_up()

    def hand_over(self) -> None:
        """Count and write down everything that is held.  Nothing that fails here fails a visitor."""
        self._write_down()
        self._count_up()

    def _write_down(self) -> None:
        later, self._later = self._later, []
        held, self._held = self._held, []
        for place, told, at, nanoseconds, request_id in later:
            held[place] = self._given(told, at, nanoseconds, request_id)
        if held:
            self._write(held)

    def _count_up(self) -> None:
        touched, self._touched = self._touched, []
        for tally in touched:
            visits, tally.visits = tally.visits, 0
            self._metrics.count_visits(tally.labels, visits)
            if self._hits is not None and isinstance(tally, Account) and tally.hit is not None:
                self._hits.count(tally.hit, visits)

    def close(self) -> None:
        """Hand everything over, to the last line."""
        if self._timer is not None:
            self._timer.cancel()
        self._settle()

    def _settle(self) -> None:
        self._timer = None
        self.hand_over()
        self._metrics.settle()
        if self._log is not None:
            with self._complaining(0):
                self._log.flush()

    def _write(self, lines: list[bytes]) -> None:
        if self._log is not None:
            with self._complaining(len(lines)):
                self._log.write(lines)
                self._complained = False

    @contextmanager
    def _complaining(self, lines: int) -> Iterator[None]:
        """Count what a full disk or a reader that went away costs, and say so once."""
        try:
            yield
        except (OSError, ValueError):  # ValueError: the stream was closed
            self._metrics.lost(lines)
            if not self._complained:
                self._complained = True
                _log.exception("the access log cannot be written: its lines are lost")

    def _given(self, told: Answer, at: int, nanoseconds: int, request_id: bytes) -> bytes:
        """The line of an answer that was made for one request; b"" where none can be given.

        That is a mistake of ours, told in the log, and no visitor's affair.
        """
        try:
            account = told.account()
        except Exception:  # noqa: BLE001 - whatever it is
            _log.exception("a request that was answered cannot be accounted for")
            return b""
        self.count(account, nanoseconds, 1)
        return self._line(account, at, nanoseconds, request_id)

    def _line(self, account: Account, at: int, nanoseconds: int, request_id: bytes) -> bytes:
        begin, microseconds = self.second.begin(at), number(nanoseconds // 1_000)
        return joined((begin, request_id, account.before, microseconds, account.after))
