"""What each page has to say, as frozen values a template can read.  Nothing here renders or decides.

Every address in a view is finished: `target` comes from `redirect_rules.destinations` alone, and links to ourselves
are made from the canonical key, never from what the visitor typed.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Literal, TypeAlias

from proxy.sign_in_views import SignInView

TroubleReason: TypeAlias = Literal[
    "bad-request",
    "uri-too-long",
    "headers-too-large",
    "body-too-large",
    "request-slow",
    "too-many-connections",
    "overloaded",
    "method",
    "version",
    "wrong-host",
    "no-upstream",
    "upstream-down",
    "upstream-failed",
    "upstream-busy",
    "upstream-late",
    "not-found",
    "internal",
    "sign-in-needed",
    "sign-in-not-sent",
    "sign-in-cookies",
    "sign-in-expired",
    "sign-in-locked",
    "sign-in-down",
]


@dataclass(frozen=True, slots=True)
class PortalFacts:
    """The closed portal, as people speak of it."""

    id: str  # also the name of its folder of overrides
    host: str  # as configured, never as typed
    kind: Literal["province", "ministry", "national"]
    names: Mapping[str, str]  # language → "Cổng Dịch vụ công tỉnh Lạng Sơn"
    closed_on: date | None  # None: say "đã ngừng hoạt động" without a date
    province_now: str  # name of the province it belongs to today; "" for ministries
    hotline: str
    province_then: str = ""  # its province's name when it closed; said when it differs from province_now
    closing: bool = False  # not closed for all yet: `closed_on` lies ahead
    texts: Mapping[str, Mapping[str, str]] = field(default_factory=dict)  # language → key → a sentence of its own


@dataclass(frozen=True, slots=True)
class Place:
    """A unit the visitor chose or may choose."""

    code: str  # "new:00004"
    name: str  # "Phường Ba Đình"
    province: str
    context: str  # the old unit that led here, "Phường Trúc Bạch, Quận Ba Đình", or ""; the page adds the words
    link: str  # path and query on this host that open the notice with this choice


@dataclass(frozen=True, slots=True)
class Locating:
    """The choice of a locality."""

    chosen: Place | None
    candidates: tuple[Place, ...]  # a split or disputed unit: the visitor must say which
    provinces: tuple[tuple[str, str], ...]  # (new code, name), for the select
    preset: str  # new code of the portal's province, or ""
    carried: bool  # does the target change with the choice?
    forget_link: str  # clears the remembered choice


@dataclass(frozen=True, slots=True)
class Notice:
    """The page that tells what happened and where the visitor is going."""

    portal: PortalFacts
    destination: str  # its name, e.g. "procedure": the key of a message
    target: str  # https, ASCII
    mapped: bool  # False: "we could not find the exact page"
    seconds: int | None  # None: no timer (the visitor stays, or must choose first)
    here: str  # path and query of this page, canonical, without control parameters
    here_query: tuple[tuple[str, str], ...]  # its pairs, for the hidden fields of a GET form
    stay_link: str
    language_links: tuple[tuple[str, str, str], ...]  # (language tag, its own name, link)
    dossier_code: str  # "" when the old link carried none
    procedure_code: str
    locating: Locating
    fragment_targets: Mapping[str, str]  # "procedure" → URL with {code}, "dossier-lookup" → URL, …
    procedure_name: str = ""  # "Thủ tục đăng ký khai sinh", as the national portal has it; "" when not known
    dossier_lookup: str = ""  # where filed dossiers are looked up; "" when there is no such page
    choices: str = ""  # the path below which its script says what became of the countdown; "": nobody counts that


@dataclass(frozen=True, slots=True)
class LocalityResults:
    """Answers to a typed place name, for browsers without JavaScript."""

    portal: PortalFacts
    query: str
    matches: tuple[Place, ...]
    more: int  # equally good ones that are not listed
    here: str
    language_links: tuple[tuple[str, str, str], ...]
    locating: Locating


@dataclass(frozen=True, slots=True)
class NotSent:
    """A form came to a closed page: it was not sent, and here is what was typed."""

    portal: PortalFacts
    fields: tuple[tuple[str, str], ...]  # names and values as typed, passwords left out
    files: tuple[str, ...]  # names of the files that were attached
    cut: bool  # more was typed than we show
    unreadable: bool  # the body could not be read as a form
    target: str
    destination: str


@dataclass(frozen=True, slots=True)
class Gone:
    """Nothing is here any more (410), and the national portal is the way on."""

    portal: PortalFacts
    target: str
    destination: str
    dossier_lookup: str = ""
    language_links: tuple[tuple[str, str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Framed:
    """The same in an iframe: one link that leaves the frame."""

    portal: PortalFacts
    target: str
    destination: str


@dataclass(frozen=True, slots=True)
class Trouble:
    """A request we cannot serve, in words.  `reason` is the key of a message."""

    status: int
    reason: TroubleReason
    request_id: str
    portal: PortalFacts | None
    target: str  # the national portal's home
    retry_after_seconds: int | None = None
    sign_in_link: str = ""  # path of this host that begins a sign-in, where that helps


@dataclass(frozen=True, slots=True)
class PilotTold:
    """A tester has joined the pilot of a portal, or left it."""

    portal: PortalFacts
    joined: bool
    front_link: str  # path of the portal's front page
    leave_link: str  # path of the link that leaves the pilot


View: TypeAlias = Notice | LocalityResults | NotSent | Gone | Framed | Trouble | PilotTold | SignInView
