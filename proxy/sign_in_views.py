"""What each page of sign-in has to say.  The names of fields are those of the facts that `sso` shows pages with.

Addresses are finished: paths on the issuer's host, or registered addresses of clients.  Only `Consent` and `Allowed`
hold anything about a person: what they are asked to release, and what they have agreed to.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from types import MappingProxyType
from typing import ClassVar, Final
from urllib.parse import urlsplit

Fields = tuple[tuple[str, str], ...]
"""Hidden fields of a form: name and value."""

ANYWHERE: Final = ("https:",)
"""A form's answer may lead through several hosts that we cannot know, and browsers hold all of them to the policy."""

_LOCAL: Final = "http://*.localhost:*"


@dataclass(frozen=True, slots=True, kw_only=True)
class SignInView:
    """A page of the issuer's host, which belongs to no portal."""

    portal: ClassVar[None] = None

    @property
    def frame_sources(self) -> tuple[str, ...]:
        """Origins that it frames."""
        return ()

    @property
    def form_sources(self) -> tuple[str, ...]:
        """Where its form may lead besides ourselves."""
        return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SignInForm(SignInView):
    """A page with one form."""

    client_name: str
    action: str
    fields: Fields
    local: bool = False  # in development forms lead to *.localhost as well

    @property
    def form_sources(self) -> tuple[str, ...]:
        """See SignInView."""
        return (*ANYWHERE, _LOCAL) if self.local else ANYWHERE


@dataclass(frozen=True, slots=True, kw_only=True)
class ChooseSignIn(SignInForm):
    """With which account?  A button for each, name `upstream`."""

    level: int
    upstreams: Fields  # (id, name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Consent(SignInForm):
    """What will be told to whom, and why.  Buttons `answer`: allow, deny."""

    legal_basis: str
    claims: Fields = field(repr=False)  # (name of a Claim, the value that would be released)
    remembers: bool  # whether it is asked only this once
    days: int = 365  # how long that lasts


@dataclass(frozen=True, slots=True)
class Agreed:
    """What somebody has agreed to."""

    name: str  # of the client
    told: tuple[str, ...]  # names of Claims
    since: date
    until: date
    mark: str  # what its button sends


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowed(SignInView):
    """What somebody has allowed.  Each has a button `consent` with its mark as the value, which takes it back."""

    consents: tuple[Agreed, ...]
    systems: tuple[str, ...]  # names of those that know them by this sign-in
    action: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearsal(SignInView):
    """What a client would be told about whoever looks: attributes, their values covered."""

    client_name: str
    level: int  # of the account
    told: Fields  # (name of a Claim, what is left of its value)
    lacking: tuple[str, ...]  # names of Claims that the account does not have


@dataclass(frozen=True, slots=True, kw_only=True)
class StepUp(SignInForm):
    """A higher level is needed.  Buttons `answer`: allow, deny."""

    level: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfirmSignOut(SignInForm):
    """Does the person want to sign out?  Buttons `answer`: yes, no."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FormPost(SignInForm):
    """An answer on its way to a client by a form, which sends itself where scripts run."""

    @property
    def form_sources(self) -> tuple[str, ...]:
        """See SignInView."""
        return (_origin(self.action), *super(FormPost, self).form_sources)  # a bare super() knows no slots=True class


@dataclass(frozen=True, slots=True, kw_only=True)
class FrontChannelSignOut(SignInView):
    """Clients are told by frames (OpenID Connect Front-Channel Logout §2)."""

    frames: tuple[str, ...]
    continue_to: str = ""  # "": nowhere

    @property
    def frame_sources(self) -> tuple[str, ...]:
        """See SignInView."""
        return tuple(sorted({_origin(frame) for frame in self.frames}))


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedOut(SignInView):
    """It is done."""

    clients: tuple[str, ...] = ()  # names of those that are still being told
    back: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SignInTrouble(SignInView):
    """Something stands in the way."""

    code: str  # to be read out over the telephone: "DN-204"
    reason: str  # an ErrorCode, or a Fault of an upstream
    status: int = 400
    client_name: str = ""
    back: str = ""
    retry_after: int | None = None  # seconds

    @property
    def words(self) -> str:
        """Which of the texts says it; the general one for what has none of its own."""
        return _BY_CODE.get(self.code) or _WORDS.get(self.reason, "other")


#: Causes that share their error's word with others, and say something of their own to people.
_BY_CODE: Final[Mapping[str, str]] = MappingProxyType(
    {"DN-189": "still-signed-in", "DN-210": "upstream_down", "DN-143": "crowded", "DN-144": "crowded"}
)


_WORDS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "invalid_request": "invalid_request",
        "attempt-unknown": "invalid_request",
        "wrong-upstream": "invalid_request",
        "issuer-mismatch": "invalid_request",
        "invalid_request_uri": "invalid_request",
        "browser-changed": "browser-changed",
        "access_denied": "access_denied",
        "denied": "access_denied",
        "unmet_authentication_requirements": "unmet_authentication_requirements",
        "level": "unmet_authentication_requirements",
        "temporarily_unavailable": "temporarily_unavailable",
        "upstream_down": "upstream_down",
        "server_error": "server_error",
        **dict.fromkeys(
            (
                *("answered-error", "no-code", "token-answer", "token-form", "algorithm", "key-unknown", "signature"),
                *("issuer", "audience", "subject", "time", "nonce", "access-token-hash", "userinfo", "claims"),
            ),
            "server_error",
        ),
    }
)
"""Reason → the key of its text under sign-in.trouble."""


SIGN_IN_PAGES: Final[Mapping[str, type[SignInView]]] = MappingProxyType(
    {
        "choose": ChooseSignIn,
        "consent": Consent,
        "step_up": StepUp,
        "confirm_sign_out": ConfirmSignOut,
        "front_channel_sign_out": FrontChannelSignOut,
        "signed_out": SignedOut,
        "form_post": FormPost,
        "trouble": SignInTrouble,
        "allowed": Allowed,
        "rehearsal": Rehearsal,
    }
)


def view_of(name: str, facts: Mapping[str, object], *, development: bool = False) -> SignInView:
    """The view that a page is filled in from.  Raises TypeError for facts that it does not know."""
    kind = SIGN_IN_PAGES[name]
    local = {"local": True} if development and issubclass(kind, SignInForm) else {}
    return kind(**facts, **local)


def _origin(uri: str) -> str:
    """As Content-Security-Policy names it."""
    parts = urlsplit(uri)
    return f"{parts.scheme}://{parts.netloc}" if parts.netloc else "'self'"
