"""What an endpoint answers, as frozen values: `proxy.login.responding` alone turns them into HTTP.

Nothing here knows a header of its own beyond what a protocol step demands (`WWW-Authenticate`, `DPoP-Nonce`): security
headers, cookie attributes and caching belong to the adapter, so that no endpoint can forget them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

CookieName: TypeAlias = Literal["session", "browser", "flow"]
"""`session`: who is signed in; `browser`: whose a sign-in under way is; `flow`: whose a page with a form is."""

PageName: TypeAlias = Literal[
    "choose",
    "consent",
    "step_up",
    "confirm_sign_out",
    "front_channel_sign_out",
    "signed_out",
    "form_post",
    "trouble",
    "allowed",
    "rehearsal",
]


@dataclass(frozen=True, slots=True)
class Cookie:
    """A cookie to set on the issuer's host; an empty value takes it away."""

    name: CookieName
    value: str = field(repr=False)
    max_age: int | None = None  # seconds; None: until the browser is closed


@dataclass(frozen=True, slots=True)
class Redirect:
    """Go on by GET: always 303, so that no form that was sent here is ever sent again to somebody else."""

    uri: str = field(repr=False)
    cookies: tuple[Cookie, ...] = ()


@dataclass(frozen=True, slots=True)
class PostForm:
    """Go on by a form (OAuth 2.0 Form Post Response Mode §2)."""

    uri: str
    fields: tuple[tuple[str, str], ...] = field(repr=False)
    client: str = ""  # its name, for people who must press the button themselves
    cookies: tuple[Cookie, ...] = ()


@dataclass(frozen=True, slots=True)
class ShowPage:
    """A page for people; `facts` are the arguments of the view of that name."""

    name: PageName
    facts: Mapping[str, object] = field(repr=False)
    status: int = 200
    cookies: tuple[Cookie, ...] = ()
    retry_after: int | None = None  # seconds
    languages: tuple[str, ...] = ()  # `ui_locales`: what the client asks for, before what the browser does


@dataclass(frozen=True, slots=True)
class Json:
    """A JSON object for a program."""

    status: int
    body: Mapping[str, object] = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict)
    cacheable: bool = False  # only for what is the same for everybody


@dataclass(frozen=True, slots=True)
class Text:
    """Something for a program that is no JSON object: a signed answer, or nothing at all."""

    status: int
    body: str = field(default="", repr=False)
    content_type: str = "text/plain"
    headers: Mapping[str, str] = field(default_factory=dict)


Effect: TypeAlias = Redirect | PostForm | ShowPage | Json | Text
