"""What was answered, until it is counted and written down: together, soon, and in order.

A request on the fast lane takes as long as one line of the log, so neither is done while it waits.  What is held here
becomes metrics, hits and lines of the access log when there is enough of it, when a fraction of a second is over, when
somebody reads the figures, and before the edge stops.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Final, Protocol, TypeAlias

from proxy.access_log import AccessLog, Entry, Second, line_of
from proxy.metrics import Labels, Metrics
from redirect_rules.hits import Hit

LONGEST_HELD_SECONDS: Final = 0.25
MOST_HELD: Final = 64
"""Requests: writing down so many takes half a millisecond where each is about another page; nobody is answered then."""


class Account:
    """All there is to count and to write down about requests that are answered alike.  Never changed."""

    __slots__ = ("after", "before", "hit", "labels")

    def __init__(self, labels: Labels, before: str, after: str, hit: Hit | None) -> None:
        """`before` and `after` are those of a `Line`; `hit` None: about no page of a portal."""
        self.labels = labels
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


Told: TypeAlias = Account | Answer


class Journal:
    """Collects the accounts of one process."""

    __slots__ = ("_complained", "_held", "_log", "_metrics", "_on_hit", "_second", "_timer")

    def __init__(self, metrics: Metrics, log: AccessLog | None, on_hit: Callable[[Hit, int], None]) -> None:
        """`log` None: nothing is written down.  `on_hit` takes a hit and how many times more it was seen."""
        self._metrics = metrics
        self._log = log
        self._on_hit = on_hit
        self._held: list[tuple[Told, datetime, int, str, bool]] = []
        self._second = Second()
        self._complained = False
        self._timer: asyncio.TimerHandle | None = None
        metrics.before_reading(self.hand_over)

    def note(self, told: Told, at: datetime, nanoseconds: int, request_id: str, *, fast: bool = False) -> None:
        """One request more, answered at `at` (aware) after so many nanoseconds."""
        held = self._held
        held.append((told, at, nanoseconds, request_id, fast))
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(LONGEST_HELD_SECONDS, self._settle)
        if len(held) >= MOST_HELD:
            self.hand_over()

    def hand_over(self) -> None:
        """Count and write down everything that is held.  Nothing that fails here fails a visitor."""
        held, self._held = self._held, []
        again: list[Hit] = []
        lines: list[str] = []
        counted: list[Labels] = []
        times: dict[tuple[str, bool], list[int]] = {}
        last: str | None = None
        was_fast, taken = False, list[int]()
        second = self._second
        for told, at, nanoseconds, request_id, fast in held:
            account = told if isinstance(told, Account) else self._given(told)
            if account is None:
                continue
            if account is told and account.hit is not None:
                again.append(account.hit)
            counted.append(account.labels)
            outcome = account.labels.outcome
            # Nearly always that of the request before: comparing it costs less than looking it up.
            if outcome is not last or fast is not was_fast:
                taken = times.setdefault((outcome, fast), [])
                last, was_fast = outcome, fast
            taken.append(nanoseconds)
            microseconds = nanoseconds // 1_000
            when = second.written(at)
            lines.append(f'{{"at": "{when}", "id": "{request_id}{account.before}{microseconds}{account.after}')
        self._metrics.count_labels(counted)
        for (outcome, fast), of_these in times.items():
            self._metrics.count_times(outcome, of_these, fast=fast)
        for one, visits in Counter(again).items():
            self._on_hit(one, visits)
        if lines:
            self._write(lines)

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

    def _write(self, lines: list[str]) -> None:
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
                logging.getLogger(__name__).exception("the access log cannot be written: its lines are lost")

    def _given(self, told: Answer) -> Account | None:
        """The account of an answer that was made for one request, whose hit is counted: it has a name of its own.

        None where it cannot be given: a mistake of ours, told in the log, and no visitor's affair.
        """
        try:
            account = told.account()
        except Exception:
            logging.getLogger(__name__).exception("a request that was answered cannot be accounted for")
            return None
        if account.hit is not None:
            self._on_hit(account.hit, 1)
        return account
