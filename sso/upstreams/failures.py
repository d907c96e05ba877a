"""What can be wrong at an upstream: it cannot be reached, or what it says must not be believed.

The words are ours, one for each cause.  Nothing that an upstream or a browser sent is ever quoted.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from sso.refusals import Cause, Refusal
from sso.vocabulary import ErrorCode


class Fault(StrEnum):
    """Why an answer is refused."""

    # What came back by the browser
    ATTEMPT_UNKNOWN = "attempt-unknown"  # never begun, used already or too old
    BROWSER_CHANGED = "browser-changed"  # the browser's cookie is not the one that began
    WRONG_UPSTREAM = "wrong-upstream"  # begun with another one (mix-up)
    ISSUER_MISMATCH = "issuer-mismatch"  # `iss` names another, or is missing (RFC 9207)
    DENIED = "denied"  # the person said no, or closed the dialog
    ANSWERED_ERROR = "answered-error"
    NO_CODE = "no-code"
    # Tokens and claims
    TOKEN_ANSWER = "token-answer"  # noqa: S105 - a word for people who read logs
    TOKEN_FORM = "token-form"  # noqa: S105 - as above: no JWT, too long, a `crit`, a wrong `typ`
    ALGORITHM = "algorithm"
    KEY_UNKNOWN = "key-unknown"
    SIGNATURE = "signature"
    ISSUER = "issuer"
    AUDIENCE = "audience"
    SUBJECT = "subject"
    TIME = "time"
    NONCE = "nonce"
    ACCESS_TOKEN_HASH = "access-token-hash"  # noqa: S105 - as above
    USERINFO = "userinfo"
    CLAIMS = "claims"  # whose account it is cannot be understood
    LEVEL = "level"  # less sure of the person than needed
    AUTHENTICATION_AGE = "authentication-age"  # signed in longer ago than max_age allows, or not told when


_UNEXPECTED: Final = Cause("DN-200", ErrorCode.INVALID_REQUEST, "This sign-in was not begun here, or has expired.")
_UNBELIEVABLE: Final = Cause("DN-204", ErrorCode.SERVER_ERROR, "The sign-in service answered wrongly.", 502)
_UNMET: Final = ErrorCode.UNMET_AUTHENTICATION_REQUIREMENTS

_CAUSES: Final[Mapping[Fault, Cause]] = {
    Fault.ATTEMPT_UNKNOWN: _UNEXPECTED,
    Fault.BROWSER_CHANGED: Cause("DN-201", ErrorCode.INVALID_REQUEST, "This sign-in was begun in another browser."),
    Fault.WRONG_UPSTREAM: Cause("DN-202", ErrorCode.INVALID_REQUEST, "The answer came from another sign-in service."),
    Fault.ISSUER_MISMATCH: Cause("DN-203", ErrorCode.INVALID_REQUEST, "The answer names another sign-in service."),
    Fault.DENIED: Cause("DN-205", ErrorCode.ACCESS_DENIED, "The person did not sign in."),
    Fault.ANSWERED_ERROR: Cause("DN-206", ErrorCode.SERVER_ERROR, "The sign-in service reported an error.", 502),
    Fault.LEVEL: Cause("DN-207", _UNMET, "The account does not reach the level of assurance."),
    Fault.AUTHENTICATION_AGE: Cause("DN-208", _UNMET, "The sign-in is not recent enough."),
    Fault.CLAIMS: Cause("DN-209", ErrorCode.SERVER_ERROR, "The account cannot be understood.", 502),
}

UNAVAILABLE: Final = Cause(
    "DN-210", ErrorCode.TEMPORARILY_UNAVAILABLE, "The sign-in service does not answer: try again shortly.", 503
)

CAUSES: Final[Mapping[str, Cause]] = {
    cause.speakable: cause for cause in (*_CAUSES.values(), _UNBELIEVABLE, UNAVAILABLE)
}
"""The causes of this leg by speakable code."""

FAULTS: Final[Mapping[str, Fault]] = {cause.speakable: fault for fault, cause in reversed(list(_CAUSES.items()))}
"""The fault behind a code, where it is one."""

_NOBODY_TO_TELL: Final = frozenset(
    {Fault.ATTEMPT_UNKNOWN, Fault.BROWSER_CHANGED, Fault.WRONG_UPSTREAM, Fault.ISSUER_MISMATCH}
)


class UpstreamRefused(Refusal):
    """The upstream's answer, or what claims to be one, is not to be believed; `detail` is the fault."""

    def __init__(self, upstream: str, fault: Fault) -> None:
        super().__init__(_CAUSES.get(fault, _UNBELIEVABLE), f"{upstream}: {fault}")
        self.upstream = upstream
        self.fault = fault

    @property
    def page_only(self) -> bool:
        """Whether it must not be told to a client: the one before us may not be the one who began."""
        return self.fault in _NOBODY_TO_TELL


class UpstreamUnavailable(Refusal):
    """The upstream does not answer as it should; later it may."""

    def __init__(self, upstream: str, retry_after_seconds: int) -> None:
        super().__init__(UNAVAILABLE, f"{upstream}: unavailable", retry_after=retry_after_seconds)
        self.upstream = upstream
