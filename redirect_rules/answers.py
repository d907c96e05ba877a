"""How a closed page answers, by who asks and how far the portal has gone.

The table is the policy: rows are the clients, columns the situations.  Each answer is a frozen value; `proxy.edge` has
one `match` over them.  What is answered never depends on anything else.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from redirect_rules.model import Action, ClientClass


class Situation(StrEnum):
    """The column of the table."""

    NOTICE = "notice"
    DIRECT = "direct"
    UNMAPPED = "unmapped"  # closed, and no rule knows the page
    RETIRED = "retired"


class Asker(StrEnum):
    """The row of the table: the client class, with form posts and preflights told apart by their method."""

    NAVIGATION = "navigation"
    FORM = "form"
    PROGRAM = "program"  # API and other XHR
    PREFLIGHT = "preflight"
    HTMX = "htmx"
    FRAME = "frame"
    CRAWLER = "crawler"  # bots, link previews, plain command lines
    ASSET = "asset"
    DOWNLOAD = "download"
    WEBSOCKET = "websocket"
    EVENTSOURCE = "eventsource"
    PREFETCH = "prefetch"


@dataclass(frozen=True, slots=True)
class ShowNotice:
    """200, the notice page; `ask`: a locality must be chosen first."""

    ask: bool = False


@dataclass(frozen=True, slots=True)
class SendAway:
    """A redirect to the target.  `lasting` None: 302 on probation, 301 after it."""

    lasting: bool | None


@dataclass(frozen=True, slots=True)
class SayNotSent:
    """410: a form came, it was NOT sent, and this is what was typed."""


@dataclass(frozen=True, slots=True)
class SayGonePage:
    """410 as a page."""


@dataclass(frozen=True, slots=True)
class SayGoneBriefly:
    """410 in one line of text, or in none."""

    cacheable: bool
    body: bool


@dataclass(frozen=True, slots=True)
class SayUnknown:
    """404 in one line of text: nothing is mapped, and a program asked."""


@dataclass(frozen=True, slots=True)
class SayProblem:
    """`application/problem+json` (RFC 9457)."""

    status: int


@dataclass(frozen=True, slots=True)
class AllowPreflight:
    """204: any origin may read the refusal (Fetch §3.2.2)."""


@dataclass(frozen=True, slots=True)
class SteerHtmx:
    """200 with HX-Redirect, to the notice or to the target."""

    to_notice: bool


@dataclass(frozen=True, slots=True)
class ShowFramed:
    """A small page whose link leaves the frame."""


@dataclass(frozen=True, slots=True)
class EndStream:
    """204: an EventSource that must not come back (HTML §9.2.3)."""


@dataclass(frozen=True, slots=True)
class NotAhead:
    """503, not to be kept: a prefetch must not show or cache what only a visit may."""


@dataclass(frozen=True, slots=True)
class Forward:
    """To the portal's upstream, untouched."""


@dataclass(frozen=True, slots=True)
class RefuseVisit:
    """403: a rule refuses this path."""


@dataclass(frozen=True, slots=True)
class RetireWorker:
    """A service worker that unregisters itself; without a body, 404."""

    manifest: bool  # ngsw.json: 404 makes Angular's worker leave


@dataclass(frozen=True, slots=True)
class ShowRobots:
    """Our robots.txt."""


@dataclass(frozen=True, slots=True)
class ShowSitemap:
    """Our sitemap.xml: the mapped addresses."""


@dataclass(frozen=True, slots=True)
class ShowSecurityContact:
    """Our security.txt (RFC 9116)."""


Answer: TypeAlias = (
    ShowNotice
    | SendAway
    | SayNotSent
    | SayGonePage
    | SayGoneBriefly
    | SayUnknown
    | SayProblem
    | AllowPreflight
    | SteerHtmx
    | ShowFramed
    | EndStream
    | NotAhead
    | Forward
    | RefuseVisit
    | RetireWorker
    | ShowRobots
    | ShowSitemap
    | ShowSecurityContact
)

_GONE = SayGonePage()
_TEXT_GONE = SayGoneBriefly(cacheable=True, body=True)
_EMPTY_GONE = SayGoneBriefly(cacheable=True, body=False)
_SHUT = SayGoneBriefly(cacheable=False, body=False)
_NOT_SENT = SayNotSent()
_PROBLEM = SayProblem(410)
_FRAMED = ShowFramed()
_TO_NOTICE = SteerHtmx(to_notice=True)

TABLE: Mapping[Asker, tuple[Answer, Answer, Answer, Answer]] = {
    #                    notice                   direct                    nothing mapped    retired
    Asker.NAVIGATION:  (ShowNotice(),            SendAway(lasting=None),   ShowNotice(),     _GONE),
    Asker.FORM:        (_NOT_SENT,               _NOT_SENT,                _NOT_SENT,        _NOT_SENT),
    Asker.PROGRAM:     (_PROBLEM,                _PROBLEM,                 SayProblem(404),  _PROBLEM),
    Asker.PREFLIGHT:   (AllowPreflight(),        AllowPreflight(),         AllowPreflight(), AllowPreflight()),
    Asker.HTMX:        (_TO_NOTICE,              SteerHtmx(to_notice=False), _TO_NOTICE,     _TEXT_GONE),
    Asker.FRAME:       (_FRAMED,                 _FRAMED,                  _FRAMED,          _GONE),
    Asker.CRAWLER:     (SendAway(lasting=True),  SendAway(lasting=True),   SayUnknown(),     _TEXT_GONE),
    Asker.ASSET:       (_EMPTY_GONE,             _EMPTY_GONE,              _EMPTY_GONE,      _EMPTY_GONE),
    Asker.DOWNLOAD:    (SendAway(lasting=None),  SendAway(lasting=None),   _GONE,            _GONE),
    Asker.WEBSOCKET:   (_SHUT,                   _SHUT,                    _SHUT,            _SHUT),
    Asker.EVENTSOURCE: (EndStream(),             EndStream(),              EndStream(),      EndStream()),
    Asker.PREFETCH:    (NotAhead(),              NotAhead(),               NotAhead(),       NotAhead()),
}  # fmt: skip

_ASKERS: Mapping[ClientClass, Asker] = {
    ClientClass.NAVIGATION: Asker.NAVIGATION,
    ClientClass.FRAME: Asker.FRAME,
    ClientClass.XHR: Asker.PROGRAM,
    ClientClass.API: Asker.PROGRAM,
    ClientClass.HTMX: Asker.HTMX,
    ClientClass.EVENTSOURCE: Asker.EVENTSOURCE,
    ClientClass.ASSET: Asker.ASSET,
    ClientClass.DOWNLOAD: Asker.DOWNLOAD,
    ClientClass.BOT: Asker.CRAWLER,
    ClientClass.CLI: Asker.CRAWLER,
    ClientClass.PREFETCH: Asker.PREFETCH,
    ClientClass.WEBSOCKET: Asker.WEBSOCKET,
}
_COLUMNS = tuple(Situation)
_PERSONS = frozenset({ClientClass.NAVIGATION, ClientClass.FRAME, ClientClass.DOWNLOAD})


def asker(client: ClientClass, method: str) -> Asker:
    """The row: a person who sends something is answered in a page, a program in JSON."""
    if method in {"GET", "HEAD"}:
        return _ASKERS[client]
    if method == "OPTIONS":
        return Asker.PREFLIGHT
    return Asker.FORM if client in _PERSONS else Asker.PROGRAM


def answer_for(row: Asker, situation: Situation) -> Answer:
    """One cell of the table."""
    return TABLE[row][_COLUMNS.index(situation)]


def outcome_of(answer: Answer) -> Action:
    """What became of the visit, in the six words of the rules."""
    match answer:
        case ShowNotice(ask=True):
            return Action.ASK
        case ShowNotice() | SteerHtmx() | ShowFramed():
            return Action.NOTICE
        case SendAway():
            return Action.REDIRECT
        case Forward():
            return Action.PASS
        case RefuseVisit():
            return Action.REFUSE
        case _:
            return Action.GONE


_PAGES_READ = frozenset({Asker.NAVIGATION, Asker.CRAWLER, Asker.PREFETCH})


def reads_pages(row: Asker) -> bool:
    """Whether this asker opens pages: on a living portal that is what is closed; everything else serves what passes."""
    return row in _PAGES_READ
