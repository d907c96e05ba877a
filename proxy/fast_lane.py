"""Answers a request that is known already, before it is parsed: in octets, from octets.

Nothing is decided here.  The slow lane (`edition`) answers everything once; what it sent is kept under what was asked
and who asked.  A head that differs in one octet from every head that was parsed before, an answer that depends on more
than its head, an instant after which an answer may be another: all that goes down the slow lane.
"""

from bisect import bisect_right
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from time import perf_counter_ns
from typing import Final, NamedTuple, Protocol

from aiohttp.web import BaseRequest, Response, ResponseKey

from proxy.access_log import Entry
from proxy.audiences import Audience, Facts, Head, Manner, is_ordinary
from proxy.config import FastLaneSettings
from proxy.generations import Doorkeeper, Generations
from proxy.journal import Account, Journal
from proxy.prepared import Prepared, prepared
from proxy.redirects import Redirects
from proxy.responses import http_date
from proxy.verdicts import Verdicts
from redirect_rules.answers import Forward, SayNotSent, ShowSecurityContact
from redirect_rules.decision import Decision
from redirect_rules.snapshot import Snapshot

# Passed on, made of a body, or different every second.
_NEVER_KEPT: Final = (Forward, SayNotSent, ShowSecurityContact)
_SECOND: Final = timedelta(seconds=1)
_OVERHEAD_OCTETS: Final = 400  # of an entry of a dictionary and its objects, measured


class Last(bytes):
    """An answer after which the connection ends: its client has said so, or knows no other way."""

    __slots__ = ()


class Receipt(NamedTuple):
    """What the slow lane tells of an answer that it gave about a page."""

    lane: "FastLane"  # that of the snapshot by which it was decided
    decision: Decision
    entry: Entry
    account: Account
    request_id: str
    now: datetime  # when it was decided
    facts: Callable[[], Facts]  # who asked; worked out for a head that is not known yet


class Answer(Protocol):
    """One that was made here for a single request."""

    def sent(self, request_id: str, date: bytes) -> bytes:
        """Its octets; `date` as in `responses.http_date`."""
        ...

    def prepared(self) -> Prepared:
        """The same, to be given again."""
        ...

    def account(self) -> Account:
        """All there is to tell of it."""
        ...


RECEIPT: Final = ResponseKey("RECEIPT", Receipt)
"""Under which the slow lane leaves its receipt with the response."""


class FastLane:
    """What is known of one snapshot: heads, answers, and sketches of redirects."""

    __slots__ = (
        "_answers",
        "_begin",
        "_clock",
        "_date",
        "_end",
        "_instants",
        "_journal",
        "_known",
        "_made",
        "_new_id",
        "_redirects",
        "_shortcuts",
        "_since",
        "_until",
        "_verdicts",
        "heads",
    )

    def __init__(
        self,
        snapshot: Snapshot,
        settings: FastLaneSettings,
        *,
        clock: Callable[[], datetime],
        new_id: Callable[[], str],
        journal: Journal,
        heads: "Heads | None" = None,
    ) -> None:
        """`heads` are those of an earlier snapshot, under which the same audiences are told apart by the same words."""
        # In one zone: comparing across zones costs more than the look-up.
        self._instants = tuple(instant.astimezone(UTC) for instant in snapshot.instants)
        self._clock = clock
        self._new_id = new_id
        self._journal = journal
        self.heads = Heads(settings) if heads is None else heads
        self._known = self.heads.by_method
        self._answers: Generations[tuple[Audience, bytes], Prepared] = Generations(
            entries=settings.answers,
            octets=(settings.megabytes << 20) * 5 // 8,
            weight=lambda key, answer: len(key[1]) + answer.octets,
        )
        # Most addresses are asked for once, and keeping their answers would cost more than making them.
        self._made = Doorkeeper()
        self._redirects = Redirects(snapshot)
        self._shortcuts = self._redirects.shortcuts
        self._verdicts = Verdicts(snapshot)
        self._since, self._until = self._window(clock())
        self._begin = self._end = datetime.min.replace(tzinfo=UTC)  # of what is left of this second
        self._date = b""  # of this second

    def answer(self, data: bytes) -> bytes | None:
        """The answer to a chunk that is one known request from its first octet to its last; None for any other."""
        started = perf_counter_ns()
        parts = data.split(b" ", 2)
        if len(parts) != 3:
            return None
        method, target, tail = parts
        heads = self._known.get(method)
        audience = None if heads is None else heads.get(tail)
        if audience is None:
            return None
        now = self._clock()
        if not self._begin <= now < self._end:
            self._turn_to(now)
        asked = audience, target
        found = self._answers.get(asked)
        if found is not None:
            request_id = self._new_id()
            octets = found.sent(request_id, self._date)
            self._journal.note(found.account, now, perf_counter_ns() - started, request_id, fast=True)
            return Last(octets) if audience.closes else octets
        hop = self._shortcuts.find(audience, target, now)
        made: Answer | None
        if hop is not None:
            made, request_id = hop, self._new_id()
            octets = hop.sent(request_id, self._date)
        else:
            made = self._redirects.find(audience, target, now) or self._verdicts.find(audience, target, now)
            if made is None:
                return None
            request_id = self._new_id()
            octets = made.sent(request_id, self._date)
        if self._made.knows(asked):
            self._answers.put(asked, made.prepared())
        self._journal.note(made, now, perf_counter_ns() - started, request_id, fast=True)
        return Last(octets) if audience.closes else octets

    def _turn_to(self, now: datetime) -> None:
        """A second has begun, and perhaps a time in which the answers are others."""
        if not self._since <= now < self._until:
            self._move_to(now)
        second = now.replace(microsecond=0)
        self._date = http_date(second).encode()
        # Within both of them nothing has to be looked at but the clock.
        self._begin = max(second, self._since)
        self._end = min(second + _SECOND, self._until)

    def learn(self, head: Head, request: BaseRequest, response: Response, receipt: Receipt) -> None:
        """Keep what the slow lane answered to a head that came as one chunk and is one request."""
        if isinstance(receipt.decision.answer, _NEVER_KEPT):
            return
        if not self._since <= receipt.now < self._until:
            self._move_to(self._clock())
            if not self._since <= receipt.now < self._until:
                return  # it was decided before the instant, and sent after it
        if request.raw_path.encode() != head.target or request.method.encode() != head.method:
            return
        known = self._known[head.method]
        audience = known.get(head.tail)
        if audience is None:
            if not is_ordinary(request):
                return
            audience = self.heads.admit(head, receipt.facts(), Manner.of(request))
        answer = prepared(
            response,
            method=request.method,
            request_id=receipt.request_id,
            account=receipt.account,
            manner=audience.manner,
        )
        if answer is not None:
            self._answers.put((audience, head.target), answer)
            self._redirects.learn(audience, head.target, receipt.decision, answer, receipt.entry, receipt.now)
            self._verdicts.learn(audience, head.target, receipt.decision, answer)

    def _window(self, now: datetime) -> tuple[datetime, datetime]:
        """The time around `now` in which no answer changes by itself: from the first instant, up to the second."""
        at = bisect_right(self._instants, now)
        return (
            self._instants[at - 1] if at else datetime.min.replace(tzinfo=UTC),
            self._instants[at] if at < len(self._instants) else datetime.max.replace(tzinfo=UTC),
        )

    def _move_to(self, now: datetime) -> None:
        self._since, self._until = self._window(now)
        self._answers.clear()
        self._made.clear()
        self._redirects.forget()
        self._verdicts.forget()


class Heads:
    """The audiences of the heads that were parsed."""

    def __init__(self, settings: FastLaneSettings) -> None:
        def weight(tail: bytes, _: Audience) -> int:
            return len(tail) + _OVERHEAD_OCTETS

        share = (settings.megabytes << 20) // 8  # the rest is for the answers
        self.by_method: Mapping[bytes, Generations[bytes, Audience]] = {
            b"GET": Generations(entries=settings.heads, octets=share, weight=weight),
            b"HEAD": Generations(entries=settings.heads, octets=share // 2, weight=weight),
        }
        self._audiences: Generations[tuple[Facts, Manner], Audience] = Generations(
            entries=settings.heads, octets=share // 2, weight=lambda _, __: _OVERHEAD_OCTETS
        )

    def admit(self, head: Head, facts: Facts, manner: Manner) -> Audience:
        """Know a head from now on.  Equal facts are one audience, where they are answered in one manner."""
        audience = self._audiences.get((facts, manner))
        if audience is None:
            audience = Audience(facts, manner)
            self._audiences.put((facts, manner), audience)
        self.by_method[head.method].put(head.tail, audience)
        return audience
