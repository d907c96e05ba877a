"""Requests that passed before: the same octets, asked again, pass again without being read or decided anew.

What the fast lane does for our own answers this does for what lives on.  Nothing is decided here: under which rules,
and until when, a request passes was said when it was read; a head that differs in one octet is read.
"""

from bisect import bisect_right
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

from proxy.access_log import Entry
from proxy.audiences import Head
from proxy.config import FastLaneSettings
from proxy.generations import Doorkeeper, Generations
from proxy.journal import Account
from proxy.passing.inbound import Way
from redirect_rules.hits import Hit
from redirect_rules.snapshot import Snapshot

_OVERHEAD_OCTETS: Final = 1_200  # of the objects themselves, measured


class Known:
    """A request that passed, and what there is to tell about it."""

    __slots__ = ("_account", "_entry", "_hit", "_octets", "_status", "way")

    def __init__(self, way: Way, entry: Entry, hit: Hit | None) -> None:
        self.way = way
        self._entry = entry
        self._hit = hit
        self._status = self._octets = -1
        self._account: Account | None = None

    def account(self, status: int, octets: int, note: str = "") -> Account:
        """What is counted and written down about an answer; `octets` with its head."""
        if self._account is None or (status, octets) != (self._status, self._octets) or note:
            entry = self._entry if not note else replace(self._entry, note=note)
            account = Account.of(entry, "GET", status, octets, self._hit)
            if note:
                return account
            self._account, self._status, self._octets = account, status, octets
        return self._account


class KnownWays:
    """What is known under one snapshot."""

    def __init__(self, snapshot: Snapshot, settings: FastLaneSettings, *, clock: Callable[[], datetime]) -> None:
        self._instants = tuple(instant.astimezone(UTC) for instant in snapshot.instants)
        self._clock = clock
        self._known: Generations[bytes, Known] = Generations(
            entries=settings.heads,
            octets=(settings.megabytes << 20) // 4,
            weight=lambda octets, known: 2 * len(octets) + len(known.way.sent.octets) + _OVERHEAD_OCTETS,
        )
        self._once = Doorkeeper()  # most requests never come again
        self._since, self._until = self._window(clock())

    def find(self, octets: bytes) -> Known | None:
        """What is known of a chunk that is one request from its first octet to its last."""
        known = self._known.get(octets)
        if known is None:
            return None
        now = self._clock()
        if not self._since <= now < self._until:
            self._move_to(now)
            return None
        return known

    def learn(self, head: Head, known: Known, decided_at: datetime) -> None:
        """Know a request from its second time on.  `decided_at`: when it was said that it passes."""
        now = self._clock()
        if not self._since <= now < self._until:
            self._move_to(now)
        octets = b"%b %b %b" % head
        if self._since <= decided_at < self._until and self._once.knows(octets):
            self._known.put(octets, known)

    def _move_to(self, now: datetime) -> None:
        self._since, self._until = self._window(now)
        self._known.clear()
        self._once.clear()

    def _window(self, now: datetime) -> tuple[datetime, datetime]:
        """The time around `now` in which no answer changes by itself."""
        at = bisect_right(self._instants, now)
        return (
            self._instants[at - 1] if at else datetime.min.replace(tzinfo=UTC),
            self._instants[at] if at < len(self._instants) else datetime.max.replace(tzinfo=UTC),
        )
