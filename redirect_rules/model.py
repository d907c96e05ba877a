"""The words of the domain as frozen values.  No behaviour beyond what a value knows of itself."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final, NewType, TypeAlias
from zoneinfo import ZoneInfo

from redirect_rules.units import LocalityCode

HO_CHI_MINH = ZoneInfo("Asia/Ho_Chi_Minh")

Target = NewType("Target", str)
"""An absolute https URL in ASCII, made by `destinations` and nobody else."""


class Phase(StrEnum):
    """How far a portal, or a path of it, has gone on its way out."""

    LIVE = "live"
    ANNOUNCED = "announced"
    NOTICE = "notice"
    DIRECT = "direct"
    RETIRED = "retired"

    @property
    def closed(self) -> bool:
        """Whether people no longer see the old pages."""
        return self in {Phase.NOTICE, Phase.DIRECT, Phase.RETIRED}


class Action(StrEnum):
    """What a rule asks for, and what becomes of a visit."""

    NOTICE = "notice"
    REDIRECT = "redirect"
    PASS = "pass"  # noqa: S105 - an action, not a password
    ASK = "ask"
    GONE = "gone"
    REFUSE = "refuse"


class ClientClass(StrEnum):
    """Who is asking, decided once for each request by `clients`."""

    NAVIGATION = "navigation"
    FRAME = "frame"
    XHR = "xhr"
    API = "api"
    HTMX = "htmx"
    EVENTSOURCE = "eventsource"
    ASSET = "asset"
    DOWNLOAD = "download"
    BOT = "bot"
    CLI = "cli"
    PREFETCH = "prefetch"
    WEBSOCKET = "websocket"


class Life(StrEnum):
    """Whether the old system still runs behind its closed pages."""

    LIVING = "living"  # wizards, callbacks and APIs go on at an upstream
    GONE = "gone"  # nothing is there any more


class Switch(StrEnum):
    """What an operator has thrown in an emergency, for a whole portal and before any rule."""

    HOME = "home"  # whatever is closed leads to the front page; what passes goes on passing
    PASS = "pass"  # noqa: S105 - everything passes, as far as anything lives on behind the portal


class PortalKind(StrEnum):
    """Whose portal it was."""

    PROVINCE = "province"
    MINISTRY = "ministry"
    NATIONAL = "national"


TICKETS: Final = 1_000
"""A visitor draws one of so many tickets, from 0, and keeps it."""
JOINED: Final = -1
"""The ticket of a tester, who asked for it."""
LEFT: Final = TICKETS
"""The ticket of a visitor who asked to be left out."""


@dataclass(frozen=True, slots=True)
class Pilot:
    """Who sees a page closed before it closes: testers, and a share of the visitors."""

    begins_at: datetime
    share: int = 0  # of the visitors, in thousandths; who is in stays in when it grows
    word: str = ""  # in the link by which testers join; "": nobody can

    def takes(self, ticket: int | None) -> bool:
        """Whether the visitor with this ticket is in; None: nobody has drawn one."""
        if ticket is None:
            return False
        return bool(self.word) if ticket == JOINED else ticket < self.share


@dataclass(frozen=True, slots=True)
class Schedule:
    """When each phase begins; None: never.  Instants are aware and in order."""

    announced_at: datetime | None = None
    notice_at: datetime | None = None
    direct_at: datetime | None = None
    retired_at: datetime | None = None
    probation: timedelta = timedelta(days=30)  # after direct_at answers stay 302, then 301
    pilot: Pilot | None = None  # until the page closes for all
    _begins: tuple[tuple[datetime, Phase], ...] = field(init=False, repr=False, compare=False)  # the latest phase first

    def __post_init__(self) -> None:
        begins = (
            (self.retired_at, Phase.RETIRED),
            (self.direct_at, Phase.DIRECT),
            (self.notice_at, Phase.NOTICE),
            (self.announced_at, Phase.ANNOUNCED),
        )
        # In UTC, as clocks are: comparing instants of two zones costs ten times as much.
        object.__setattr__(
            self, "_begins", tuple((at.astimezone(UTC), phase) for at, phase in begins if at is not None)
        )

    def phase_at(self, now: datetime) -> Phase:
        """The phase in force at `now` (aware); an instant belongs to the phase that it begins."""
        return next((phase for begins_at, phase in self._begins if now >= begins_at), Phase.LIVE)

    def pilot_at(self, now: datetime) -> Pilot | None:
        """The pilot that runs at `now` (aware): begun, and the page not closed for all."""
        pilot = self.pilot
        running = pilot is not None and now >= pilot.begins_at and not self.phase_at(now).closed
        return pilot if running else None

    @property
    def closing_phase(self) -> Phase:
        """The phase that closes the page for all; the notice, where no day is known."""
        closed_at = self.closed_at
        return self.phase_at(closed_at) if closed_at is not None else Phase.NOTICE

    def on_probation(self, now: datetime) -> bool:
        """Whether a direct answer is still to be forgotten by caches (302, not 301)."""
        return self.direct_at is not None and now < self.direct_at + self.probation

    @property
    def instants(self) -> tuple[datetime, ...]:
        """When something changes by itself."""
        begins = (self.announced_at, self.notice_at, self.direct_at, self.retired_at)
        over = self.direct_at + self.probation if self.direct_at is not None else None
        trial = self.pilot.begins_at if self.pilot is not None else None
        return tuple(at for at in (*begins, over, trial) if at is not None)

    @property
    def closed_at(self) -> datetime | None:
        """The instant people stopped seeing the old pages."""
        instants = [at for at in (self.notice_at, self.direct_at, self.retired_at) if at is not None]
        return min(instants, default=None)


@dataclass(frozen=True, slots=True)
class PathSchedule:
    """A schedule of its own for a path and everything below it."""

    prefix: tuple[str, ...]  # canonical segments, folded where the portal folds
    schedule: Schedule


@dataclass(frozen=True, slots=True)
class Portal:
    """A retired site: its addresses, its products and its way out."""

    id: str  # "langson": [a-z0-9-]+
    kind: PortalKind
    names: Mapping[str, str]  # language → what people call it
    hosts: tuple[str, ...]  # canonical
    schedule: Schedule
    office_hosts: tuple[str, ...] = ()  # back offices and APIs: pass unless a rule says otherwise
    scope: tuple[tuple[str, ...], ...] = ()  # path prefixes that are retired; empty: all
    families: tuple[str, ...] = ()  # in order: the first that knows a path wins
    province: LocalityCode | None = None
    agency_code: str = ""  # "H37"
    life: Life = Life.LIVING
    path_schedules: tuple[PathSchedule, ...] = ()
    keeps: tuple[tuple[str, ...], ...] = ()  # path prefixes that stay alive after the closing
    fold_case: bool = True
    retire_service_worker: bool = False
    upstream: str = ""  # an http(s) origin; "": not configured
    hotline: str = ""
    say_date: bool = True  # whether people are told the day of closing
    texts: Mapping[str, Mapping[str, str]] = field(default_factory=dict)  # language → key → what its pages say instead

    @property
    def all_hosts(self) -> tuple[str, ...]:
        """Every address that leads here."""
        return self.hosts + self.office_hosts

    def schedule_for(self, segments: tuple[str, ...]) -> Schedule:
        """The schedule of the longest prefix that covers whole segments of the path."""
        if not self.path_schedules:
            return self.schedule
        covering = [own for own in self.path_schedules if segments[: len(own.prefix)] == own.prefix]
        return max(covering, key=lambda own: len(own.prefix)).schedule if covering else self.schedule

    def keeps_alive(self, segments: tuple[str, ...]) -> bool:
        """Whether the path passes after the closing too, whatever rules close it."""
        return any(segments[: len(prefix)] == prefix for prefix in self.keeps)

    def in_scope(self, segments: tuple[str, ...]) -> bool:
        """Whether the path is retired at all (the national portal is the goal outside /p/ and /jsp/)."""
        return not self.scope or any(segments[: len(prefix)] == prefix for prefix in self.scope)


@dataclass(frozen=True, slots=True)
class Literal:
    """A path segment that must be there as it stands (folded where the portal folds)."""

    text: str


@dataclass(frozen=True, slots=True)
class Hole:
    """A path segment that is captured: `dvc-{name:word}.html` has a prefix and a suffix."""

    name: str
    type: str  # a key of captures.TYPES
    prefix: str = ""
    suffix: str = ""


Segment: TypeAlias = Literal | Hole


@dataclass(frozen=True, slots=True)
class PathTemplate:
    """`/vi/procedure/detail/{id:hex24}`, or with a tail: `/vi/assets/{rest:path}` (zero segments or more)."""

    segments: tuple[Segment, ...]
    tail: str | None  # the name under which the rest is captured
    text: str  # as written
    asks: tuple[
        tuple[str, str], ...
    ] = ()  # of an exact address: (name in lower case, value), sorted; all must be there


@dataclass(frozen=True, slots=True)
class QueryCapture:
    """A value taken from the first of several parameters that has one of the right form."""

    name: str
    type: str
    sources: tuple[str, ...]  # parameter names, lower case; "_*_x" matches any portlet's namespace


@dataclass(frozen=True, slots=True)
class Condition:
    """A parameter that must be there; `value` None: with any value that is not empty."""

    name: str  # lower case
    value: str | None  # "thutuchanhchinh_*": what begins so


@dataclass(frozen=True, slots=True)
class Argument:
    """How one parameter of a destination is filled: a capture, perhaps looked up, or a fixed text."""

    parameter: str
    capture: str = ""
    lookup: str = ""  # name of the portal's lookup table
    text: str = ""


@dataclass(frozen=True, slots=True)
class Goal:
    """One destination a rule would lead to, if all its arguments can be filled."""

    destination: str  # its name; "" where the rule spells an address on an allowed host
    arguments: tuple[Argument, ...] = ()
    url: str = ""  # "https://vpcp.dichvucong.gov.vn{old_path}", only without a destination


@dataclass(frozen=True, slots=True)
class Rule:
    """Scope, match and action.  The scope is where the rule stands: a portal or a family."""

    id: str  # "igate2/procedure-detail", unique in the snapshot
    templates: tuple[PathTemplate, ...]
    action: Action
    goals: tuple[Goal, ...] = ()  # in order of wish: the first that can be filled wins
    conditions: tuple[Condition, ...] = ()  # any of them; empty: none needed
    captures: tuple[QueryCapture, ...] = ()
    exact: bool = False  # matches before every template
    regex: str = ""  # an RE2 expression in the place of templates, asked after everything else
    valid_from: datetime | None = None
    valid_until: datetime | None = None
    note: str = ""
    legal_basis: str = ""
    owner: str = ""
    tags: tuple[str, ...] = ()
    source: str = ""  # "families/igate2.toml:12", for people

    def valid_at(self, now: datetime) -> bool:
        """Whether the rule is in force."""
        begun = self.valid_from is None or now >= self.valid_from
        return begun and (self.valid_until is None or now < self.valid_until)


@dataclass(frozen=True, slots=True)
class Family:
    """A URL shape shared by many portals, as a versioned pack of rules."""

    name: str
    version: int
    rules: tuple[Rule, ...]
    title: str = ""


@dataclass(frozen=True, slots=True)
class Lookup:
    """A portal's table from internal ids to procedure codes."""

    portal: str
    name: str
    entries: Mapping[str, str] = field(repr=False)
