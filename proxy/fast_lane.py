"""Answers a request that is known already, before it is parsed: in octets, from octets.

Nothing is decided here.  The slow lane (`edition`) answers everything once; what it sent is kept under what was asked
and who asked.  A head that differs in one octet from every head that was parsed before, an answer that depends on more
than its head, an instant after which an answer may be another: all that goes down the slow lane.
"""

import logging
from bisect import bisect_right
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple, Protocol

from aiohttp.web import BaseRequest, Response, ResponseKey

from proxy.access_log import Entry
from proxy.audiences import Audience, Facts, Head, Manner, is_ordinary
from proxy.clock import instant_of, nanoseconds_of
from proxy.clock import ticks as real_ticks
from proxy.compiled import form_of
from proxy.config import FastLaneSettings
from proxy.generations import Doorkeeper, Generations
from proxy.journal import Account, Journal
from proxy.prepared import Once, Prepared, prepared
from proxy.redirects import Redirects
from proxy.responses import http_date
from proxy.verdicts import Verdicts
from redirect_rules.answers import Forward, SayNotSent, ShowSecurityContact
from redirect_rules.decision import Decision
from redirect_rules.octets import place_of
from redirect_rules.snapshot import Snapshot

# Passed on, made of a body, or different every second.
_NEVER_KEPT: Final = (Forward, SayNotSent, ShowSecurityContact)
_GET: Final = b"GET "
_BLANK: Final = b" "
_LINE_END: Final = b"\r\n"
_MOST_CROWDS, _LONGEST_END = 64, 1_024  # octets
_MOST_OPENINGS, _LONGEST_OPENING = 256, 256  # octets
_log = logging.getLogger(__name__)
_SECOND: Final = timedelta(seconds=1)
_OVERHEAD_OCTETS: Final = 400  # of an entry of a dictionary and its objects, measured
_COMPILED: Final = form_of(__name__) == "compiled"


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

    def sent(self, request_id: bytes, date: bytes) -> bytes:
        """Its octets; `date` as in `responses.http_date`."""
        ...

    def prepared(self) -> Prepared:
        """The same, to be given again."""
        ...

    def account(self) -> Account:
        """All there is to tell of it."""
        ...


class Maker(Protocol):
    """Makes answers of one kind for single requests, as it has learnt them from the slow lane."""

    def find(self, audience: Audience, target: bytes, now: datetime) -> Answer | None:
        """The answer to a request target, if it can be made here."""
        ...

    def learn(self, audience: Audience, target: bytes, decision: Decision, answer: Prepared) -> None:
        """Look at what the slow lane answered."""
        ...

    def forget(self) -> None:
        """An instant has come at which answers change."""
        ...


_NOBODY: Final = Audience(Facts("", "", (), "", "", None))


class Crowd:
    """All whose heads end alike: they differ in the version and the first field, which as a rule is the host."""

    __slots__ = ("audiences", "end")

    def __init__(self, end: bytes) -> None:
        """`end`: from the second field to the end of the head."""
        self.end = end
        self.audiences: dict[bytes, Audience] = {}  # by what stands before that, from the blank behind the target


class Caller:
    """Who asked last over one connection: nearly always they ask again in the same words, of the same host or another.

    So most of a head is compared with the last one, and little of it is looked up.
    """

    __slots__ = ("audience", "closes", "crowd", "heads", "opening", "target")

    def __init__(self) -> None:
        self.crowd: Crowd | None = None  # to which the last head belongs, if it was known
        self.opening = b""  # with which it began, behind its target; b"": not told apart yet
        self.target = b""  # what was asked for
        self.audience: Audience = _NOBODY
        self.closes = False  # whether the audience's connection ends with the answer
        self.heads: Heads | None = None  # those by which the audience was known


RECEIPT: Final = ResponseKey("RECEIPT", Receipt)
"""Under which the slow lane leaves its receipt with the response."""


class FastLane:
    """What is known of one snapshot: heads, answers, and sketches of redirects."""

    __slots__ = (
        "_answers",
        "_begin",
        "_clock",
        "_complained",
        "_date",
        "_end",
        "_instants",
        "_is_real",
        "_journal",
        "_known",
        "_made",
        "_makers",
        "_new_id",
        "_now",
        "_redirects",
        "_shortcuts",
        "_since",
        "_ticks",
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
        ticks: Callable[[], int],
        new_id: Callable[[], bytes],
        journal: Journal,
        heads: "Heads | None" = None,
        notices: Maker | None = None,
    ) -> None:
        """Of a snapshot.

        clock    the instant that it is, aware
        ticks    the same in nanoseconds since 1970
        heads    those of an earlier snapshot, under which the same audiences are told apart by the same words
        notices  makes notice pages, if anybody does
        """
        # In one zone: comparing across zones costs more than the look-up.
        self._instants = tuple(instant.astimezone(UTC) for instant in snapshot.instants)
        self._clock = clock
        self._ticks = ticks
        # Asked twice in each request: by itself where it is no other, which compiled is a tenth of calling it.
        self._is_real = ticks is real_ticks
        self._new_id = new_id
        self._journal = journal
        self._complained = False
        self.heads = Heads(settings) if heads is None else heads
        self._known = self.heads.by_method
        self._answers: Generations[tuple[Audience, bytes], Prepared] = Generations(
            entries=settings.answers,
            octets=(settings.megabytes << 20) * 5 // 8,
            weight=lambda key, answer: len(key[1]) + answer.octets,
        )
        # Most addresses are asked for once, and keeping their answers would cost more than making them.
        self._made = Doorkeeper()
        self._redirects = Redirects(snapshot, journal.hits)
        self._shortcuts = self._redirects.shortcuts
        self._verdicts = Verdicts(snapshot, journal.hits)
        self._makers: tuple[Maker, ...] = (self._verdicts,) if notices is None else (self._verdicts, notices)
        self._since, self._until = self._window(clock())
        self._begin = self._end = 0  # of what is left of this second, in ticks
        self._now = datetime.min.replace(tzinfo=UTC)  # an instant of it, of which the same answers hold
        self._date = b""  # of this second

    def answer(self, data: bytes, caller: Caller) -> bytes | None:
        """The answer to a chunk that is one known request from its first octet to its last; None for any other."""
        started = real_ticks() if self._is_real else self._ticks()
        if not self._recognizes(data, caller):
            return None
        audience, target = caller.audience, caller.target
        if not self._begin <= started < self._end:
            self._turn_to(started)
        desk = self._shortcuts.desk(audience)
        # Where redirects are known, nearly all that is asked for is one, and was never asked for before.  Compiled, to
        # make one costs what finding one did that was kept.
        makes_first = _COMPILED and desk is not None and desk.knows
        if desk is not None and makes_first:
            hop = self._shortcuts.find(desk, audience, target, self._now)
            if hop is not None:
                return self._sent_once(hop, started, closes=caller.closes)
        found = self._answers.get((audience, target))
        if found is not None:
            request_id = self._new_id()
            sent = found.sent(request_id, self._date)
            self._journal.note(found.account, started, self._ticks() - started, request_id, 1)
            return Last(sent) if audience.closes else sent
        if desk is not None and not makes_first:
            hop = self._shortcuts.find(desk, audience, target, self._now)
            if hop is not None:
                if not _COMPILED and self._made.knows((audience, target)):
                    self._answers.put((audience, target), hop.prepared())
                return self._sent_once(hop, started, closes=caller.closes)
        return self._made_anew(audience, target, started)

    def _recognizes(self, data: bytes, caller: Caller) -> bool:
        """Whether a chunk is a request of somebody known: who asks, and for what, is the caller's from then on."""
        crowd = caller.crowd
        if (
            crowd is not None
            and caller.heads is self.heads
            and data.startswith(_GET)
            and data.endswith(crowd.end)
            and 0 < (cut := place_of(_BLANK, data, len(_GET))) < (until := len(data) - len(crowd.end))
        ):
            octets = data  # typed as what is cut in less time
            opening = octets[cut:until]
            audience = caller.audience if opening == caller.opening else crowd.audiences.get(opening)
            if audience is not None:
                if audience is not caller.audience:
                    caller.audience, caller.closes = audience, audience.closes
                caller.opening, caller.target = opening, octets[len(_GET) : cut]
                return True
        parts = data.split(_BLANK, 2)
        if len(parts) != 3:
            return False
        method, caller.target, tail = parts
        heads = self._known.get(method)
        audience = None if heads is None else heads.get(tail)
        if audience is None:
            return False
        caller.audience, caller.closes = audience, audience.closes
        caller.heads, caller.opening = self.heads, b""
        # Of other methods the next head is looked up again.
        caller.crowd = self.heads.crowd(tail, audience) if method == b"GET" else None
        return True

    def _sent_once(self, answer: Once, started: int, *, closes: bool) -> bytes:
        """Give what was made for one request, and tell of it."""
        request_id = self._new_id()
        octets = answer.sent(request_id, self._date)
        ended, journal = real_ticks() if self._is_real else self._ticks(), self._journal
        nanoseconds = ended - started
        try:
            journal.count(answer.tally, nanoseconds, 1)
            answer.count()
            journal.write(answer.line(journal.second, started, request_id, nanoseconds // 1_000))
        except Exception:  # noqa: BLE001 - whatever it is, it is no visitor's affair
            if not self._complained:
                self._complained = True
                _log.exception("an answer that was sent cannot be accounted for")
        return Last(octets) if closes else octets

    def _made_anew(self, audience: Audience, target: bytes, started: int) -> bytes | None:
        """What is made for one request, or has to be decided for it."""
        asked = audience, target
        plain = self._verdicts.plain.find(audience, target)
        if plain is not None:
            if self._made.knows(asked):
                self._answers.put(asked, plain.prepared())
            return self._sent_once(plain, started, closes=audience.closes)
        made: Answer | None = self._redirects.find(audience, target, self._now)
        if made is None:
            for maker in self._makers:
                made = maker.find(audience, target, self._now)
                if made is not None:
                    break
            else:
                return None
        request_id = self._new_id()
        octets = made.sent(request_id, self._date)
        if self._made.knows(asked):
            self._answers.put(asked, made.prepared())
        self._journal.note_later(made, started, self._ticks() - started, request_id)
        return Last(octets) if audience.closes else octets

    def _turn_to(self, ticks: int) -> None:
        """A second has begun, and perhaps a time in which the answers are others."""
        now = instant_of(ticks)
        if not self._since <= now < self._until:
            self._move_to(now)
        second = now.replace(microsecond=0)
        self._date = http_date(second).encode()
        self._now = max(second, self._since)
        # Within both of them nothing has to be looked at but the clock.
        self._begin = nanoseconds_of(self._now)
        self._end = nanoseconds_of(min(second + _SECOND, self._until))

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
            for maker in self._makers:
                maker.learn(audience, head.target, receipt.decision, answer)

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
        for maker in self._makers:
            maker.forget()


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
        self._crowds: dict[bytes, Crowd] = {}

    def admit(self, head: Head, facts: Facts, manner: Manner) -> Audience:
        """Know a head from now on.  Equal facts are one audience, where they are answered in one manner."""
        audience = self._audiences.get((facts, manner))
        if audience is None:
            audience = Audience(facts, manner)
            self._audiences.put((facts, manner), audience)
        self.by_method[head.method].put(head.tail, audience)
        return audience

    def crowd(self, tail: bytes, audience: Audience) -> Crowd | None:
        """The crowd to which a known head of a GET belongs; None where connections would hold too much."""
        cut = tail.find(_LINE_END, tail.find(_LINE_END) + 2) + 2
        if cut > _LONGEST_OPENING or len(tail) - cut > _LONGEST_END:
            return None
        end = tail[cut:]
        crowd = self._crowds.get(end)
        if crowd is None:
            if len(self._crowds) >= _MOST_CROWDS:
                self._disperse()
            crowd = self._crowds[end] = Crowd(end)
        if len(crowd.audiences) >= _MOST_OPENINGS:
            crowd.audiences.clear()
        crowd.audiences[_BLANK + tail[:cut]] = audience
        return crowd

    def _disperse(self) -> None:
        # Connections still hold them: what is empty takes no room.
        for crowd in self._crowds.values():
            crowd.audiences.clear()
        self._crowds.clear()


class Lanes:
    """The lane in force, if there is one; swapped by one assignment."""

    __slots__ = ("answered", "current")

    def __init__(self) -> None:
        self.current: FastLane | None = None
        self.answered = 0  # requests

    def answer(self, data: bytes, caller: Caller) -> bytes | None:
        """See `FastLane.answer`."""
        lane = self.current
        if lane is None:
            return None
        octets = lane.answer(data, caller)
        if octets is not None:
            self.answered += 1
        return octets
